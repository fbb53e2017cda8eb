// Zip archives: what is asked for is unpacked, and nothing that does not add up.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptDataError } from '../errors.ts';
import { makeZip } from './testing/make-zip.ts';
import { extractZip, listZip } from './zip.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-zip-'));
  path = join(folder, 'a.whl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const extractAll = async (archive: Uint8Array): Promise<void> => {
  writeFileSync(path, archive);
  await extractZip(path, await listZip(path), join(folder, 'out'));
};

describe('a zip archive', () => {
  it('gives the chosen entries, programs as such', async () => {
    writeFileSync(path, makeZip({ 'x/one.txt': 'one '.repeat(1000), 'x/two.txt': 'two', 'bin/run!': 'x', empty: '' }));
    const entries = await listZip(path);
    expect(entries.map((entry) => entry.name)).toEqual(['x/one.txt', 'x/two.txt', 'bin/run', 'empty']);
    const told: number[] = [];
    await extractZip(
      path,
      entries.filter(({ name }) => name !== 'x/two.txt'),
      join(folder, 'out'),
      (doneBytes) => told.push(doneBytes),
    );
    expect(readFileSync(join(folder, 'out/x/one.txt'), 'utf8')).toBe('one '.repeat(1000));
    expect(existsSync(join(folder, 'out/x/two.txt'))).toBe(false);
    expect(readFileSync(join(folder, 'out/empty'), 'utf8')).toBe('');
    expect(told.at(-1)).toBe(4001);
    if (process.platform !== 'win32') {
      expect(statSync(join(folder, 'out/bin/run')).mode & 0o111).not.toBe(0);
      expect(statSync(join(folder, 'out/x/one.txt')).mode & 0o111).toBe(0);
    }
  });

  it('is refused when it is cut off or garbled', async () => {
    const whole = makeZip({ a: 'hello hello hello hello', b: 'more of it' });
    for (const bytes of [0, 10, whole.length - 30, whole.length - 1]) {
      await expect(extractAll(whole.subarray(0, bytes))).rejects.toThrow(CorruptDataError);
    }
    // Without its first bytes, all offsets are wrong.
    await expect(extractAll(whole.subarray(8))).rejects.toThrow(CorruptDataError);
    for (let at = 31; at < 40; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x5a;
      await expect(extractAll(damaged)).rejects.toThrow(CorruptDataError);
    }
  });

  it('is refused when its directory lies', async () => {
    const files = { a: 'hello hello hello hello' };
    const cases: [Parameters<typeof makeZip>[1], RegExp][] = [
      [{ crc32: 1 }, /a is damaged: 23 bytes with checksum/],
      [{ bytes: 22 }, /a is longer than the 22 bytes/],
      [{ bytes: 24 }, /a is damaged: 23 bytes/],
      [{ compressedBytes: 0xfffffff0 }, /outside the archive/],
      [{ headerOffset: 0xfffffff0 }, /outside the archive/],
      [{ headerOffset: 1 }, /a is damaged|outside/],
      [{ compressedBytes: 3 }, /a is damaged/],
    ];
    for (const [lies, message] of cases) {
      await expect(extractAll(makeZip(files, lies))).rejects.toThrow(CorruptDataError);
      await expect(extractAll(makeZip(files, lies))).rejects.toThrow(message);
    }
    const many = makeZip(files);
    many.writeUInt16LE(2, many.length - 12);
    await expect(extractAll(many)).rejects.toThrow('entry 1 of 2 is damaged');
    const far = makeZip(files);
    far.writeUInt32LE(0xffffff00, far.length - 10);
    await expect(extractAll(far)).rejects.toThrow(CorruptDataError);
  });

  it('never writes outside the folder', async () => {
    for (const name of ['../evil', 'x/../../evil', '/../evil']) {
      await expect(extractAll(makeZip({ [name]: 'x' }))).rejects.toThrow(/leaves its folder/);
    }
    expect(existsSync(join(folder, 'evil'))).toBe(false);
  });
});
