// What an engine must compute as tfjs' plain JavaScript kernels do: every operation of the table as a small function, with inputs. Engines run it as one program.
import * as tf from '@tensorflow/tfjs-core';

type Inputs = Record<string, tf.Tensor>;
/** One operation, or its gradient, over {@link operationInputs}. */
export type OperationCase = (inputs: Inputs) => tf.Tensor;

const onX =
  (operation: (x: tf.Tensor) => tf.Tensor): OperationCase =>
  ({ x }) =>
    operation(x!);
const onPositive =
  (operation: (x: tf.Tensor) => tf.Tensor): OperationCase =>
  ({ positive }) =>
    operation(positive!);
/** Gradient of the sum of `operation`'s squares by its argument. */
const slope = (operation: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): tf.Tensor =>
  tf.grad((value: tf.Tensor) => tf.sum(tf.square(operation(value))))(x);

/** Padding before the image alone. */
const shifted: Parameters<typeof tf.conv2d>[3] = [
  [0, 0],
  [1, 0],
  [1, 0],
  [0, 0],
];
/** Padding behind the image alone. */
const beyond: [number, number][] = [
  [0, 0],
  [0, 1],
  [0, 1],
  [0, 0],
];

/** One case for every rule of the table and for what is easily got wrong, by name. */
export const operationCases: Readonly<Record<string, OperationCase>> = {
  abs: onX(tf.abs),
  ceil: onX(tf.ceil),
  cos: onX(tf.cos),
  exp: onX(tf.exp),
  expm1: onX(tf.expm1),
  floor: onX(tf.floor),
  neg: onX(tf.neg),
  sigmoid: onX(tf.sigmoid),
  sign: onX(tf.sign),
  sin: onX(tf.sin),
  tan: onX(tf.tan),
  tanh: onX(tf.tanh),
  sinh: onX(tf.sinh),
  cosh: onX(tf.cosh),
  atan: onX(tf.atan),
  erf: onX(tf.erf),
  elu: onX(tf.elu),
  selu: onX(tf.selu),
  relu: onX(tf.relu),
  relu6: onX(tf.relu6),
  softplus: onX(tf.softplus),
  round: onX(tf.round),
  step: onX((x) => tf.step(x, 0.3)),
  leakyRelu: onX((x) => tf.leakyRelu(x, 0.1)),
  square: onX(tf.square),
  clip: onX((x) => tf.clipByValue(x, -0.5, 0.7)),
  log: onPositive(tf.log),
  log1p: onPositive(tf.log1p),
  sqrt: onPositive(tf.sqrt),
  rsqrt: onPositive(tf.rsqrt),
  reciprocal: onPositive(tf.reciprocal),
  add: ({ x, row }) => tf.add(x!, row!),
  sub: ({ x, row }) => tf.sub(x!, row!),
  mul: ({ x, row }) => tf.mul(x!, row!),
  div: ({ x, positive }) => tf.div(x!, positive!),
  pow: ({ positive, x }) => tf.pow(positive!, x!),
  maximum: ({ x, row }) => tf.maximum(x!, row!),
  minimum: ({ x, row }) => tf.minimum(x!, row!),
  atan2: ({ x, positive }) => tf.atan2(x!, positive!),
  mod: ({ x, positive }) => tf.mod(x!, positive!),
  floorDivFloat: ({ x, positive }) => tf.floorDiv(x!, positive!),
  floorDivInt: ({ places }) => tf.floorDiv(tf.sub(places!, 2), tf.scalar(2, 'int32')),
  squaredDifference: ({ x, row }) => tf.squaredDifference(x!, row!),
  prelu: ({ x, row }) => tf.prelu(x!, row!),
  equal: ({ places }) => tf.equal(places!, 1),
  less: ({ x, row }) => tf.less(x!, row!),
  greaterEqual: ({ x, row }) => tf.greaterEqual(x!, row!),
  notEqual: ({ places }) => tf.notEqual(places!, 1),
  logicalAnd: ({ x, row }) => tf.logicalAnd(tf.less(x!, row!), tf.greater(x!, 0)),
  logicalOr: ({ x, row }) => tf.logicalOr(tf.lessEqual(x!, row!), tf.greater(x!, 0)),
  logicalNot: onX((x) => tf.logicalNot(tf.less(x, 0))),
  where: ({ x, row }) => tf.where(tf.less(x!, 0), x!, tf.add(tf.zerosLike(x!), row!)),
  isNan: onX((x) => tf.isNaN(tf.sqrt(x))),
  isFinite: onX((x) => tf.isFinite(tf.div(1, tf.relu(x)))),
  isInf: onX((x) => tf.isInf(tf.div(1, tf.relu(x)))),
  cast: onX((x) => tf.cast(tf.mul(x, 3), 'int32')),
  addN: ({ x, row }) => tf.addN([x!, tf.add(x!, row!), x!]),
  sum: onX((x) => tf.sum(x, 0)),
  mean: onX((x) => tf.mean(x, 1, true)),
  meanOfIntegers: ({ pairs }) => tf.mean(pairs!, 0),
  meanOfBooleans: ({ x, row }) => tf.mean(tf.less(x!, row!)),
  max: onX((x) => tf.max(x, 1)),
  maxOfBooleans: onX((x) => tf.max(tf.less(x, -0.9), 0)),
  minOfBooleans: onX((x) => tf.min(tf.less(x, 0.9), 0)),
  // An empty list of axes is none, not all.
  sumOverNothing: onX((x) => tf.sum(x, [])),
  meanOverNothing: onX((x) => tf.mean(x, [], true)),
  maxOverNothing: onX((x) => tf.max(x, [])),
  min: onX((x) => tf.min(x, 0)),
  prod: onX((x) => tf.prod(x, 1)),
  all: onX((x) => tf.all(tf.less(x, 0.9), 0)),
  any: onX((x) => tf.any(tf.less(x, -0.9), 0)),
  argMax: onX((x) => tf.argMax(x, 1)),
  argMin: onX((x) => tf.argMin(x, 0)),
  softmax: onX((x) => tf.softmax(x)),
  logSoftmax: onX((x) => tf.logSoftmax(x)),
  logSumExp: onX((x) => tf.logSumExp(x, 1)),
  cumsum: onX((x) => tf.cumsum(x, 1)),
  cumsumExclusive: onX((x) => tf.cumsum(x, 1, true)),
  cumsumReverse: onX((x) => tf.cumsum(x, 0, false, true)),
  cumsumBoth: onX((x) => tf.cumsum(x, 1, true, true)),
  cumsumOfBooleans: onX((x) => tf.cumsum(tf.less(x, 0.5), 1)),
  cumprod: onX((x) => tf.cumprod(x, 1, true)),
  batchNorm: ({ image }) =>
    tf.batchNorm4d(
      image as tf.Tensor4D,
      tf.tensor1d([0.1, 0.2]),
      tf.tensor1d([1, 2]),
      tf.tensor1d([0.5, 0]),
      tf.tensor1d([2, 1]),
      0.01,
    ),
  reshape: onX((x) => tf.reshape(x, [4, -1])),
  transpose: onX((x) => tf.transpose(x)),
  reverse: onX((x) => tf.reverse(x, 1)),
  reverseAll: onX((x) => tf.reverse(x)),
  tile: onX((x) => tf.tile(x, [2, 3])),
  slice: onX((x) => tf.slice(x, [1, 1], [2, -1])),
  strided: onX((x) => tf.stridedSlice(x, [0, 3], [3, 0], [2, -2])),
  pad: onX((x) =>
    tf.pad(
      x,
      [
        [1, 0],
        [2, 1],
      ],
      5,
    ),
  ),
  mirrorPad: onX((x) =>
    tf.mirrorPad(
      x,
      [
        [1, 1],
        [2, 1],
      ],
      'reflect',
    ),
  ),
  expandDims: onX((x) => tf.expandDims(x, -1)),
  concat: ({ x, row }) => tf.concat([x!, row!], 0),
  stack: onX((x) => tf.stack([x, x], 1)),
  unstack: onX((x) => tf.unstack(x, 1)[2]!),
  split: onX((x) => tf.split(x, [1, 3], 1)[1]!),
  oneHot: ({ places }) => tf.oneHot(places!, 4),
  fill: () => tf.fill([2], 3),
  range: () => tf.range(1, 6, 2),
  linspace: () => tf.linspace(0, 1, 5),
  onesLike: onX(tf.onesLike),
  broadcastTo: ({ row }) => tf.broadcastTo(row!, [2, 4]),
  gather: ({ x, places }) => tf.gather(x!, places!, 1),
  gatherRows: ({ x, places }) => tf.gather(x!, places!),
  gatherShared: ({ places }) => tf.gather(tf.tensor1d([5, 6, 7]), places!),
  gatherNd: ({ x, pairs }) => tf.gatherND(x!, pairs!),
  gatherBatch: ({ x, pairs }) => tf.gather(tf.slice(x!, [0, 0], [2, 4]), pairs!, 1, 1),
  scatter: ({ pairs }) => tf.scatterND(pairs as tf.Tensor, tf.tensor1d([1, 2]), [3, 4]),
  segmentSum: ({ x, places }) => tf.unsortedSegmentSum(x!, places as tf.Tensor1D, 3),
  topkValues: onX((x) => tf.topk(x, 2).values),
  topkIndices: onX((x) => tf.topk(x, 3).indices),
  matMul: ({ x, row }) => tf.matMul(x as tf.Tensor2D, row as tf.Tensor2D, false, true),
  batchMatMul: ({ image, x }) => tf.matMul(tf.reshape(image!, [4, 12, 3]), tf.slice(x!, [0, 0], [3, 4])),
  conv2d: ({ image, filter }) => tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'),
  convDilated: ({ image, filter }) => tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid', 'NHWC', 2),
  convByImage: ({ image, filter }) =>
    slope((v) => tf.conv2d(v as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'), image!),
  convByFilter: ({ image, filter }) =>
    slope((v) => tf.conv2d(image as tf.Tensor4D, v as tf.Tensor4D, 2, 'same'), filter!),
  depthwise: ({ image, filter }) => tf.depthwiseConv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'),
  depthwiseByImage: ({ image, filter }) =>
    slope((v) => tf.depthwiseConv2d(v as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'), image!),
  depthwiseByFilter: ({ image, filter }) =>
    slope((v) => tf.depthwiseConv2d(image as tf.Tensor4D, v as tf.Tensor4D, 1, 'same'), filter!),
  fusedConv: ({ image, filter }) =>
    tf.fused.conv2d({
      x: image as tf.Tensor4D,
      filter: filter as tf.Tensor4D,
      strides: 1,
      pad: 'same',
      activation: 'relu',
    }),
  fusedMatMul: ({ x, row }) =>
    tf.fused.matMul({ a: x!, b: row!, transposeB: true, bias: tf.tensor1d([0.5]), activation: 'relu' }),
  maxPool: ({ image }) => tf.maxPool(image as tf.Tensor4D, 3, 2, 'same'),
  maxPoolGrad: ({ image }) => slope((v) => tf.maxPool(v as tf.Tensor4D, 3, 2, 'same'), image!),
  maxPoolOfOneGrad: ({ image }) => slope((v) => tf.maxPool(v as tf.Tensor4D, 1, 2, 'valid'), image!),
  avgPool: ({ image }) => tf.avgPool(image as tf.Tensor4D, 2, 2, 'valid'),
  avgPoolGrad: ({ image }) => slope((v) => tf.avgPool(v as tf.Tensor4D, 2, 2, 'valid'), image!),
  // With `ceil` the last windows reach over the edge, or lie wholly beyond it (a stride of 4).
  convCeil: ({ image, filter }) =>
    tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 2, shifted, 'NHWC', 1, 'ceil'),
  convCeilByImage: ({ image, filter }) =>
    slope((v) => tf.conv2d(v as tf.Tensor4D, filter as tf.Tensor4D, 2, shifted, 'NHWC', 1, 'ceil'), image!),
  depthwiseCeilByFilter: ({ image, filter }) =>
    slope((v) => tf.depthwiseConv2d(image as tf.Tensor4D, v as tf.Tensor4D, 2, shifted, 'NHWC', 1, 'ceil'), filter!),
  maxPoolCeil: ({ image }) => tf.maxPool(image as tf.Tensor4D, 3, 2, 0, 'ceil'),
  maxPoolCeilGrad: ({ image }) => slope((v) => tf.maxPool(v as tf.Tensor4D, 3, 2, 0, 'ceil'), image!),
  maxPoolBeyondGrad: ({ image }) => tf.grad((v: tf.Tensor) => tf.maxPool(v as tf.Tensor4D, 1, 4, 0, 'ceil'))(image!),
  avgPoolCeil: ({ image }) => tf.avgPool(image as tf.Tensor4D, 3, 2, 0, 'ceil'),
  avgPoolCeilGrad: ({ image }) => slope((v) => tf.avgPool(v as tf.Tensor4D, 3, 2, 0, 'ceil'), image!),
  eluGrad: onX((x) => slope(tf.elu, x)),
  softmaxGrad: onX((x) => slope(tf.softmax, x)),
  maxGrad: onX((x) => slope((v) => tf.max(v, 1), x)),
};

/**
 * What the plain kernels are asked in place of a case, where tfjs does not pass the rounding on to its gradient and theirs leaves the last windows out: the same
 * over an image that is padded by as much.
 */
export const referenceCases: Readonly<Record<string, OperationCase>> = {
  convCeilByImage: ({ image, filter }) =>
    slope((v) => tf.conv2d(tf.pad(v, beyond) as tf.Tensor4D, filter as tf.Tensor4D, 2, shifted), image!),
  maxPoolCeilGrad: ({ image }) =>
    slope((v) => tf.maxPool(tf.pad(v, beyond, -100) as tf.Tensor4D, 3, 2, 'valid'), image!),
  avgPoolCeilGrad: ({ image }) =>
    slope((v) => {
      const average = (x: tf.Tensor) => tf.avgPool(tf.pad(x, beyond) as tf.Tensor4D, 3, 2, 'valid');
      return tf.div(average(v), average(tf.onesLike(v)));
    }, image!),
};

/** What the cases compute with. */
export const operationInputs = {
  x: { shape: [3, 4], dtype: 'float32' },
  row: { shape: [1, 4], dtype: 'float32' },
  positive: { shape: [3, 4], dtype: 'float32' },
  image: { shape: [2, 6, 6, 2], dtype: 'float32' },
  filter: { shape: [2, 2, 2, 3], dtype: 'float32' },
  places: { shape: [3], dtype: 'int32' },
  pairs: { shape: [2, 2], dtype: 'int32' },
} as const;

/** Values for {@link operationInputs}; `set` 1 are others, for engines that compute with several at once. */
export function operationValues(set: 0 | 1 = 0): Record<keyof typeof operationInputs, Float32Array | Int32Array> {
  const shift = 0.7 * set;
  const wave = (length: number, start: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(shift + start + 1.7 * i) * 1.3);
  return {
    x: wave(12, 0.4),
    row: wave(4, 2),
    positive: wave(12, 3).map((value) => Math.abs(value) + 0.3),
    image: wave(144, 5),
    filter: wave(24, 6),
    places: set === 0 ? Int32Array.of(2, 0, 1) : Int32Array.of(1, 1, 2),
    pairs: set === 0 ? Int32Array.of(0, 3, 1, 2) : Int32Array.of(2, 0, 0, 1),
  };
}
