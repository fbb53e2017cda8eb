// Modules of a run that are called alike.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadModule, loadModules, moduleReference } from './load-module.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-modules-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  const file = join(folder, 'index.mjs');
  writeFileSync(file, `export function register(registry) { registry.push('${name}'); }`);
  return file;
}

it('are all loaded again, and none is taken for another', async () => {
  const files = ['first', 'second'].map(write);
  const modules = await Promise.all(files.map((file) => loadModule(file, [])));
  const kept = modules.map((module) => moduleReference(module, root));
  const said: string[] = [];
  const load = async (...given: string[]) => {
    const registry: string[] = [];
    await loadModules(given, kept, root, registry, (line) => said.push(line));
    return registry;
  };
  expect(await load()).toEqual(['first', 'second']);
  expect(await load(files[0]!)).toEqual(['first', 'second']);
  expect(said).toEqual([]);
  // One that was moved is named where it is now.
  rmSync(join(root, 'second'), { recursive: true });
  await expect(load(files[0]!)).rejects.toThrow(/second.index\.mjs, which the run in .* was made with, is not there/);
  expect(await load(write('moved'))).toEqual(['moved', 'first']);
});
