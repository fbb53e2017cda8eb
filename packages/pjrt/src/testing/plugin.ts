// What the tests run on: the CPU plugin, fetched once into the cache folder (63 MB), and the tracing backend over it.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadPjrtOutput, loadPjrt } from '../load.ts';
import { findRelease } from '../plugins/versions.ts';

/** Why the tests can't run here; undefined where they can. */
export const missing =
  findRelease('cpu') === undefined ? `no CPU plugin for ${process.platform}-${process.arch}` : undefined;

/** A fresh folder. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'moe-rl-pjrt-'));
}

/** The plugin, with a cache of executables of its own. */
export function loadForTests(): Promise<LoadPjrtOutput> {
  return loadPjrt({ device: 'cpu', threads: 2, cacheFolder: temporaryFolder() });
}
