// Picks, loads and explains the tfjs backend. Order of `auto`: TensorFlow from our cache, a tfjs-node that the user installed, wasm, cpu.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidArgumentError, MissingDependencyError, MoeRlError, requireInteger, requireOneOf } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { installNative, isInstalled, missingForInstall } from './install.ts';
import { addonFile, chooseVariant, nativePaths, type ProgressEvent } from './layout.ts';
import { registerTfjsNode } from './load-tfjs-node.ts';
import { TENSORFLOW_VERSION } from './versions.ts';

/** What may be asked for. */
export const backendChoices = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];
export type BackendName = Exclude<BackendChoice, 'auto'>;

/** Options of {@link loadBackend}. */
export interface LoadBackendConfig {
  /** Default `auto`: the fastest that works here. */
  readonly backend?: BackendChoice;
  /** Processor threads within one operation; default: TensorFlow's own choice (all cores), for wasm its own too. */
  readonly threads?: number;
  /** `false`: nothing is downloaded or built; what is not in the cache yet counts as missing. Default true. */
  readonly install?: boolean;
  /** Called with lines fit for showing while something is downloaded or built. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** One way to run tensors, and what {@link loadBackend} or {@link explainBackends} found out about it. */
export interface BackendExplanation {
  readonly name: BackendName;
  /** Where the backend comes from, for example `TensorFlow 2.21.0 (cpu)`. */
  readonly source: string;
  /** `used`: loaded, or what `auto` would load. `available`: works, another one goes first. `unavailable`: see `reason`. */
  readonly state: 'used' | 'available' | 'unavailable';
  /** One sentence: why it is or isn't used, and what to do about it. */
  readonly reason: string;
}

/** What {@link loadBackend} found. */
export interface BackendReport {
  readonly used: BackendExplanation;
  readonly others: readonly BackendExplanation[];
  /** True when the backend computes on a GPU. */
  readonly gpu: boolean;
}

export interface LoadBackendOutput {
  readonly tf: typeof tf;
  readonly name: BackendName;
  readonly report: BackendReport;
}

/** One candidate: what it is, whether it could work (undefined: yes), and how to load it. */
interface Candidate {
  readonly name: BackendName;
  readonly source: string;
  obstacle(): string | undefined;
  load(config: LoadBackendConfig): Promise<{ gpu: boolean }>;
  /** Why it is worth having, said when it is used. */
  readonly merit: string;
}

let loaded: { readonly output: LoadBackendOutput; readonly threads: number | undefined } | undefined;
let nativeSource: string | undefined;

/**
 * Loads a backend and makes it tfjs' current one. The first TensorFlow load may download about 300 MB and compile for some seconds
 * (`onProgress` tells); later loads take a fraction of a second. A process keeps its TensorFlow: asking again returns the same.
 * @throws InvalidArgumentError for an unknown backend name or a thread count that comes too late, MissingDependencyError when the backend
 *   that was asked for can't be had (with `auto`: only when not even `cpu` works).
 */
export async function loadBackend(config: LoadBackendConfig = {}): Promise<LoadBackendOutput> {
  const choice = requireOneOf('backend', config.backend ?? 'auto', backendChoices);
  const threads = config.threads === undefined ? undefined : requireInteger('threads', config.threads, 1, 1024);
  if (loaded && (choice === 'auto' || choice === loaded.output.name)) {
    if (threads !== undefined && threads !== loaded.threads) {
      throw new InvalidArgumentError(
        `threads is ${threads}, but backend ${loaded.output.name} was loaded with ${loaded.threads ?? 'its default'}; set it at the first load`,
      );
    }
    await tf.setBackend(loaded.output.name);
    return loaded.output;
  }
  setEnvironment(threads);
  await registerGradients();
  const all = candidates();
  const tried = new Map<Candidate, string>();
  for (const candidate of all) {
    if (choice === 'auto' ? candidate.name === 'webgpu' : candidate.name !== choice) continue;
    const obstacle = candidate.obstacle();
    if (obstacle !== undefined) {
      tried.set(candidate, obstacle);
      continue;
    }
    try {
      const { gpu } = await candidate.load(config);
      if (!(await tf.setBackend(candidate.name))) throw new Error(`tfjs did not accept backend ${candidate.name}`);
      await tf.ready();
      const output = { tf, name: candidate.name, report: makeReport(all, candidate, tried, gpu) };
      loaded = { output, threads };
      return output;
    } catch (error) {
      // A failed native TensorFlow must not stop `auto`: the next one is tried and the report says why.
      tried.set(candidate, error instanceof Error ? error.message : String(error));
      if (error instanceof MoeRlError && error.code === 'INVALID_ARGUMENT') throw error;
      if (choice === 'auto') {
        config.onProgress?.({ stage: 'load', message: `${candidate.source} can't be used: ${tried.get(candidate)}` });
      }
    }
  }
  const reasons = [...tried].map(([candidate, reason]) => `${candidate.source}: ${reason}`).join('\n');
  throw new MissingDependencyError(`backend ${choice} can't be used here\n${reasons}`);
}

/**
 * Says which backend is used (or would be, by `auto`), which are not, and why. Downloads, builds and loads nothing.
 */
export function explainBackends(): BackendExplanation[] {
  if (loaded) return [loaded.output.report.used, ...loaded.output.report.others];
  const all = candidates();
  const first = all.find((candidate) => candidate.name !== 'webgpu' && candidate.obstacle() === undefined);
  return all.map((candidate) => explain(candidate, candidate === first, candidate.obstacle()));
}

function makeReport(
  all: readonly Candidate[],
  used: Candidate,
  tried: ReadonlyMap<Candidate, string>,
  gpu: boolean,
): BackendReport {
  const others = all.filter((candidate) => candidate !== used);
  return {
    used: explain(used, true, undefined),
    others: others.map((candidate) => explain(candidate, false, tried.get(candidate) ?? candidate.obstacle())),
    gpu,
  };
}

function explain(candidate: Candidate, used: boolean, obstacle: string | undefined): BackendExplanation {
  const { name, source } = candidate;
  if (obstacle !== undefined) return { name, source, state: 'unavailable', reason: obstacle };
  if (used) return { name, source, state: 'used', reason: candidate.merit };
  const reason =
    name === 'webgpu' ? 'works when asked for by name' : 'a faster one goes first; can be asked for by name';
  return { name, source, state: 'available', reason };
}

function candidates(): Candidate[] {
  return [nativeCandidate(), ...stockCandidates(), webgpuCandidate(), wasmCandidate(), cpuCandidate()];
}

function nativeCandidate(): Candidate {
  const variant = chooseVariant();
  const paths = nativePaths(variant);
  return {
    name: 'tensorflow',
    source: nativeSource ?? `TensorFlow ${TENSORFLOW_VERSION} (${variant})`,
    get merit() {
      if (isInstalled(paths)) return 'the fastest here; training steps run recorded as one graph';
      return 'the fastest here; it is downloaded and built at the first use';
    },
    obstacle() {
      if (isInstalled(paths)) return undefined;
      const missing = missingForInstall(paths);
      return missing.length > 0 ? missing.join('; ') : undefined;
    },
    async load({ install = true, onProgress }) {
      if (!install && !isInstalled(paths)) {
        throw new MissingDependencyError('it is not in the cache, and downloading was switched off');
      }
      const start = onProgress ? { onProgress } : {};
      await installNative({ variant, ...start });
      const backend = registerTfjsNode(
        paths.tfjsNode,
        addonFile(paths),
        variant === 'cuda' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node',
      );
      nativeSource = `TensorFlow ${backend.binding.TF_Version} (${variant})`;
      return { gpu: backend.binding.isUsingGpuDevice() };
    },
  };
}

/** tfjs-node and tfjs-node-gpu as their own install script leaves them, with TensorFlow 2.9.1. */
function stockCandidates(): Candidate[] {
  return ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].map((packageName) => {
    const manifest = resolveOptional(`${packageName}/package.json`);
    const folder = manifest && dirname(manifest);
    const addon = folder && findStockAddon(folder);
    return {
      name: 'tensorflow',
      source: packageName,
      merit: 'the package that you installed; the TensorFlow of our own cache would be newer and faster',
      obstacle() {
        if (!folder) return `it is not installed beside this program; npm install ${packageName} brings it`;
        if (!addon) return 'its addon was not built; npm rebuild with its install script allowed brings it';
        return undefined;
      },
      async load() {
        if (!folder || !addon) throw new MissingDependencyError(`${packageName} is not complete`);
        return { gpu: registerTfjsNode(folder, addon, packageName).binding.isUsingGpuDevice() };
      },
    };
  });
}

function findStockAddon(folder: string): string | undefined {
  const library = join(folder, 'lib');
  const names = existsSync(library) ? readdirSync(library) : [];
  return names.map((name) => join(library, name, 'tfjs_binding.node')).find((file) => existsSync(file));
}

function webgpuCandidate(): Candidate {
  return {
    name: 'webgpu',
    source: 'WebGPU (packages webgpu and @tensorflow/tfjs-backend-webgpu)',
    merit: 'asked for by name; runs on any GPU with a Vulkan, Metal or Direct3D 12 driver',
    obstacle() {
      const missing = ['webgpu', '@tensorflow/tfjs-backend-webgpu'].filter((name) => !resolveOptional(name));
      return missing.length > 0 ? `npm install ${missing.join(' ')} brings it` : undefined;
    },
    async load() {
      const dawn = (await importOptional('webgpu')) as { create(options: string[]): unknown; globals: object };
      Object.assign(globalThis, dawn.globals);
      if (!(globalThis.navigator as { gpu?: unknown } | undefined)?.gpu) {
        const navigator = globalThis.navigator ?? {};
        Object.defineProperty(navigator, 'gpu', { value: dawn.create([]), configurable: true });
        Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
      }
      await importOptional('@tensorflow/tfjs-backend-webgpu');
      return { gpu: true };
    },
  };
}

function wasmCandidate(): Candidate {
  return {
    name: 'wasm',
    source: 'WebAssembly (@tensorflow/tfjs-backend-wasm)',
    merit: 'needs no compiler and no Python, but trains several times slower than TensorFlow',
    obstacle() {
      const missing = ['@tensorflow/tfjs-backend-wasm', '@moe-rl/tfjs-kernels'].filter(
        (name) => !resolveOptional(name),
      );
      return missing.length > 0 ? `npm install ${missing.join(' ')} brings it` : undefined;
    },
    async load({ threads }) {
      // Registers the training kernels, starts their threads and makes wasm the current backend.
      const kernels = (await importOptional('@moe-rl/tfjs-kernels/node')) as {
        useWasmBackend(config: { threadCount?: number }): Promise<unknown>;
      };
      await kernels.useWasmBackend(threads === undefined ? {} : { threadCount: threads });
      return { gpu: false };
    },
  };
}

function cpuCandidate(): Candidate {
  return {
    name: 'cpu',
    source: 'plain JavaScript (@tensorflow/tfjs-backend-cpu)',
    merit: 'runs everywhere, too slow to train convolutional networks',
    obstacle: () => undefined,
    async load() {
      return { gpu: false };
    },
  };
}

/**
 * tfjs-core alone registers no gradients; the union package does (and brings the cpu backend and the chained methods).
 */
async function registerGradients(): Promise<void> {
  if (tf.getGradient('Relu')) return;
  await import('@tensorflow/tfjs');
}

/** TensorFlow reads these once, when its library is loaded. What the user set stays. */
function setEnvironment(threads: number | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // TensorFlow's own default leaves oneDNN off on processors without AVX-512 VNNI, where it makes training 1.5 to 2.3 times faster too.
  if (process.arch === 'x64') process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  if (threads !== undefined) {
    process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    process.env.TF_NUM_INTEROP_THREADS = String(Math.min(threads, 2));
  }
}

/** Resolves a package that may be missing: from this package first, then from the program's folder. */
function resolveOptional(request: string): string | undefined {
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href]) {
    const require = createRequire(from);
    try {
      return require.resolve(request);
    } catch {
      // A package that can only be imported still has a folder that can be seen.
      for (const folder of require.resolve.paths(request) ?? []) {
        const manifest = join(folder, request, 'package.json');
        if (existsSync(manifest)) return manifest;
      }
    }
  }
  return undefined;
}

async function importOptional(request: string): Promise<unknown> {
  try {
    return await import(request);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const path = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' ? resolveOptional(request) : undefined;
    if (path === undefined) throw error;
    if (!path.endsWith('package.json')) return import(pathToFileURL(path).href);
    const { module, main = 'index.js' } = JSON.parse(readFileSync(path, 'utf8')) as { module?: string; main?: string };
    return import(pathToFileURL(join(dirname(path), module ?? main)).href);
  }
}
