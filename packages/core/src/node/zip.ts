// Reads zip archives (Python wheels are such). Only what is asked for is unpacked; sizes and checksums of what is are checked.

import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { CorruptDataError } from '../errors.ts';

/** One file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly headerOffset: number;
  /** Whether it is marked as a program. */
  readonly isExecutable: boolean;
}

const END_BYTES = 22;
const ENTRY_BYTES = 46;
const HEADER_BYTES = 30;
/** The end record, behind which a comment of 65,535 bytes at most may stand. */
const TAIL_BYTES = END_BYTES + 65_535;

/**
 * Lists a zip archive (no ZIP64: wheels are below 4 GB).
 * @throws CorruptDataError when it is no zip archive, is cut short, or its directory does not fit it.
 */
export async function listZip(path: string): Promise<ZipEntry[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = await readAt(file, path, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
    const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
    if (end < 0 || end + END_BYTES > tail.length) {
      throw new CorruptDataError(`${path} is not a complete zip archive: its directory is missing`);
    }
    const count = tail.readUInt16LE(end + 10);
    const directoryBytes = tail.readUInt32LE(end + 12);
    const directoryStart = tail.readUInt32LE(end + 16);
    if (directoryStart + directoryBytes > size) {
      throw new CorruptDataError(
        `${path} is not a complete zip archive: ${size} bytes with a directory at ${directoryStart}..${directoryStart + directoryBytes}`,
      );
    }
    const directory = await readAt(file, path, directoryStart, directoryBytes);
    const entries: ZipEntry[] = [];
    for (let i = 0, at = 0; i < count; i++) {
      const isWhole = at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === 0x02014b50;
      const nameEnd = isWhole ? at + ENTRY_BYTES + directory.readUInt16LE(at + 28) : Number.POSITIVE_INFINITY;
      if (nameEnd > directory.length) {
        throw new CorruptDataError(`${path} is not a complete zip archive: entry ${i} of ${count} is damaged`);
      }
      const entry = {
        name: directory.toString('utf8', at + ENTRY_BYTES, nameEnd),
        method: directory.readUInt16LE(at + 10),
        crc32: directory.readUInt32LE(at + 16),
        compressedBytes: directory.readUInt32LE(at + 20),
        bytes: directory.readUInt32LE(at + 24),
        headerOffset: directory.readUInt32LE(at + 42),
        isExecutable: ((directory.readUInt32LE(at + 38) >>> 16) & 0o111) !== 0,
      };
      if (entry.headerOffset + HEADER_BYTES + entry.compressedBytes > directoryStart) {
        throw new CorruptDataError(`${path}: ${entry.name} is said to lie outside the archive`);
      }
      entries.push(entry);
      at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await file.close();
  }
}

/**
 * Unpacks the given entries below `folder`, keeping their paths; reports the bytes written so far.
 * @throws CorruptDataError when one is damaged, is longer than it says, or would leave the folder.
 */
export async function extractZip(
  path: string,
  entries: readonly ZipEntry[],
  folder: string,
  onBytes: (doneBytes: number) => void = () => {},
): Promise<void> {
  let done = 0;
  const file = await open(path, 'r');
  try {
    for (const entry of entries) {
      if (entry.name.endsWith('/')) continue;
      const target = joinInside(folder, entry.name);
      await mkdir(dirname(target), { recursive: true });
      const header = await readAt(file, path, entry.headerOffset, HEADER_BYTES);
      if (header.readUInt32LE(0) !== 0x04034b50) throw new CorruptDataError(`${path}: ${entry.name} is damaged`);
      const start = entry.headerOffset + HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
      const mode = entry.isExecutable ? 0o755 : 0o644;
      if (entry.compressedBytes === 0 && entry.bytes === 0) {
        await writeFile(target, '', { mode });
        continue;
      }
      if (entry.method !== 0 && entry.method !== 8) {
        throw new CorruptDataError(`${path}: ${entry.name} uses compression method ${entry.method}; expected 0 or 8`);
      }
      let bytes = 0;
      let checksum = 0;
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          bytes += chunk.length;
          if (bytes > entry.bytes) return next(longerThanSaid(path, entry));
          checksum = crc32(chunk, checksum);
          onBytes(done + bytes);
          next(null, chunk);
        },
      });
      const source = createReadStream(path, { start, end: start + entry.compressedBytes - 1, highWaterMark: 1 << 20 });
      const sink = createWriteStream(target, { highWaterMark: 1 << 22, mode });
      try {
        if (entry.method === 8) await pipeline(source, createInflateRaw({ chunkSize: 1 << 20 }), counter, sink);
        else await pipeline(source, counter, sink);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code?.startsWith('Z_')) {
          throw new CorruptDataError(`${path}: ${entry.name} is damaged`, { cause: error });
        }
        throw error;
      }
      if (bytes !== entry.bytes || checksum !== entry.crc32) {
        throw new CorruptDataError(
          `${path}: ${entry.name} is damaged: ${bytes} bytes with checksum ${checksum.toString(16)}; expected ${entry.bytes} with ${entry.crc32.toString(16)}`,
        );
      }
      done += bytes;
    }
  } finally {
    await file.close();
  }
}

/**
 * A path below `folder`.
 * @throws CorruptDataError when `name` (of an archive's entry) leads out of it.
 */
export function joinInside(folder: string, name: string): string {
  const target = normalize(join(folder, name));
  if (!target.startsWith(normalize(folder) + sep)) {
    throw new CorruptDataError(`an archive entry leaves its folder: ${name}`);
  }
  return target;
}

function longerThanSaid(path: string, { name, bytes }: ZipEntry): CorruptDataError {
  return new CorruptDataError(`${path}: ${name} is longer than the ${bytes} bytes that the archive says`);
}

async function readAt(file: FileHandle, path: string, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new CorruptDataError(`${path} is cut short: it ends before ${position + length}`);
    done += bytesRead;
  }
  return bytes;
}
