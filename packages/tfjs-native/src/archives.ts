// Reads the two archive formats that packages come in: wheels (zip) and npm archives (tar, gzip). Only what is asked for is unpacked.

import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw, gunzipSync } from 'node:zlib';
import { CorruptDataError } from '@moe-rl/core';

/** One file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

/**
 * Lists a zip archive (no ZIP64: wheels are below 4 GB).
 * @throws CorruptDataError when it is no zip archive or is cut short.
 */
export async function listZip(path: string): Promise<ZipEntry[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 65_557));
    await file.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
    if (end < 0) throw new CorruptDataError(`${path} is not a complete zip archive: its directory is missing`);
    const count = tail.readUInt16LE(end + 10);
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await file.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    const entries: ZipEntry[] = [];
    for (let i = 0, at = 0; i < count; i++) {
      if (directory.length < at + 46 || directory.readUInt32LE(at) !== 0x02014b50) {
        throw new CorruptDataError(`${path} is not a complete zip archive: entry ${i} of ${count} is damaged`);
      }
      const nameLength = directory.readUInt16LE(at + 28);
      entries.push({
        name: directory.toString('utf8', at + 46, at + 46 + nameLength),
        method: directory.readUInt16LE(at + 10),
        compressedBytes: directory.readUInt32LE(at + 20),
        bytes: directory.readUInt32LE(at + 24),
        headerOffset: directory.readUInt32LE(at + 42),
      });
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    }
    return entries;
  } finally {
    await file.close();
  }
}

/** Unpacks the given entries below `folder`, keeping their paths; reports the bytes written so far. */
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
      const target = safeJoin(folder, entry.name);
      await mkdir(dirname(target), { recursive: true });
      const header = Buffer.alloc(30);
      await file.read(header, 0, 30, entry.headerOffset);
      if (header.readUInt32LE(0) !== 0x04034b50) throw new CorruptDataError(`${path}: ${entry.name} is damaged`);
      const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
      if (entry.bytes === 0) {
        await writeFile(target, '');
        continue;
      }
      const counter = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          done += chunk.length;
          onBytes(done);
          next(null, chunk);
        },
      });
      const before = done;
      const source = createReadStream(path, { start, end: start + entry.compressedBytes - 1, highWaterMark: 1 << 20 });
      const sink = createWriteStream(target, { highWaterMark: 1 << 22 });
      try {
        if (entry.method === 8) await pipeline(source, createInflateRaw({ chunkSize: 1 << 20 }), counter, sink);
        else if (entry.method === 0) await pipeline(source, counter, sink);
        else
          throw new CorruptDataError(`${path}: ${entry.name} uses compression method ${entry.method}; expected 0 or 8`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code?.startsWith('Z_')) {
          throw new CorruptDataError(`${path}: ${entry.name} is damaged`, { cause: error });
        }
        throw error;
      }
      if (done - before !== entry.bytes) {
        throw new CorruptDataError(`${path}: ${entry.name} has ${done - before} bytes; expected ${entry.bytes}`);
      }
    }
  } finally {
    await file.close();
  }
}

/**
 * Unpacks the regular files of a `.tgz` whose path (without the leading `package/`) passes `wanted`.
 * @returns their paths.
 * @throws CorruptDataError when it is no complete archive.
 */
export async function extractTarGz(path: string, folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  let tar: Buffer;
  try {
    tar = gunzipSync(await readFile(path));
  } catch (error) {
    throw new CorruptDataError(`${path} is not a complete gzip archive`, { cause: error });
  }
  const text = (at: number, length: number) => tar.toString('utf8', at, at + length).replace(/\0.*$/s, '');
  const written: string[] = [];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const bytes = Number.parseInt(text(at + 124, 12).trim() || '0', 8);
    const prefix = text(at + 345, 155);
    const name = (prefix ? `${prefix}/${text(at, 100)}` : text(at, 100)).replace(/^[^/]+\//, '');
    const kind = text(at + 156, 1);
    if ((kind === '0' || kind === '') && wanted(name)) {
      const target = safeJoin(folder, name);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, tar.subarray(at + 512, at + 512 + bytes));
      written.push(name);
    }
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
  return written;
}

function safeJoin(folder: string, name: string): string {
  const target = normalize(join(folder, name));
  if (!target.startsWith(normalize(folder) + sep))
    throw new CorruptDataError(`an archive entry leaves its folder: ${name}`);
  return target;
}
