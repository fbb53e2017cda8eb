// File operations that survive a crash at any moment, with errors that name the file.
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '@moe-rl/core';

/** Runs a file operation; whatever the system reports becomes a StorageError that names the path. */
export async function withStorageErrors<T>(path: string, action: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && 'syscall' in cause) {
      throw new StorageError(`can't ${action} ${path}: ${reasonOf(cause.code)}`, { cause });
    }
    throw cause;
  }
}

function reasonOf(code: string): string {
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return `no permission (${code})`;
  if (code === 'ENOENT') return 'it does not exist';
  return code;
}

/** Cuts `path` (made if missing) to `length` bytes and appends `parts`; on disk when it returns. */
export async function appendDurably(path: string, length: number, parts: readonly Uint8Array[]): Promise<void> {
  await withStorageErrors(path, 'write', async () => {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      await file.truncate(length);
      let position = length;
      for (const part of parts) {
        await writeFully(file, part, position);
        position += part.byteLength;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Replaces `path` in one step: the new content is on disk under a temporary name before the rename. */
export async function replaceDurably(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.temporary`;
  try {
    await appendDurably(temporary, 0, [content]);
    await withStorageErrors(path, 'write', () => rename(temporary, path));
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Makes renames and new files in `folder` durable. Some systems (Windows) can't sync a folder and don't need it. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Nothing more can be done.
  } finally {
    await handle?.close();
  }
}

async function writeFully(file: FileHandle, part: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < part.byteLength) {
    const { bytesWritten } = await file.write(part, written, part.byteLength - written, position + written);
    written += bytesWritten;
  }
}

/** The first `length` bytes of `path`, fewer where it is shorter. */
export async function readPrefix(path: string, length: number): Promise<Uint8Array> {
  return withStorageErrors(path, 'read', async () => {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(Math.min(length, (await file.stat()).size));
      let total = 0;
      while (total < bytes.length) {
        const { bytesRead } = await file.read(bytes, total, bytes.length - total, total);
        if (bytesRead === 0) return bytes.subarray(0, total);
        total += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  });
}
