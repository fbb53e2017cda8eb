// A tensor at rest: shape, dtype and a flat typed array in row-major order. What parameters, optimizer slots and checkpoints are made of when
// no tensor library is at hand.
import { ShapeError } from './errors.ts';

/** Any typed array that a tensor's values can live in. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array;

/** Element types, named as NumPy and safetensors users know them. */
export type TensorDtype = 'float32' | 'float64' | 'int32' | 'uint32' | 'uint8' | 'int8' | 'int16' | 'uint16';

/** A tensor's shape and values, row-major. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** A flat tree: the path from the root, joined with '/', to the tensor (`params/Conv_0/kernel`). */
export type NamedTensors = Record<string, TensorData>;

/** Number of elements of a shape; 1 for a scalar `[]`. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}

/**
 * Pairs a shape with its values.
 * @throws ShapeError when the number of values is not the product of the shape.
 */
export function tensorData(shape: readonly number[], data: TypedArray): TensorData {
  if (elementCount(shape) !== data.length) {
    throw new ShapeError(`shape [${shape}] holds ${elementCount(shape)} values but ${data.length} were given`);
  }
  return { shape, data };
}
