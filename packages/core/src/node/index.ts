// What programs on Node share that keep things on a disk: files that survive a crash, a lock for one process at a time, the cache folder, what is fetched into it
// (other programs, Python wheels, zip archives), room for the event loop.
export { asStorageError, createAtomically, removePartials, requireFreeSpace } from './atomic-folders.ts';
export { cacheDirectory } from './cache-folder.ts';
export { cuda12Wheels } from './cuda-wheels.ts';
export {
  makeFolder,
  readBytes,
  readJson,
  readJsonObject,
  removeQuietly,
  replaceFile,
  requireWritable,
  storageError,
  syncFolder,
  writeFileSynced,
  writeFully,
} from './durable-files.ts';
export { createBreather } from './event-loop.ts';
export { appendDurably, readPrefix, replaceDurably, withStorageErrors } from './large-files.ts';
export { type LockFolderOptions, lockFolder, type WithFolderLockOptions, withFolderLock } from './lock.ts';
export { type Command, type ProgramAnswer, type RunProgramOptions, runProgram, tryRun } from './programs.ts';
export {
  type FetchWheelOptions,
  fetchWheel,
  findWheelTool,
  type PinnedWheel,
  type WheelTool,
} from './python-wheels.ts';
export { extractZip, joinInside, listZip, type ZipEntry } from './zip.ts';
