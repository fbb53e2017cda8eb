// A file that only grows, written in batches, whose length goes into checkpoints: after a crash the lines behind the checkpoint are cut off, and the
// resumed run writes them again, so that a file never holds a step twice.
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { StorageError } from '@moe-rl/core';
import { storageError, writeFully } from '@moe-rl/core/node';

const BATCH_BYTES = 16 * 1024;
/** Who follows the file of a running run sees a row after this long, once another follows it. */
const BATCH_MS = 1000;

export interface AppendFile {
  readonly path: string;
  append(bytes: Uint8Array): void;
  /** Hands everything to the operating system; with `sync`, waits until the disk has it. */
  flush(options?: { readonly sync?: boolean }): void;
  /** Length once flushed. */
  byteLength(): number;
  close(): void;
}

/**
 * Opens a file for appending.
 * @param keepBytes what to keep of an existing file: its first `keepBytes`.
 * @throws StorageError when the file can't be written, or is shorter than `keepBytes`.
 */
export function openAppendFile(path: string, keepBytes: number): AppendFile {
  let file: number;
  let length = 0;
  try {
    length = existsSync(path) ? statSync(path).size : 0;
    file = openSync(path, 'a');
    if (length < keepBytes) {
      closeSync(file);
      throw new StorageError(
        `${path} has ${length} bytes, but the checkpoint was made when it had ${keepBytes}; put the file back, or start a new run`,
      );
    }
    if (length > keepBytes) ftruncateSync(file, keepBytes);
    length = keepBytes;
  } catch (cause) {
    throw storageError('write', path, cause);
  }
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let flushedAtMs = performance.now();
  const flush = (options?: { readonly sync?: boolean }): void => {
    try {
      flushedAtMs = performance.now();
      if (pendingBytes > 0) {
        const batch = Buffer.concat(pending);
        pending = [];
        pendingBytes = 0;
        writeFully(file, batch);
      }
      if (options?.sync) fsyncSync(file);
    } catch (cause) {
      throw storageError('write', path, cause);
    }
  };
  return {
    path,
    append(bytes) {
      pending.push(bytes);
      pendingBytes += bytes.length;
      length += bytes.length;
      if (pendingBytes >= BATCH_BYTES || performance.now() - flushedAtMs >= BATCH_MS) flush();
    },
    flush,
    byteLength: () => length,
    close() {
      try {
        flush({ sync: true });
      } finally {
        closeSync(file);
      }
    },
  };
}
