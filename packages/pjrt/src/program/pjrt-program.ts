// A program whose entry points are compiled by XLA. The variables live on the device; an entry point that changes them gives their memory to its results.
import { InvalidArgumentError, type TensorData } from '@moe-rl/core';
import type { Program, ProgramConfig, ProgramOutputs } from '@moe-rl/tfjs-graph';
import { checkInputs, checkVariableValues, findEntryPoint, findVariable } from '@moe-rl/tfjs-graph/engine';
import { inputTypes, type TracingBackend, variableType } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceBuffer } from '../client/buffer.ts';
import type { PjrtClient } from '../client/client.ts';
import type { HostArray } from '../client/element-types.ts';
import type { Executable } from '../client/executable.ts';
import type { Precision } from '../stablehlo/builder.ts';
import type { ExecutableCache } from './executable-cache.ts';
import { type TracedEntryPoint, traceFunction } from './trace-function.ts';

/** Entry points that take less than this are waited for on this thread: a worker thread's wake-up would take a good part of it. */
export const SHORT_MS = 6;

/** What programs are made with. */
export interface ProgramEngine {
  readonly backend: TracingBackend;
  readonly client: PjrtClient;
  readonly cache: ExecutableCache;
  readonly precision: Precision;
}

/**
 * Traces all entry points; each is compiled at its first run (or taken from the cache).
 * @throws TracingError naming the entry point and what of it can't be compiled; InvalidArgumentError for the mode `eager`
 */
export async function createPjrtProgram<Name extends string>(
  engine: ProgramEngine,
  config: ProgramConfig<Name>,
): Promise<Program<Name>> {
  refuseEager(config);
  const entryPoints = Object.entries<ProgramConfig['entryPoints'][string]>(config.entryPoints);
  const traced = new Map<string, TracedEntryPoint>();
  for (const [name, entryPoint] of entryPoints) {
    traced.set(name, traceFunction(engine.backend, name, entryPoint, config.variables, engine.precision));
  }
  return new PjrtProgram<Name>(engine, config, traced);
}

/** @throws InvalidArgumentError for the mode `eager` */
export function refuseEager({ mode }: Pick<ProgramConfig, 'mode'>): void {
  if (mode !== 'eager') return;
  throw new InvalidArgumentError(
    `mode is "eager", but the backend ${tf.getBackend()} runs whole steps only: it can't read values in mid-step, as routers that choose on the host do. Use "auto", or the backend tensorflow`,
  );
}

class PjrtProgram<Name extends string> implements Program<Name> {
  readonly isRecorded = true;
  readonly #engine: ProgramEngine;
  readonly #config: ProgramConfig<Name>;
  readonly #traced: ReadonlyMap<string, TracedEntryPoint>;
  readonly #executables = new Map<string, Promise<Executable>>();
  /** The variables' values on the device. */
  readonly #state = new Map<string, DeviceBuffer>();
  /** How long the newest run of an entry point took, from its start on the device to its results. */
  readonly #tookMs = new Map<string, number>();
  /** Runs one after the other: each may take the memory of the one before. */
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(engine: ProgramEngine, config: ProgramConfig<Name>, traced: ReadonlyMap<string, TracedEntryPoint>) {
    this.#engine = engine;
    this.#config = config;
    this.#traced = traced;
    for (const [name, variable] of Object.entries(config.variables)) {
      const values = engine.backend.readSync(variable.dataId) as HostArray;
      this.#state.set(name, this.#upload(variable, values));
    }
  }

  async run(name: Name, inputs: Parameters<Program<Name>['run']>[1] = {}): Promise<ProgramOutputs> {
    this.#requireAlive();
    findEntryPoint(this.#config.entryPoints as ProgramConfig['entryPoints'], name);
    const specs = this.#config.entryPoints[name].inputs ?? {};
    const values = checkInputs(name, specs, inputs);
    const { client } = this.#engine;
    // Copied to the device now: the caller may change its arrays as soon as it has the promise.
    const fed: DeviceBuffer[] = [];
    try {
      for (const [index, { shape, dtype }] of Object.values(specs).entries()) {
        fed.push(client.upload(values[index]!, { shape, type: inputTypes[dtype] }));
      }
    } catch (error) {
      for (const buffer of fed) buffer.free();
      throw error;
    }
    const executable = this.#executable(name);
    const started = this.#after(async () => {
      try {
        return this.#start(name, await executable, fed);
      } finally {
        for (const buffer of fed) buffer.free();
      }
    });
    const outputs = await started;
    const startedAtMs = performance.now();
    const isShort = (this.#tookMs.get(name) ?? Number.POSITIVE_INFINITY) < SHORT_MS;
    // All reads are under way before the first is waited for.
    const reads = outputs.map(async ([key, buffer]) => {
      try {
        return [key, isShort ? buffer.readSync() : await buffer.read()] as const;
      } finally {
        buffer.free();
      }
    });
    const results = Object.fromEntries(await Promise.all(reads));
    this.#tookMs.set(name, performance.now() - startedAtMs);
    return results;
  }

  async readVariables(names = Object.keys(this.#config.variables)): Promise<Record<string, TensorData>> {
    this.#requireAlive();
    for (const name of names) findVariable(this.#config.variables, name);
    return this.#after(async () => {
      const values = await Promise.all(names.map((name) => this.#state.get(name)!.read()));
      return Object.fromEntries(
        names.map((name, index) => [name, { shape: [...this.#config.variables[name]!.shape], data: values[index]! }]),
      );
    });
  }

  async writeVariables(values: Readonly<Record<string, TensorData>>): Promise<void> {
    this.#requireAlive();
    const checked = checkVariableValues(this.#config.variables, values);
    // The caller may change its arrays meanwhile.
    const buffers = checked.map(({ name, variable, data }) => [name, this.#upload(variable, data)] as const);
    await this.#after(async () => {
      for (const [name, buffer] of buffers) this.#replace(name, buffer);
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const buffer of this.#state.values()) buffer.free();
    this.#state.clear();
    for (const executable of this.#executables.values()) {
      executable.then(
        (loaded) => loaded.free(),
        () => {},
      );
    }
    tf.dispose(Object.values(this.#config.variables));
  }

  /** Starts an entry point on the device and returns its outputs at once. */
  #start(name: string, executable: Executable, fed: readonly DeviceBuffer[]): [string, DeviceBuffer][] {
    this.#requireAlive();
    const { reads, writes, outputs } = this.#traced.get(name)!;
    const results = executable.execute([...reads.map((variable) => this.#state.get(variable)!), ...fed]);
    for (const [index, variable] of writes.entries()) this.#replace(variable, results[index]!);
    return outputs.map((output, index) => [output, results[writes.length + index]!]);
  }

  #replace(name: string, buffer: DeviceBuffer): void {
    this.#state.get(name)?.free();
    this.#state.set(name, buffer);
  }

  #executable(name: string): Promise<Executable> {
    let executable = this.#executables.get(name);
    if (executable === undefined) {
      executable = this.#engine.cache.executable(this.#traced.get(name)!.function);
      // A failure (no memory) may pass: the next run tries again.
      executable.catch(() => this.#executables.delete(name));
      this.#executables.set(name, executable);
    }
    return executable;
  }

  #upload(variable: tf.Variable, values: HostArray): DeviceBuffer {
    return this.#engine.client.upload(values, { shape: variable.shape, type: variableType(variable) });
  }

  #after<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  #requireAlive(): void {
    if (this.#isDisposed) throw new InvalidArgumentError('the program was disposed');
  }
}
