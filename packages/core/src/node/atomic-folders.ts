// Folders of the cache that appear whole or not at all, and room for them.

import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StorageError } from '../errors.ts';
import { storageError } from './durable-files.ts';

/**
 * Fills `target` through a temporary folder beside it that is renamed at the end, so that a killed process never leaves half a folder.
 * Does nothing when `target` exists.
 */
export async function createAtomically(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return;
  const temporary = `${target}.partial-${process.pid}`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw asStorageError(error, target);
  }
}

/** Removes what killed processes left behind in a folder, if there is one. Only under the lock. */
export async function removePartials(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) {
    if (name.includes('.partial-')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Length of all files in a folder; 0 where there is none. */
export async function folderBytes(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

/**
 * Checks that `folder` (or its nearest existing parent) has `bytes` free, less what lies in the folder `fetched` already: a part of them.
 * @throws StorageError saying how much is needed and free.
 */
export async function requireFreeSpace(folder: string, bytes: number, fetched?: string): Promise<void> {
  const needed = bytes - (fetched === undefined ? 0 : await folderBytes(fetched));
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  const free = bavail * bsize;
  if (free < needed) {
    const gigabytes = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
    throw new StorageError(
      `${folder} has ${gigabytes(free)} free; ${gigabytes(needed)} are needed. Free some space or point MOE_RL_CACHE at another disk`,
    );
  }
}

/** Turns the file system's own refusals into a StorageError with the path and what to do; passes everything else through. */
export function asStorageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const { message } = storageError('write', path, error);
  return new StorageError(`${message}. Point MOE_RL_CACHE at a folder that can hold about 1 GB`, { cause: error });
}
