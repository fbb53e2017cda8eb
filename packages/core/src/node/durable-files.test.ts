// Folders are made with their parents, what is in the way is said at once, and what is no JSON in one line.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptDataError, StorageError } from '../errors.ts';
import { makeFolder, readJson, readJsonObject, requireWritable } from './durable-files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('making a folder', () => {
  it('makes its parents too, and takes one that is there', () => {
    const path = join(root, 'a/b/c');
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('names what is in the way', () => {
    writeFileSync(join(root, 'file'), '');
    symlinkSync(join(root, 'nowhere'), join(root, 'link'));
    for (const [path, reason] of [
      ['file', 'a file of that name is in the way'],
      ['file/a', 'a part of the path is a file'],
      ['file/a/b', 'a part of the path is a file'],
      ['link/a', 'there is no such folder'],
    ] as const) {
      const place = join(root, path);
      expect(() => makeFolder(place), path).toThrow(StorageError);
      expect(() => makeFolder(place), path).toThrow(`cannot create the folder ${place}: ${reason}`);
    }
  });

  it.runIf(process.platform === 'linux')('refuses at once where the system makes none', () => {
    expect(() => makeFolder('/proc/moe-rl/figures')).toThrow('cannot create the folder /proc/moe-rl/figures');
  });
});

it('says before the work where a file can not be written, and makes nothing', () => {
  writeFileSync(join(root, 'file'), '');
  mkdirSync(join(root, 'folder'));
  symlinkSync(join(root, 'nowhere'), join(root, 'link'));
  for (const path of ['file', 'new', 'folder/new', 'a/b/new']) requireWritable(join(root, path));
  for (const [path, reason] of [
    ['folder', 'it is a folder, not a file'],
    ['file/new', 'a part of the path is a file, not a folder'],
    ['file/a/new', 'a part of the path is a file, not a folder'],
    ['link/new', 'there is no such folder'],
  ] as const) {
    const place = join(root, path);
    expect(() => requireWritable(place), path).toThrow(StorageError);
    expect(() => requireWritable(place), path).toThrow(`cannot write ${place}: ${reason}`);
  }
  expect(readdirSync(root).sort()).toEqual(['file', 'folder', 'link']);
});

it('says in one line that a file is no JSON', () => {
  const path = join(root, 'notes.json');
  writeFileSync(path, 'first\nsecond\nthird');
  expect(() => readJson(path)).toThrow(CorruptDataError);
  expect(() => readJson(path)).toThrow(/^[^\n]*notes\.json is not valid JSON: [^\n]+$/);
});

it('names a file whose JSON is no object', () => {
  const path = join(root, 'settings.json');
  for (const text of ['null', '[1]', '"x"', '3']) {
    writeFileSync(path, text);
    expect(() => readJsonObject(path)).toThrow(CorruptDataError);
    expect(() => readJsonObject(path)).toThrow(`settings.json holds ${text}; expected a JSON object`);
  }
  writeFileSync(path, '{"a": 1}');
  expect(readJsonObject(path)).toEqual({ a: 1 });
});
