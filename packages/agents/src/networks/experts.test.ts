// Two layers of experts over slots, as Soft MoE runs them, where TensorFlow has an operation of ours for them: against the same in tfjs' own operations.
import { createRng } from '@moe-rl/core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createProgram, lossAndGradients } from '@moe-rl/tfjs-graph';
import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';

type Inputs = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

let backend: { addedOperations?: ReadonlySet<string> };
beforeAll(async () => {
  await loadBackend({ backend: 'auto', threads: 2 });
  backend = tf.backend() as typeof backend;
}, 600_000);

const ops = createTfjsOps(tf);
const normal = (seed: number, shape: number[]) => {
  const rng = createRng(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.nextNormal());
  return tf.tensor(data, shape);
};
const inputsOf = (B: number, E: number, P: number, D: number, H: number): Inputs => [
  normal(1, [B, E * P, D]),
  tf.div(normal(2, [E, D, H]), Math.sqrt(D)),
  normal(3, [E, H]),
  tf.div(normal(4, [E, H, D]), Math.sqrt(H)),
  normal(5, [E, D]),
];
const apply = (slots: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, outputKernel: tf.Tensor, outputBias: tf.Tensor) =>
  ops.slotMlp!(slots, { kernel, bias, outputKernel, outputBias });
const sizeOf = (...inputs: tf.Tensor[]) => {
  const output = apply(...(inputs as Inputs));
  return tf.sum(tf.mul(tf.square(output), normal(6, output.shape))) as tf.Scalar;
};

function withoutOperations<Result>(body: () => Result): Result {
  const { addedOperations } = backend;
  backend.addedOperations = new Set();
  const result = body();
  if (addedOperations) backend.addedOperations = addedOperations;
  return result;
}

const numbers = (tensors: readonly tf.Tensor[]) => tensors.map((x) => Array.from(x.dataSync()));
function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  expect(actual.map((values) => values.length)).toEqual(expected.map((values) => values.length));
  for (const [index, values] of expected.entries()) {
    const scale = Math.max(1, ...values.map(Math.abs));
    values.forEach((value, at) => {
      expect(Math.abs(actual[index]![at]! - value) / scale, `${index}[${at}]`).toBeLessThan(1e-5);
    });
  }
}

// one of all; one slot in many samples; ends of vectors, tiles and blocks of rows, and experts whose rows are done in parts
test.each([
  [1, 1, 1, 1, 1],
  [9, 3, 1, 5, 7],
  [3, 2, 5, 16, 32],
  [32, 4, 9, 17, 20],
  [5, 1, 130, 8, 33],
])('%i samples, %i experts of %i slots of %i, hidden %i: outputs and gradients, and the same again', (...sizes) => {
  tf.tidy(() => {
    const inputs = inputsOf(...sizes);
    const compute = () => numbers([apply(...inputs), ...tf.grads(sizeOf)(inputs)]);
    const actual = compute();
    expectClose(actual, withoutOperations(compute));
    expect(compute()).toEqual(actual);
  });
});

test('gradients have gradients', () => {
  tf.tidy(() => {
    const inputs = inputsOf(2, 2, 3, 4, 5);
    const steepness = (...given: tf.Tensor[]) =>
      tf.addN(
        tf
          .grads(sizeOf)(given)
          .map((gradient) => tf.sum(tf.square(gradient))),
      ) as tf.Scalar;
    const compute = () => numbers(tf.grads(steepness)(inputs));
    expectClose(compute(), withoutOperations(compute));
  });
});

test('NaN stays in its slot', () => {
  tf.tidy(() => {
    const [slots, ...layers] = inputsOf(2, 2, 2, 3, 4);
    const values = slots.dataSync().slice();
    values[5] = Number.NaN;
    const output = apply(tf.tensor(values, slots.shape), ...layers).dataSync();
    expect(Array.from(output, Number.isNaN)).toEqual(Array.from(values, (_, at) => at >= 3 && at < 6));
  });
});

test('a recorded step computes what the eager one does', async () => {
  const variables = Object.fromEntries(inputsOf(4, 3, 5, 6, 8).map((x, index) => [`input${index}`, tf.variable(x)]));
  const inputs = Object.values(variables) as unknown as Inputs;
  const expected = tf.tidy(() => withoutOperations(() => numbers(tf.grads(sizeOf)(inputs))));
  const run = () => {
    const { loss, gradients } = lossAndGradients(variables, () => ({ loss: sizeOf(...inputs) }));
    return { ...gradients, loss };
  };
  const program = await createProgram({ variables, entryPoints: { step: { run } } });
  const outputs = await program.run('step');
  expectClose(
    Object.keys(variables).map((name) => Array.from(outputs[name]!)),
    expected,
  );
  program.dispose();
});
