// The operations of the typed-array adapter. Sums are accumulated in 64-bit numbers and rounded once, whatever the precision of the arrays.
import { TensorOpsError } from '../errors.ts';
import { type Shape, sizeOf, type TensorOps } from '../tensor-ops.ts';
import {
  type Allocate,
  axisOf,
  binary,
  matmul,
  reduce,
  segmentMatmul,
  stridesOf,
  type TypedArrayTensor as Tensor,
  transpose,
  type Values,
} from './array.ts';
import { erf } from './erf.ts';

/** TensorOps over `{ shape, data }` records. */
export type TypedArrayOps = TensorOps<Tensor>;

const fold =
  (initial: number, join: (total: number, value: number) => number) =>
  (values: Values, start: number, count: number): number => {
    let total = initial;
    for (let index = start; index < start + count; index++) total = join(total, values[index]!);
    return total;
  };
const sumRange = /* @__PURE__ */ fold(0, plus);

function plus(a: number, b: number): number {
  return a + b;
}

/** Makes the adapter. @param options `precision` of the arrays it makes; 'float32' unless given */
export function createTypedArrayOps(options: { readonly precision?: 'float32' | 'float64' } = {}): TypedArrayOps {
  const isDouble = options.precision === 'float64';
  const allocate: Allocate = (size) => (isDouble ? new Float64Array(size) : new Float32Array(size));

  const unary =
    (apply: (value: number) => number) =>
    (x: Tensor): Tensor => ({ shape: x.shape, data: allocate(x.data.length).map((_, index) => apply(x.data[index]!)) });
  const pairwise =
    (name: string, apply: (a: number, b: number) => number) =>
    (a: Tensor, b: Tensor): Tensor =>
      binary(name, a, b, allocate, apply);
  const reduction =
    (combine: (values: Values, start: number, count: number) => number) =>
    (x: Tensor, axes: readonly number[], keepAxes = false): Tensor =>
      reduce(x, axes, keepAxes, allocate, combine);
  const same = (x: Tensor): Tensor => x;
  const exp = unary(Math.exp);
  const log = unary(Math.log);
  const add = pairwise('add', plus);
  const subtract = pairwise('subtract', (a, b) => a - b);
  const divide = pairwise('divide', (a, b) => a / b);
  const sum = reduction(sumRange);
  const max = reduction(fold(Number.NEGATIVE_INFINITY, Math.max));

  return {
    name: 'typed-array',
    epsilon: isDouble ? 2 ** -52 : 2 ** -23,
    isOnHost: true,
    tensor: (values, shape) =>
      withShape(
        'tensor',
        allocate(values.length).map((_, index) => values[index]!),
        shape,
      ),
    fill: (shape, value) => ({ shape: [...shape], data: allocate(sizeOf(shape)).fill(value) }),
    shape: (x) => x.shape,
    read: (x) => x.data,
    tidy: (body) => body(),
    stopGradient: same,
    reshape: (x, shape) => withShape('reshape', x.data, shape),
    transpose: (x, permutation) => transpose(x, permutation, allocate),
    concat(xs, axis) {
      const first = xs[0]!;
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
      return withShape('concat', data.subarray(0, position), shape);
    },
    matmul: (a, b, transposeA = false, transposeB = false) => matmul(a, b, transposeA, transposeB, allocate),
    add,
    subtract,
    multiply: pairwise('multiply', (a, b) => a * b),
    divide,
    maximum: pairwise('maximum', Math.max),
    minimum: pairwise('minimum', Math.min),
    greater: pairwise('greater', (a, b) => +(a > b)),
    greaterEqual: pairwise('greaterEqual', (a, b) => +(a >= b)),
    where(condition, whenTrue, whenFalse) {
      const data = allocate(condition.data.length);
      data.forEach((_, index) => {
        data[index] = (condition.data[index] ? whenTrue : whenFalse).data[index]!;
      });
      return { shape: condition.shape, data };
    },
    exp,
    log,
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
      const total = sum(exp(subtract(x, max(x, [axis], true))), [axis]);
      return add(log(total), max(x, [axis]));
    },
    cumulativeSum(x, axis, exclusive = false) {
      const at = axisOf(axis, x.shape.length);
      const stride = stridesOf(x.shape)[at]!;
      const length = x.shape[at]!;
      const data = allocate(x.data.length);
      for (let index = 0; index < data.length; index++) {
        const isFirst = Math.floor(index / stride) % length === 0;
        const before = isFirst ? 0 : data[index - stride]!;
        // Not the inclusive sums less the values: infinities would leave NaN.
        if (exclusive) data[index] = isFirst ? 0 : before + x.data[index - stride]!;
        else data[index] = x.data[index]! + before;
      }
      return { shape: x.shape, data };
    },
    topK(x, k) {
      const length = x.shape.at(-1) ?? 0;
      if (!Number.isInteger(k) || k < 1 || k > length) {
        throw new TensorOpsError('INVALID_ARGUMENT', `topK: k is ${k}; expected from 1 to ${length}`);
      }
      const shape = [...x.shape.slice(0, -1), k];
      const values = allocate(sizeOf(shape));
      const indices = allocate(values.length);
      const order = Array.from({ length }, (_, index) => index);
      for (let row = 0; row * k < values.length; row++) {
        const at = (index: number): number => x.data[row * length + index]!;
        const best = [...order].sort((a, b) => at(b) - at(a) || a - b).slice(0, k);
        indices.set(best, row * k);
        values.set(best.map(at), row * k);
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
      const size = sizeOf(x.shape.slice(1));
      const data = allocate(count * size);
      ids.data.forEach((id, row) => {
        for (let column = 0; id >= 0 && column < size; column++) {
          data[id * size + column]! += x.data[row * size + column]!;
        }
      });
      return { shape: [count, ...x.shape.slice(1)], data };
    },
    takeRows(x, indices) {
      const size = sizeOf(x.shape.slice(1));
      const data = allocate(indices.data.length * size);
      indices.data.forEach((index, row) => {
        if (index >= 0) data.set(x.data.subarray(index * size, (index + 1) * size), row * size);
      });
      return { shape: [indices.data.length, ...x.shape.slice(1)], data };
    },
    groupRows(groups, count) {
      const N = groups.data.length;
      const counts = allocate(count + 1);
      const groupOf = (row: number): number => (groups.data[row]! < 0 ? count : groups.data[row]!);
      for (let row = 0; row < N; row++) counts[groupOf(row)]!++;
      const next = new Int32Array(count + 1);
      for (let group = 0; group < count; group++) next[group + 1] = next[group]! + counts[group]!;
      const [order, places] = [allocate(N), allocate(N)];
      for (let row = 0; row < N; row++) {
        const place = next[groupOf(row)]!++;
        order[place] = row;
        places[row] = place;
      }
      const integers = (data: Values): Tensor => ({ shape: [data.length], data });
      return { order: integers(order), places: integers(places), counts: integers(counts.slice(0, count)) };
    },
    segmentMatmul: (x, weights, counts, bias) => segmentMatmul(x, weights, counts, bias, allocate),
  };
}

/** The adapter in 32-bit floats. */
export const typedArrayOps: TypedArrayOps = /* @__PURE__ */ createTypedArrayOps();

function withShape(operation: string, data: Values, shape: Shape): Tensor {
  if (sizeOf(shape) !== data.length) {
    throw new TensorOpsError('SHAPE', `${operation}: ${data.length} values don't fit shape [${shape}]`);
  }
  return { shape: [...shape], data };
}
