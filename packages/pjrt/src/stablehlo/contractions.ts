// Products: matrices and convolutions (NHWC images, HWIO filters, as tfjs has them).
import { broadcastShapes, type Padding2d, type Value, type WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import type { FunctionBuilder } from './builder.ts';
import { list, tensorType } from './value.ts';

type Pair = readonly [number, number];

/** Batched matrix product; leading axes are broadcast. */
export function matMul(b: FunctionBuilder, x: Value, y: Value, transposeX = false, transposeY = false): Value {
  const lead = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const rank = lead.length + 2;
  const full = (value: Value): Value => b.broadcast(value, [...lead, ...value.shape.slice(-2)]);
  const [a, c] = [full(x), full(y)];
  const batch = lead.map((_, axis) => axis);
  const [contractA, contractC] = [transposeX ? rank - 2 : rank - 1, transposeY ? rank - 1 : rank - 2];
  const shape = [...lead, a.shape[transposeX ? rank - 1 : rank - 2]!, c.shape[transposeY ? rank - 2 : rank - 1]!];
  const batching = batch.length > 0 ? `batching_dims = ${list(batch)} x ${list(batch)}, ` : '';
  const precision = b.precision === 'default' ? '' : `, precision = ${list(twice(b.precision.toUpperCase()))}`;
  const result = { shape, type: a.type };
  return b.emit(
    `stablehlo.dot_general ${a.id}, ${c.id}, ${batching}contracting_dims = [${contractA}] x [${contractC}]${precision} : (${tensorType(a)}, ${tensorType(c)}) -> ${tensorType(result)}`,
    shape,
    a.type,
  );
}

interface ConvolutionConfig {
  readonly dimensions: string;
  readonly shape: readonly number[];
  readonly padding: Padding2d;
  readonly strides?: Pair;
  readonly inputDilation?: Pair;
  readonly filterDilation?: Pair;
  readonly featureGroups?: number;
  readonly batchGroups?: number;
}

function convolve(b: FunctionBuilder, x: Value, filter: Value, config: ConvolutionConfig): Value {
  const { dimensions, shape, padding, strides = [1, 1], inputDilation = [1, 1], filterDilation = [1, 1] } = config;
  const { featureGroups = 1, batchGroups = 1 } = config;
  const precision =
    b.precision === 'default'
      ? ''
      : `, precision_config = ${list(twice(`#stablehlo<precision ${b.precision.toUpperCase()}>`))}`;
  const window = `{stride = ${list(strides)}, pad = ${list(padding.map(list))}, lhs_dilate = ${list(inputDilation)}, rhs_dilate = ${list(filterDilation)}, reverse = [false, false]}`;
  const result = { shape, type: x.type };
  return b.emit(
    `stablehlo.convolution(${x.id}, ${filter.id}) dim_numbers = ${dimensions}, window = ${window} {batch_group_count = ${batchGroups} : i64, feature_group_count = ${featureGroups} : i64${precision}} : (${tensorType(x)}, ${tensorType(filter)}) -> ${tensorType(result)}`,
    shape,
    x.type,
  );
}

const spanOf = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** Output size of an image axis. */
function outputSize(size: number, window: number, axis: 0 | 1, { strides, padding, dilations }: WindowConfig): number {
  const padded = size + padding[axis][0] + padding[axis][1];
  return Math.floor((padded - spanOf(window, dilations[axis])) / strides[axis]) + 1;
}

/** `x` `[N, H, W, C]` with `filter` `[h, w, C, D]`. */
export function conv2d(b: FunctionBuilder, x: Value, filter: Value, config: WindowConfig): Value {
  const sizes = ([0, 1] as const).map((axis) => outputSize(x.shape[axis + 1]!, filter.shape[axis]!, axis, config));
  return convolve(b, x, filter, {
    dimensions: '[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]',
    shape: [x.shape[0]!, ...sizes, filter.shape[3]!],
    padding: config.padding,
    strides: config.strides,
    filterDilation: config.dilations,
  });
}

/**
 * Gradient of {@link conv2d} by its image. Written with an explicit reversal of the filter and swapped channels, as JAX writes it: a reversed window instead
 * takes ten times as long on XLA's CPU compiler, which then leaves its fast convolution.
 */
export function conv2dInputGradient(
  b: FunctionBuilder,
  dy: Value,
  filter: Value,
  inputShape: readonly number[],
  { strides, padding, dilations }: WindowConfig,
): Value {
  return convolve(b, dy, b.reverse(filter, [0, 1]), {
    dimensions: '[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]',
    shape: inputShape,
    padding: inputGradientPadding(dy, filter, inputShape, { strides, padding, dilations }),
    inputDilation: strides,
    filterDilation: dilations,
  });
}

function inputGradientPadding(
  dy: Value,
  filter: Value,
  inputShape: readonly number[],
  { strides, padding, dilations }: WindowConfig,
): Padding2d {
  return ([0, 1] as const).map((axis) => {
    const span = spanOf(filter.shape[axis]!, dilations[axis]);
    const low = span - 1 - padding[axis][0];
    const dilated = (dy.shape[axis + 1]! - 1) * strides[axis] + 1;
    return [low, inputShape[axis + 1]! - 1 + span - dilated - low];
  }) as unknown as Padding2d;
}

/** Gradient of {@link conv2d} by its filter: the images as batches of a convolution with the output's gradient. */
export function conv2dFilterGradient(
  b: FunctionBuilder,
  x: Value,
  dy: Value,
  filterShape: readonly number[],
  config: WindowConfig,
): Value {
  return convolve(b, x, dy, {
    dimensions: '[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]',
    shape: filterShape,
    padding: filterGradientPadding(x, dy, filterShape, config),
    strides: config.dilations,
    filterDilation: config.strides,
  });
}

function filterGradientPadding(
  x: Value,
  dy: Value,
  filterShape: readonly number[],
  { strides, padding, dilations }: WindowConfig,
): Padding2d {
  return ([0, 1] as const).map((axis) => {
    const dilated = (dy.shape[axis + 1]! - 1) * strides[axis] + 1;
    const span = spanOf(filterShape[axis]!, dilations[axis]);
    return [padding[axis][0], span - 1 - x.shape[axis + 1]! - padding[axis][0] + dilated];
  }) as unknown as Padding2d;
}

/** `x` `[N, H, W, C]` with `filter` `[h, w, C, M]`: every channel with its own M filters. */
export function depthwiseConv2d(b: FunctionBuilder, x: Value, filter: Value, config: WindowConfig): Value {
  const [height, width, channels, multiplier] = filter.shape as [number, number, number, number];
  const sizes = ([0, 1] as const).map((axis) => outputSize(x.shape[axis + 1]!, filter.shape[axis]!, axis, config));
  return convolve(b, x, b.reshape(filter, [height, width, 1, channels * multiplier]), {
    dimensions: '[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]',
    shape: [x.shape[0]!, ...sizes, channels * multiplier],
    padding: config.padding,
    strides: config.strides,
    filterDilation: config.dilations,
    featureGroups: channels,
  });
}

/** Gradient of {@link depthwiseConv2d} by its image. */
export function depthwiseInputGradient(
  b: FunctionBuilder,
  dy: Value,
  filter: Value,
  inputShape: readonly number[],
  config: WindowConfig,
): Value {
  const [height, width, channels, multiplier] = filter.shape as [number, number, number, number];
  // The filters of a group as its inputs: [h, w, C, M] to [h, w, M, C].
  const swapped = b.reverse(b.transpose(filter, [0, 1, 3, 2]), [0, 1]);
  return convolve(b, dy, b.reshape(swapped, [height, width, multiplier, channels]), {
    dimensions: '[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]',
    shape: inputShape,
    padding: inputGradientPadding(dy, filter, inputShape, config),
    inputDilation: config.strides,
    filterDilation: config.dilations,
    featureGroups: channels,
  });
}

/** Gradient of {@link depthwiseConv2d} by its filter. */
export function depthwiseFilterGradient(
  b: FunctionBuilder,
  x: Value,
  dy: Value,
  filterShape: readonly number[],
  config: WindowConfig,
): Value {
  const [height, width, channels, multiplier] = filterShape as [number, number, number, number];
  const gradient = convolve(b, x, dy, {
    dimensions: '[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]',
    shape: [height, width, 1, channels * multiplier],
    padding: filterGradientPadding(x, dy, filterShape, config),
    strides: config.dilations,
    filterDilation: config.strides,
    batchGroups: channels,
  });
  return b.reshape(gradient, filterShape);
}

function twice<T>(value: T): [T, T] {
  return [value, value];
}
