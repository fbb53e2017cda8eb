// What programs on Node share that keep things on a disk: files that survive a crash, a lock for one process at a time, the cache folder, room for the event loop.
export { cacheDirectory } from './cache-folder.ts';
export {
  makeFolder,
  readBytes,
  readJson,
  removeQuietly,
  replaceFile,
  storageError,
  syncFolder,
  writeFileSynced,
  writeFully,
} from './durable-files.ts';
export { createBreather } from './event-loop.ts';
export { type LockFolderOptions, lockFolder, type WithFolderLockOptions, withFolderLock } from './lock.ts';
