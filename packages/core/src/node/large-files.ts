// Files too large to be written or read while everything else waits: the durable files of durable-files.ts, without blocking.
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageError, syncFolder } from './durable-files.ts';

/** Runs a file operation; whatever the system reports becomes a typed error that says what could not be done, where and why (`storageError`). */
export async function withStorageErrors<T>(action: string, path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw cause instanceof Error && 'syscall' in cause ? storageError(action, path, cause) : cause;
  }
}

/** Cuts `path` (made if missing) to `length` bytes and appends `parts`; on disk when it returns. */
export async function appendDurably(path: string, length: number, parts: readonly Uint8Array[]): Promise<void> {
  await withStorageErrors('write', path, async () => {
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
    await withStorageErrors('write', path, () => rename(temporary, path));
    await withStorageErrors('write', path, async () => syncFolder(dirname(path)));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
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
  return withStorageErrors('read', path, async () => {
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
