// What this package's tests share: random tensors, and running the same computation on the wasm and the cpu backend.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Values in [-1, 1), the same for the same seed on every backend. */
export function randomValues(size: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A float32 tensor of random values in [-1, 1). */
export function randomTensor(shape: number[], seed = 1): tf.Tensor {
  return tf.tensor(
    randomValues(
      shape.reduce((product, size) => product * size, 1),
      seed,
    ),
    shape,
  );
}

/** Runs `compute` on a backend and returns shapes and values of the tensors it makes; checks that nothing leaks. */
export async function onBackend(
  backendName: string,
  compute: () => tf.Tensor[],
): Promise<Array<{ shape: number[]; values: number[] }>> {
  if (tf.getBackend() !== backendName) await tf.setBackend(backendName);
  const before = tf.memory().numTensors;
  const results = tf.tidy(() =>
    (compute() as tf.Tensor[]).map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] })),
  );
  expect(tf.memory().numTensors).toBe(before);
  return results;
}

/** Expects the wasm backend to give what the cpu backend gives, within `tolerance` relative to the largest value. */
export async function expectSameOnBothBackends(compute: () => tf.Tensor[], tolerance = 2e-5): Promise<void> {
  const expected = await onBackend('cpu', compute);
  const actual = await onBackend('wasm', compute);
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [index, { values }] of expected.entries()) {
    const scale = Math.max(1, ...values.map(Math.abs));
    let worst = 0;
    values.forEach((value, i) => {
      const difference = Math.abs(value - actual[index]!.values[i]!);
      if (!(difference <= worst)) worst = difference;
    });
    expect(worst / scale, `output ${index}: largest difference`).toBeLessThanOrEqual(tolerance);
  }
}

/** Gradients of sum(f(inputs) * fixed random weights), one for each input. */
export function gradientsOf(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  return tf.grads((...all: tf.Tensor[]) => {
    const y = f(...all);
    return tf.sum(tf.mul(y, randomTensor(y.shape, 99)));
  })(inputs);
}

/**
 * Central differences of sum(f(x) * fixed random weights) at every element of x: slow, so small x only. The values are set apart by more
 * than the step, so that maxima don't change place.
 */
export function numericalGradient(f: (x: tf.Tensor) => tf.Tensor, shape: number[], x: Float32Array): number[] {
  const step = 1e-2;
  const value = (values: Float32Array): number =>
    tf.tidy(() => {
      const y = f(tf.tensor(values, shape));
      const weights = randomValues(y.size, 99);
      return (y.dataSync() as Float32Array).reduce((sum, each, i) => sum + each * weights[i]!, 0);
    });
  return Array.from(x, (_, i) => {
    const up = x.slice();
    const down = x.slice();
    up[i]! += step;
    down[i]! -= step;
    return (value(up) - value(down)) / (2 * step);
  });
}
