// Index arithmetic of the typed-array adapter: strides, broadcasting, reductions, matrix products.
import { TensorOpsError } from '../errors.ts';
import { type Shape, sizeOf } from '../tensor-ops.ts';

/** A row-major array and its shape. Treated as immutable. */
export interface TypedArrayTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array;
}

export type Values = Float32Array | Float64Array;
export type Allocate = (size: number) => Values;

export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** A non-negative axis. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw new TensorOpsError('INVALID_ARGUMENT', `axis is ${axis}; expected one of ${rank}`);
  }
  return positive;
}

/** Copies `x` with arbitrary strides (0 repeats an axis) into a new row-major array of `shape`. */
export function gatherStrided(x: Values, shape: Shape, strides: readonly number[], out: Values): Values {
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let offset = 0;
  for (let position = 0; position < out.length; position++) {
    out[position] = x[offset]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function broadcastShape(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new TensorOpsError('SHAPE', `${operation}: shapes [${a}] and [${b}] don't fit`);
    }
    return left === 1 ? right : left;
  });
}

function expand(x: TypedArrayTensor, shape: Shape, allocate: Allocate): Values {
  const size = sizeOf(shape);
  if (x.data.length === size) return x.data;
  const lead = shape.length - x.shape.length;
  const own = stridesOf(x.shape);
  const strides = shape.map((_, axis) => (axis < lead || x.shape[axis - lead] === 1 ? 0 : own[axis - lead]!));
  return gatherStrided(x.data, shape, strides, allocate(size));
}

export function binary(
  operation: string,
  a: TypedArrayTensor,
  b: TypedArrayTensor,
  allocate: Allocate,
  apply: (left: number, right: number) => number,
): TypedArrayTensor {
  const shape = broadcastShape(operation, a.shape, b.shape);
  const left = expand(a, shape, allocate);
  const right = expand(b, shape, allocate);
  const data = allocate(left.length);
  for (let index = 0; index < data.length; index++) data[index] = apply(left[index]!, right[index]!);
  return { shape, data };
}

export function transpose(x: TypedArrayTensor, permutation: readonly number[], allocate: Allocate): TypedArrayTensor {
  const strides = stridesOf(x.shape);
  const shape = permutation.map((axis) => x.shape[axisOf(axis, x.shape.length)]!);
  const permuted = permutation.map((axis) => strides[axis]!);
  return { shape, data: gatherStrided(x.data, shape, permuted, allocate(x.data.length)) };
}

/** Moves the reduced axes last and folds each group of values into one number. */
export function reduce(
  x: TypedArrayTensor,
  axes: readonly number[],
  keepAxes: boolean,
  allocate: Allocate,
  fold: (values: Values, start: number, count: number) => number,
): TypedArrayTensor {
  const rank = x.shape.length;
  const reduced = new Set(axes.map((axis) => axisOf(axis, rank)));
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !reduced.has(axis));
  const ordered = [...kept, ...reduced].every((axis, index) => axis === index)
    ? x.data
    : transpose(x, [...kept, ...reduced], allocate).data;
  const shape = keepAxes
    ? x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size))
    : kept.map((axis) => x.shape[axis]!);
  const out = allocate(sizeOf(shape));
  const count = x.data.length / out.length;
  return { shape, data: out.map((_, index) => fold(ordered, index * count, count)) };
}

export function matmul(
  a: TypedArrayTensor,
  b: TypedArrayTensor,
  transposeA: boolean,
  transposeB: boolean,
  allocate: Allocate,
): TypedArrayTensor {
  const left = transposeA ? swapLast(a, allocate) : a;
  const right = transposeB ? swapLast(b, allocate) : b;
  const batch = left.shape.slice(0, -2);
  const [rows = 0, inner] = left.shape.slice(-2);
  const [innerOfRight, columns] = right.shape.slice(-2);
  if (columns === undefined || inner !== innerOfRight || `${batch}` !== `${right.shape.slice(0, -2)}`) {
    throw new TensorOpsError('SHAPE', `matmul: shapes [${left.shape}] and [${right.shape}] don't fit`);
  }
  const data = allocate(sizeOf(batch) * rows * columns);
  const sums = new Float64Array(columns);
  for (let row = 0; row * columns < data.length; row++) {
    sums.fill(0);
    for (let k = 0; k < inner!; k++) {
      const factor = left.data[row * inner! + k]!;
      const start = (Math.floor(row / rows) * inner! + k) * columns;
      for (let column = 0; column < columns; column++) sums[column]! += factor * right.data[start + column]!;
    }
    data.set(sums, row * columns);
  }
  return { shape: [...batch, rows, columns], data };
}

/** Segment after segment of `counts[e]` rows times `weights[e]`, plus `bias[e]`; rows after the last one stay 0. */
export function segmentMatmul(
  x: TypedArrayTensor,
  weights: TypedArrayTensor,
  counts: TypedArrayTensor,
  bias: TypedArrayTensor | undefined,
  allocate: Allocate,
): TypedArrayTensor {
  const [N = 0, D = 0] = x.shape;
  const [E, inner, H = 0] = weights.shape;
  if (weights.shape.length !== 3 || inner !== D || counts.data.length !== E) {
    throw new TensorOpsError(
      'SHAPE',
      `segmentMatmul: shapes [${x.shape}], [${weights.shape}] and [${counts.shape}] don't fit`,
    );
  }
  const data = allocate(N * H);
  const sums = new Float64Array(H);
  let row = 0;
  for (let segment = 0; segment < E; segment++) {
    const end = row + counts.data[segment]!;
    for (; row < end; row++) {
      for (let column = 0; column < H; column++) sums[column] = bias ? bias.data[segment * H + column]! : 0;
      for (let k = 0; k < D; k++) {
        const factor = x.data[row * D + k]!;
        const start = (segment * D + k) * H;
        for (let column = 0; column < H; column++) sums[column]! += factor * weights.data[start + column]!;
      }
      data.set(sums, row * H);
    }
  }
  return { shape: [N, H], data };
}

function swapLast(x: TypedArrayTensor, allocate: Allocate): TypedArrayTensor {
  const axes = x.shape.map((_, axis) => axis);
  axes.push(...axes.splice(-2).reverse());
  return transpose(x, axes, allocate);
}
