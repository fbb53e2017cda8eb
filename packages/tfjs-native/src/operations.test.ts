// What keeps operations away must keep nothing else away. (That they compute what they should: agents/src/networks/averages.test.ts, where all packages meet.)
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lockFolder, tryRun } from '@moe-rl/core/node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { installNative } from './install.ts';
import { addonFile, nativePaths } from './layout.ts';
import type { TensorFlowBinding } from './load-tfjs-node.ts';
import { areOperationsReady, compileOperations, loadOperations, operationsFolder } from './operations.ts';
import { findPlatformWheel, platformWheels } from './versions.ts';

const before = { CXX: process.env.CXX, MOE_RL_CACHE: process.env.MOE_RL_CACHE };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moe-rl-operations-'));
  process.env.MOE_RL_CACHE = folder;
});
afterEach(async () => {
  vi.restoreAllMocks();
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

it('another compiler than the one that refused them is asked', async () => {
  const makeCompiler = async (name: string, rest: string) => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n[ "$1" = --version ] && echo "${name} 1.0" && exit 0\n${rest}\n`);
    await chmod(path, 0o755);
    process.env.CXX = path;
  };
  const compile = () => compileOperations(nativePaths('cpu'), platformWheels['linux-x64']!, () => {});
  await makeCompiler('old', 'exit 1');
  await compile();
  expect(await readFile(join(operationsFolder(nativePaths('cpu')), 'failure.txt'), 'utf8')).toMatch(/old: old 1.0\n/);
  expect(areOperationsReady(nativePaths('cpu'))).toBe(true);
  await makeCompiler('new', 'while [ "$1" != -o ]; do shift; done; echo made > "$2"');
  expect(areOperationsReady(nativePaths('cpu'))).toBe(false);
  await compile();
  expect(await readdir(operationsFolder(nativePaths('cpu')))).toEqual(['operations.node']);
  expect(areOperationsReady(nativePaths('cpu'))).toBe(true);
});

it.skipIf('reason' in findPlatformWheel())('who holds the lock is told, and is waited for a minute', async () => {
  const paths = nativePaths('cpu');
  for (const path of [paths.library, join(paths.tfjsNode, 'dist'), paths.addon]) await mkdir(path, { recursive: true });
  await writeFile(addonFile(paths), '');
  process.env.CXX = join(folder, 'compiler');
  await writeFile(process.env.CXX, '#!/bin/sh\n');
  await chmod(process.env.CXX, 0o755);
  const now = performance.now.bind(performance);
  let ahead = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
  const unlock = lockFolder(paths.root);
  const told: string[] = [];
  const installing = installNative({ variant: 'cpu', onProgress: ({ message }) => told.push(message) });
  await vi.waitFor(() => expect(told).toEqual([expect.stringMatching(/^Waiting for process \d+ on .*after a minute/)]));
  ahead = 61_000;
  await installing;
  expect(areOperationsReady(paths)).toBe(false);
  unlock();
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

// The child runs the source itself, which needs a Node that strips types.
const canLimit = process.platform === 'linux' && process.features.typescript && tryRun(['prlimit'], ['--version']).ok;
it.runIf(canLimit)(
  'a lack of threads or of memory costs an operation, not the process',
  async ({ skip }) => {
    if (before.MOE_RL_CACHE === undefined) delete process.env.MOE_RL_CACHE;
    else process.env.MOE_RL_CACHE = before.MOE_RL_CACHE;
    const obstacle = await installNative({ variant: 'cpu' }).then(() => undefined, String);
    if (process.env.MOE_RL_REQUIRE_NATIVE === '1') expect(obstacle).toBeUndefined();
    skip(
      !existsSync(join(operationsFolder(nativePaths('cpu')), 'operations.node')),
      obstacle ?? 'they were not compiled',
    );
    const script = fileURLToPath(new URL('./testing/short-of-memory.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@moe-rl/source', script]);
    const { asked, started, message, bias, rows } = JSON.parse(stdout);
    expect(started).toBeLessThan(asked - 1);
    expect(message).toMatch(/there is no memory left for an operation's intermediate results/);
    expect(bias).toBe(rows);
  },
  600_000,
);

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
