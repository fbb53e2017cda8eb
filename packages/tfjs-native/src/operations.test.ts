// What keeps operations away must keep nothing else away. (That they compute what they should: agents/src/networks/averages.test.ts, where all packages meet.)
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nativePaths } from './layout.ts';
import type { TensorFlowBinding } from './load-tfjs-node.ts';
import { areOperationsReady, compileOperations, loadOperations, operationsFolder } from './operations.ts';
import { platformWheels } from './versions.ts';

const before = { CXX: process.env.CXX, MOE_RL_CACHE: process.env.MOE_RL_CACHE };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moe-rl-operations-'));
  process.env.MOE_RL_CACHE = folder;
});
afterEach(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rm(folder, { recursive: true, force: true });
});

const onCpu = {
  isUsingGpuDevice: () => false,
  createTensor: () => 1,
  deleteTensor() {},
  executeOp(name: string): never {
    throw new Error(`${name} is not registered`);
  },
} as unknown as TensorFlowBinding;

it('a compiler that refuses them is asked once, and what it said is kept', async () => {
  const compiler = join(folder, 'compiler');
  await writeFile(compiler, '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no such extension" >&2\nexit 1\n');
  await chmod(compiler, 0o755);
  process.env.CXX = compiler;
  const paths = nativePaths('cpu');
  expect(areOperationsReady(paths)).toBe(false);
  const messages: string[] = [];
  await compileOperations(paths, platformWheels['linux-x64']!, ({ message }) => messages.push(message));
  expect(messages).toHaveLength(1);
  expect(await readFile(join(operationsFolder(paths), 'failure.txt'), 'utf8')).toContain('no such extension');
  expect(areOperationsReady(paths)).toBe(true);
  expect(loadOperations(paths, onCpu)).toEqual([]);
});

it('without a compiler nothing is left behind, so that a later one is asked', async () => {
  const { PATH } = process.env;
  process.env.PATH = folder;
  delete process.env.CXX;
  try {
    await compileOperations(nativePaths('cpu'), platformWheels['linux-x64']!, () => {});
  } finally {
    process.env.PATH = PATH;
  }
  expect(existsSync(operationsFolder(nativePaths('cpu')))).toBe(false);
  expect(areOperationsReady(nativePaths('cpu'))).toBe(false);
});

it('a library that can not be loaded adds nothing', async () => {
  const paths = nativePaths('cpu');
  await mkdir(operationsFolder(paths), { recursive: true });
  await writeFile(join(operationsFolder(paths), 'operations.node'), 'not a library');
  expect(loadOperations(paths, onCpu)).toEqual([]);
});

it('operations that are there already, but not all of them, are not said to be all', async () => {
  const paths = nativePaths('cpu');
  await mkdir(operationsFolder(paths), { recursive: true });
  await writeFile(join(operationsFolder(paths), 'operations.node'), 'not a library');
  const averages = {
    ...onCpu,
    executeOp: (name: string) => (name === 'MoeRlSoftmaxMatmul' ? [{ id: 1 }] : onCpu.executeOp(name, [], [], 0)),
    tensorDataSync: () => [4],
  };
  expect(loadOperations(paths, averages)).toEqual(['MoeRlSoftmaxMatmul', 'MoeRlSoftmaxMatmulGrad']);
});

it('a set of instructions that is none is refused by name', () => {
  process.env.MOE_RL_INSTRUCTIONS = 'avx-2';
  try {
    expect(() => loadOperations(nativePaths('cpu'), onCpu)).toThrow(
      'MOE_RL_INSTRUCTIONS is "avx-2"; expected one of avx512, avx2, basic',
    );
  } finally {
    delete process.env.MOE_RL_INSTRUCTIONS;
  }
});
