// The same training code gives the same losses on the wasm and the cpu backend, and leaves no tensors behind: a small convolutional network
// with a Soft MoE, learning by DQN's loss.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { adamStep } from './adam.ts';
import { withLeakGuard } from './leak-guard.ts';
import { useWasmBackend } from './node.ts';
import { randomTensor } from './test-support.ts';

const UPDATES = 6;
const BATCH = 4;
const ACTIONS = 3;
const TOKENS = 9;
const SHAPES = {
  kernel1: [4, 4, 2, 8],
  bias1: [8],
  kernel2: [3, 3, 8, 8],
  bias2: [8],
  phi: [8, 4],
  expertKernel: [2, 8, 8],
  expertBias: [2, 1, 8],
  headKernel: [TOKENS * 8, ACTIONS],
  headBias: [ACTIONS],
} satisfies Record<string, number[]>;
type Parameters = Record<keyof typeof SHAPES, tf.Tensor>;

function forward(p: Parameters, frames: tf.Tensor): tf.Tensor {
  const conv = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, strides: number) =>
    tf.add(tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, strides, 'same'), bias);
  let x = tf.relu(conv(frames, p.kernel1, p.bias1, 2));
  x = tf.relu(conv(tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'), p.kernel2, p.bias2, 1));
  const tokens = tf.reshape(x, [BATCH, TOKENS, 8]);
  const logits = tf.matMul(tokens, p.phi);
  const slots = tf.matMul(tf.softmax(tf.transpose(logits, [0, 2, 1])), tokens);
  const byExpert = tf.reshape(tf.transpose(tf.reshape(slots, [BATCH, 2, 2, 8]), [1, 0, 2, 3]), [2, BATCH * 2, 8]);
  const hidden = tf.relu(tf.add(tf.matMul(byExpert, p.expertKernel), p.expertBias));
  const bySlot = tf.reshape(tf.transpose(tf.reshape(hidden, [2, BATCH, 2, 8]), [1, 0, 2, 3]), [BATCH, 4, 8]);
  const output = tf.matMul(tf.softmax(logits), bySlot);
  return tf.add(tf.matMul(tf.reshape(output, [BATCH, TOKENS * 8]), p.headKernel), p.headBias);
}

async function losses(backendName: string): Promise<number[]> {
  await tf.setBackend(backendName);
  const names = Object.keys(SHAPES) as Array<keyof typeof SHAPES>;
  const zeros = (name: keyof typeof SHAPES) => tf.variable(tf.zeros(SHAPES[name]));
  const parameters = names.map((name, i) => tf.variable(tf.mul(randomTensor(SHAPES[name], i + 1), 0.4)));
  const moments = names.map((name) => [zeros(name), zeros(name)] as const);
  const byName = Object.fromEntries(names.map((name, i) => [name, parameters[i]])) as unknown as Parameters;
  const frames = randomTensor([BATCH, 12, 12, 2], 50);
  const actions = tf.tensor1d([0, 2, 1, 2], 'int32');
  const targets = randomTensor([BATCH], 51);
  const update = (updateCount: number): number =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => {
        const values = tf.sum(tf.mul(forward(byName, frames), tf.oneHot(actions, ACTIONS)), 1);
        return tf.mean(tf.square(tf.sub(targets, values))) as tf.Scalar;
      }, parameters);
      parameters.forEach((parameter, i) => {
        const [first, second] = moments[i]!;
        const config = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, updateCount };
        const step = adamStep(parameter, first, second, grads[parameter.name]!, config);
        parameter.assign(step.value);
        first.assign(step.firstMoment);
        second.assign(step.secondMoment);
      });
      return value.dataSync()[0]!;
    });
  const result = Array.from({ length: UPDATES }, (_, i) => withLeakGuard(() => update(i + 1), { name: 'update' }));
  tf.dispose([parameters, moments.flat(), frames, actions, targets]);
  return result;
}

beforeAll(async () => {
  await useWasmBackend();
});

it('losses fall, and are the same on wasm and cpu', async () => {
  const expected = await losses('cpu');
  const actual = await losses('wasm');
  expect(expected.at(-1)!).toBeLessThan(expected[0]! * 0.8);
  actual.forEach((loss, i) => {
    expect(loss).toBeCloseTo(expected[i]!, 4);
  });
});
