// Turns a state tree into two files' worth of data and back: typed arrays go to safetensors, everything else to JSON that points at them.
// Nothing is evaluated on the way back.
import type { StateTree, StateValue } from './checkpointable.ts';
import { CorruptDataError, InvalidArgumentError } from './errors.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import type { TensorData, TypedArray } from './tensor-data.ts';

/** JSON has no NaN and no infinities; they are written as `{ "$number": "NaN" }`. */
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Keys that the JSON uses for itself. */
const RESERVED_KEYS: readonly string[] = ['$tensor', '$number'];

/**
 * Splits a state into JSON text and safetensors bytes.
 * @throws InvalidArgumentError when the state has a key that the format keeps for itself.
 */
export function encodeState(state: StateTree): { readonly json: string; readonly tensors: Uint8Array } {
  const tensors = new Map<string, TensorData>();
  const visit = (value: StateValue, path: string): Json => {
    if (ArrayBuffer.isView(value)) {
      // A key may have slashes of its own: `a/b` beside `b` in `a`.
      let name = path;
      while (tensors.has(name)) name += "'";
      tensors.set(name, { shape: [(value as TypedArray).length], data: value as TypedArray });
      return { $tensor: name };
    }
    if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
    if (Array.isArray(value)) return value.map((item: StateValue, index) => visit(item, `${path}/${index}`));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value as StateTree).filter(([, item]) => item !== undefined);
      const reserved = entries.find(([key]) => RESERVED_KEYS.includes(key));
      if (reserved) throw new InvalidArgumentError(`a state can't have the key "${reserved[0]}" (below "${path}")`);
      return Object.fromEntries(
        entries.map(([key, item]) => [key, visit(item as StateValue, path === '' ? key : `${path}/${key}`)]),
      );
    }
    return value as Json;
  };
  const json = JSON.stringify(visit(state, ''));
  return { json, tensors: encodeSafetensors(Object.fromEntries(tensors)) };
}

/**
 * Puts a state back together.
 * @throws CorruptDataError when the JSON is broken or points at a tensor that is not there.
 */
export function decodeState(json: string, tensorBytes: Uint8Array): StateTree {
  const { tensors } = decodeSafetensors(tensorBytes);
  let parsed: Json;
  try {
    parsed = JSON.parse(json) as Json;
  } catch (cause) {
    throw new CorruptDataError('the state is not valid JSON', { cause });
  }
  const visit = (value: Json): StateValue => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    if (typeof value.$tensor === 'string') {
      const tensor = Object.hasOwn(tensors, value.$tensor) ? tensors[value.$tensor] : undefined;
      if (tensor === undefined)
        throw new CorruptDataError(`the state names the tensor "${value.$tensor}", which is missing`);
      return tensor.data;
    }
    if (typeof value.$number === 'string') return Number(value.$number);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)]));
  };
  const state = visit(parsed);
  if (typeof state !== 'object' || state === null || Array.isArray(state) || ArrayBuffer.isView(state)) {
    throw new CorruptDataError('the state is not an object');
  }
  return state as StateTree;
}
