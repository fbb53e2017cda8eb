// Every registered gradient against central differences, on the wasm backend; those that replace upstream's also where upstream is wrong.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useWasmBackend } from './node.ts';
import { gradientsOf, numericalGradient, onBackend, randomTensor } from './test-support.ts';

beforeAll(async () => {
  await useWasmBackend();
});

/** Distinct values at least 0.07 apart, none within 0.03 of zero: no maximum, sign or clip changes within a step of 0.01. */
function spreadValues(size: number): Float32Array {
  const values = Float32Array.from({ length: size }, (_, i) => ((i * 7) % size) * 0.07 - size * 0.035 + 0.036);
  return values.map((value) => (Math.abs(value) < 0.03 ? value + 0.035 : value));
}

async function expectGradient(
  f: (x: tf.Tensor) => tf.Tensor,
  shape: number[],
  values = spreadValues(tf.util.sizeFromShape(shape)),
): Promise<void> {
  const [gradient] = await onBackend('wasm', () => gradientsOf(f, [tf.tensor(values, shape)]));
  const expected = numericalGradient(f, shape, values);
  expect(gradient!.shape).toEqual(shape);
  const scale = Math.max(1, ...expected.map(Math.abs));
  gradient!.values.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!) / scale, `element ${i}: ${value}, expected ${expected[i]}`).toBeLessThan(
      5e-3,
    );
  });
}

const other = (shape: number[]): tf.Tensor => tf.add(randomTensor(shape, 21), 2);
const positive = (shape: number[]): Float32Array =>
  spreadValues(tf.util.sizeFromShape(shape)).map((value) => Math.abs(value) + 0.5);

describe('elementwise gradients', () => {
  const unary: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    abs: tf.abs,
    cos: tf.cos,
    exp: tf.exp,
    elu: tf.elu,
    neg: tf.neg,
    relu: tf.relu,
    sigmoid: tf.sigmoid,
    sin: tf.sin,
    softplus: tf.softplus,
    square: tf.square,
    tanh: tf.tanh,
    sign: tf.sign,
    floor: (x) => tf.add(tf.mul(x, 2), tf.mul(0, tf.floor(x))),
    relu6: (x) => tf.relu6(tf.mul(x, 10)),
    leakyRelu: (x) => tf.leakyRelu(x, 0.3),
    clipByValue: (x) => tf.clipByValue(x, -0.26, 0.23),
    'maximum, first': (x) => tf.maximum(x, tf.zeros([2, 1, 5])),
    'maximum, second': (x) => tf.maximum(tf.zeros([2, 1, 5]), x),
    'minimum, first': (x) => tf.minimum(x, tf.zeros([2, 1, 5])),
    'minimum, second': (x) => tf.minimum(tf.zeros([2, 1, 5]), x),
    clone: (x) => tf.mul(tf.clone(x), tf.clone(x)),
    cast: (x) => tf.cast(x, 'float32'),
  };
  for (const [name, f] of Object.entries(unary)) it(name, () => expectGradient(f, [3, 5]));

  const positiveOnly: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    log: tf.log,
    log1p: tf.log1p,
    sqrt: tf.sqrt,
    rsqrt: tf.rsqrt,
    reciprocal: tf.reciprocal,
    'pow, base': (x) => tf.pow(x, 3),
    'pow, exponent': (x) => tf.pow(tf.scalar(1.7), x),
  };
  for (const [name, f] of Object.entries(positiveOnly)) it(name, () => expectGradient(f, [3, 5], positive([3, 5])));

  const binary: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    div: tf.div,
    squaredDifference: tf.squaredDifference,
  };
  for (const [name, f] of Object.entries(binary)) {
    it(`${name}, first operand broadcast`, () => expectGradient((x) => f(x, other([4, 3, 5])), [3, 1]));
    it(`${name}, second operand broadcast`, () => expectGradient((x) => f(other([4, 3, 5]), x), [5], positive([5])));
  }

  it('where, both branches', async () => {
    const condition = (): tf.Tensor => tf.greater(randomTensor([3, 5]), 0);
    await expectGradient((x) => tf.where(condition(), x, tf.square(x)), [3, 5]);
  });

  it('addN', () => expectGradient((x) => tf.addN([x, tf.square(x), tf.mul(x, 3)]), [3, 5]));

  it('a mask that depends on the input adds nothing', () =>
    expectGradient((x) => tf.mul(x, tf.cast(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 0.3)), 'float32')), [3, 5]));
});

describe('structural gradients', () => {
  const cases: Record<string, [f: (x: tf.Tensor) => tf.Tensor, shape: number[]]> = {
    'sum of all': [(x) => tf.sum(x), [3, 4]],
    'sum over a negative axis': [(x) => tf.sum(x, -2, true), [3, 4, 2]],
    mean: [(x) => tf.mean(x, [0, 2]), [3, 4, 2]],
    'mean of all': [(x) => tf.mean(x), [3, 4]],
    max: [(x) => tf.max(x, 1), [3, 4]],
    'max of all': [(x) => tf.max(x), [3, 4]],
    min: [(x) => tf.min(x, 0, true), [3, 4]],
    prod: [(x) => tf.prod(x, 1), [2, 3, 2]],
    'prod of all': [(x) => tf.prod(x), [2, 2]],
    logSumExp: [(x) => tf.logSumExp(x, 1), [3, 4]],
    softmax: [(x) => tf.softmax(x), [3, 4]],
    logSoftmax: [(x) => tf.logSoftmax(x), [3, 4]],
    reshape: [(x) => tf.reshape(x, [4, 3]), [3, 4]],
    expandDims: [(x) => tf.expandDims(x, 1), [3, 4]],
    transpose: [(x) => tf.transpose(x, [2, 0, 1]), [3, 4, 2]],
    reverse: [(x) => tf.reverse(x, [1]), [3, 4]],
    concat: [(x) => tf.concat([x, tf.square(x)], 1), [3, 4]],
    split: [(x) => tf.mul(tf.split(x, [1, 3], 1)[1]!, 2), [3, 4]],
    stack: [(x) => tf.stack([x, tf.square(x)], 1), [3, 4]],
    unstack: [(x) => tf.mul(tf.unstack(x, 1)[2]!, 3), [3, 4]],
    slice: [(x) => tf.slice(x, [1, 0], [2, 3]), [3, 4]],
    pad: [
      (x) =>
        tf.pad(x, [
          [1, 2],
          [0, 3],
        ]),
      [3, 4],
    ],
    tile: [(x) => tf.tile(x, [2, 3]), [3, 4]],
    broadcastTo: [(x) => tf.broadcastTo(x, [5, 3, 4]), [3, 1]],
    'cumsum, last axis': [(x) => tf.cumsum(x, 1), [3, 4]],
    'cumsum, first axis': [(x) => tf.cumsum(x, 0, true), [3, 4]],
    'cumsum, middle axis, reversed': [(x) => tf.cumsum(x, 1, false, true), [2, 3, 2]],
    'gather, rows': [(x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')), [3, 4]],
    'gather, last axis': [(x) => tf.gather(x, tf.tensor1d([3, 1, 3, 0, 0], 'int32'), -1), [3, 4]],
    'gather, index matrix': [
      (x) =>
        tf.gather(
          x,
          tf.tensor2d(
            [
              [2, 0],
              [1, 1],
            ],
            [2, 2],
            'int32',
          ),
          1,
        ),
      [2, 3, 2],
    ],
    'gather, batched': [
      (x) =>
        tf.gather(
          x,
          tf.tensor2d(
            [
              [2, 0],
              [1, 1],
            ],
            [2, 2],
            'int32',
          ),
          1,
          1,
        ),
      [2, 3, 4],
    ],
    unsortedSegmentSum: [(x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1], 'int32'), 3), [3, 4]],
    topk: [(x) => tf.topk(x, 2).values, [3, 4]],
    'matMul, first, broadcast batch': [(x) => tf.matMul(x, other([2, 4, 3])), [5, 4]],
    'matMul, second, broadcast batch': [(x) => tf.matMul(other([2, 5, 4]), x), [4, 3]],
    'matMul, both transposed': [(x) => tf.matMul(x, other([3, 4]), true, true), [4, 5]],
    'conv2d, input': [(x) => tf.conv2d(x as tf.Tensor4D, other([3, 3, 2, 3]) as tf.Tensor4D, 2, 'same'), [1, 5, 5, 2]],
    'conv2d, filter': [(x) => tf.conv2d(other([1, 5, 5, 2]) as tf.Tensor4D, x as tf.Tensor4D, 2, 'same'), [3, 3, 2, 3]],
    maxPool: [(x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'), [1, 5, 5, 2]],
    oneHot: [(x) => tf.mul(tf.sum(x), tf.oneHot(tf.tensor1d([1, 0], 'int32'), 3)), [3, 4]],
  };
  for (const [name, [f, shape]] of Object.entries(cases)) it(name, () => expectGradient(f, shape));

  it('gather gives zero for its indices when asked', async () => {
    const [, indices] = await onBackend('wasm', () =>
      tf.grads((x, index) => tf.sum(tf.gather(x, tf.cast(index, 'int32') as tf.Tensor1D)))([
        randomTensor([3, 4]),
        tf.tensor1d([1, 2]),
      ]),
    );
    expect(indices!.values).toEqual([0, 0]);
  });
});
