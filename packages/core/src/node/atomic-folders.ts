// Folders of the cache that appear whole or not at all, and room for them.

import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
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

/** Removes what killed processes left behind. Only under the lock. */
export async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.includes('.partial-')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Checks that `folder` (or its nearest existing parent) has `bytes` free.
 * @throws StorageError saying how much is needed and free.
 */
export async function requireFreeSpace(folder: string, bytes: number): Promise<void> {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  const free = bavail * bsize;
  if (free < bytes) {
    const gigabytes = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
    throw new StorageError(
      `${folder} has ${gigabytes(free)} free; ${gigabytes(bytes)} are needed. Free some space or point MOE_RL_CACHE at another disk`,
    );
  }
}

/** Turns the file system's own refusals into a StorageError with the path and what to do; passes everything else through. */
export function asStorageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const { message } = storageError('write', path, error);
  return new StorageError(`${message}. Point MOE_RL_CACHE at a folder that can hold about 1 GB`, { cause: error });
}
