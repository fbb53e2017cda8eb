// Programs of one configuration with several seeds, compiled as one: every variable and input has an axis of members in front, so that the device is given one large
// step in place of many small ones. Members come and go; see rendezvous.ts for who runs with whom.
//
// Why the traced step is batched operation by operation (as JAX's vmap) and not written out once per member: on XLA's CPU plugin five members of a small network
// took 0.2 to 0.3 of the time of five steps alone in one batched function, 0.7 to 1 in a function of five copies, which also has five times the operations to launch.
// Convolutions are the exception there: in groups of channels they took twice the time, one for each member 1.0.
import { elementCount, InvalidArgumentError, requireInteger, type TensorData } from '@moe-rl/core';
import type {
  BatchConvolutions,
  Program,
  ProgramBatch,
  ProgramBatchConfig,
  ProgramConfig,
  ProgramOutputs,
} from '@moe-rl/tfjs-graph';
import { checkInputs, checkVariableValues, findEntryPoint, findVariable } from '@moe-rl/tfjs-graph/engine';
import { inputTypes, variableType } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceBuffer } from '../client/buffer.ts';
import { type HostArray, makeHostArray } from '../client/element-types.ts';
import type { Executable } from '../client/executable.ts';
import { BatchState } from './batch-state.ts';
import { type ProgramEngine, refuseEager, SHORT_MS } from './pjrt-program.ts';
import { Rendezvous } from './rendezvous.ts';
import { type TracedEntryPoint, traceFunction } from './trace-function.ts';

type Inputs = Parameters<Program['run']>[1];

/** What one member waits for. */
interface Call {
  readonly entryName: string;
  /** Inputs that are not at the member's place of the batch's inputs yet. */
  readonly values: readonly HostArray[] | undefined;
  readonly resolve: (outputs: ProgramOutputs) => void;
  readonly reject: (error: unknown) => void;
}

/** An entry point of all members. */
interface BatchEntryPoint {
  readonly traced: TracedEntryPoint;
  readonly inputs: readonly BatchInput[];
  executable: Promise<Executable> | undefined;
  /** How long the newest run took, from its start on the device to its results. */
  tookMs: number;
}

interface BatchInput {
  readonly spec: { readonly shape: readonly number[]; readonly type: (typeof inputTypes)[keyof typeof inputTypes] };
  /** `[size, ...shape]`: each member's newest input at its place. */
  readonly all: HostArray;
}

/** k programs of one configuration as one: see `createProgramBatch` of @moe-rl/tfjs-graph. */
export class PjrtProgramBatch implements ProgramBatch {
  readonly size: number;
  readonly #engine: ProgramEngine;
  readonly #convolutions: BatchConvolutions;
  readonly #taken = new Set<number>();
  readonly #rendezvous: Rendezvous<Call>;
  #entryPoints: ReadonlyMap<string, BatchEntryPoint> = new Map();
  #state: BatchState | undefined;
  #members = 0;
  #isClosed = false;
  /** Steps, reads and writes come one after the other: each may take the memory of the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: ProgramEngine, { size, convolutions }: ProgramBatchConfig) {
    this.#engine = engine;
    this.size = size;
    // XLA hands groups of channels to the GPU vendor's library; on the CPU they are slow.
    this.#convolutions = convolutions ?? (engine.client.platform === 'cpu' ? 'each' : 'grouped');
    this.#rendezvous = new Rendezvous({
      costOf: (name) => this.#entryPoints.get(name)!.traced.operationCount,
      execute: (name, calls) => this.#execute(name, calls),
    });
  }

  async createProgram<Name extends string>(place: number, config: ProgramConfig<Name>): Promise<Program<Name>> {
    requireInteger('place', place, 0, this.size - 1);
    if (this.#isClosed) throw new InvalidArgumentError('a program joins a batch whose members are all gone');
    if (this.#taken.has(place)) throw new InvalidArgumentError(`place ${place} of the batch is taken`);
    refuseEager(config);
    this.#admit(place, config);
    const state = this.#state!;
    this.#taken.add(place);
    this.#members++;
    await this.#after(async () => {
      for (const [name, variable] of Object.entries(config.variables)) {
        await state.write(place, name, this.#engine.backend.readSync(variable.dataId) as HostArray);
      }
    });
    this.#rendezvous.join(place);
    return this.#member(place, config);
  }

  /** Traces the first member's entry points, and holds those of the others against them. */
  #admit(place: number, config: ProgramConfig): void {
    const { backend, client, precision } = this.#engine;
    const batch = { members: this.size, convolutions: this.#convolutions };
    const traced = Object.entries(config.entryPoints).map(
      ([name, entryPoint]) =>
        [name, traceFunction(backend, name, entryPoint, config.variables, precision, batch)] as const,
    );
    if (this.#state === undefined) {
      const specs = Object.entries(config.variables).map(
        ([name, variable]) => [name, { shape: variable.shape, type: variableType(variable) }] as const,
      );
      this.#state = new BatchState(client, this.size, Object.fromEntries(specs));
      this.#entryPoints = new Map(
        traced.map(([name, one]) => [name, this.#entryPointOf(one, config.entryPoints[name]!)]),
      );
      return;
    }
    for (const [name, { function: written, reads, writes, outputs }] of traced) {
      const first = this.#entryPoints.get(name)?.traced;
      const isSame =
        first?.function.text === written.text &&
        [first.reads, first.writes, first.outputs].join('|') === [reads, writes, outputs].join('|');
      if (isSame) continue;
      throw new InvalidArgumentError(
        `entry point "${name}" of the program at place ${place} is another function than the first member's; a batch runs one configuration with several seeds, and what else differs must be a variable or an input`,
      );
    }
    if (traced.length !== this.#entryPoints.size) {
      throw new InvalidArgumentError(
        `the program at place ${place} has the entry points ${traced.map(([name]) => name).join(', ')}; expected those of the first member: ${[...this.#entryPoints.keys()].join(', ')}`,
      );
    }
  }

  #entryPointOf(traced: TracedEntryPoint, { inputs = {} }: ProgramConfig['entryPoints'][string]): BatchEntryPoint {
    return {
      traced,
      inputs: Object.values(inputs).map(({ shape, dtype }) => {
        const type = inputTypes[dtype];
        return {
          spec: { shape: [this.size, ...shape], type },
          all: makeHostArray(type, this.size * elementCount(shape)),
        };
      }),
      executable: undefined,
      tookMs: Number.POSITIVE_INFINITY,
    };
  }

  #member<Name extends string>(place: number, config: ProgramConfig<Name>): Program<Name> {
    const { variables } = config;
    const state = this.#state!;
    let isDisposed = false;
    let openCalls = 0;
    const requireAlive = (): void => {
      if (isDisposed) throw new InvalidArgumentError('the program was disposed');
    };
    return {
      isRecorded: true,
      run: async (name: Name, inputs: Inputs = {}): Promise<ProgramOutputs> => {
        requireAlive();
        findEntryPoint(config.entryPoints as ProgramConfig['entryPoints'], name);
        const given = checkInputs(name, config.entryPoints[name].inputs ?? {}, inputs);
        // Copied: the caller may change its arrays as soon as it has the promise. To the member's place, unless an earlier call of its may still need that.
        const isAlone = openCalls === 0;
        if (isAlone) this.#place(name, place, given);
        openCalls++;
        try {
          return await new Promise((resolve, reject) => {
            const values = isAlone ? undefined : given.map((array) => array.slice());
            this.#rendezvous.call(place, { entryName: name, values, resolve, reject });
          });
        } finally {
          openCalls--;
        }
      },
      readVariables: async (names = Object.keys(variables)): Promise<Record<string, TensorData>> => {
        requireAlive();
        for (const name of names) findVariable(variables, name);
        return this.#after(async () => {
          const read: Record<string, TensorData> = {};
          for (const name of names) {
            read[name] = { shape: [...variables[name]!.shape], data: await state.read(place, name) };
          }
          return read;
        });
      },
      writeVariables: async (given): Promise<void> => {
        requireAlive();
        const checked = checkVariableValues(variables, given).map(({ name, data }) => [name, data.slice()] as const);
        await this.#after(async () => {
          for (const [name, data] of checked) await state.write(place, name, data);
        });
      },
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        for (const { reject } of this.#rendezvous.leave(place)) {
          reject(new InvalidArgumentError('the program was disposed'));
        }
        tf.dispose(Object.values(variables));
        this.#members--;
        if (this.#members === 0) this.#close();
      },
    };
  }

  /** Puts a member's inputs beside those of the others. */
  #place(name: string, place: number, values: readonly HostArray[]): void {
    for (const [index, { all }] of this.#entryPoints.get(name)!.inputs.entries()) {
      all.set(values[index]! as never, place * values[index]!.length);
    }
  }

  /** Runs one entry point for those who asked, and gives each its own outputs. */
  async #execute(name: string, calls: ReadonlyMap<number, Call>): Promise<void> {
    const entryPoint = this.#entryPoints.get(name)!;
    try {
      for (const [place, { values }] of calls) if (values !== undefined) this.#place(name, place, values);
      const executable = await this.#executable(entryPoint);
      const buffers = await this.#after(async () => this.#start(entryPoint, executable, calls));
      const startedAtMs = performance.now();
      const isShort = entryPoint.tookMs < SHORT_MS;
      const { outputs } = entryPoint.traced;
      // All reads are under way before the first is waited for.
      const results = await Promise.all(
        buffers.map(async (buffer) => {
          try {
            return isShort ? buffer.readSync() : await buffer.read();
          } finally {
            buffer.free();
          }
        }),
      );
      entryPoint.tookMs = performance.now() - startedAtMs;
      for (const [place, { resolve }] of calls) {
        const own = results.map((all, index) => {
          const length = all.length / this.size;
          return [outputs[index]!, all.slice(place * length, (place + 1) * length)] as const;
        });
        resolve(Object.fromEntries(own));
      }
    } catch (error) {
      for (const { reject } of calls.values()) reject(error);
    }
  }

  /** Starts an entry point on the device and returns its outputs at once. */
  #start(
    { traced, inputs }: BatchEntryPoint,
    executable: Executable,
    calls: ReadonlyMap<number, Call>,
  ): readonly DeviceBuffer[] {
    const { client } = this.#engine;
    const state = this.#state!;
    const fed: DeviceBuffer[] = [];
    try {
      for (const { all, spec } of inputs) fed.push(client.upload(all, spec));
      if (traced.isMasked) {
        const mask = Uint8Array.from({ length: this.size }, (_, place) => (calls.has(place) ? 1 : 0));
        fed.push(client.upload(mask, { shape: [this.size], type: 'i1' }));
      }
      const results = executable.execute([...state.onDevice(traced.reads), ...fed]);
      for (const [index, variable] of traced.writes.entries()) state.replace(variable, results[index]!);
      return results.slice(traced.writes.length);
    } finally {
      for (const buffer of fed) buffer.free();
    }
  }

  #executable(entryPoint: BatchEntryPoint): Promise<Executable> {
    entryPoint.executable ??= this.#engine.cache.executable(entryPoint.traced.function);
    // A failure (no memory) may pass: the next run tries again.
    entryPoint.executable.catch(() => {
      entryPoint.executable = undefined;
    });
    return entryPoint.executable;
  }

  /** The last member is gone. A step that is under way ends before its memory is freed. */
  #close(): void {
    this.#isClosed = true;
    void this.#after(async () => {
      this.#state?.free();
      for (const { executable } of this.#entryPoints.values()) {
        executable?.then(
          (loaded) => loaded.free(),
          () => {},
        );
      }
    });
  }

  #after<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
