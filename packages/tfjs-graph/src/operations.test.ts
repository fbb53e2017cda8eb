// Every tfjs operation that networks, losses and optimizers are made of gives, recorded, exactly its eager result on the same backend.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProgram, type Program } from './index.ts';
import { loadNative } from './testing/small-agent.ts';

let obstacle: string | undefined;
beforeAll(async () => {
  obstacle = await loadNative();
}, 600_000);

type Unary = (x: tf.Tensor2D) => tf.Tensor;
const image = (x: tf.Tensor): tf.Tensor4D => tf.reshape(x, [1, 4, 3, 2]);
const filter = (): tf.Tensor4D => tf.reshape(tf.range(0, 36, 1), [3, 3, 2, 2]) as tf.Tensor4D;
const integers = (x: tf.Tensor): tf.Tensor => tf.cast(tf.floor(tf.abs(x)), 'int32');
const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.5);

/** Operations on a [4, 6] float32 tensor with values of both signs. */
const operations: Record<string, Unary> = {
  abs: tf.abs,
  add: (x) => tf.add(x, tf.tensor1d([1, 2, 3, 4, 5, 6])),
  addN: (x) => tf.addN([x, x, x]),
  argMax: (x) => tf.argMax(x, 1),
  argMin: (x) => tf.argMin(x, 0),
  avgPool: (x) => tf.avgPool(image(x), 2, 1, 'same'),
  broadcastTo: (x) => tf.broadcastTo(tf.slice(x, [0, 0], [1, 6]), [4, 6]),
  castBool: (x) => tf.cast(tf.cast(x, 'bool'), 'int32'),
  clipByValue: (x) => tf.clipByValue(x, -1, 1),
  concat: (x) => tf.concat([x, x], 1),
  conv2d: (x) => tf.conv2d(image(x), filter(), 1, 'same'),
  conv2dTranspose: (x) => tf.conv2dTranspose(image(x), filter(), [1, 4, 3, 2], 1, 'same'),
  cos: tf.cos,
  cumsum: (x) => tf.cumsum(x, 1, true),
  div: (x) => tf.div(x, positive(x)),
  elu: tf.elu,
  equal: (x) => tf.equal(tf.round(x), tf.scalar(1)),
  erf: tf.erf,
  exp: tf.exp,
  expandDims: (x) => tf.expandDims(x, 1),
  expm1: tf.expm1,
  fill: () => tf.fill([2, 2], 3),
  floor: tf.floor,
  floorDiv: (x) => tf.floorDiv(integers(x), tf.scalar(2, 'int32')),
  fusedConv2d: (x) => tf.fused.conv2d({ x: image(x), filter: filter(), strides: 1, pad: 'same', activation: 'relu' }),
  fusedMatMul: (x) => tf.fused.matMul({ a: x, b: tf.ones([6, 3]), bias: tf.tensor1d([1, 2, 3]), activation: 'relu' }),
  gather: (x) => tf.gather(x, tf.tensor1d([3, 0, 0], 'int32')),
  meanOfIntegers: (x) => tf.mean(tf.cast(tf.mul(x, 3), 'int32')),
  meanOfBooleans: (x) => tf.mean(tf.less(x, 0), 0),
  gatherND: (x) =>
    tf.gatherND(
      x,
      tf.tensor2d(
        [
          [1, 2],
          [3, 4],
        ],
        [2, 2],
        'int32',
      ),
    ),
  greater: (x) => tf.greater(x, 0),
  greaterEqual: (x) => tf.greaterEqual(x, 0),
  isNaN: (x) => tf.isNaN(x),
  leakyRelu: (x) => tf.leakyRelu(x, 0.1),
  less: (x) => tf.less(x, 0),
  lessEqual: (x) => tf.lessEqual(x, 0),
  linspace: () => tf.linspace(-10, 10, 51),
  log: (x) => tf.log(positive(x)),
  log1p: (x) => tf.log1p(positive(x)),
  logSoftmax: (x) => tf.logSoftmax(x),
  logSumExp: (x) => tf.logSumExp(x, 1),
  logicalAnd: (x) => tf.logicalAnd(tf.greater(x, 0), tf.less(x, 1)),
  logicalOr: (x) => tf.logicalOr(tf.greater(x, 1), tf.less(x, -1)),
  matMul: (x) => tf.matMul(x, x, false, true),
  batchMatMul: (x) => tf.matMul(tf.reshape(x, [2, 2, 6]), tf.ones([2, 6, 3])),
  max: (x) => tf.max(x, 1),
  maxPool: (x) => tf.maxPool(image(x), 3, 2, 'same'),
  maximum: (x) => tf.maximum(x, 0.5),
  mean: (x) => tf.mean(x, 0, true),
  min: (x) => tf.min(x, 1),
  minimum: (x) => tf.minimum(x, 0.5),
  mod: (x) => tf.mod(x, 2),
  moments: (x) => tf.moments(x, 1).variance,
  mul: (x) => tf.mul(x, x),
  neg: tf.neg,
  norm: (x) => tf.norm(x, 2, 1),
  notEqual: (x) => tf.notEqual(x, 0),
  oneHot: (x) => tf.oneHot(tf.argMax(x, 1), 6),
  onesLike: (x) => tf.onesLike(x),
  pad: (x) =>
    tf.pad(x, [
      [1, 0],
      [0, 2],
    ]),
  pow: (x) => tf.pow(positive(x), 1.5),
  prod: (x) => tf.prod(x, 1),
  range: () => tf.range(0, 5),
  reciprocal: (x) => tf.reciprocal(positive(x)),
  relu: tf.relu,
  relu6: (x) => tf.relu6(x),
  resizeBilinear: (x) => tf.image.resizeBilinear(image(x), [2, 2]),
  reverse: (x) => tf.reverse(x, 1),
  round: tf.round,
  rsqrt: (x) => tf.rsqrt(positive(x)),
  scatterND: (x) => tf.scatterND(tf.tensor2d([[1], [3]], [2, 1], 'int32'), tf.slice(x, [0, 0], [2, 6]), [5, 6]),
  sigmoid: tf.sigmoid,
  sign: tf.sign,
  slice: (x) => tf.slice(x, [1, 2], [2, 3]),
  softmax: (x) => tf.softmax(x),
  softplus: tf.softplus,
  split: (x) => tf.split(x, 2, 1)[1]!,
  sqrt: (x) => tf.sqrt(positive(x)),
  square: tf.square,
  squaredDifference: (x) => tf.squaredDifference(x, tf.scalar(1)),
  squeeze: (x) => tf.squeeze(tf.slice(x, [0, 0], [1, 6]), [0]),
  stack: (x) => tf.stack([x, x], 1),
  step: (x) => tf.step(x),
  stridedSlice: (x) => tf.stridedSlice(x, [0, 0], [4, 6], [2, 3]),
  sub: (x) => tf.sub(1, x),
  sum: (x) => tf.sum(x, [0], true),
  sumIntegers: (x) => tf.sum(integers(x)),
  tanh: tf.tanh,
  tile: (x) => tf.tile(x, [2, 1]),
  topk: (x) => tf.topk(x, 2).indices,
  transpose: (x) => tf.transpose(x),
  unsortedSegmentSum: (x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1, 0, 2], 'int32'), 3),
  unstack: (x) => tf.unstack(x, 1)[2]!,
  where: (x) => tf.where(tf.greater(x, 0), x, tf.zerosLike(x)),
  zeros: () => tf.zeros([2, 3]),
};

/** Differentiable functions of a [4, 6] tensor. */
const differentiated: Record<string, Unary> = {
  conv2d: (x) => tf.conv2d(image(x), filter(), 1, 'same'),
  conv2dFilter: (x) => tf.conv2d(tf.ones([1, 5, 5, 2]) as tf.Tensor4D, tf.reshape(x, [2, 2, 2, 3]), 2, 'valid'),
  elu: tf.elu,
  gather: (x) => tf.gather(x, tf.tensor1d([3, 0, 0], 'int32')),
  logSoftmax: (x) => tf.mul(tf.logSoftmax(x), x),
  matMul: (x) => tf.matMul(x, x, false, true),
  maxPool: (x) => tf.square(tf.maxPool(image(x), 3, 2, 'same')),
  meanAndMax: (x) => tf.mul(tf.mean(x, 0), tf.max(x, 0)),
  normalize: (x) => tf.div(x, tf.norm(x, 2, 1, true)),
  relu: (x) => tf.square(tf.relu(x)),
  sliceAndPad: (x) =>
    tf.square(
      tf.pad(tf.slice(x, [1, 1], [2, 2]), [
        [1, 1],
        [0, 1],
      ]),
    ),
  softmax: (x) => tf.square(tf.softmax(x)),
  tileAndStack: (x) => tf.square(tf.stack([x, tf.tile(tf.slice(x, [0, 0], [1, 6]), [4, 1])])),
};

const values = Float32Array.from({ length: 24 }, (_, index) => ((index * 7) % 24) / 4 - 2.9);

describe('a recorded operation equals the eager one', () => {
  beforeEach(({ skip }) => skip(obstacle !== undefined, obstacle));

  const gradients = Object.fromEntries(
    Object.entries(differentiated).map(([name, operation]): [string, Unary] => [
      `gradient of ${name}`,
      (x) => tf.grad((y) => tf.sum(operation(y as tf.Tensor2D)))(x),
    ]),
  );
  const all = { ...operations, ...gradients };
  const entryPoints = Object.fromEntries(
    Object.entries(all).map(([name, operation]) => [
      name,
      {
        inputs: { x: { shape: [4, 6], dtype: 'float32' as const } },
        run: ({ x }: Record<string, tf.Tensor>) => ({ y: operation(x as tf.Tensor2D) }),
      },
    ]),
  );
  let eager: Program;
  let recorded: Program;
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    eager = await createProgram({ variables: {}, entryPoints, mode: 'eager' });
    recorded = await createProgram({ variables: {}, entryPoints, mode: 'recorded' });
  });
  it.each(Object.keys(all))('%s', async (name) => {
    const [left, right] = [await eager.run(name, { x: values }), await recorded.run(name, { x: values })];
    expect(right.y!.constructor).toBe(left.y!.constructor);
    expect(right.y).toHaveLength(left.y!.length);
    for (const [index, value] of left.y!.entries()) {
      expect(Math.abs(right.y![index]! - value)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(value)));
    }
  });
});
