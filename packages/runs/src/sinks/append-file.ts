// A file that only grows, written in batches, whose length goes into checkpoints: after a crash the lines behind the checkpoint are cut off, and the
// resumed run writes them again, so that a file never holds a step twice.
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, statSync } from 'node:fs';
import { readBytes, storageError, writeFully } from '@moe-rl/core/node';

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
  /** Bytes of what was to be kept that were not there. */
  readonly lostBytes: number;
  close(): void;
}

/**
 * Opens a file for appending.
 * @param keepBytes what to keep of an existing file: its first `keepBytes`; of a shorter one (somebody deleted or cut it) the records that are whole.
 * @param wholeBytes how many of a file's bytes are whole records
 * @throws StorageError when the file can't be written.
 */
export function openAppendFile(
  path: string,
  keepBytes: number,
  wholeBytes: (content: Uint8Array) => number,
): AppendFile {
  let file: number;
  let length = 0;
  let lostBytes = 0;
  try {
    length = existsSync(path) ? statSync(path).size : 0;
    file = openSync(path, 'a');
    const kept = length >= keepBytes ? keepBytes : length === 0 ? 0 : wholeBytes(readBytes(path));
    lostBytes = keepBytes - kept;
    if (length > kept) ftruncateSync(file, kept);
    length = kept;
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
    lostBytes,
    close() {
      try {
        flush({ sync: true });
      } finally {
        closeSync(file);
      }
    },
  };
}
