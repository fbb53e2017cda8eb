// What a compiled step's file is named by, and which failures cost the file: with a client that only says what it is.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { PjrtClient } from '../client/client.ts';
import { PjrtError } from '../errors.ts';
import { temporaryFolder } from '../testing/plugin.ts';
import { ExecutableCache, instructionSetsIn } from './executable-cache.ts';

afterEach(() => vi.unstubAllEnvs());

const spec = { text: 'module', arguments: [], donated: [], results: [] };

function cacheIn(folder: string, client: object = {}) {
  const said: string[] = [];
  const description = { platform: 'cpu', platformVersion: '1', deviceKind: 'cpu' };
  const compile = async () => ({ serialize: () => Uint8Array.of(1, 2, 3) });
  const cache = new ExecutableCache({
    client: { ...description, compile, ...client } as unknown as PjrtClient,
    folder,
    pluginKey: 'key',
    options: {},
    report: (message) => said.push(message),
  });
  return { cache, said };
}

test('other options of XLA in the environment are another step', () => {
  const { cache } = cacheIn('/');
  const paths = ['', '--xla_cpu_enable_fast_math=true', '--xla_cpu_enable_fast_math=false'].map((flags) => {
    vi.stubEnv('XLA_FLAGS', flags);
    return cache.pathOf(spec, '/');
  });
  expect(new Set(paths).size).toBe(3);
  vi.stubEnv('XLA_FLAGS', undefined);
  expect(cache.pathOf(spec, '/')).toBe(paths[0]);
});

test('the instruction sets are read from Linux’ description of the processors', () => {
  expect(instructionSetsIn('model name\t: Xeon\nflags\t\t: fpu avx avx2\nbugs\t\t: none\n\nflags\t\t: fpu\n')).toBe(
    'fpu avx avx2',
  );
  expect(instructionSetsIn('processor\t: 0\nFeatures\t: fp asimd sve\n')).toBe('fp asimd sve');
  expect(instructionSetsIn('hart\t: 0\n')).toBe('');
});

test('a device without memory left costs no file; one that the plugin can not read is compiled anew', async () => {
  const folder = temporaryFolder();
  await cacheIn(folder).cache.executable(spec);
  const path = join(folder, readdirSync(folder).find((name) => name.endsWith('.pjrt'))!);
  const failing = (status: string) =>
    cacheIn(folder, {
      load() {
        throw new PjrtError('PJRT_Executable_DeserializeAndLoad', status, 'no');
      },
    });
  const full = failing('RESOURCE_EXHAUSTED');
  await expect(full.cache.executable(spec)).rejects.toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
  expect([existsSync(path), full.cache.compiledCount]).toEqual([true, 0]);
  const other = failing('INTERNAL');
  await other.cache.executable(spec);
  expect([other.cache.compiledCount, other.said[0]]).toEqual([
    1,
    expect.stringMatching(/INTERNAL: no. It is compiled anew/),
  ]);
});
