// An array on the device.
import { elementCount, InvalidArgumentError } from '@moe-rl/core';
import type { Api } from '../c-api/api.ts';
import { Struct } from '../c-api/struct.ts';
import { type BufferSpec, type HostArray, makeHostArray } from './element-types.ts';

/** An array on the device. Its memory is there until {@link DeviceBuffer.free} is called, or it is given away to an execution that may overwrite it. */
export class DeviceBuffer {
  readonly spec: BufferSpec;
  readonly #api: Api;
  readonly #onFree: () => void;
  #handle: bigint;
  #goneBecause: string | undefined;

  constructor(api: Api, handle: bigint, spec: BufferSpec, onFree: () => void) {
    this.#api = api;
    this.#handle = handle;
    this.spec = spec;
    this.#onFree = onFree;
  }

  /**
   * The plugin's handle.
   * @throws InvalidArgumentError when the buffer was freed or donated.
   */
  get handle(): bigint {
    if (this.#goneBecause !== undefined) {
      throw new InvalidArgumentError(
        `a device buffer ${this.spec.type} [${this.spec.shape}] is used after it ${this.#goneBecause}`,
      );
    }
    return this.#handle;
  }

  /** A copy of the values, once the device has computed them; other work goes on meanwhile. */
  async read(): Promise<HostArray> {
    const { values, event } = this.#startRead();
    if (event === undefined) return values;
    try {
      // A worker thread costs a few tens of microseconds: not where the values are there already.
      const wait = new Struct('Event_Await', { event });
      if (this.#isReady(event)) this.#api.call(wait);
      else await this.#api.callAsync(wait);
    } finally {
      this.#api.call(new Struct('Event_Destroy', { event }));
    }
    return values;
  }

  /** The same, waiting on this thread. */
  readSync(): HostArray {
    const { values, event } = this.#startRead();
    if (event === undefined) return values;
    try {
      this.#api.call(new Struct('Event_Await', { event }));
    } finally {
      this.#api.call(new Struct('Event_Destroy', { event }));
    }
    return values;
  }

  /** Frees the device memory. Does nothing when it is gone already. */
  free(): void {
    this.#release('was freed');
  }

  /** Called by the execution that took the memory over. */
  markDonated(): void {
    this.#release('was donated to an execution');
  }

  #release(reason: string): void {
    if (this.#goneBecause !== undefined) return;
    this.#goneBecause = reason;
    this.#api.call(new Struct('Buffer_Destroy', { buffer: this.#handle }));
    this.#onFree();
  }

  #startRead(): { values: HostArray; event: bigint | undefined } {
    const values = makeHostArray(this.spec.type, elementCount(this.spec.shape));
    const { handle } = this;
    // An array without elements has no address, and with none the plugin is asked for the size alone: there would be no event to wait for.
    if (values.length === 0) return { values, event: undefined };
    const call = new Struct(
      'Buffer_ToHostBuffer',
      {
        src: handle,
        dst: this.#api.native.addressOf(values),
        dst_size: values.byteLength,
      },
      [values],
    );
    return { values, event: this.#api.call(call).word('event') };
  }

  #isReady(event: bigint): boolean {
    return this.#api.call(new Struct('Event_IsReady', { event })).number('is_ready') !== 0;
  }
}
