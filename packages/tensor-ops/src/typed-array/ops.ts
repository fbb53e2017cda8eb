// The operations of the typed-array adapter. Sums are accumulated in 64-bit numbers and rounded once, whatever the precision of the arrays.
import { TensorOpsError } from '../errors.ts';
import { type Shape, sizeOf, type TensorOps } from '../tensor-ops.ts';
import {
  type Allocate,
  axisOf,
  binary,
  matmul,
  reduce,
  stridesOf,
  type TypedArrayTensor as Tensor,
  transpose,
  type Values,
} from './array.ts';
import { erf } from './erf.ts';

/** TensorOps over `{ shape, data }` records. */
export type TypedArrayOps = TensorOps<Tensor>;

/** Makes the adapter. @param options `precision` of the arrays it makes; 'float32' unless given */
export function createTypedArrayOps(options: { readonly precision?: 'float32' | 'float64' } = {}): TypedArrayOps {
  const isDouble = options.precision === 'float64';
  const allocate: Allocate = (size) => (isDouble ? new Float64Array(size) : new Float32Array(size));

  const unary =
    (apply: (value: number) => number) =>
    (x: Tensor): Tensor => {
      const data = allocate(x.data.length);
      for (let index = 0; index < data.length; index++) data[index] = apply(x.data[index]!);
      return { shape: x.shape, data };
    };
  const pairwise =
    (name: string, apply: (a: number, b: number) => number) =>
    (a: Tensor, b: Tensor): Tensor =>
      binary(name, a, b, allocate, apply);
  const reduction =
    (fold: (values: Values, start: number, count: number) => number) =>
    (x: Tensor, axes: readonly number[], keepAxes = false): Tensor =>
      reduce(x, axes, keepAxes, allocate, fold);
  const same = (x: Tensor): Tensor => x;
  const exp = unary(Math.exp);
  const subtract = pairwise('subtract', (a, b) => a - b);
  const divide = pairwise('divide', (a, b) => a / b);
  const sum = reduction(sumRange);
  const max = reduction(maxRange);

  return {
    name: isDouble ? 'typed-array (float64)' : 'typed-array',
    epsilon: isDouble ? 2 ** -52 : 2 ** -23,
    isOnHost: true,
    tensor(values, shape) {
      checkSize('tensor', values.length, shape);
      const data = allocate(values.length);
      data.set(values);
      return { shape: [...shape], data };
    },
    fill: (shape, value) => ({ shape: [...shape], data: allocate(sizeOf(shape)).fill(value) }),
    shape: (x) => x.shape,
    read: (x) => x.data,
    tidy: (body) => body(),
    stopGradient: same,
    reshape(x, shape) {
      checkSize('reshape', x.data.length, shape);
      return { shape: [...shape], data: x.data };
    },
    transpose: (x, permutation) => transpose(x, permutation, allocate),
    concat(xs, axis) {
      const first = xs[0];
      if (!first) throw new TensorOpsError('INVALID_ARGUMENT', 'concat: got no tensors; expected at least one');
      const at = axisOf(axis, first.shape.length);
      const shape = [...first.shape];
      shape[at] = xs.reduce((total, x) => total + x.shape[at]!, 0);
      const outer = sizeOf(shape.slice(0, at));
      const data = allocate(sizeOf(shape));
      let position = 0;
      for (let block = 0; block < outer; block++) {
        for (const x of xs) {
          const size = x.data.length / outer;
          data.set(x.data.subarray(block * size, (block + 1) * size), position);
          position += size;
        }
      }
      if (position !== data.length) throw new TensorOpsError('SHAPE', 'concat: shapes differ outside the joined axis');
      return { shape, data };
    },
    matmul: (a, b, transposeA = false, transposeB = false) => matmul(a, b, transposeA, transposeB, allocate),
    add: pairwise('add', (a, b) => a + b),
    subtract,
    multiply: pairwise('multiply', (a, b) => a * b),
    divide,
    maximum: pairwise('maximum', Math.max),
    minimum: pairwise('minimum', Math.min),
    greater: pairwise('greater', (a, b) => +(a > b)),
    greaterEqual: pairwise('greaterEqual', (a, b) => +(a >= b)),
    where(condition, whenTrue, whenFalse) {
      const data = whenFalse.data.slice();
      for (let index = 0; index < data.length; index++) {
        if (condition.data[index] !== 0) data[index] = whenTrue.data[index]!;
      }
      return { shape: condition.shape, data };
    },
    exp,
    log: unary(Math.log),
    sqrt: unary(Math.sqrt),
    cos: unary(Math.cos),
    tanh: unary(Math.tanh),
    relu: unary((x) => Math.max(x, 0)),
    sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
    softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
    erf: unary(erf),
    sum,
    mean: reduction((values, start, count) => sumRange(values, start, count) / count),
    max,
    softmax(x, axis) {
      const exponentials = exp(subtract(x, max(x, [axis], true)));
      return divide(exponentials, sum(exponentials, [axis], true));
    },
    logSumExp(x, axis) {
      return reduce(x, [axis], false, allocate, (values, start, count) => {
        const largest = maxRange(values, start, count);
        if (!Number.isFinite(largest)) return largest;
        let total = 0;
        for (let index = start; index < start + count; index++) total += Math.exp(values[index]! - largest);
        return largest + Math.log(total);
      });
    },
    cumulativeSum(x, axis, exclusive = false) {
      const at = axisOf(axis, x.shape.length);
      const stride = stridesOf(x.shape)[at]!;
      const length = x.shape[at]!;
      const data = allocate(x.data.length);
      for (let index = 0; index < data.length; index++) {
        const isFirst = Math.floor(index / stride) % length === 0;
        if (exclusive) data[index] = isFirst ? 0 : data[index - stride]! + x.data[index - stride]!;
        else data[index] = x.data[index]! + (isFirst ? 0 : data[index - stride]!);
      }
      return { shape: x.shape, data };
    },
    topK(x, k) {
      const length = x.shape.at(-1) ?? 0;
      if (!Number.isInteger(k) || k < 1 || k > length) {
        throw new TensorOpsError('INVALID_ARGUMENT', `topK: k is ${k}; expected from 1 to ${length}, the last axis`);
      }
      const shape = [...x.shape.slice(0, -1), k];
      const values = allocate(sizeOf(shape));
      const indices = allocate(values.length);
      const order = Array.from({ length }, (_, index) => index);
      for (let row = 0, position = 0; position < values.length; row++) {
        const at = (index: number): number => x.data[row * length + index]!;
        const sorted = order.slice().sort((a, b) => (at(b) === at(a) ? a - b : at(b) - at(a)));
        for (let rank = 0; rank < k; rank++, position++) {
          indices[position] = sorted[rank]!;
          values[position] = at(sorted[rank]!);
        }
      }
      return { values: { shape, data: values }, indices: { shape, data: indices } };
    },
    toInteger: unary(Math.trunc),
    toFloat: same,
    oneHot(indices, depth) {
      const data = allocate(indices.data.length * depth);
      indices.data.forEach((index, row) => {
        if (index >= 0 && index < depth) data[row * depth + index] = 1;
      });
      return { shape: [...indices.shape, depth], data };
    },
    gather(x, indices) {
      const size = x.data.length / x.shape[0]!;
      const data = allocate(indices.data.length * size);
      indices.data.forEach((index, row) => {
        data.set(x.data.subarray(index * size, (index + 1) * size), row * size);
      });
      return { shape: [...indices.shape, ...x.shape.slice(1)], data };
    },
    segmentSum(x, ids, count) {
      const size = x.data.length / ids.data.length;
      const data = allocate(count * size);
      ids.data.forEach((id, row) => {
        for (let column = 0; id >= 0 && column < size; column++) {
          data[id * size + column]! += x.data[row * size + column]!;
        }
      });
      return { shape: [count, ...x.shape.slice(1)], data };
    },
  };
}

/** The adapter in 32-bit floats. */
export const typedArrayOps: TypedArrayOps = /* @__PURE__ */ createTypedArrayOps();

function sumRange(values: Values, start: number, count: number): number {
  let total = 0;
  for (let index = start; index < start + count; index++) total += values[index]!;
  return total;
}

function maxRange(values: Values, start: number, count: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = start; index < start + count; index++) largest = Math.max(largest, values[index]!);
  return largest;
}

function checkSize(operation: string, size: number, shape: Shape): void {
  if (sizeOf(shape) !== size) {
    throw new TensorOpsError('SHAPE', `${operation}: ${size} values don't fill shape [${shape}]`);
  }
}
