// The interface between a Mixture-of-Experts layer and a tensor library. Layers take it as their first argument and know nothing else of the
// library, so that one implementation runs (and is differentiated) on any of them. Adapters: ./tfjs.ts, ./jax.ts, ./typed-array/.

/** Dimensions of a tensor, outermost first. */
export type Shape = readonly number[];

/** Plain data that every adapter accepts and that parameters are kept in: row-major values and their shape. */
export interface TensorData {
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array;
}

/** What `read` returns: a Float32Array or Float64Array, by the methods that both have (a union of the two can't be called in TypeScript). */
export interface NumberArray extends Iterable<number> {
  readonly length: number;
  readonly BYTES_PER_ELEMENT: number;
  readonly buffer: ArrayBufferLike;
  [index: number]: number;
  at(index: number): number | undefined;
  every(test: (value: number, index: number) => unknown): boolean;
  some(test: (value: number, index: number) => unknown): boolean;
  fill(value: number, start?: number, end?: number): unknown;
  filter(test: (value: number, index: number) => unknown): NumberArray;
  find(test: (value: number, index: number) => unknown): number | undefined;
  findIndex(test: (value: number, index: number) => unknown): number;
  forEach(visit: (value: number, index: number) => void): void;
  indexOf(value: number, from?: number): number;
  map(change: (value: number, index: number) => number): NumberArray;
  reduce(join: (total: number, value: number, index: number) => number): number;
  reduce<Result>(join: (total: Result, value: number, index: number) => Result, initial: Result): Result;
  set(values: ArrayLike<number>, offset?: number): void;
  slice(start?: number, end?: number): NumberArray;
  subarray(start?: number, end?: number): NumberArray;
}

/**
 * What a tensor library must offer. `Tensor` is the library's own tensor type.
 *
 * - Values are floating point. Only `topK().indices` and `toInteger` give integers; only `gather`, `oneHot`, `segmentSum`, `reshape` and `toFloat`
 *   take them (whether the library has a type for them is the adapter's business).
 * - No operation changes or consumes its arguments.
 * - Binary operations broadcast as NumPy does. Axes may be negative, counted from the last.
 * - "No gradient" marks operations through which nothing flows back, although their inputs may be differentiated elsewhere.
 */
export interface TensorOps<Tensor> {
  /** Name of the adapter, for messages and reports. */
  readonly name: string;
  /** Machine epsilon of its numbers: 2^-23 for 32-bit floats. */
  readonly epsilon: number;
  /** True when `read` costs nothing, so that layers check values (finite logits) without being asked to. */
  readonly isOnHost: boolean;

  /** A tensor with these row-major values. @throws TensorOpsError when their count is not the shape's. */
  tensor(data: ArrayLike<number>, shape: Shape): Tensor;
  /** A tensor filled with one value. */
  fill(shape: Shape, value: number): Tensor;
  shape(x: Tensor): Shape;
  /** The row-major values, on the host. Blocks; not possible while a graph is being recorded or traced. */
  read(x: Tensor): NumberArray;
  /** Runs `body` and frees what it made, except its result (a tensor, or a record or array of them). */
  tidy<Result>(body: () => Result): Result;
  /** The same values, as a constant to differentiation. */
  stopGradient(x: Tensor): Tensor;

  reshape(x: Tensor, shape: Shape): Tensor;
  /** Reorders axes: axis `i` of the result is axis `permutation[i]` of `x`. */
  transpose(x: Tensor, permutation: readonly number[]): Tensor;
  concat(xs: readonly Tensor[], axis: number): Tensor;

  /** Batched matrix product over the last two axes. Both have the same rank (2 or more) and the same leading axes. */
  matmul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;

  add(a: Tensor, b: Tensor): Tensor;
  subtract(a: Tensor, b: Tensor): Tensor;
  multiply(a: Tensor, b: Tensor): Tensor;
  divide(a: Tensor, b: Tensor): Tensor;
  maximum(a: Tensor, b: Tensor): Tensor;
  minimum(a: Tensor, b: Tensor): Tensor;
  /** 1 where `a > b`, else 0. No gradient. */
  greater(a: Tensor, b: Tensor): Tensor;
  /** 1 where `a >= b`, else 0. No gradient. */
  greaterEqual(a: Tensor, b: Tensor): Tensor;
  /** `whenTrue` where `condition` (of 0 and 1) is not 0, else `whenFalse`. All three have the same shape. */
  where(condition: Tensor, whenTrue: Tensor, whenFalse: Tensor): Tensor;

  exp(x: Tensor): Tensor;
  log(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  cos(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  /** `log(1 + exp(x))`, without overflow. */
  softplus(x: Tensor): Tensor;
  /** The error function, `2 / sqrt(pi) * integral from 0 to x of exp(-t^2)`. */
  erf(x: Tensor): Tensor;

  sum(x: Tensor, axes: readonly number[], keepAxes?: boolean): Tensor;
  mean(x: Tensor, axes: readonly number[], keepAxes?: boolean): Tensor;
  max(x: Tensor, axes: readonly number[], keepAxes?: boolean): Tensor;
  softmax(x: Tensor, axis: number): Tensor;
  /**
   * `softmax(logits) @ values`: averages of the rows of `values` [B, M, D], weighted by each row of `logits` [B, N, M]: [B, N, D]. May be left out: layers
   * then take the two steps. Worth having where gradients are taken step by step: together they need one pass less over [B, N, M] each way.
   * @param transposeLogits logits are [B, M, N], and weigh by their columns. Default false.
   */
  softmaxMatmul?(logits: Tensor, values: Tensor, transposeLogits?: boolean): Tensor;
  /** `log(sum(exp(x)))` over one axis, which it removes. */
  logSumExp(x: Tensor, axis: number): Tensor;
  cumulativeSum(x: Tensor, axis: number, exclusive?: boolean): Tensor;

  /** The `k` largest of the last axis, largest first; of equal values the lowest index first. The indices have no gradient. */
  topK(x: Tensor, k: number): { values: Tensor; indices: Tensor };
  /** Integers, by truncation. No gradient. */
  toInteger(x: Tensor): Tensor;
  /** Integers as numbers to compute with. No gradient. */
  toFloat(x: Tensor): Tensor;
  /** 1 at each index along a new last axis of size `depth`, else 0; all 0 for an index out of range. No gradient. */
  oneHot(indices: Tensor, depth: number): Tensor;
  /** Rows of `x` (its first axis) at `indices` (integers of any shape, all in range): shape `[...indices.shape, ...x.shape.slice(1)]`. */
  gather(x: Tensor, indices: Tensor): Tensor;
  /** Sums the rows of `x` `[N, ...]` that have the same id: `[count, ...]`. Rows with a negative id are left out. `ids` is `[N]`. */
  segmentSum(x: Tensor, ids: Tensor, count: number): Tensor;

  /**
   * Rows of `x` `[N, ...]` at `indices` `[M]` (integers): `[M, ...]`, zeros for a negative one. No row touches another, NaN or not.
   * @param inverse `[N, K]`, integers: the places of row n in the result, negative for none. With it the gradient is a gather as well.
   * @param isComplete promises that neither holds a negative number, which saves a copy. Default false.
   */
  takeRows(x: Tensor, indices: Tensor, inverse: Tensor, isComplete?: boolean): Tensor;
  /**
   * Sorts N rows by group, keeping the order within each: what `segmentMatmul` wants.
   * @param groups `[N]`, integers below `count`; rows of a negative one come last, in no group
   * @returns integers: `order` [N], the row at each sorted place; `places` [N], the place of each row; `counts` [count], the rows of each group
   */
  groupRows(groups: Tensor, count: number): RowGroups<Tensor>;
  /**
   * `x` `[N, D]` holds segments of `counts[e]` rows one after another; each is multiplied by its own matrix, `weights[e]`, and `bias[e]` is added:
   * `[N, H]`. Rows after the last segment give zeros. Costs as much as one product of N rows, whatever E (jax-js: E times that).
   * @param weights `[E, D, H]`
   * @param counts `[E]`, integers, as `groupRows` makes them
   * @param bias `[E, H]`
   */
  segmentMatmul(x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor;
  /**
   * Optional: `segmentMatmul`, relu, and `segmentMatmul` in one, for libraries that gain by never writing down all hidden rows `[N, H]` at once:
   * `[N, O]`. Rows after the last segment give zeros.
   */
  segmentMlp?(x: Tensor, layers: SegmentMlpLayers<Tensor>, counts: Tensor): Tensor;
  /**
   * Optional: both layers, relu between them, on as many slots for every expert, as they lie in samples: `slots` is `[B, E * P, D]`, slots `e * P` to
   * `e * P + P` of each sample are expert e's, and so is the result. For libraries that can do so without regrouping by expert.
   */
  slotMlp?(slots: Tensor, layers: SegmentMlpLayers<Tensor>): Tensor;
}

/** Two layers of E experts. */
export interface SegmentMlpLayers<Tensor> {
  /** `[E, D, H]` */
  readonly kernel: Tensor;
  /** `[E, H]` */
  readonly bias: Tensor;
  /** `[E, H, O]` */
  readonly outputKernel: Tensor;
  /** `[E, O]` */
  readonly outputBias: Tensor;
}

/** Rows sorted by group. */
export interface RowGroups<Tensor> {
  readonly order: Tensor;
  readonly places: Tensor;
  readonly counts: Tensor;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}
