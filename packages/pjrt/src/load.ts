// Loads a plugin and makes tfjs compute with it: finds or fetches it, checks its numbers once per process, sets the tracing backend, and lets `createProgram` of
// @moe-rl/tfjs-graph make its programs here.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InvalidArgumentError, MissingDependencyError, requireInteger, requireOneOf } from '@moe-rl/core';
import { registerProgramBatchEngine, registerProgramEngine } from '@moe-rl/tfjs-graph/engine';
import { registerTracingBackend } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import { PjrtClient } from './client/client.ts';
import type { XlaOptions } from './client/compile-options.ts';
import type { NamedValues } from './client/named-values.ts';
import { PjrtError, PluginError } from './errors.ts';
import { installPlugin } from './plugins/install.ts';
import { refuseKnownFaults } from './plugins/known-faults.ts';
import {
  type DeviceChoice,
  deviceChoices,
  libraryOf,
  PLUGIN_VARIABLE,
  pjrtFolder,
  pluginOfUser,
  releaseFor,
} from './plugins/locate.ts';
import { requirePlatform } from './plugins/platform.ts';
import { preloadLibraries } from './plugins/preload.ts';
import { testPlugin } from './plugins/self-test.ts';
import { clientOptionsFor } from './plugins/versions.ts';
import { ExecutableCache } from './program/executable-cache.ts';
import { createPjrtProgram } from './program/pjrt-program.ts';
import { PjrtProgramBatch } from './program/program-batch.ts';
import { type Precision, precisions } from './stablehlo/builder.ts';

/** Name of the backend in tfjs. */
export const BACKEND_NAME = 'stablehlo';

/** Options of {@link loadPjrt}. */
export interface LoadPjrtConfig {
  /** Default `cpu`. `cuda` takes CUDA 12 or 13 by the driver. */
  readonly device?: DeviceChoice;
  /** A plugin's shared library, in place of the one that is found or fetched. */
  readonly plugin?: string;
  /** `false`: nothing is downloaded. Default true. */
  readonly install?: boolean;
  /** Threads of the CPU plugin; default all. Read at the first load. */
  readonly threads?: number;
  /** How exactly products of float32 are computed; default `default`, by which GPUs may use TF32. */
  readonly precision?: Precision;
  /** Options of XLA by name. */
  readonly xlaOptions?: XlaOptions;
  /** Where compiled steps are kept; `null`: nowhere. Default: `pjrt/executables` in the cache folder. */
  readonly cacheFolder?: string | null;
  /** Called with lines fit for showing. */
  readonly onProgress?: (message: string) => void;
}

/** What {@link loadPjrt} found. */
export interface LoadPjrtOutput {
  readonly tf: typeof tf;
  /** `stablehlo`: tfjs' current backend now. */
  readonly name: string;
  readonly client: PjrtClient;
  readonly cache: ExecutableCache;
  /** The plugin's file. */
  readonly plugin: string;
}

/**
 * XLA's quick maximum and minimum on a processor lose NaN where they reduce or pool: the values of a network that diverged would look sound.
 * What the caller sets stays.
 */
const CPU_OPTIONS: XlaOptions = { xla_cpu_enable_fast_min_max: false };

interface Loaded {
  readonly output: LoadPjrtOutput;
  readonly device: DeviceChoice;
  readonly precision: Precision;
  readonly threads: number | undefined;
  readonly xlaOptions: XlaOptions;
  readonly cacheFolder: string | null;
}

let loaded: Loaded | undefined;

/**
 * Loads a plugin. A process keeps its plugin: asking again for the same returns the same.
 * @throws InvalidArgumentError for unknown options, or others than it was loaded with; MissingDependencyError when the plugin can't be had; PluginError when it
 *   can't be used (other processor, other C interface, no device or another one, wrong numbers); PjrtError when the device can't be opened
 */
export async function loadPjrt(config: LoadPjrtConfig = {}): Promise<LoadPjrtOutput> {
  const device = requireOneOf('device', config.device ?? 'cpu', deviceChoices);
  const precision = requireOneOf('precision', config.precision ?? 'default', precisions);
  const threads = config.threads === undefined ? undefined : requireInteger('threads', config.threads, 1, 1024);
  const report = config.onProgress ?? (() => {});
  const own = config.plugin === undefined ? pluginOfUser() : resolve(config.plugin);
  const plugin = own ?? (await findPlugin(device, config.install ?? true, report));
  if (loaded !== undefined) {
    const { xlaOptions = loaded.xlaOptions, cacheFolder = loaded.cacheFolder } = config;
    const asked = { plugin, device, precision, threads: threads ?? loaded.threads, xlaOptions, cacheFolder };
    refuseOther(loaded, asked);
    await tf.setBackend(BACKEND_NAME);
    return loaded.output;
  }
  // tfjs-core alone has no gradients; the union package registers them, and the backend that runs what is outside of programs.
  if (!tf.getGradient('Relu') || tf.findBackend('cpu') === null) await import('@tensorflow/tfjs');
  setThreads(threads);
  if (device === 'cuda') preloadLibraries(plugin);
  refuseKnownFaults(plugin);
  const client = openClient(plugin, clientOptionsFor(device), device);
  await testPlugin(client);
  const backend = registerTracingBackend(BACKEND_NAME);
  const { xlaOptions = {}, cacheFolder = join(pjrtFolder(), 'executables') } = config;
  const cache = new ExecutableCache({
    client,
    folder: cacheFolder ?? undefined,
    pluginKey: keyOf(plugin),
    options: client.platform === 'cpu' ? { ...CPU_OPTIONS, ...xlaOptions } : xlaOptions,
    report,
  });
  const engine = { backend, client, cache, precision };
  registerProgramEngine(BACKEND_NAME, (program) => createPjrtProgram(engine, program));
  registerProgramBatchEngine(BACKEND_NAME, (batch) => new PjrtProgramBatch(engine, batch));
  await tf.setBackend(BACKEND_NAME);
  await tf.ready();
  const output = { tf, name: BACKEND_NAME, client, cache, plugin };
  loaded = { output, device, precision, threads, xlaOptions, cacheFolder };
  return output;
}

/** @throws InvalidArgumentError where something else is asked for than was loaded */
function refuseOther(
  { output, ...kept }: Loaded,
  { plugin, ...asked }: Omit<Loaded, 'output'> & { plugin: string },
): void {
  if (output.plugin === plugin && isDeepStrictEqual(asked, kept)) return;
  const names = Object.entries(kept).map(
    ([name, value]) => `${name} ${value === undefined ? 'all' : JSON.stringify(value)}`,
  );
  throw new InvalidArgumentError(
    `the plugin ${output.plugin} was loaded (${names.join(', ')}); a process keeps what it loaded first`,
  );
}

async function findPlugin(device: DeviceChoice, install: boolean, report: (message: string) => void): Promise<string> {
  const release = releaseFor(device);
  if (install) {
    try {
      return await installPlugin(release, report);
    } catch (error) {
      // A machine without a network may have what JAX brought.
      if (!(error instanceof MissingDependencyError)) throw error;
      throw new MissingDependencyError(`${error.message}. ${OWN_PLUGIN_ADVICE}`, { cause: error });
    }
  }
  const library = libraryOf(release);
  if (statSync(library, { throwIfNoEntry: false }) === undefined) {
    throw new MissingDependencyError(
      `the PJRT plugin ${release.name} ${release.version} is not in the cache, and downloading was switched off. ${OWN_PLUGIN_ADVICE}`,
    );
  }
  return library;
}

const OWN_PLUGIN_ADVICE = `A plugin that is on this machine already, JAX's own for instance, can be named by ${PLUGIN_VARIABLE}`;

function openClient(plugin: string, options: NamedValues, device: DeviceChoice): PjrtClient {
  try {
    const client = PjrtClient.open(plugin, { options });
    try {
      requirePlatform(device, client.platform, plugin);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  } catch (error) {
    if (!(error instanceof PjrtError) || device === 'cpu') throw error;
    if (error.message.includes('Unexpected option')) {
      throw new PluginError(`${device}: ${plugin} is no plugin for GPUs (${error.message})`, { cause: error });
    }
    const hidden = process.env.CUDA_VISIBLE_DEVICES;
    const why = hidden === undefined ? '' : ` (CUDA_VISIBLE_DEVICES is "${hidden}", which may hide it)`;
    const advice = 'see whether nvidia-smi or rocm-smi lists one, with a driver that is new enough';
    throw new PluginError(`${device}: no GPU can be used${why}: ${error.message}; ${advice}`, { cause: error });
  }
}

/** XLA's CPU client reads these once. */
function setThreads(threads: number | undefined): void {
  if (threads === undefined) return;
  process.env.PJRT_NPROC = String(threads);
  process.env.NPROC = String(threads);
}

/** What tells a plugin's file from others without reading all of it. */
function keyOf(plugin: string): string {
  const { size, mtimeMs } = statSync(plugin);
  return createHash('sha256').update(`${plugin}:${size}:${mtimeMs}`).digest('hex');
}
