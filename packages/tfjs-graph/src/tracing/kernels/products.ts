// Matrix products, convolutions and pooling with their gradients.
import * as tf from '@tensorflow/tfjs-core';
import { TracingError } from '../../errors.ts';
import type { Padding2d, StepBuilder, Window, WindowConfig } from '../step-builder.ts';
import type { Value } from '../value.ts';
import { elementwise } from './elementwise.ts';
import type { Attributes, RuleTable } from './rule.ts';

type Shape4 = [number, number, number, number];
type Pair = Padding2d[number];

export const products: RuleTable = {
  AvgPool: (b, { inputs: { x }, attributes }) => {
    const window = poolOf(x!, attributes);
    return b.binary('divide', b.reduceWindow(x!, 'add', 0, window), windowCounts(b, x!, window));
  },
  AvgPoolGrad: (b, { inputs: { dy, input }, attributes }) => {
    const window = poolOf(input!, attributes, dy!.shape);
    // Each output's gradient goes in equal parts to the elements of its window: a sum over the outputs that an element is part of.
    const shares = b.binary('divide', dy!, windowCounts(b, input!, window));
    const interior = window.strides.map((stride) => stride - 1);
    const none = window.sizes.map(() => 0);
    const spread = b.pad(shares, none, none, 0, interior);
    const padding = spread.shape.map((size, axis) => {
      const low = window.sizes[axis]! - 1 - window.padding[axis]![0];
      return [low, input!.shape[axis]! - 1 + window.sizes[axis]! - size - low] as const;
    });
    return b.reduceWindow(spread, 'add', 0, { sizes: window.sizes, strides: window.sizes.map(() => 1), padding });
  },
  BatchMatMul: (b, { inputs: { a, b: c }, attributes: { transposeA, transposeB } }) =>
    b.matMul(a!, c!, transposeA === true, transposeB === true),
  Conv2D: (b, { inputs: { x, filter }, attributes }) =>
    b.conv2d(x!, filter!, windowOf(x!.shape, filter!.shape, attributes)),
  Conv2DBackpropFilter: (b, { inputs: { x, dy }, attributes }) => {
    const shape = attributes.filterShape as number[];
    return b.conv2dFilterGradient(x!, dy!, shape, windowOf(x!.shape, shape, attributes));
  },
  Conv2DBackpropInput: (b, { inputs: { dy, filter }, attributes }) => {
    const shape = attributes.inputShape as number[];
    return b.conv2dInputGradient(dy!, filter!, shape, windowOf(shape, filter!.shape, attributes));
  },
  DepthwiseConv2dNative: (b, { inputs: { x, filter }, attributes }) =>
    b.depthwiseConv2d(x!, filter!, windowOf(x!.shape, filter!.shape, attributes, true)),
  DepthwiseConv2dNativeBackpropFilter: (b, { inputs: { x, dy }, attributes }) => {
    const shape = attributes.filterShape as number[];
    return b.depthwiseFilterGradient(x!, dy!, shape, windowOf(x!.shape, shape, attributes, true));
  },
  DepthwiseConv2dNativeBackpropInput: (b, { inputs: { dy, filter }, attributes }) => {
    const shape = attributes.inputShape as number[];
    return b.depthwiseInputGradient(dy!, filter!, shape, windowOf(shape, filter!.shape, attributes, true));
  },
  FusedConv2D: (b, { inputs: { x, filter, bias, preluActivationWeights }, attributes }) =>
    finishFused(
      b,
      b.conv2d(x!, filter!, windowOf(x!.shape, filter!.shape, attributes)),
      bias,
      preluActivationWeights,
      attributes,
    ),
  FusedDepthwiseConv2D: (b, { inputs: { x, filter, bias, preluActivationWeights }, attributes }) =>
    finishFused(
      b,
      b.depthwiseConv2d(x!, filter!, windowOf(x!.shape, filter!.shape, attributes, true)),
      bias,
      preluActivationWeights,
      attributes,
    ),
  MaxPool: (b, { inputs: { x }, attributes }) =>
    b.reduceWindow(x!, 'maximum', Number.NEGATIVE_INFINITY, poolOf(x!, attributes)),
  MaxPoolGrad: (b, { inputs: { dy, input }, attributes }) =>
    b.selectAndScatter(input!, dy!, poolOf(input!, attributes, dy!.shape)),
  _FusedMatMul: (b, { inputs: { a, b: c, bias, preluActivationWeights }, attributes }) =>
    finishFused(
      b,
      b.matMul(a!, c!, attributes.transposeA === true, attributes.transposeB === true),
      bias,
      preluActivationWeights,
      attributes,
    ),
};

/** Bias and activation of tfjs' fused operations. */
function finishFused(
  b: StepBuilder,
  product: Value,
  bias: Value | undefined,
  weights: Value | undefined,
  { activation, leakyreluAlpha }: Attributes,
): Value {
  const x = bias === undefined ? product : b.binary('add', product, bias);
  const kernels: Readonly<Record<string, string>> = {
    relu: 'Relu',
    relu6: 'Relu6',
    elu: 'Elu',
    sigmoid: 'Sigmoid',
    leakyrelu: 'LeakyRelu',
    prelu: 'Prelu',
  };
  if (activation === undefined || activation === null || activation === 'linear') return x;
  const rule = elementwise[kernels[String(activation)] ?? ''];
  if (rule === undefined) throw new TracingError(`the fused activation "${String(activation)}" is not known`);
  const inputs = weights === undefined ? { x } : { x, alpha: weights };
  return rule(b, { inputs, list: [], attributes: { alpha: leakyreluAlpha ?? 0.2 } }) as Value;
}

function windowOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Attributes,
  depthwise = false,
): WindowConfig {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = attributes;
  if (dataFormat === 'NCHW') throw new TracingError('convolutions are computed with images NHWC; transpose first');
  const info = tf.backend_util.computeConv2DInfo(
    [...inputShape] as Shape4,
    [...filterShape] as Shape4,
    strides as number,
    (dilations ?? 1) as number,
    pad as number,
    dimRoundingMode as 'floor',
    depthwise,
  );
  return {
    strides: [info.strideHeight, info.strideWidth],
    padding: paddingOf(info, dimRoundingMode),
    dilations: [info.dilationHeight, info.dilationWidth],
  };
}

/** A pool's window; `outputShape` where it is known: tfjs does not pass the rounding on to gradients. */
function poolOf(
  x: Value,
  { filterSize, strides, pad, dimRoundingMode }: Attributes,
  outputShape?: readonly number[],
): Window {
  const info = tf.backend_util.computePool2DInfo(
    [...x.shape] as Shape4,
    filterSize as number,
    strides as number,
    1,
    pad as number,
    dimRoundingMode as 'floor',
  );
  const [vertical, horizontal] = paddingOf(info, dimRoundingMode, outputShape);
  return {
    sizes: [1, info.filterHeight, info.filterWidth, 1],
    strides: [1, info.strideHeight, info.strideWidth, 1],
    padding: [[0, 0], vertical, horizontal, [0, 0]],
  };
}

/**
 * tfjs' padding of the image axes. Where the number of windows is not rounded down (`dimRoundingMode`; a gradient has it from its output), the last of them reach
 * over the high edge, and nothing counts there: it is padded as far as they reach.
 */
function paddingOf(
  info: tf.backend_util.Conv2DInfo,
  mode: Attributes['dimRoundingMode'],
  outputShape?: readonly number[],
): Padding2d {
  const { top, bottom, left, right } = info.padInfo;
  const round = mode === 'ceil' ? Math.ceil : mode === 'round' ? Math.round : Math.floor;
  const along = (size: number, span: number, stride: number, [low, high]: Pair, outputs: number | undefined): Pair => {
    const fitting = (size + low + high - span) / stride + 1;
    const count = outputs ?? round(fitting);
    return [low, count === Math.floor(fitting) ? high : (count - 1) * stride + span - size - low];
  };
  return [
    along(info.inHeight, info.effectiveFilterHeight, info.strideHeight, [top, bottom], outputShape?.[1]),
    along(info.inWidth, info.effectiveFilterWidth, info.strideWidth, [left, right], outputShape?.[2]),
  ];
}

/** How many elements of the image each position of the window holds: padding doesn't count. */
function windowCounts(b: StepBuilder, x: Value, window: Window): Value {
  return b.reduceWindow(b.full(1, x.shape, x.type), 'add', 0, window);
}
