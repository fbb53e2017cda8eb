// Reads npm's archives (tar, gzip). Only what is asked for is unpacked.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CorruptDataError } from '@moe-rl/core';
import { joinInside } from '@moe-rl/core/node';

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
    if (!(bytes >= 0) || at + 512 + bytes > tar.length) {
      throw new CorruptDataError(`${path}: the entry at byte ${at} of the archive is damaged or cut off`);
    }
    const prefix = text(at + 345, 155);
    const name = (prefix ? `${prefix}/${text(at, 100)}` : text(at, 100)).replace(/^[^/]+\//, '');
    const kind = text(at + 156, 1);
    if ((kind === '0' || kind === '') && wanted(name)) {
      const target = joinInside(folder, name);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, tar.subarray(at + 512, at + 512 + bytes));
      written.push(name);
    }
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
  return written;
}
