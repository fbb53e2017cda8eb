// What is passed over for another TensorFlow, and what the user's choice of the library rules out: against a tfjs-node that is there by name only.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadBackend } from './backends.ts';
import { candidates } from './candidates.ts';
import { addonFile, nativePaths } from './layout.ts';

const STOCK = '@tensorflow/tfjs-node';
const before = { argv1: process.argv[1]!, cache: process.env.MOE_RL_CACHE };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-candidates-'));
  const write = (path: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '{}');
    return join(folder, path);
  };
  process.env.MOE_RL_CACHE = folder;
  process.argv[1] = write('train.mjs');
  for (const file of ['package.json', 'lib/napi-v8/tfjs_binding.node']) write(join('node_modules', STOCK, file));
});
afterEach(() => {
  process.argv[1] = before.argv1;
  delete process.env.MOE_RL_TENSORFLOW;
  if (before.cache === undefined) delete process.env.MOE_RL_CACHE;
  else process.env.MOE_RL_CACHE = before.cache;
  rmSync(folder, { recursive: true, force: true });
});

const stockObstacle = () =>
  candidates()
    .find(({ source }) => source === STOCK)!
    .obstacle();

it('a TensorFlow for the processor is no substitute where CUDA is asked for', () => {
  expect(stockObstacle()).toBeUndefined();
  process.env.MOE_RL_TENSORFLOW = 'cuda';
  expect(stockObstacle()).toBe('MOE_RL_TENSORFLOW is cuda, and it computes on the processor');
  process.env.MOE_RL_TENSORFLOW = 'cpu';
  expect(stockObstacle()).toBeUndefined();
});

it('a library that is none is refused by name', async () => {
  process.env.MOE_RL_TENSORFLOW = 'gpu';
  const message = 'MOE_RL_TENSORFLOW is "gpu"; expected one of cpu, cuda';
  await expect(loadBackend({ backend: 'tensorflow' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

it('what is passed over is told, also where TensorFlow is asked for by name', async () => {
  process.env.MOE_RL_TENSORFLOW = 'cpu';
  const paths = nativePaths('cpu');
  for (const path of [paths.library, join(paths.tfjsNode, 'dist'), paths.addon]) mkdirSync(path, { recursive: true });
  writeFileSync(addonFile(paths), 'no addon');
  const told: string[] = [];
  const loading = loadBackend({
    backend: 'tensorflow',
    install: false,
    onProgress: ({ message }) => told.push(message),
  });
  await expect(loading).rejects.toThrow(/backend tensorflow can't be used here\nTensorFlow .*\n@tensorflow\/tfjs-node/);
  expect(told).toEqual([expect.stringMatching(/^TensorFlow [\d.]+ \(cpu\) can't be used: .*tfjs_binding\.node/)]);
});
