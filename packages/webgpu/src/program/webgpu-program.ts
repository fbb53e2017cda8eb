// A program whose entry points run as kernels of our own. The variables live on the device; a run writes its inputs, submits all kernels at once and reads the outputs
// back in one piece.
import { InvalidArgumentError, type TensorData } from '@moe-rl/core';
import type { Program, ProgramConfig, ProgramOutputs } from '@moe-rl/tfjs-graph';
import { checkInputs, checkVariableValues, findEntryPoint, findVariable } from '@moe-rl/tfjs-graph/engine';
import { inputTypes, type TracingBackend, variableType } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import type { Plan } from '../compile/plan.ts';
import { type GpuBuffer, type GpuDevice, MAP_MODE_READ } from '../device/gpu.ts';
import { decoded, type HostArray, makeBuffer, upload } from '../device/memory.ts';
import { DeviceError } from '../errors.ts';
import { byteLengthOf, sizeOf } from '../graph/node.ts';
import { Executable, makeStaging, type PipelineCache } from './executable.ts';
import { traceStep } from './trace-step.ts';

/** What programs are made with. */
export interface ProgramEngine {
  readonly backend: TracingBackend;
  readonly device: GpuDevice;
  readonly pipelines: PipelineCache;
  /** Why the device is gone, once it is. */
  readonly lost: { reason?: string };
}

/**
 * Traces all entry points; the kernels of each are compiled at its first run.
 * @throws TracingError naming the entry point and what of it can't be compiled; InvalidArgumentError for the mode `eager`
 */
export async function createWebGpuProgram<Name extends string>(
  engine: ProgramEngine,
  config: ProgramConfig<Name>,
): Promise<WebGpuProgram<Name>> {
  if (config.mode === 'eager') {
    throw new InvalidArgumentError(
      `mode is "eager", but the backend ${tf.getBackend()} runs whole steps only: it can't read values in mid-step, as routers that choose on the host do. Use "auto", or the backend tensorflow`,
    );
  }
  const { maxStorageBuffersPerShaderStage } = engine.device.limits;
  const plans = new Map<string, Plan>();
  for (const [name, entryPoint] of Object.entries<ProgramConfig['entryPoints'][string]>(config.entryPoints)) {
    plans.set(name, traceStep(engine.backend, name, entryPoint, config.variables, maxStorageBuffersPerShaderStage));
  }
  return new WebGpuProgram<Name>(engine, config, plans);
}

interface Described {
  readonly buffer: GpuBuffer;
  readonly size: number;
  readonly type: 'f32' | 'i32' | 'i1' | 'ui8';
}

/** A program on a WebGPU device; `dispatchCount` tells the kernels of a run. */
export class WebGpuProgram<Name extends string> implements Program<Name> {
  readonly isRecorded = true;
  readonly #engine: ProgramEngine;
  readonly #config: ProgramConfig<Name>;
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #variables = new Map<string, Described>();
  readonly #inputs = new Map<string, ReadonlyMap<string, Described>>();
  readonly #executables = new Map<string, Promise<Executable>>();
  readonly #ready = new Map<string, Executable>();
  readonly #working: GpuBuffer[] = [];
  /** Buffers for reading back that no run uses now, by their size. */
  readonly #staging = new Map<number, GpuBuffer[]>();
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor(engine: ProgramEngine, config: ProgramConfig<Name>, plans: ReadonlyMap<string, Plan>) {
    this.#engine = engine;
    this.#config = config;
    this.#plans = plans;
    for (const [name, variable] of Object.entries(config.variables)) {
      const described = this.#describe(variable.shape, variableType(variable));
      this.#variables.set(name, described);
      upload(engine.device, described.buffer, engine.backend.readSync(variable.dataId) as HostArray, described);
    }
    for (const [name, entryPoint] of Object.entries<ProgramConfig['entryPoints'][string]>(config.entryPoints)) {
      const inputs = Object.entries(entryPoint.inputs ?? {}).map(
        ([input, { shape, dtype }]) => [input, this.#describe(shape, inputTypes[dtype])] as const,
      );
      this.#inputs.set(name, new Map(inputs));
    }
  }

  /** Kernels of one run of an entry point. */
  dispatchCount(name: Name): number {
    return findEntryPoint(Object.fromEntries(this.#plans), name).dispatches.length;
  }

  async run(name: Name, inputs: Parameters<Program<Name>['run']>[1] = {}): Promise<ProgramOutputs> {
    this.#requireAlive();
    findEntryPoint(this.#config.entryPoints as ProgramConfig['entryPoints'], name);
    const values = checkInputs(name, this.#config.entryPoints[name].inputs ?? {}, inputs);
    const ready = this.#ready.get(name);
    // The queue keeps the order of runs; only a first run has to wait, for its kernels, and what comes meanwhile waits for it.
    if (ready !== undefined && this.#isIdle) return this.#read(ready, this.#submit(name, ready, values));
    const copies = values.map((array) => array.slice());
    const submitted = this.#after(async () => {
      const executable = await this.#executable(name);
      this.#requireAlive();
      return { executable, staging: await this.#submitFirst(name, executable, copies) };
    });
    const { executable, staging } = await submitted;
    return this.#read(executable, staging);
  }

  async readVariables(names = Object.keys(this.#config.variables)): Promise<Record<string, TensorData>> {
    this.#requireAlive();
    for (const name of names) findVariable(this.#config.variables, name);
    const described = names.map((name) => this.#variables.get(name)!);
    const { device } = this.#engine;
    const total = described.reduce((sum, value) => sum + byteLengthOf(value), 0);
    const staging = await this.#after(async () => {
      this.#requireAlive();
      const buffer = this.#takeStaging(total);
      const encoder = device.createCommandEncoder();
      let offset = 0;
      for (const value of described) {
        encoder.copyBufferToBuffer(value.buffer, 0, buffer, offset, byteLengthOf(value));
        offset += byteLengthOf(value);
      }
      device.queue.submit([encoder.finish()]);
      return buffer;
    });
    const bytes = await this.#map(staging, total);
    let offset = 0;
    return Object.fromEntries(
      names.map((name, index) => {
        const value = described[index]!;
        const data = decoded(bytes, offset, value.size, value.type);
        offset += byteLengthOf(value);
        return [name, { shape: [...this.#config.variables[name]!.shape], data }];
      }),
    );
  }

  async writeVariables(values: Readonly<Record<string, TensorData>>): Promise<void> {
    this.#requireAlive();
    const checked = checkVariableValues(this.#config.variables, values).map(({ name, data }) => ({
      name,
      data: data.slice(),
    }));
    await this.#after(async () => {
      this.#requireAlive();
      for (const { name, data } of checked) {
        const described = this.#variables.get(name)!;
        upload(this.#engine.device, described.buffer, data, described);
      }
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const inputs = [...this.#inputs.values()].flatMap((described) => [...described.values()]);
    for (const { buffer } of [...this.#variables.values(), ...inputs]) buffer.destroy();
    for (const buffer of [...this.#staging.values()].flat()) buffer.destroy();
    this.#release(this.#ready.values());
    this.#staging.clear();
    tf.dispose(Object.values(this.#config.variables));
  }

  /** Entry points' own memory, and what they share. */
  #release(executables: Iterable<Executable>): void {
    for (const buffer of this.#working.splice(0)) buffer.destroy();
    for (const executable of executables) executable.free();
  }

  #pending = 0;

  get #isIdle(): boolean {
    return this.#pending === 0;
  }

  #submit(name: string, executable: Executable, values: readonly ArrayLike<number>[]): GpuBuffer | undefined {
    const { device } = this.#engine;
    for (const [index, described] of [...this.#inputs.get(name)!.values()].entries()) {
      upload(device, described.buffer, values[index]!, described);
    }
    const staging = executable.outputBytes === 0 ? undefined : this.#takeStaging(executable.outputBytes);
    const encoder = device.createCommandEncoder();
    executable.encode(encoder, staging);
    device.queue.submit([encoder.finish()]);
    return staging;
  }

  /** Looks whether the device takes the run: commands that it refuses are dropped without a word, and all outputs would be zeros. Later runs are the same commands. */
  async #submitFirst(name: string, executable: Executable, values: readonly ArrayLike<number>[]) {
    const { device } = this.#engine;
    let staging: GpuBuffer | undefined;
    let refused: ReturnType<GpuDevice['popErrorScope']>;
    device.pushErrorScope('validation');
    try {
      staging = this.#submit(name, executable, values);
    } finally {
      refused = device.popErrorScope();
    }
    const error = await refused;
    if (error !== null) {
      staging?.destroy();
      this.#ready.delete(name);
      throw new DeviceError(`entry point "${name}": the device refuses its run: ${error.message}`);
    }
    return staging;
  }

  async #read(executable: Executable, staging: GpuBuffer | undefined): Promise<ProgramOutputs> {
    if (staging === undefined) return {};
    return executable.outputsOf(await this.#map(staging, executable.outputBytes));
  }

  /** The first bytes of a buffer, which can be taken again afterwards. */
  async #map(staging: GpuBuffer, byteLength: number): Promise<ArrayBuffer> {
    try {
      await staging.mapAsync(MAP_MODE_READ);
    } catch (error) {
      this.#requireAlive();
      throw new DeviceError(`the device failed: ${(error as Error).message}`, { cause: error });
    }
    const bytes = staging.getMappedRange(0, Math.max(4, byteLength)).slice(0);
    staging.unmap();
    if (this.#isDisposed) staging.destroy();
    else this.#staging.set(staging.size, [...(this.#staging.get(staging.size) ?? []), staging]);
    return bytes;
  }

  #takeStaging(byteLength: number): GpuBuffer {
    const size = Math.max(4, byteLength);
    return this.#staging.get(size)?.pop() ?? makeStaging(this.#engine.device, size);
  }

  #executable(name: string): Promise<Executable> {
    let executable = this.#executables.get(name);
    if (executable === undefined) {
      const buffers = (described: ReadonlyMap<string, Described>) =>
        new Map([...described].map(([key, { buffer }]) => [key, buffer]));
      executable = Executable.make({
        device: this.#engine.device,
        entryName: name,
        plan: this.#plans.get(name)!,
        variables: buffers(this.#variables),
        inputs: buffers(this.#inputs.get(name)!),
        pipelines: this.#engine.pipelines,
        working: this.#working,
      });
      executable.then(
        (made) => {
          if (!this.#isDisposed) this.#ready.set(name, made);
          else this.#release([made]);
        },
        // A failure (no memory) may pass: the next run tries again.
        () => this.#executables.delete(name),
      );
      this.#executables.set(name, executable);
    }
    return executable;
  }

  #describe(shape: readonly number[], type: Described['type']): Described {
    const size = sizeOf(shape);
    return { buffer: makeBuffer(this.#engine.device, byteLengthOf({ size, type })), size, type };
  }

  #after<T>(work: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#last.then(work).finally(() => {
      this.#pending--;
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** @throws InvalidArgumentError after dispose, DeviceError when the device is gone */
  #requireAlive(): void {
    if (this.#isDisposed) throw new InvalidArgumentError('the program was disposed');
    const { reason } = this.#engine.lost;
    if (reason !== undefined) {
      throw new DeviceError(`the device was lost (${reason}); its state is gone: resume from the last checkpoint`);
    }
  }
}
