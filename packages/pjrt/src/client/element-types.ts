// Element types on the device by their StableHLO names, and the typed arrays that hold them in JavaScript.
import type { HostType, ValueSpec } from '@moe-rl/tfjs-graph/tracing';
import { bufferTypes } from '../c-api/facts.generated.ts';

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** Shape and element type of an argument or a result. */
export type BufferSpec = ValueSpec;

const numbers: Readonly<Record<HostType, number>> = {
  f32: bufferTypes.F32,
  i32: bufferTypes.S32,
  i1: bufferTypes.PRED,
  ui8: bufferTypes.U8,
};

/** The element type's number in the C interface. */
export function bufferTypeOf(type: HostType): number {
  return numbers[type];
}

const hostArrays = { f32: Float32Array, i32: Int32Array, i1: Uint8Array, ui8: Uint8Array } as const;

/** A zeroed typed array for values of that type; `bool` takes a byte each. */
export function makeHostArray(type: HostType, length: number): HostArray {
  return new hostArrays[type](length);
}

/** Whether `values` is the typed array that holds that type. */
export function isHostArrayOf(type: HostType, values: unknown): values is HostArray {
  return values instanceof hostArrays[type];
}
