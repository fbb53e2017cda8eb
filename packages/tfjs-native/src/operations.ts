// Operations that this package adds to TensorFlow's (native/*.cc): compiled once, and loaded beside the addon. All goes on without them, only slower, so
// whatever keeps them away is written down and otherwise passed over.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireOneOf } from '@moe-rl/core';
import { type Command, createAtomically, runProgram, tryRun } from '@moe-rl/core/node';
import type { NativePaths, Report } from './layout.ts';
import type { TensorFlowBinding } from './load-tfjs-node.ts';
import { findCompiler } from './tools.ts';
import type { PlatformWheel } from './versions.ts';

/** The C++ sources; a bundle of this package without them has no operations. */
const SOURCES = fileURLToPath(new URL('../native', import.meta.url));

/** What the compiler may use of x86, per way of the kernels (kernels.h); elsewhere there is only the basic one. */
const X86_VARIANTS = {
  kernelsAvx512: ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma', '-mprefer-vector-width=512'],
  kernelsAvx2: ['-mavx2', '-mfma'],
};

/** The compiled operations, in their folder. */
const LIBRARY = 'operations.node';

const AVERAGES = ['MoeRlSoftmaxMatmul', 'MoeRlSoftmaxMatmulGrad'];
const EXPERTS = ['MoeRlExpertMlp', 'MoeRlExpertMlpGrad'];
const IMAGES = ['MoeRlImages', 'MoeRlConvolution', 'MoeRlDense'];

/** Where the operations lie in the cache: one folder for each state of their sources. */
export function operationsFolder(paths: NativePaths): string {
  const hash = createHash('sha256');
  if (existsSync(SOURCES)) {
    for (const name of readdirSync(SOURCES).sort()) hash.update(name).update(readFileSync(join(SOURCES, name)));
  }
  return `${paths.addon.replace(/addon-([^/\\]*)$/, 'operations-$1')}-${hash.digest('hex').slice(0, 12)}`;
}

/** In the operations' folder where they could not be compiled: the compiler that was asked, in the first line, and what it said. */
const FAILURE = 'failure.txt';

/** True when there is nothing left to compile; also where that was tried with this compiler in vain, or can't be. */
export function areOperationsReady(paths: NativePaths): boolean {
  const folder = operationsFolder(paths);
  if (!existsSync(SOURCES) || existsSync(join(folder, LIBRARY))) return true;
  const failure = readIfThere(join(folder, FAILURE));
  if (failure === undefined) return existsSync(folder);
  const compiler = findCompiler();
  return compiler === undefined || failure.startsWith(`${identityOf(compiler)}\n`);
}

/** What tells a compiler from another one, or from another version of it. */
function identityOf(compiler: Command): string {
  return `${compiler.join(' ')}: ${tryRun(compiler, ['--version']).printed.split('\n', 1)[0]}`;
}

/**
 * Compiles the operations; only under the lock. What a compiler refuses is left in `failure.txt`, so that it isn't asked at every start; another one, or another
 * version of it, is asked again.
 */
export async function compileOperations(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
  const compiler = findCompiler();
  if (compiler === undefined) return;
  report({ stage: 'compile', message: 'Compiling operations for Mixtures of Experts (about 10 s)' });
  const target = operationsFolder(paths);
  if (existsSync(join(target, FAILURE))) await rm(target, { recursive: true, force: true });
  const library = join(paths.library, 'tensorflow');
  const rpath = relative(target, library);
  const mac = process.platform === 'darwin';
  const x86 = process.arch === 'x64';
  await createAtomically(target, async (folder) => {
    const run = (args: readonly string[]) =>
      runProgram(compiler, ['-std=c++17', '-fPIC', '-fvisibility=hidden', '-w', ...args], {
        what: 'compiling operations',
      });
    const object = (name: string) => join(folder, `${name}.o`);
    const kernels = (variant: string, flags: readonly string[]) =>
      run(['-O3', ...flags, `-DMOE_RL_VARIANT=${variant}`, '-c', join(SOURCES, 'kernels.cc'), '-o', object(variant)]);
    const variants = { kernelsBasic: [] as string[], ...(x86 ? X86_VARIANTS : {}) };
    const include = ['-I', join(library, 'include'), ...(x86 ? ['-DMOE_RL_X86'] : [])];
    try {
      for (const [variant, flags] of Object.entries(variants)) await kernels(variant, flags);
      await run(['-O2', ...include, '-c', join(SOURCES, 'operations.cc'), '-o', object('operations')]);
      await run([
        ...['-shared', '-pthread', ...(mac ? ['-undefined', 'dynamic_lookup'] : [])],
        ...[...Object.keys(variants), 'operations'].map(object),
        ...[wheel.libraries.main, wheel.libraries.framework].map((name) => join(library, name)),
        `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/${rpath}`,
        ...['-o', join(folder, LIBRARY)],
      ]);
      for (const name of [...Object.keys(variants), 'operations']) await rm(object(name));
    } catch (error) {
      await writeFile(join(folder, FAILURE), `${identityOf(compiler)}\n${error}`);
    }
  });
}

/** What `MOE_RL_INSTRUCTIONS` may say; native/operations.cc reads it. */
const INSTRUCTION_SETS = ['avx512', 'avx2', 'basic'] as const;

/**
 * Loads the operations into TensorFlow and tries them. @returns the names of those that are there and right
 * @throws InvalidArgumentError where MOE_RL_INSTRUCTIONS names no set of instructions
 */
export function loadOperations(paths: NativePaths, binding: TensorFlowBinding): string[] {
  const { MOE_RL_INSTRUCTIONS: set } = process.env;
  if (set) requireOneOf('MOE_RL_INSTRUCTIONS', set, INSTRUCTION_SETS);
  const file = join(operationsFolder(paths), LIBRARY);
  if (!existsSync(file) || binding.isUsingGpuDevice()) return [];
  // TensorFlow ends the process over a name that it has already, for instance from another version of this package.
  const isRight = tryAverage(binding) ?? (load(file) && tryAverage(binding));
  if (!isRight) return [];
  // What another version of this package added may have the averages alone.
  return [
    ...AVERAGES,
    ...(tryExpert(binding) === true ? EXPERTS : []),
    ...(tryConvolution(binding) === true ? IMAGES : []),
  ];
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function load(file: string): boolean {
  try {
    createRequire(file)(file);
    return true;
  } catch {
    return false;
  }
}

/** Whether 1 and 5, weighted 1 to 3, is 4; undefined without the operation. */
function tryAverage(binding: TensorFlowBinding): boolean | undefined {
  const attributes = [{ name: 'transpose', type: binding.TF_ATTR_BOOL, value: false }];
  const inputs = [
    { shape: [1, 1, 2], values: [0, Math.log(3)] },
    { shape: [1, 2, 1], values: [1, 5] },
  ];
  return gives(binding, 'MoeRlSoftmaxMatmul', attributes, inputs, 3, 4);
}

/** Whether relu(2 * 3 + 1) * 5 - 4 is 31; undefined without the operation. */
function tryExpert(binding: TensorFlowBinding): boolean | undefined {
  const inputs = [
    { shape: [1, 1, 1], values: [2] },
    { shape: [1, 1, 1], values: [3] },
    { shape: [1, 1], values: [1] },
    { shape: [1, 1, 1], values: [5] },
    { shape: [1, 1], values: [-4] },
  ];
  return gives(binding, 'MoeRlExpertMlp', [], inputs, 2, 31);
}

/** Whether an image of 3 alone, convolved with 2, plus 1 is 7; undefined without the operation. */
function tryConvolution(binding: TensorFlowBinding): boolean | undefined {
  const attributes = [
    { name: 'stride', type: binding.TF_ATTR_INT, value: 1 },
    { name: 'same', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'relu', type: binding.TF_ATTR_BOOL, value: true },
  ];
  const inputs = [
    { shape: [1, 1, 1, 1], values: [3] },
    { shape: [1, 1, 1, 1], values: [2] },
    { shape: [1], values: [1] },
  ];
  return gives(binding, 'MoeRlConvolution', attributes, inputs, 1, 7);
}

/** Whether an operation's first result is `expected`; undefined when there is no such operation. */
function gives(
  binding: TensorFlowBinding,
  name: string,
  attributes: readonly object[],
  given: readonly { readonly shape: number[]; readonly values: readonly number[] }[],
  outputCount: number,
  expected: number,
): boolean | undefined {
  const inputs = given.map(({ shape, values }) =>
    binding.createTensor(shape, binding.TF_FLOAT, Float32Array.from(values)),
  );
  try {
    const outputs = binding.executeOp(name, attributes, inputs, outputCount).map(({ id }) => id);
    const result = binding.tensorDataSync(outputs[0]!)[0]!;
    for (const id of outputs) binding.deleteTensor(id);
    return Math.abs(result - expected) < 1e-5;
  } catch {
    return undefined;
  } finally {
    for (const id of inputs) binding.deleteTensor(id);
  }
}
