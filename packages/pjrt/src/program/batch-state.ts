// Variables of all members of a batch: one array per name, `[size, ...shape]`, on the device while steps run. A copy in JavaScript is made when a member reads or
// writes its part, and serves all members until the next step.
import { elementCount } from '@moe-rl/core';
import type { DeviceBuffer } from '../client/buffer.ts';
import type { PjrtClient } from '../client/client.ts';
import { type BufferSpec, type HostArray, makeHostArray } from '../client/element-types.ts';

interface Held {
  /** `[size, ...shape]`. */
  readonly spec: BufferSpec;
  /** Absent where the copy in JavaScript is newer. */
  device: DeviceBuffer | undefined;
  host: HostArray | undefined;
}

/** Variables of a batch on the device: an array `[k, ...]` for each, member by member. */
export class BatchState {
  readonly #client: PjrtClient;
  readonly #size: number;
  readonly #held = new Map<string, Held>();

  /** All zeros. */
  constructor(client: PjrtClient, size: number, variables: Readonly<Record<string, BufferSpec>>) {
    this.#client = client;
    this.#size = size;
    for (const [name, { shape, type }] of Object.entries(variables)) {
      const spec = { shape: [size, ...shape], type };
      this.#held.set(name, { spec, device: undefined, host: makeHostArray(type, elementCount(spec.shape)) });
    }
  }

  /** A copy of one member's values. */
  async read(place: number, name: string): Promise<HostArray> {
    const held = this.#held.get(name)!;
    held.host ??= await held.device!.read();
    const { start, end } = this.#part(held, place);
    return held.host.slice(start, end);
  }

  /** Sets one member's values. */
  async write(place: number, name: string, values: HostArray): Promise<void> {
    const held = this.#held.get(name)!;
    held.host ??= await held.device!.read();
    held.host.set(values as never, this.#part(held, place).start);
    held.device?.free();
    held.device = undefined;
  }

  /** The arrays on the device, for a step. */
  onDevice(names: readonly string[]): DeviceBuffer[] {
    for (const name of names) {
      const held = this.#held.get(name)!;
      held.device ??= this.#client.upload(held.host!, held.spec);
    }
    // Kept between steps only: there are as many bytes of it as on the device.
    for (const held of this.#held.values()) if (held.device !== undefined) held.host = undefined;
    return names.map((name) => this.#held.get(name)!.device!);
  }

  /** The array that a step made; the one before is freed. */
  replace(name: string, device: DeviceBuffer): void {
    const held = this.#held.get(name)!;
    held.device?.free();
    held.device = device;
    held.host = undefined;
  }

  free(): void {
    for (const { device } of this.#held.values()) device?.free();
    this.#held.clear();
  }

  #part({ spec }: Held, place: number): { readonly start: number; readonly end: number } {
    const length = elementCount(spec.shape) / this.#size;
    return { start: place * length, end: (place + 1) * length };
  }
}
