// Reading and writing files so that a failure is a typed error with one clear sentence, and so that a file is either the old one or the new one.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CorruptDataError, isMoeRlError, NotFoundError, StorageError } from '../errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'a file of that name is in the way',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many open files',
  EIO: 'the device reported an input/output error',
};

/** Turns a file system failure into a `StorageError` (or `NotFoundError`) that says what could not be done, where and why. */
export function storageError(action: string, path: string, cause: unknown): Error {
  if (isMoeRlError(cause)) return cause;
  const code = (cause as NodeJS.ErrnoException)?.code ?? '';
  if (code === 'ENOENT' && !action.startsWith('write') && !action.startsWith('create')) {
    return new NotFoundError(`cannot ${action} ${path}: there is no such file or folder`, { cause });
  }
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new StorageError(`cannot ${action} ${path}: ${reason}`, { cause });
}

/** Makes a folder and its parents. */
export function makeFolder(path: string): void {
  try {
    // The first one alone: where it can't be made (below /proc), Node 20 to 24 try a recursive mkdir for ever.
    let first = path;
    while (!existsSync(dirname(first))) first = dirname(first);
    if (!existsSync(first)) mkdirSync(first);
  } catch (cause) {
    // Another process may have made it in between.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError('create the folder', path, cause);
  }
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw storageError('create the folder', path, cause);
  }
}

/** Writes all bytes to a new or emptied file and syncs it to the disk. */
export function writeFileSynced(path: string, data: Uint8Array | string): void {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  try {
    const file = openSync(path, 'w');
    try {
      writeFully(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw storageError('write', path, cause);
  }
}

/** Replaces a file in one step: a reader, or a crash, finds the whole old file or the whole new one. */
export function replaceFile(path: string, data: Uint8Array | string): void {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    writeFileSynced(temporary, data);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    removeQuietly(temporary);
    // The file that was asked for is named, not the temporary one.
    throw storageError('write', path, isMoeRlError(cause) ? cause.cause : cause);
  }
}

/** Cleans up after a failure; a second failure must not hide the first. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // the first failure is being reported
  }
}

/**
 * Says before long work that its file could not be written at the end, in its folder or in one that can still be made. Writes nothing.
 * @throws StorageError when nothing may be written in the folder, or none can be made there, or the file is a folder
 */
export function requireWritable(path: string): void {
  try {
    let folder = dirname(path);
    while (lstatSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
    accessSync(folder, constants.W_OK);
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    if (existsSync(path) && statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  } catch (cause) {
    throw storageError('write', path, cause);
  }
}

/** Makes renames inside a folder durable. Windows can't sync folders; its renames are journaled. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** `writeSync` may write less than asked; this goes on until everything is written. */
export function writeFully(file: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

/** Reads a file as bytes. */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw storageError('read', path, cause);
  }
}

/** Reads a JSON file. */
export function readJson(path: string): unknown {
  const text = new TextDecoder().decode(readBytes(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser quotes the text where it stopped, line feeds and all.
    const reason = (cause as Error).message.replaceAll(/\s+/g, ' ');
    throw new CorruptDataError(`${path} is not valid JSON: ${reason}`, { cause });
  }
}

/**
 * Reads a JSON file that is to hold an object.
 * @throws NotFoundError, StorageError or CorruptDataError naming the file
 */
export function readJsonObject(path: string): Record<string, unknown> {
  const value = readJson(path);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CorruptDataError(`${path} holds ${JSON.stringify(value).slice(0, 60)}; expected a JSON object`);
}
