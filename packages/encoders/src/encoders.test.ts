// Encoders: shapes, parameter names, padding and padding's effect, and the byte scale. The numbers themselves are pinned by the golden network vectors
// (packages/agents/src/networks).
import '@tensorflow/tfjs';
import { createRng, ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  applyImpalaResnet,
  applyMinatarCnn,
  applyNatureCnn,
  applyPerceptron,
  convolution,
  countParameters,
  dense,
  impalaResnetOutputShape,
  impalaResnetParameters,
  initializeParameters,
  minatarCnnParameters,
  natureCnnOutputShape,
  natureCnnParameters,
  type ParameterSpecs,
  type ParameterTensors,
  perceptronParameters,
  planarToImage,
  sliceFrames,
} from './index.ts';

const ATARI = { height: 84, width: 84, channels: 4 };

function tensorsOf(specs: ParameterSpecs, seed = 1): ParameterTensors {
  return Object.fromEntries(
    Object.entries(initializeParameters(createRng(seed, 'parameters'), specs)).map(([name, { shape, data }]) => [
      name,
      tf.tensor(data, shape as number[]),
    ]),
  );
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('Nature CNN', () => {
  it('keeps the official SAME padding: 84x84 gives 11x11x64, not 7x7x64', () => {
    expect(natureCnnOutputShape({}, ATARI)).toEqual([11, 11, 64]);
    const specs = natureCnnParameters({}, ATARI);
    expect(Object.keys(specs)).toEqual([0, 1, 2].flatMap((layer) => [`Conv_${layer}/kernel`, `Conv_${layer}/bias`]));
    expect(countParameters(specs)).toBe(8 * 8 * 4 * 32 + 32 + 4 * 4 * 32 * 64 + 64 + 3 * 3 * 64 * 64 + 64);
    const output = applyNatureCnn(
      tensorsOf(natureCnnParameters({ widthScale: 0.125 }, ATARI)),
      tf.ones([2, 84, 84, 4]),
    );
    expect(output.shape).toEqual([2, 11, 11, 8]);
  });

  it('scales bytes by 1/255 through the first kernel', () => {
    const specs = natureCnnParameters({ widthScale: 0.0625 }, { height: 12, width: 12, channels: 2 }, 'encoder/');
    const parameters = tensorsOf(specs);
    const image = tf.randomUniform([1, 12, 12, 2], 0, 255, 'float32', 3);
    const fromBytes = applyNatureCnn(parameters, image, 'encoder/').dataSync();
    const fromFractions = applyNatureCnn(parameters, tf.div(image, 255), 'encoder/', 1).dataSync();
    fromBytes.forEach((value, index) => {
      expect(value).toBeCloseTo(fromFractions[index]!, 5);
    });
  });
});

describe('IMPALA ResNet', () => {
  it('has the official layers: three stacks, five convolutions each, 11x11x32 features', () => {
    expect(impalaResnetOutputShape({}, ATARI)).toEqual([11, 11, 32]);
    expect(impalaResnetOutputShape({ widthScale: 2 }, ATARI)).toEqual([11, 11, 64]);
    const specs = impalaResnetParameters({}, ATARI, 'encoder/');
    expect(Object.keys(specs)).toHaveLength(30);
    expect(specs['encoder/_stacks_1/Conv_0/kernel']!.shape).toEqual([3, 3, 16, 32]);
    expect(specs['encoder/_stacks_1/Conv_0/kernel']!.initializer.type).toBe('xavierUniform');
    expect(specs['encoder/_stacks_1/Conv_1/kernel']!.initializer.type).toBe('lecunNormal');
  });

  it('is the identity around its residual blocks when their second convolutions are zero', () => {
    const input = { height: 8, width: 8, channels: 1 };
    const config = { stackFilters: [2], residualBlocks: 2 };
    const parameters: Record<string, tf.Tensor> = { ...tensorsOf(impalaResnetParameters(config, input)) };
    for (const layer of [2, 4]) {
      const kernel = parameters[`_stacks_0/Conv_${layer}/kernel`]!;
      parameters[`_stacks_0/Conv_${layer}/kernel`] = tf.zerosLike(kernel);
    }
    const image = tf.randomUniform([2, 8, 8, 1], 0, 1, 'float32', 5) as tf.Tensor4D;
    const output = applyImpalaResnet(parameters, image, config, '', 1);
    const kernel = parameters['_stacks_0/Conv_0/kernel'] as tf.Tensor4D;
    const expected = tf.relu(tf.maxPool(tf.conv2d(image, kernel, 1, 'same'), 3, 2, 'same'));
    expect(output.shape).toEqual([2, 4, 4, 2]);
    expect(tf.max(tf.abs(tf.sub(output, expected))).dataSync()[0]).toBeLessThan(1e-6);
  });
});

describe('small encoders', () => {
  it('maps a classic-control observation to [-1, 1] before its layers', () => {
    const specs = perceptronParameters({ hiddenUnits: [2] }, 2);
    expect(specs['Dense_0/kernel']!.shape).toEqual([2, 2]);
    const parameters = { 'Dense_0/kernel': tf.tensor2d([1, 0, 0, 1], [2, 2]), 'Dense_0/bias': tf.tensor1d([1, 1]) };
    const config = { hiddenUnits: [2], minimumValues: [-2, 0], maximumValues: [2, 10] };
    const output = applyPerceptron(
      parameters,
      tf.tensor2d([
        [-2, 10],
        [0, 5],
      ]),
      config,
    );
    expect(Array.from(output.dataSync())).toEqual([0, 2, 1, 1]);
  });

  it('runs the MinAtar convolution at full resolution', () => {
    const specs = minatarCnnParameters({}, { height: 10, width: 10, channels: 6 });
    expect(specs['Conv_0/kernel']!.shape).toEqual([3, 3, 6, 16]);
    expect(applyMinatarCnn(tensorsOf(specs), tf.ones([3, 10, 10, 6])).shape).toEqual([3, 10, 10, 16]);
  });
});

describe('observations', () => {
  it('cuts a replay window into state and next state, and turns frames into channels', () => {
    // One sample, three frames of 1x2: [0 1], [2 3], [4 5]
    const window = tf.reshape(tf.range(0, 6), [1, 3, 1, 2]);
    expect(Array.from(sliceFrames(window, 0, 2).dataSync())).toEqual([0, 1, 2, 3]);
    expect(Array.from(sliceFrames(window, 1, 2).dataSync())).toEqual([2, 3, 4, 5]);
    const image = planarToImage(sliceFrames(window, 1, 2));
    expect(image.shape).toEqual([1, 1, 2, 2]);
    expect(Array.from(image.dataSync())).toEqual([2, 4, 3, 5]);
  });
});

it('refuses parameters of another shape, which TensorFlow.js would spread', () => {
  const x = tf.ones([2, 3]);
  const kernel = tf.ones([3, 4]);
  const layer = (bias: tf.Tensor, own: tf.Tensor = kernel) => dense({ 'a/kernel': own, 'a/bias': bias }, 'a', x);
  expect(layer(tf.ones([4])).shape).toEqual([2, 4]);
  expect(() => layer(tf.ones([1]))).toThrow(ShapeError);
  expect(() => layer(tf.ones([4]), tf.ones([2, 4]))).toThrow(
    /parameter "a\/kernel" has shape \[2,4\]; expected \[3,4\]/,
  );
  const image = tf.ones([1, 4, 4, 2]);
  const filters = { 'c/kernel': tf.ones([3, 3, 2, 5]), 'c/bias': tf.ones([1]) };
  expect(() => convolution(filters, 'c', image, 1)).toThrow(/parameter "c\/bias" has shape \[1\]; expected \[5\]/);
});

it('refuses ranges of observations that are empty, of another length, or half there', () => {
  const ranges = (minimumValues?: number[], maximumValues?: number[]) => () =>
    perceptronParameters({ ...(minimumValues && { minimumValues }), ...(maximumValues && { maximumValues }) }, 2);
  expect(ranges([0, 0], [1, 2])).not.toThrow();
  expect(ranges([0, 2], [1, 2])).toThrow(/^minimumValues\[1\] is 2; expected less than maximumValues\[1\], 2/);
  expect(ranges([0, 0], [1, Number.NaN])).toThrow(/maximumValues\[1\] is NaN/);
  expect(ranges([0], [1])).toThrow(ShapeError);
  expect(ranges([0, 0])).toThrow(/have 2 and 0 numbers; expected 2 each/);
});
