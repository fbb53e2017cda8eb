// Values of an eager step as a graph keeps them: a tensor's elements as a constant, an operation's attributes as a node's.

import type { Binding, BindingValues, OpAttribute } from './binding.ts';
import type { ConstantTensor, NodeAttribute } from './graph-definition.ts';

/** A tensor's elements as a constant of the graph; they are copied. */
export function constantOf(
  binding: Binding,
  shape: readonly number[],
  dtype: number,
  values: BindingValues,
): ConstantTensor {
  const { TF_FLOAT, TF_INT32, TF_BOOL } = binding;
  const field = dtype === TF_FLOAT ? 'float' : dtype === TF_INT32 ? 'integer' : dtype === TF_BOOL ? 'flag' : undefined;
  const first = values[0];
  // Elements that are all the same bits (zeros, ones) are kept as one: copies would swell the graph by megabytes.
  if (field !== undefined && first !== undefined && values.length > 1 && hasOneBitPattern(values)) {
    return { dtype, shape: [...shape], data: new Uint8Array(0), fill: { field, value: first } };
  }
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  return { dtype, shape: [...shape], data };
}

function hasOneBitPattern(values: BindingValues): boolean {
  const bits =
    values instanceof Float32Array ? new Int32Array(values.buffer, values.byteOffset, values.length) : values;
  return bits.every((element) => element === bits[0]);
}

/** An attribute of an executed operation as a node's attribute; undefined where a graph has no such kind. */
export function nodeAttributeOf(binding: Binding, { type, value }: OpAttribute): NodeAttribute | undefined {
  const { TF_ATTR_TYPE, TF_ATTR_INT, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_STRING, TF_ATTR_SHAPE } = binding;
  if (type === TF_ATTR_SHAPE) return { kind: 'shape', value: [...(value as number[])] };
  if (type === TF_ATTR_STRING && typeof value === 'string') return { kind: 'text', value };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const values = Array.from(value as ArrayLike<number>, Number);
    if (type === TF_ATTR_INT) return { kind: 'integers', value: values };
    if (type === TF_ATTR_FLOAT) return { kind: 'floats', value: values };
    if (type === TF_ATTR_BOOL) return { kind: 'flags', value: values };
    if (type === TF_ATTR_TYPE) return { kind: 'types', value: values };
  }
  if (type === TF_ATTR_TYPE) return { kind: 'type', value: Number(value) };
  if (type === TF_ATTR_INT) return { kind: 'integer', value: Number(value) };
  if (type === TF_ATTR_FLOAT) return { kind: 'float', value: Number(value) };
  if (type === TF_ATTR_BOOL) return { kind: 'flag', value: Boolean(value) };
  return undefined;
}
