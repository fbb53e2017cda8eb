// A compiled function, loaded on the device.
import { InvalidArgumentError, ShapeError } from '@moe-rl/core';
import type { Api } from '../c-api/api.ts';
import { Struct } from '../c-api/struct.ts';
import { PluginError } from '../errors.ts';
import type { DeviceBuffer } from './buffer.ts';
import { type ExecutableMemory, takeMemory } from './compile-call.ts';
import type { BufferSpec } from './element-types.ts';

/** A function as StableHLO text with what its caller must know. */
export interface FunctionSpec {
  readonly text: string;
  readonly arguments: readonly BufferSpec[];
  /** Indices of the arguments whose memory results take over. */
  readonly donated: readonly number[];
  readonly results: readonly BufferSpec[];
}

export type MakeBuffer = (handle: bigint, spec: BufferSpec) => DeviceBuffer;

/** A loaded executable. All memory that a call passes on is allocated once and lives with it. */
export class Executable {
  readonly spec: FunctionSpec;
  readonly #api: Api;
  readonly #handle: bigint;
  readonly #makeBuffer: MakeBuffer;
  readonly #inputs: BigUint64Array;
  readonly #outputs: BigUint64Array;
  readonly #call: Struct<'LoadedExecutable_Execute'>;
  #isFreed = false;

  constructor(api: Api, handle: bigint, spec: FunctionSpec, makeBuffer: MakeBuffer) {
    this.#api = api;
    this.#handle = handle;
    this.#makeBuffer = makeBuffer;
    this.spec = spec;
    const executable = this.#inner();
    const outputs = Number(api.call(new Struct('Executable_NumOutputs', { executable })).word('num_outputs'));
    api.call(new Struct('Executable_Destroy', { executable }));
    if (outputs !== spec.results.length) {
      throw new PluginError(`an executable of ${api.path} has ${outputs} results; expected ${spec.results.length}`);
    }
    this.#inputs = new BigUint64Array(Math.max(1, spec.arguments.length));
    this.#outputs = new BigUint64Array(Math.max(1, spec.results.length));
    const inputLists = BigUint64Array.of(api.native.addressOf(this.#inputs));
    const outputLists = BigUint64Array.of(api.native.addressOf(this.#outputs));
    const options = new Struct('ExecuteOptions');
    this.#call = new Struct(
      'LoadedExecutable_Execute',
      {
        executable: handle,
        options: api.native.addressOf(options.bytes),
        argument_lists: api.native.addressOf(inputLists),
        num_devices: 1,
        num_args: spec.arguments.length,
        output_lists: api.native.addressOf(outputLists),
      },
      [inputLists, outputLists, options, this.#inputs, this.#outputs],
    );
  }

  /**
   * Starts the function and returns its results at once, while the device computes them. Donated arguments are gone afterwards.
   * @throws ShapeError for another number, shape or type of arguments than compiled for; PjrtError when the plugin refuses.
   */
  execute(inputs: readonly DeviceBuffer[]): DeviceBuffer[] {
    if (this.#isFreed) throw new InvalidArgumentError('an executable is called after it was freed');
    const { arguments: expected, donated, results } = this.spec;
    if (inputs.length !== expected.length) {
      throw new ShapeError(`${inputs.length} arguments were given to an executable; expected ${expected.length}`);
    }
    for (const [index, input] of inputs.entries()) {
      const { shape, type } = expected[index]!;
      if (input.spec.type !== type || input.spec.shape.join() !== shape.join()) {
        throw new ShapeError(
          `argument ${index} of an executable is ${input.spec.type} [${input.spec.shape}]; it was compiled for ${type} [${shape}]`,
        );
      }
      this.#inputs[index] = input.handle;
    }
    this.#api.call(this.#call);
    for (const index of donated) inputs[index]!.markDonated();
    return results.map((spec, index) => this.#makeBuffer(this.#outputs[index]!, spec));
  }

  /** The executable as bytes, for the same plugin on the same kind of device. */
  serialize(): Uint8Array {
    const executable = this.#inner();
    try {
      const call = this.#api.call(new Struct('Executable_Serialize', { executable }));
      const bytes = this.#api.native.read(call.word('serialized_bytes'), Number(call.word('serialized_bytes_size')));
      const free = this.#api.native.functionAt(call.word('serialized_executable_deleter'));
      free.callWith(call.word('serialized_executable'));
      return bytes;
    } finally {
      this.#api.call(new Struct('Executable_Destroy', { executable }));
    }
  }

  /** What it needs on the device. */
  memory(): ExecutableMemory {
    return takeMemory(this.#api, this.#inner());
  }

  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#api.call(new Struct('LoadedExecutable_Destroy', { executable: this.#handle }));
  }

  #inner(): bigint {
    const call = new Struct('LoadedExecutable_GetExecutable', { loaded_executable: this.#handle });
    return this.#api.call(call).word('executable');
  }
}
