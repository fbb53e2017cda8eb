// Every adapter against the conformance suite, and the gradients that tfjs must have.
import * as jax from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createJaxOps } from './jax.ts';
import type { TensorOps } from './tensor-ops.ts';
import { checkConformance, conformanceCases } from './testing.ts';
import { createTfjsOps } from './tfjs.ts';
import { createTypedArrayOps, typedArrayOps } from './typed-array/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await jax.init();
  jax.defaultDevice('wasm');
});

describe.each([
  ['typed-array', typedArrayOps as TensorOps<unknown>],
  ['typed-array in float64', createTypedArrayOps({ precision: 'float64' }) as TensorOps<unknown>],
  ['tfjs', createTfjsOps(tf) as TensorOps<unknown>],
  ['jax-js', createJaxOps(jax) as TensorOps<unknown>],
])('%s', (_, ops) => {
  test.each(conformanceCases.map((each) => [each.name, each.run] as const))('%s', (_name, run) => run(ops));
});

describe.each([
  ['typed-array', typedArrayOps as TensorOps<unknown>],
  ['tfjs', createTfjsOps(tf) as TensorOps<unknown>],
])('%s', (_, ops) => {
  const values = (x: unknown): unknown => ({ shape: [...ops.shape(x)], values: Array.from(ops.read(x)) });

  test('exclusive sums hold nothing of their own place', () => {
    const x = ops.tensor([1, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY], [2, 2]);
    expect(values(ops.cumulativeSum(x, 1, true))).toEqual({ shape: [2, 2], values: [0, 1, 0, 2] });
    expect(values(ops.cumulativeSum(x, 0, true))).toEqual({
      shape: [2, 2],
      values: [0, 0, 1, Number.POSITIVE_INFINITY],
    });
  });

  test('no rows are taken, and sums of none are zeros', () => {
    const none = ops.toInteger(ops.tensor([], [0]));
    const rows = ops.tensor([1, 2, 3, 4], [2, 2]);
    const nowhere = ops.toInteger(ops.tensor([-1, -1], [2, 1]));
    expect(values(ops.takeRows(rows, none, nowhere))).toEqual({ shape: [0, 2], values: [] });
    const empty = ops.tensor([], [0, 2]);
    expect(values(ops.segmentSum(empty, none, 2))).toEqual({ shape: [2, 2], values: [0, 0, 0, 0] });
    const missing = ops.toInteger(ops.tensor([-1], [1]));
    const noInverse = ops.toInteger(ops.tensor([], [0, 1]));
    expect(values(ops.takeRows(empty, missing, noInverse))).toEqual({ shape: [1, 2], values: [0, 0] });
  });
});

test('checkConformance reports what an adapter gets wrong', () => {
  const wrong = { ...typedArrayOps, exp: typedArrayOps.log };
  const { passed, failed } = checkConformance(wrong);
  expect(failed.map((each) => each.name)).toEqual(
    ['exp', 'softmax over any axis, without overflow'].slice(0, failed.length),
  );
  expect(passed.length + failed.length).toBe(conformanceCases.length);
  expect(failed[0]?.message).toMatch(/typed-array: element 0/);
});

describe('tfjs', () => {
  const ops = createTfjsOps(tf);
  const gradientOf = (f: (x: tf.Tensor) => tf.Tensor, x: number[]): number[] =>
    Array.from(
      tf
        .grad((t: tf.Tensor) => tf.sum(f(t)) as tf.Scalar)(tf.tensor1d(x))
        .dataSync(),
    );

  test('topK values have gradients, its indices and comparisons none', () => {
    expect(gradientOf((x) => ops.topK(x, 2).values, [1, 3, 2])).toEqual([0, 1, 1]);
    expect(gradientOf((x) => tf.mul(ops.greater(x, tf.scalar(1.5)), x), [1, 3, 2])).toEqual([0, 1, 1]);
    expect(gradientOf((x) => tf.mul(ops.oneHot(ops.topK(x, 1).indices, 3), x), [1, 3, 2])).toEqual([0, 1, 0]);
    expect(gradientOf((x) => tf.mul(ops.stopGradient(x), x), [1, 3, 2])).toEqual([1, 3, 2]);
  });

  test('gather and segmentSum are differentiable with indices that depend on the input', () => {
    const reverse = (x: tf.Tensor) => ops.gather(x, ops.topK(x, 3).indices);
    expect(gradientOf((x) => tf.mul(reverse(x), tf.tensor1d([1, 10, 100])), [1, 3, 2])).toEqual([100, 1, 10]);
    const ids = () => ops.toInteger(tf.tensor1d([1, -1, 1]));
    expect(gradientOf((x) => tf.mul(ops.segmentSum(x, ids(), 2), tf.tensor1d([5, 7])), [1, 3, 2])).toEqual([7, 0, 7]);
  });

  test.each([false, true])(
    'softmaxMatmul has gradients, which have gradients again (numbers from PyTorch in float64; logits transposed: %s)',
    (isTransposed) => {
      const turn = (l: tf.Tensor) => (isTransposed ? tf.transpose(l, [0, 2, 1]) : l);
      const logits = turn(tf.tensor([0.5, -0.3, 1, 0, 0.2, -1], [1, 2, 3]));
      const inputs = [logits, tf.tensor([1, 2, -0.5, 0.3, 0.7, -1], [1, 3, 2])];
      const loss = (l: tf.Tensor, v: tf.Tensor) =>
        tf.sum(tf.pow(ops.softmaxMatmul!(l, v, isTransposed), 3)) as tf.Scalar;
      const size = (l: tf.Tensor, v: tf.Tensor) => {
        const [byLogits, byValues] = tf.grads(loss)([l, v]);
        return tf.add(tf.sum(tf.square(byLogits!)), tf.sum(tf.pow(byValues!, 3))) as tf.Scalar;
      };
      const expectGradients = (f: typeof loss, expected: number[][]) => {
        const [byLogits, byValues] = tf.grads(f)(inputs);
        for (const [index, gradient] of [turn(byLogits!), byValues!].entries()) {
          gradient.dataSync().forEach((value, at) => {
            expect(value).toBeCloseTo(expected[index]![at]!, 4);
          });
        }
      };
      expectGradients(loss, [
        [0.185613, -0.187955, 0.002343, 0.901975, -0.464022, -0.437953],
        [0.447895, 0.714093, 0.257073, 0.85379, 0.645848, 0.293232],
      ]);
      expectGradients(size, [
        [1.019014, -0.623328, -0.395686, 7.506703, -3.96133, -3.545373],
        [2.187206, 6.773128, 1.289, 5.684074, 2.190401, 2.256911],
      ]);
    },
  );

  test('tidy leaks nothing', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const before = tf.memory().numTensors;
    ops.tidy(() => ops.topK(ops.softmax(ops.stopGradient(x), 0), 2)).values.dispose();
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
    x.dispose();
  });
});

test('jax-js: nothing is consumed, and tidy frees what it made', () => {
  const ops = createJaxOps(jax);
  const x = ops.tensor([1, 2, 3, 4], [2, 2]);
  let inner: jax.Array | undefined;
  ops.tidy(() => {
    inner = ops.matmul(x, x);
    return ops.add(inner, x);
  });
  expect(() => inner?.js()).toThrow();
  expect(Array.from(ops.read(x))).toEqual([1, 2, 3, 4]);
});
