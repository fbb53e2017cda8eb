// Picks, loads and explains the tfjs backend. Order of `auto`: TensorFlow from our cache, a tfjs-node that the user installed, wasm, cpu.

import { InvalidArgumentError, MissingDependencyError, MoeRlError, requireInteger, requireOneOf } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { type BackendName, backendChoices, type LoadBackendConfig } from './backend-config.ts';
import { type Candidate, candidates } from './candidates.ts';
import type { DeviceReport } from './gpu.ts';

/** One way to run tensors, and what {@link loadBackend} or {@link explainBackends} found out about it. */
export interface BackendExplanation {
  readonly name: BackendName;
  /** Where the backend comes from, for example `TensorFlow 2.21.0 (cpu)`. */
  readonly source: string;
  /** `used`: loaded, or what `auto` would load. `available`: works, another one goes first. `unavailable`: see `reason`. */
  readonly state: 'used' | 'available' | 'unavailable';
  /** One sentence: why it is or isn't used, and what to do about it. */
  readonly reason: string;
  /** Whether it can be loaded as it is: nothing has to be fetched or built before. */
  readonly isInstalled: boolean;
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

interface Loaded {
  readonly output: LoadBackendOutput;
  readonly threads: number | undefined;
}

/** What this process has loaded: a backend's kernels are registered once, and its library reads its settings once. */
const loadedByName = new Map<BackendName, Loaded>();
/** The one that was loaded or asked for last. */
let current: Loaded | undefined;

/**
 * Loads a backend and makes it tfjs' current one. The first TensorFlow load may download about 300 MB and compile for some seconds
 * (`onProgress` tells); later loads take a fraction of a second. A process keeps its backends: asking again returns the same.
 * @throws InvalidArgumentError for an unknown backend name, MOE_RL_TENSORFLOW that names no library, or a thread count that comes too late, MissingDependencyError when the backend
 *   that was asked for can't be had (with `auto`: only when not even `cpu` works), MissingGpuError when a build for GPUs was asked for (by name or by
 *   MOE_RL_TENSORFLOW=cuda) and finds none.
 */
export async function loadBackend(config: LoadBackendConfig = {}): Promise<LoadBackendOutput> {
  const choice = requireOneOf('backend', config.backend ?? 'auto', backendChoices);
  const threads = config.threads === undefined ? undefined : requireInteger('threads', config.threads, 1, 1024);
  const loaded = choice === 'auto' ? current : loadedByName.get(choice);
  if (loaded) {
    const { name } = loaded.output;
    // The others have no threads to set.
    const isSet = name === 'tensorflow' || name === 'wasm';
    if (isSet && threads !== undefined && threads !== loaded.threads) {
      throw new InvalidArgumentError(
        `threads is ${threads}, but backend ${name} was loaded with ${loaded.threads ?? 'its default'}; set it at the first load`,
      );
    }
    await tf.setBackend(name);
    current = loaded;
    return loaded.output;
  }
  setEnvironment(threads);
  await registerGradients();
  const all = candidates();
  const tried = new Map<Candidate, string>();
  // Told once there is another one to go on to; else the error says it.
  let passedOver: string | undefined;
  for (const candidate of all) {
    if (choice === 'auto' ? candidate.name === 'webgpu' : candidate.name !== choice) continue;
    const obstacle = candidate.obstacle();
    if (obstacle !== undefined) {
      tried.set(candidate, obstacle);
      continue;
    }
    if (passedOver !== undefined) config.onProgress?.({ stage: 'load', message: passedOver });
    passedOver = undefined;
    try {
      const device = await candidate.load(config, choice !== 'auto');
      if (!(await tf.setBackend(candidate.name))) throw new Error(`tfjs did not accept backend ${candidate.name}`);
      await tf.ready();
      const output = { tf, name: candidate.name, report: makeReport(all, candidate, tried, device) };
      if (device.note !== undefined) config.onProgress?.({ stage: 'load', message: device.note });
      current = { output, threads };
      loadedByName.set(candidate.name, current);
      return output;
    } catch (error) {
      // A failed native TensorFlow must not stop `auto`: the next one is tried and the report says why.
      tried.set(candidate, error instanceof Error ? error.message : String(error));
      if (error instanceof MoeRlError && ['INVALID_ARGUMENT', 'MISSING_GPU'].includes(error.code)) throw error;
      passedOver = `${candidate.source} can't be used: ${tried.get(candidate)}`;
    }
  }
  const reasons = [...tried].map(([candidate, reason]) => `${candidate.source}: ${reason}`).join('\n');
  throw new MissingDependencyError(`backend ${choice} can't be used here\n${reasons}`);
}

/**
 * Says which backend is used (or would be, by `auto`), which are not, and why. Downloads, builds and loads nothing.
 */
export function explainBackends(): BackendExplanation[] {
  if (current) return [current.output.report.used, ...current.output.report.others];
  const all = candidates();
  const first = all.find((candidate) => candidate.name !== 'webgpu' && candidate.obstacle() === undefined);
  return all.map((candidate) => explain(candidate, candidate === first, candidate.obstacle()));
}

function makeReport(
  all: readonly Candidate[],
  used: Candidate,
  tried: ReadonlyMap<Candidate, string>,
  { gpu, note }: DeviceReport,
): BackendReport {
  const others = all.filter((candidate) => candidate !== used);
  return {
    used: { ...explain(used, true, undefined), ...(note === undefined ? {} : { reason: note }) },
    others: others.map((candidate) => explain(candidate, false, tried.get(candidate) ?? candidate.obstacle())),
    gpu,
  };
}

function explain(candidate: Candidate, used: boolean, obstacle: string | undefined): BackendExplanation {
  const { name, source, isInstalled } = candidate;
  if (obstacle !== undefined) return { name, source, state: 'unavailable', reason: obstacle, isInstalled: false };
  if (used) return { name, source, state: 'used', reason: candidate.merit, isInstalled };
  const reason =
    name === 'webgpu' ? 'works when asked for by name' : 'a faster one goes first; can be asked for by name';
  return { name, source, state: 'available', reason, isInstalled };
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
  // The thread that starts an operation takes its share of it instead of sleeping until the others are done: a fifth of the time of acting at batch 1, and less waiting for
  // a processor when others are busy.
  process.env.TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD ??= 'true';
  if (threads !== undefined) {
    process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    process.env.TF_NUM_INTEROP_THREADS = String(Math.min(threads, 2));
  }
}
