// What an engine brings to the tracer: a writer of one function, operation by operation. The tracer calls it with the shapes inferred by it; what it writes
// (StableHLO for XLA, WGSL for WebGPU) is its own matter. Names and meanings are StableHLO's.
import type { ElementType, Value, ValueSpec } from './value.ts';

/** Elementwise operations of one value, by their names in StableHLO. */
export type UnaryOperation =
  | 'abs'
  | 'negate'
  | 'exponential'
  | 'exponential_minus_one'
  | 'log'
  | 'log_plus_one'
  | 'sqrt'
  | 'rsqrt'
  | 'cbrt'
  | 'tanh'
  | 'tan'
  | 'sign'
  | 'sine'
  | 'cosine'
  | 'floor'
  | 'ceil'
  | 'round_nearest_even'
  | 'logistic'
  | 'not';

/** Elementwise operations of two values that broadcast. */
export type BinaryOperation =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'maximum'
  | 'minimum'
  | 'power'
  | 'remainder'
  | 'atan2'
  | 'and'
  | 'or'
  | 'xor'
  | 'shift_right_logical';

/** Comparisons of two values that broadcast; the result is of type `i1`. */
export type Comparison = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE';

/** How values along axes become one. */
export type Reduction = 'add' | 'multiply' | 'maximum' | 'minimum' | 'and' | 'or';

/** Values of a constant: one for all its elements, or one each. */
export type ConstantValues = number | boolean | Float32Array | Int32Array | Uint8Array | readonly number[];

type Pair = readonly [number, number];
/** Explicit padding of the two image axes: `[[top, bottom], [left, right]]`. */
export type Padding2d = readonly [Pair, Pair];

/** Where a convolution's window stands. */
export interface WindowConfig {
  readonly strides: Pair;
  readonly padding: Padding2d;
  readonly dilations: Pair;
}

/** A pooling window over all axes. */
export interface Window {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly Pair[];
}

/** Writes a function. Every method infers its result's shape and type. Images are NHWC, filters HWIO, as tfjs has them. */
export interface StepBuilder {
  /** Operations written so far. */
  readonly operationCount: number;
  argument(spec: ValueSpec): Value;
  constant(values: ConstantValues, shape: readonly number[], type: ElementType): Value;
  scalar(value: number | boolean, type?: ElementType): Value;
  /** One value everywhere. */
  full(value: number | boolean, shape: readonly number[], type: ElementType): Value;
  iota(shape: readonly number[], axis: number, type: ElementType): Value;

  unary(operation: UnaryOperation, a: Value): Value;
  isFinite(a: Value): Value;
  /** With broadcasting, as numpy does it; so are compare and select. */
  binary(operation: BinaryOperation, a: Value, b: Value): Value;
  compare(comparison: Comparison, a: Value, b: Value): Value;
  /** `condition ? a : b`. */
  select(condition: Value, a: Value, b: Value): Value;
  convert(a: Value, type: ElementType): Value;

  reshape(a: Value, shape: readonly number[]): Value;
  /** numpy's broadcast: the last axes are matched. */
  broadcast(a: Value, shape: readonly number[]): Value;
  /** `a`'s axis `i` becomes axis `axes[i]` of the result; axes of size 1 are stretched. */
  broadcastAlong(a: Value, shape: readonly number[], axes: readonly number[]): Value;
  transpose(a: Value, permutation: readonly number[]): Value;
  reverse(a: Value, axes: readonly number[]): Value;
  /** Elements `begin` to `begin + size` of each axis, every `strides`-th. */
  slice(a: Value, begin: readonly number[], size: readonly number[], strides?: readonly number[]): Value;
  /** Puts `value` around `a` (negative numbers cut off) and `interior` of it between its elements. */
  pad(a: Value, low: readonly number[], high: readonly number[], value?: number, interior?: readonly number[]): Value;
  concatenate(parts: readonly Value[], axis: number): Value;

  /** Reduces axes away; with `keep` they stay with size 1. */
  reduce(operation: Reduction, a: Value, axes: readonly number[], initial: number | boolean, keep?: boolean): Value;
  /** Reduces each position of the window to one value. */
  reduceWindow(a: Value, operation: 'add' | 'maximum' | 'multiply', initial: number, window: Window): Value;
  /** Adds each of `dy` to the place of its window's largest element, the first of equals: max pooling's gradient. */
  selectAndScatter(a: Value, dy: Value, window: Window): Value;
  /** Cumulative sums or products along an axis. */
  cumulate(a: Value, operation: 'add' | 'multiply', axis: number, exclusive: boolean, reverse: boolean): Value;
  /** Index of the largest (or smallest) element along an axis, the first of equals, int32. */
  argExtreme(a: Value, axis: number, kind: 'largest' | 'smallest'): Value;
  /** The k largest of the last axis in falling order, the first of equals first: `[values, indices]`. */
  topK(a: Value, k: number): [Value, Value];
  /** `indices` `[..., k]` address the first k axes of `a`; the result is `[..., rest of a's axes]`. */
  gatherNd(a: Value, indices: Value): Value;
  /** Adds `updates` `[n, rest]` at `indices` `[n, k]` of `target`; places outside are left out. */
  scatterAdd(target: Value, indices: Value, updates: Value): Value;

  /** Batched matrix product; leading axes are broadcast. */
  matMul(x: Value, y: Value, transposeX: boolean, transposeY: boolean): Value;
  /** `x` `[N, H, W, C]` with `filter` `[h, w, C, D]`. */
  conv2d(x: Value, filter: Value, config: WindowConfig): Value;
  conv2dInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Value;
  conv2dFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Value;
  /** `x` `[N, H, W, C]` with `filter` `[h, w, C, M]`: every channel with its own M filters. */
  depthwiseConv2d(x: Value, filter: Value, config: WindowConfig): Value;
  depthwiseInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Value;
  depthwiseFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Value;

  /** Standard normal float32 of a seed `i32 [2]`: TensorFlow's numbers (Philox, Box and Muller). */
  randomNormal(shape: readonly number[], seed: Value): Value;
  /** Uniform float32 in `[0, 1)` of a seed `i32 [2]`: TensorFlow's numbers. */
  randomUniform(shape: readonly number[], seed: Value): Value;
}
