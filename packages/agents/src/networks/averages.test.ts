// Averages weighted by a softmax, as Soft MoE takes them, where TensorFlow has operations of ours for them: against softmax and matmul in tfjs' own operations.
import { createRng } from '@moe-rl/core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createProgram } from '@moe-rl/tfjs-graph';
import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';

let isFused = false;
beforeAll(async () => {
  await loadBackend({ backend: 'auto', threads: 2 });
  const { addedOperations } = tf.backend() as { addedOperations?: ReadonlySet<string> };
  isFused = ['MoeRlSoftmaxMatmul', 'MoeRlExpertMlp'].every((name) => addedOperations?.has(name));
}, 600_000);

const ops = createTfjsOps(tf);
const normal = (seed: number, shape: number[]) => {
  const rng = createRng(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.nextNormal()),
    shape,
  );
};
const turned = (l: tf.Tensor, isTransposed: boolean) => (isTransposed ? tf.transpose(l, [0, 2, 1]) : l);
const reference = (l: tf.Tensor, v: tf.Tensor, isTransposed: boolean) =>
  tf.matMul(tf.softmax(turned(l, isTransposed)), v);

/** A batch of averages: the result, and the gradients of a weighted sum of its cubes. */
function averagesAndGradients(average: (l: tf.Tensor, v: tf.Tensor) => tf.Tensor, l: tf.Tensor, v: tf.Tensor) {
  const { value, grads } = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => {
    const result = average(a, b);
    return tf.sum(tf.mul(tf.pow(result, 3), normal(3, result.shape))) as tf.Scalar;
  })([l, v]);
  return [average(l, v), value, ...grads].map((x) => Array.from(x.dataSync()));
}

function expectClose(actual: readonly number[][], expected: readonly number[][], tolerance = 1e-5): void {
  for (const [index, values] of expected.entries()) {
    const scale = Math.max(1, ...values.map(Math.abs));
    values.forEach((value, at) => {
      expect(Math.abs(actual[index]![at]! - value) / scale, `${index}[${at}]`).toBeLessThan(tolerance);
    });
  }
}

test('TensorFlow has the operations wherever it must be there', ({ skip }) => {
  skip(process.env.MOE_RL_REQUIRE_NATIVE !== '1', 'nothing says that it must');
  expect(isFused).toBe(true);
});

test('a result that there is no memory for is an error', ({ skip }) => {
  skip(!isFused, 'there are no operations');
  tf.tidy(() => {
    // More than any processor can address. TensorFlow hopes for ten seconds that somebody frees some.
    const [logits, values] = [tf.zeros([1, 2 ** 23, 1]), tf.zeros([1, 1, 2 ** 23])];
    expect(() => ops.softmaxMatmul!(logits, values)).toThrow(/OOM|allocat/);
  });
});

describe.each([false, true])('logits transposed: %s', (isTransposed) => {
  // one of all; ends of vectors and of blocks of rows, before, at and after; many threads' worth of samples
  test.each([
    [1, 1, 1, 1],
    [2, 3, 5, 2],
    [3, 24, 16, 32],
    [2, 25, 17, 33],
    [5, 50, 31, 7],
    [40, 7, 49, 16],
    [1, 121, 124, 32],
  ])('%i samples of %i averages of %i values of %i', (B, N, M, D) => {
    tf.tidy(() => {
      const l = tf.mul(normal(1, isTransposed ? [B, M, N] : [B, N, M]), 4);
      const v = normal(2, [B, M, D]);
      const actual = averagesAndGradients((a, b) => ops.softmaxMatmul!(a, b, isTransposed), l, v);
      expectClose(
        actual,
        averagesAndGradients((a, b) => reference(a, b, isTransposed), l, v),
      );
      expect(averagesAndGradients((a, b) => ops.softmaxMatmul!(a, b, isTransposed), l, v)).toEqual(actual);
    });
  });

  test('what is left out weighs exactly nothing, large logits overflow nothing, and gradients have gradients', () => {
    tf.tidy(() => {
      const l = turned(
        tf.tensor([0, -1e30, Math.log(3), 1e4, 1e4, -1e30, -1e30, 5, 5, -200, 0, -1e30], [1, 4, 3]),
        isTransposed,
      );
      const v = tf.tensor([2, 1e20, 6], [1, 3, 1]);
      const average = (a: tf.Tensor, b: tf.Tensor) => ops.softmaxMatmul!(a, b, isTransposed);
      const [first, second, third, fourth] = average(l, v).dataSync();
      expect(first).toBeCloseTo(5, 5);
      expect([second! / 5e19, third! / 5e19, fourth! / 1e20].map((x) => x.toFixed(5))).toEqual([
        '1.00000',
        '1.00000',
        '1.00000',
      ]);
      const [logits, values] = [normal(1, isTransposed ? [2, 5, 3] : [2, 3, 5]), normal(2, [2, 5, 4])];
      const sizeOf = (f: typeof average) => (a: tf.Tensor, b: tf.Tensor) => {
        const [x, y] = tf.grads((c: tf.Tensor, d: tf.Tensor) => tf.sum(tf.pow(f(c, d), 3)) as tf.Scalar)([a, b]);
        return tf.add(tf.sum(tf.square(x!)), tf.sum(tf.square(y!)));
      };
      const gradients = (f: typeof average) =>
        tf
          .grads(sizeOf(f) as (a: tf.Tensor, b: tf.Tensor) => tf.Scalar)([logits, values])
          .map((x) => Array.from(x.dataSync()));
      const actual = gradients(average);
      // tfjs' own softmax has no right second gradient; the adapter's steps without the operations have (tested in tensor-ops against PyTorch)
      const backend = tf.backend() as { addedOperations?: ReadonlySet<string> };
      const { addedOperations } = backend;
      backend.addedOperations = new Set();
      expectClose(actual, gradients(average));
      if (addedOperations) backend.addedOperations = addedOperations;
    });
  });

  test('NaN stays in its sample, and in its average', () => {
    tf.tidy(() => {
      const values = [1, 2, Number.NaN, 3, 4, 5, 6, 7];
      const l = turned(tf.tensor(values, [2, 2, 2]), isTransposed);
      const result = ops.softmaxMatmul!(l, normal(2, [2, 2, 3]), isTransposed);
      expect(Array.from(result.dataSync(), Number.isNaN)).toEqual([
        ...[false, false, false, true, true, true],
        ...[false, false, false, false, false, false],
      ]);
    });
  });

  test('a recorded step computes what the eager one does', async () => {
    const shape = isTransposed ? [3, 9, 5] : [3, 5, 9];
    const variables = { l: tf.variable(normal(1, shape)), v: tf.variable(normal(2, [3, 9, 4])) };
    const expected = tf.tidy(() =>
      averagesAndGradients((a, b) => reference(a, b, isTransposed), variables.l, variables.v),
    );
    const program = await createProgram({
      variables,
      entryPoints: {
        step: {
          run() {
            const average = (a: tf.Tensor, b: tf.Tensor) => ops.softmaxMatmul!(a, b, isTransposed);
            const { value, grads } = tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => {
              const result = average(a, b);
              return tf.sum(tf.mul(tf.pow(result, 3), normal(3, result.shape))) as tf.Scalar;
            })([variables.l, variables.v]);
            return { result: average(variables.l, variables.v), value, ofLogits: grads[0]!, ofValues: grads[1]! };
          },
        },
      },
    });
    const outputs = await program.run('step');
    expectClose(
      Object.values(outputs).map((x) => Array.from(x)),
      expected,
    );
    program.dispose();
  });
});
