// Splits a state into JSON and the typed arrays in it, and puts them together again.
import { CorruptDataError, type NamedTensors, type TypedArray } from '@moe-rl/core';

/** Moves typed arrays out of a state into `arrays`, leaving `{ array: path }` in their place. */
export function takeArrays(value: unknown, path: string, arrays: Record<string, TypedArray>): unknown {
  if (ArrayBuffer.isView(value)) {
    arrays[path] = value as unknown as TypedArray;
    return { array: path };
  }
  if (Array.isArray(value)) return value.map((item, index) => takeArrays(item, `${path}/${index}`, arrays));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, takeArrays(item, `${path}/${key}`, arrays)]),
    );
  }
  return value;
}

/** Puts the arrays back where `takeArrays` took them from. */
export function putArrays(value: unknown, path: string, tensors: NamedTensors): unknown {
  if (Array.isArray(value)) return value.map((item, index) => putArrays(item, `${path}/${index}`, tensors));
  if (value !== null && typeof value === 'object') {
    if ((value as { array?: unknown }).array === path) {
      const tensor = Object.hasOwn(tensors, path) ? tensors[path] : undefined;
      if (tensor === undefined) throw new CorruptDataError(`replay checkpoint: array "${path}" is missing`);
      return tensor.data;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, putArrays(item, `${path}/${key}`, tensors)]),
    );
  }
  return value;
}
