// Large files: what is appended is exactly there, replacing is all or nothing, and failures name the file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendDurably, readPrefix, replaceDurably } from './large-files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-large-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('cuts to a length, then appends; reads a prefix, or less where there is less', async () => {
  const path = join(folder, 'a');
  await appendDurably(path, 0, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
  await appendDurably(path, 2, [Uint8Array.of(9, 10)]);
  expect([...readFileSync(path)]).toEqual([1, 2, 9, 10]);
  expect([...(await readPrefix(path, 3))]).toEqual([1, 2, 9]);
  // A length from a damaged file must not cost its size in memory.
  expect([...(await readPrefix(path, 2 ** 52))]).toEqual([1, 2, 9, 10]);
});

it('replaces a file in one step and leaves nothing beside it', async () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old');
  await replaceDurably(path, new TextEncoder().encode('new'));
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['a']);
  await expect(replaceDurably(join(folder, 'absent', 'a'), Uint8Array.of(1))).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining(join(folder, 'absent', 'a')),
  });
  await expect(readPrefix(join(folder, 'b'), 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
