// Products: matrices and convolutions (NHWC images, HWIO filters, as tfjs has them).
import { broadcastShapes, type Padding2d, type WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import type { FunctionBuilder } from './builder.ts';
import { arrayAxes, list, membersOf, tensorType, type Value } from './value.ts';

type Pair = readonly [number, number];

/** Batched matrix product; leading axes are broadcast. */
export function matMul(b: FunctionBuilder, x: Value, y: Value, transposeX = false, transposeY = false): Value {
  const lead = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const rank = lead.length + 2;
  const members = membersOf(x, y);
  const full = (value: Value): Value => b.lift(b.broadcast(value, [...lead, ...value.shape.slice(-2)]), members);
  const [a, c] = [full(x), full(y)];
  const batch = [
    ...(members === undefined ? [] : [0]),
    ...arrayAxes(
      lead.map((_, axis) => axis),
      members,
    ),
  ];
  const contracted = [transposeX ? rank - 2 : rank - 1, transposeY ? rank - 1 : rank - 2];
  const [contractA, contractC] = arrayAxes(contracted, members);
  const shape = [...lead, a.shape[transposeX ? rank - 1 : rank - 2]!, c.shape[transposeY ? rank - 2 : rank - 1]!];
  const batching = batch.length > 0 ? `batching_dims = ${list(batch)} x ${list(batch)}, ` : '';
  const precision = b.precision === 'default' ? '' : `, precision = ${list(twice(b.precision.toUpperCase()))}`;
  const result = { shape, type: a.type, members };
  return b.emit(
    `stablehlo.dot_general ${a.id}, ${c.id}, ${batching}contracting_dims = [${contractA}] x [${contractC}]${precision} : (${tensorType(a)}, ${tensorType(c)}) -> ${tensorType(result)}`,
    result,
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
  const members = membersOf(x, filter);
  if (members !== undefined) return convolveMembers(b, b.lift(x, members), b.lift(filter, members), config, members);
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
    result,
  );
}

/**
 * Convolutions of all members, either one for each (no slower than alone anywhere, as many operations as members), or one with the members as groups of channels, as
 * JAX's vmap makes it (where the images' batch is grouped already, for a depthwise filter's gradient, they are groups of that).
 */
function convolveMembers(
  b: FunctionBuilder,
  x: Value,
  filter: Value,
  config: ConvolutionConfig,
  members: number,
): Value {
  if (b.convolutions === 'each') {
    const results = Array.from({ length: members }, (_, member) =>
      convolve(b, memberOf(b, x, member), memberOf(b, filter, member), config),
    );
    return b.asMembers(
      b.concatenate(
        results.map((result) => b.reshape(result, [1, ...result.shape])),
        0,
      ),
    );
  }
  const { featureGroups = 1, batchGroups = 1, shape } = config;
  const [images, filters, results] = config.dimensions
    .split(/x|->/)
    .map((axes) => axes.replace(/[[\] ]/g, '').split(',')) as [string[], string[], string[]];
  const groupsBatch = batchGroups > 1;
  const channels = results.indexOf('f');
  const foldedImages = foldMembers(b, x, images.indexOf(groupsBatch ? 'b' : 'f'));
  const all = convolve(b, foldedImages, foldMembers(b, filter, filters.indexOf('o')), {
    ...config,
    shape: shape.map((size, axis) => (axis === channels ? members * size : size)),
    ...(groupsBatch ? { batchGroups: members * batchGroups } : { featureGroups: members * featureGroups }),
  });
  return unfoldMembers(b, all, channels, members);
}

/** One member's value, as a function that stands alone has it. */
function memberOf(b: FunctionBuilder, a: Value, member: number): Value {
  const all = b.asArray(a);
  const begin = all.shape.map((_, axis) => (axis === 0 ? member : 0));
  return b.reshape(b.slice(all, begin, [1, ...a.shape]), a.shape);
}

/** The members' axis made a part of another one, of which it is the slower part. */
function foldMembers(b: FunctionBuilder, a: Value, axis: number): Value {
  const array = b.asArray(a);
  const rest = a.shape.map((_, index) => index + 1);
  const moved = b.transpose(array, [...rest.slice(0, axis), 0, ...rest.slice(axis)]);
  return b.reshape(
    moved,
    a.shape.map((size, index) => (index === axis ? array.shape[0]! * size : size)),
  );
}

function unfoldMembers(b: FunctionBuilder, array: Value, axis: number, members: number): Value {
  const { shape } = array;
  const split = b.reshape(array, [...shape.slice(0, axis), members, shape[axis]! / members, ...shape.slice(axis + 1)]);
  const order = split.shape.map((_, index) => index).filter((index) => index !== axis);
  return b.asMembers(b.transpose(split, [axis, ...order]));
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
