// What families of layers and routers share: the typed-array adapter in 64-bit floats, and routings of one sample.
import { combineMatrix } from '../../packages/moe-core/src/index.ts';
import { createTypedArrayOps } from '../../packages/tensor-ops/src/typed-array/index.ts';

import { nest } from './entry.mjs';

export const ops = createTypedArrayOps({ precision: 'float64' });

/** Nested arrays as a tensor. */
export function tensor(values) {
  const shape = [];
  for (let level = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  return ops.tensor(values.flat(Number.POSITIVE_INFINITY).map(Number), shape);
}

/** The same with a batch axis of one sample before its own. */
export const sample = (values) => tensor([values]);

/** Without the batch axis. */
export const only = (x) => ops.reshape(x, ops.shape(x).slice(1));

export const scaled = (x, factor) => ops.multiply(x, ops.fill([], factor));

/** Column k of [1, T, K]: [T]. */
export const choice = (x, k) =>
  Array.from({ length: ops.shape(x)[1] }, (_, token) => ops.read(x)[token * ops.shape(x)[2] + k]);

/** [T, E] weights of every expert in every token of one sample. */
export const combineOf = (routing, numTokens) => only(combineMatrix(ops, routing.assignment, numTokens));

/** A number out of the only element of a tensor. */
export const scalar = (x) => ops.read(x)[0];

/** How often each of `count` numbers occurs. */
export function countsOf(numbers, count) {
  const counts = new Array(count).fill(0);
  for (const number of numbers) counts[number]++;
  return counts;
}

/** `0p01`, `2p5`, `1e4` in names of fields, as numbers: p is the point; with e it is a negative power of ten. */
export const numberIn = (text) =>
  text.includes('e') ? Number(text.replace('e', 'e-')) : Number(text.replace('p', '.'));

/** Row-major numbers as rows of `width`. */
export const nestRows = (flat, width) => nest(Array.from(flat), [flat.length / width, width]);
