// The work that step.mjs measures, the same as peers/step_common.py: batch 32 of 84x84x4, online and target network, Huber TD loss, Adam(6.25e-5,
// eps 1.5e-4), loss read back; acting: batch 1, forward, argmax, action read back. Built from the packages that the agents are built from. What the
// peers don't pay and we do: every step feeds its batch from JavaScript, as planar bytes like the replay's.
import { createRng } from '../../packages/core/src/index.ts';
import {
  applyImpalaResnet,
  applyNatureCnn,
  dense,
  denseParameters,
  flatten,
  impalaResnetParameters,
  natureCnnParameters,
  planarToImage,
  relu,
  sliceFrames,
} from '../../packages/encoders/src/index.ts';
import { applySoftMoe, softMoeParameterSpecs } from '../../packages/soft-moe/src/index.ts';
import { createTfjsOps } from '../../packages/tensor-ops/src/tfjs.ts';
import { adamUpdate, createProgram, lossAndGradients } from '../../packages/tfjs-graph/src/index.ts';

export const NETWORKS = ['nature', 'impala', 'impala-soft-moe'];
const B = 32;
const ACTIONS = 18;
const INPUT = { height: 84, width: 84, channels: 4 };
const MOE = { numExperts: 8, numTokens: 121, tokenSize: 32 };

/** Parameter shapes and forward pass of one network. */
function createNetwork(kind, tf) {
  const ops = createTfjsOps(tf);
  const head = (inputs) => ({
    ...denseParameters('hidden', inputs, 512),
    ...denseParameters('values', 512, ACTIONS),
  });
  const applyHead = (p, x) => dense(p, 'values', relu(dense(p, 'hidden', flatten(x))));
  if (kind === 'nature') {
    return {
      specs: { ...natureCnnParameters({}, INPUT), ...head(11 * 11 * 64) },
      apply: (p, image) => applyHead(p, applyNatureCnn(p, image, '', 1)),
    };
  }
  const torso = impalaResnetParameters({}, INPUT);
  const applyTorso = (p, image) => applyImpalaResnet(p, image, {}, '', 1);
  if (kind === 'impala') {
    return { specs: { ...torso, ...head(11 * 11 * 32) }, apply: (p, image) => applyHead(p, applyTorso(p, image)) };
  }
  const moe = Object.fromEntries(softMoeParameterSpecs(MOE).map(({ name, shape }) => [name, { shape }]));
  return {
    specs: { ...torso, ...moe, ...denseParameters('values', 121 * 32, ACTIONS) },
    apply(p, image) {
      const tokens = tf.reshape(applyTorso(p, image), [image.shape[0], 121, 32]);
      return dense(p, 'values', flatten(applySoftMoe(ops, p, tokens, MOE).output));
    },
  };
}

/** A program with the entry points `step` and `act`, and inputs for them. */
export async function createDqnStep(kind, tf, mode) {
  const network = createNetwork(kind, tf);
  const rng = createRng(0, kind);
  const values = Object.entries(network.specs).map(([name, { shape }]) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const scale = /bias/.test(name) ? 0 : Math.sqrt(2 / (size / shape.at(-1)));
    return [name, shape, Float32Array.from({ length: size }, () => rng.nextNormal() * scale)];
  });
  const make = (value) => tf.tidy(() => tf.variable(value(), false));
  const group = (value) =>
    Object.fromEntries(values.map(([name, shape, data]) => [name, make(() => value(shape, data))]));
  const online = group((shape, data) => tf.tensor(data.slice(), shape));
  for (const variable of Object.values(online)) variable.trainable = true;
  const target = group((shape, data) => tf.tensor(data.slice(), shape));
  const firstMoments = group((shape) => tf.zeros(shape));
  const secondMoments = group((shape) => tf.zeros(shape));
  const updates = make(() => tf.scalar(0));
  const prefixed = (prefix, group) => Object.fromEntries(Object.entries(group).map(([k, v]) => [`${prefix}/${k}`, v]));

  const program = await createProgram({
    mode,
    variables: {
      ...prefixed('online', online),
      ...prefixed('target', target),
      ...prefixed('first', firstMoments),
      ...prefixed('second', secondMoments),
      updates,
    },
    entryPoints: {
      step: {
        inputs: {
          frames: { shape: [B, 5, 84, 84], dtype: 'uint8' },
          actions: { shape: [B], dtype: 'int32' },
          rewards: { shape: [B], dtype: 'float32' },
          discounts: { shape: [B], dtype: 'float32' },
        },
        run({ frames, actions, rewards, discounts }) {
          const scaled = tf.mul(frames, 1 / 255);
          const image = (first) => planarToImage(sliceFrames(scaled, first, 4));
          const goal = tf.add(rewards, tf.mul(discounts, tf.max(network.apply(target, image(1)), 1)));
          const { loss, gradients } = lossAndGradients(online, () => {
            const chosen = tf.sum(
              tf.mul(network.apply(online, image(0)), tf.cast(tf.oneHot(actions, ACTIONS), 'float32')),
              1,
            );
            const absolute = tf.abs(tf.sub(goal, chosen));
            const quadratic = tf.minimum(absolute, 1);
            return { loss: tf.mean(tf.add(tf.mul(tf.square(quadratic), 0.5), tf.sub(absolute, quadratic))) };
          });
          const rate = { learningRate: 6.25e-5, epsilon: 1.5e-4 };
          adamUpdate({ parameters: online, gradients, firstMoments, secondMoments, updates, ...rate });
          return { loss };
        },
      },
      act: {
        inputs: { frames: { shape: [1, 4, 84, 84], dtype: 'uint8' } },
        run: ({ frames }) => ({ action: tf.argMax(network.apply(online, planarToImage(tf.mul(frames, 1 / 255))), 1) }),
      },
    },
  });
  const bytes = (size) => Uint8Array.from({ length: size }, () => rng.nextInteger(256));
  const batch = {
    frames: bytes(B * 5 * 84 * 84),
    actions: Int32Array.from({ length: B }, () => rng.nextInteger(ACTIONS)),
    rewards: Float32Array.from({ length: B }, () => rng.nextFloat()),
    discounts: new Float32Array(B).fill(0.99),
  };
  const observation = { frames: bytes(4 * 84 * 84) };
  return {
    program,
    step: async () => (await program.run('step', batch)).loss[0],
    act: async () => (await program.run('act', observation)).action[0],
  };
}
