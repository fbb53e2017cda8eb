// For this package's tests: a small convolutional Q-network with target network, Huber loss and Adam, and native TensorFlow or a visible skip.

import { createRng } from '@moe-rl/core';
import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { adamUpdate } from '../adam.ts';
import { lossAndGradients } from '../gradients.ts';
import type { EntryPoint } from '../program-interface.ts';

export const batchSize = 4;
export const actionCount = 3;

const shapes: Record<string, number[]> = {
  'Conv_0/kernel': [3, 3, 2, 4],
  'Conv_0/bias': [4],
  'Dense_0/kernel': [4 * 4 * 4, actionCount],
  'Dense_0/bias': [actionCount],
};

/** Loads native TensorFlow; returns why it can't be had, unless MOE_RL_REQUIRE_NATIVE=1 makes that a failure. */
export async function loadNative(): Promise<string | undefined> {
  try {
    await loadBackend({ backend: 'tensorflow', threads: 2 });
    return undefined;
  } catch (error) {
    if (process.env.MOE_RL_REQUIRE_NATIVE === '1') throw error;
    return `TensorFlow can't be used here: ${error}`;
  }
}

/** A variable without the tensor that it starts from staying behind. */
export function makeVariable(value: () => tf.Tensor, trainable = false, name?: string): tf.Variable {
  return tf.tidy(() => tf.variable(value(), trainable, name));
}

function withPrefix(prefix: string): string[] {
  return Object.keys(shapes).map((name) => `${prefix}/${name}`);
}

/** Fresh variables, the same numbers for the same seed. */
export function createVariables(seed = 1): Record<string, tf.Variable> {
  const rng = createRng(seed);
  const variables: Record<string, tf.Variable> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const values = Float32Array.from({ length: size }, () => rng.nextNormal() * 0.2);
    for (const prefix of ['online', 'target']) {
      variables[`${prefix}/${name}`] = makeVariable(() => tf.tensor(values.slice(), shape), prefix === 'online');
    }
    for (const prefix of ['first', 'second']) variables[`${prefix}/${name}`] = makeVariable(() => tf.zeros(shape));
  }
  variables.updates = makeVariable(() => tf.scalar(0, 'int32'));
  return variables;
}

function pick(variables: Record<string, tf.Variable>, prefix: string): Record<string, tf.Variable> {
  return Object.fromEntries(withPrefix(prefix).map((name) => [name.slice(prefix.length + 1), variables[name]!]));
}

function applyNetwork(parameters: Record<string, tf.Tensor>, images: tf.Tensor): tf.Tensor2D {
  const convolved = tf.conv2d(images as tf.Tensor4D, parameters['Conv_0/kernel'] as tf.Tensor4D, 1, 'same');
  const features = tf.maxPool(tf.relu(tf.add(convolved, parameters['Conv_0/bias']!)) as tf.Tensor4D, 3, 2, 'same');
  const flat = tf.reshape(features, [images.shape[0]!, -1]) as tf.Tensor2D;
  return tf.add(tf.matMul(flat, parameters['Dense_0/kernel'] as tf.Tensor2D), parameters['Dense_0/bias']!);
}

/** learn, act, syncTarget over {@link createVariables}. */
export function createEntryPoints(
  variables: Record<string, tf.Variable>,
): Record<'learn' | 'act' | 'syncTarget', EntryPoint> {
  const online = pick(variables, 'online');
  const target = pick(variables, 'target');
  const toImages = (frames: tf.Tensor, first: number): tf.Tensor =>
    tf.div(tf.transpose(tf.slice(frames, [0, first, 0, 0], [frames.shape[0]!, 2, 8, 8]), [0, 2, 3, 1]), 255);
  return {
    learn: {
      inputs: {
        frames: { shape: [batchSize, 3, 8, 8], dtype: 'uint8' },
        actions: { shape: [batchSize], dtype: 'int32' },
        rewards: { shape: [batchSize], dtype: 'float32' },
      },
      run({ frames, actions, rewards }) {
        const next = tf.max(applyNetwork(target, toImages(frames!, 1)), 1);
        const goal = tf.add(rewards!, tf.mul(next, 0.99));
        const { loss, auxiliary, gradients } = lossAndGradients(online, () => {
          const mask = tf.cast(tf.oneHot(actions as tf.Tensor1D, actionCount), 'float32');
          const errors = tf.sub(goal, tf.sum(tf.mul(applyNetwork(online, toImages(frames!, 0)), mask), 1));
          const absolute = tf.abs(errors);
          const quadratic = tf.minimum(absolute, 1);
          return { loss: tf.mean(tf.add(tf.mul(tf.square(quadratic), 0.5), tf.sub(absolute, quadratic))), errors };
        });
        adamUpdate({
          parameters: online,
          gradients,
          firstMoments: pick(variables, 'first'),
          secondMoments: pick(variables, 'second'),
          updates: variables.updates!,
          learningRate: 0.01,
          epsilon: 1.5e-4,
        });
        return { loss, errors: auxiliary.errors! };
      },
    },
    act: {
      inputs: { frames: { shape: [1, 2, 8, 8], dtype: 'uint8' } },
      run: ({ frames }) => {
        const values = applyNetwork(online, toImages(frames!, 0));
        return { action: tf.argMax(values, 1), values };
      },
    },
    syncTarget: {
      run() {
        for (const [name, variable] of Object.entries(target)) variable.assign(online[name]!);
        return {};
      },
    },
  };
}

/** Random inputs of `learn`. */
export function createBatch(seed: number): { frames: Uint8Array; actions: Int32Array; rewards: Float32Array } {
  const rng = createRng(seed, 'batch');
  return {
    frames: Uint8Array.from({ length: batchSize * 3 * 64 }, () => rng.nextInteger(256)),
    actions: Int32Array.from({ length: batchSize }, () => rng.nextInteger(actionCount)),
    rewards: Float32Array.from({ length: batchSize }, () => rng.nextFloat() * 2 - 1),
  };
}
