// Constants as StableHLO writes them: floats by their bits, arrays as the bytes of their values.
import { ShapeError } from '@moe-rl/core';
import type { ConstantValues, ElementType } from '@moe-rl/tfjs-graph/tracing';
import { tensorType } from './value.ts';

/**
 * The text of a constant: `dense<0x3F800000> : tensor<2x2xf32>`.
 * @throws ShapeError when the number of values is not the shape's
 */
export function constantText(values: ConstantValues, shape: readonly number[], type: ElementType): string {
  const count = shape.reduce((product, size) => product * size, 1);
  const typed = tensorType({ shape, type });
  if (typeof values === 'number' || typeof values === 'boolean') return `dense<${scalarText(values, type)}> : ${typed}`;
  if (values.length !== count) throw new ShapeError(`a constant ${typed} was given ${values.length} values`);
  if (count === 0) return `dense<> : ${typed}`;
  const first = values[0]!;
  if (isUniform(values)) return `dense<${scalarText(first, type)}> : ${typed}`;
  return `dense<"0x${hexOf(values, type)}"> : ${typed}`;
}

function isUniform(values: Exclude<ConstantValues, number | boolean>): boolean {
  const first = values[0]!;
  for (let index = 1; index < values.length; index++) if (!Object.is(values[index], first)) return false;
  return true;
}

function scalarText(value: number | boolean, type: ElementType): string {
  if (type === 'i1') return String(Boolean(value));
  if (type !== 'f32') return String(Number(value));
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, Number(value));
  return `0x${bits.getUint32(0).toString(16).padStart(8, '0').toUpperCase()}`;
}

function hexOf(values: Exclude<ConstantValues, number | boolean>, type: ElementType): string {
  let typed: Float32Array | Int32Array | Uint8Array | Uint32Array;
  if (type === 'f32') typed = Float32Array.from(values);
  else if (type === 'i32') typed = Int32Array.from(values);
  else if (type === 'ui32') typed = Uint32Array.from(values);
  // A boolean takes a byte, 00 or FF... a set bit in every place, as MLIR writes it.
  else if (type === 'i1') typed = Uint8Array.from(values, (value) => (value ? 0xff : 0));
  else typed = Uint8Array.from(values);
  return Buffer.from(typed.buffer, typed.byteOffset, typed.byteLength).toString('hex').toUpperCase();
}
