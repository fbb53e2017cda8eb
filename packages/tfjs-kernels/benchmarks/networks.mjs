// The benchmark's networks in plain tfjs-core calls: a DQN step of batch 32 (online and target network, Huber loss, gradients, Adam, loss
// read back), the same work as the peers' step benchmarks. `small-...` has half the channels and experts of 128 units.

import { adamStep } from '@moe-rl/tfjs-kernels';
import * as tf from '@tensorflow/tfjs-core';

export const NETWORKS = ['nature', 'small-impala-soft-moe', 'impala', 'impala-soft-moe'];
const ACTIONS = 18;
const EXPERTS = 8;
const SLOTS_PER_EXPERT = 16;

function layout(network) {
  const isSmall = network.startsWith('small');
  const widths = isSmall ? [8, 16, 16] : [16, 32, 32];
  return { widths, tokenSize: widths[2], hidden: isSmall ? 128 : 512, hasExperts: network.endsWith('soft-moe') };
}

function shapes(network) {
  const result = [];
  const conv = (size, input, output) => result.push([size, size, input, output], [output]);
  const dense = (input, output) => result.push([input, output], [output]);
  if (network === 'nature') {
    conv(8, 4, 32);
    conv(4, 32, 64);
    conv(3, 64, 64);
    dense(7744, 512);
    dense(512, ACTIONS);
    return result;
  }
  const { widths, tokenSize, hidden, hasExperts } = layout(network);
  let channels = 4;
  for (const width of widths) {
    conv(3, channels, width);
    for (let i = 0; i < 4; i++) conv(3, width, width);
    channels = width;
  }
  if (hasExperts) {
    result.push([tokenSize, EXPERTS * SLOTS_PER_EXPERT], [EXPERTS, tokenSize, hidden], [EXPERTS, 1, hidden]);
    result.push([EXPERTS, hidden, tokenSize], [EXPERTS, 1, tokenSize]);
    dense(121 * tokenSize, ACTIONS);
  } else {
    dense(121 * tokenSize, 512);
    dense(512, ACTIONS);
  }
  return result;
}

function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function initialize(network, seed) {
  const next = random(seed);
  return shapes(network).map((shape) => {
    const size = shape.reduce((a, b) => a * b);
    const isBias = shape.length === 1 || (shape.length === 3 && shape[1] === 1);
    const fanIn = shape.length === 3 ? shape[1] : size / shape[shape.length - 1];
    const scale = isBias ? 0 : Math.sqrt(24 / fanIn);
    return tf.tensor(
      Float32Array.from({ length: size }, () => (next() - 0.5) * scale),
      shape,
    );
  });
}

function forward(network, parameters, frames) {
  let at = 0;
  const batch = frames.shape[0];
  const conv = (x, stride) => tf.add(tf.conv2d(x, parameters[at++], stride, 'same'), parameters[at++]);
  const dense = (x) => tf.add(tf.matMul(x, parameters[at++]), parameters[at++]);
  let x = frames;
  if (network === 'nature') {
    for (const stride of [4, 2, 1]) x = tf.relu(conv(x, stride));
    return dense(tf.relu(dense(tf.reshape(x, [batch, 7744]))));
  }
  const { tokenSize, hasExperts } = layout(network);
  for (let stack = 0; stack < 3; stack++) {
    x = tf.maxPool(conv(x, 1), 3, 2, 'same');
    for (let block = 0; block < 2; block++) x = tf.add(x, conv(tf.relu(conv(tf.relu(x), 1)), 1));
  }
  x = tf.relu(x);
  if (!hasExperts) return dense(tf.relu(dense(tf.reshape(x, [batch, 121 * tokenSize]))));
  const tokens = tf.reshape(x, [batch, 121, tokenSize]);
  const [phi, w1, b1, w2, b2] = parameters.slice(at, at + 5);
  at += 5;
  const slots = EXPERTS * SLOTS_PER_EXPERT;
  const logits = tf.reshape(tf.matMul(tf.reshape(tokens, [batch * 121, tokenSize]), phi), [batch, 121, slots]);
  const dispatch = tf.softmax(tf.transpose(logits, [0, 2, 1]));
  const combine = tf.softmax(logits);
  const byExpert = tf.reshape(
    tf.transpose(tf.reshape(tf.matMul(dispatch, tokens), [batch, EXPERTS, SLOTS_PER_EXPERT, tokenSize]), [1, 0, 2, 3]),
    [EXPERTS, batch * SLOTS_PER_EXPERT, tokenSize],
  );
  const hidden = tf.relu(tf.add(tf.matMul(byExpert, w1), b1));
  const output = tf.reshape(tf.add(tf.matMul(hidden, w2), b2), [EXPERTS, batch, SLOTS_PER_EXPERT, tokenSize]);
  const bySlot = tf.reshape(tf.transpose(output, [1, 0, 2, 3]), [batch, slots, tokenSize]);
  return dense(tf.reshape(tf.matMul(combine, bySlot), [batch, 121 * tokenSize]));
}

/** `useFusedAdam`: this package's adamStep; else tf.train.adam, as someone without this package would. */
export function createStep(network, useFusedAdam, batch = 32) {
  const variables = initialize(network, 1).map((value) => tf.variable(value));
  const target = initialize(network, 2);
  const next = random(7);
  const floats = (shape) => tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, next), shape);
  const frames = floats([batch, 84, 84, 4]);
  const nextFrames = floats([batch, 84, 84, 4]);
  const observation = floats([1, 84, 84, 4]);
  const actions = tf.tensor1d(
    Array.from({ length: batch }, () => Math.floor(next() * ACTIONS)),
    'int32',
  );
  const rewards = floats([batch]);
  const moments = variables.map((variable) => [
    tf.variable(tf.zerosLike(variable)),
    tf.variable(tf.zerosLike(variable)),
  ]);
  const optimizer = tf.train.adam(6.25e-5, 0.9, 0.999, 1.5e-4);
  let updateCount = 0;

  const loss = (targets) => {
    const values = tf.sum(tf.mul(forward(network, variables, frames), tf.oneHot(actions, ACTIONS)), 1);
    const size = tf.abs(tf.sub(targets, values));
    const quadratic = tf.minimum(size, 1);
    return tf.mean(tf.add(tf.mul(0.5, tf.mul(quadratic, quadratic)), tf.sub(size, quadratic)));
  };
  const learn = () =>
    tf.tidy(() => {
      const targets = tf.add(rewards, tf.mul(0.99, tf.max(forward(network, target, nextFrames), 1)));
      const { value, grads } = tf.variableGrads(() => loss(targets), variables);
      updateCount++;
      if (!useFusedAdam) optimizer.applyGradients(grads);
      else {
        const config = { learningRate: 6.25e-5, beta1: 0.9, beta2: 0.999, epsilon: 1.5e-4, updateCount };
        variables.forEach((variable, i) => {
          const [first, second] = moments[i];
          const step = adamStep(variable, first, second, grads[variable.name], config);
          variable.assign(step.value);
          first.assign(step.firstMoment);
          second.assign(step.secondMoment);
        });
      }
      return value.dataSync()[0];
    });
  const act = () => tf.tidy(() => tf.argMax(forward(network, variables, observation), 1).dataSync()[0]);
  return { learn, act };
}
