// What an MoE layer costs: one training step (forward, gradients, SGD) of each layer on a batch of 32 samples of 121 tokens of 32, against a dense layer
// (the same two-layer MLP on every token) with as many parameters and against one with as many floating-point operations. And what sparse dispatch
// saves: top-1 routing with buffers against computing all experts on all tokens. Then forward and backward of Soft MoE, of top-2 routing with a capacity and of
// DeepSeek's without one against PyTorch. Recorded on the tensorflow backend where there is one.
import { availableParallelism } from 'node:os';
import { createRng } from '../packages/core/src/index.ts';
import { applySoftMoe, initSoftMoe } from '../packages/soft-moe/src/index.ts';
import { createTfjsOps } from '../packages/tensor-ops/src/tfjs.ts';
import { createProgram, lossAndGradients } from '../packages/tfjs-graph/src/index.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';
import { applyTopKMoe, initTopKMoe } from '../packages/top-k-moe/src/index.ts';
import { compareWithTorch } from './lib/torch-layers.mjs';

const [B, T, D, H, E] = [32, 121, 32, 512, 8];

/** @returns rows `moe/<layer>/{equal-parameters,equal-flops}`, `moe/sparse-dispatch/<experts>` and `moe/<layer>/torch`, in ms */
export async function run({ peers, options }) {
  const threads = options.threads ?? availableParallelism();
  const { tf, name } = await loadBackend({ backend: 'auto', threads });
  options.log?.(
    `backend: ${name}; batch ${B}, ${T} tokens of ${D}, experts of ${H} hidden units; ms for forward, gradients and SGD`,
  );
  const rounds = options.quick ? 5 : 20;
  const ops = createTfjsOps(tf);
  const rows = [];

  // First, as in a program of one's own: behind the other rows, with their memory in pieces, the same steps took a fifth more processor time.
  if (peers?.has('torch')) {
    const contenders = [];
    for (const layer of torchLayers(ops)) contenders.push({ ...layer, run: await forwardAndBackward(tf, layer) });
    const settings = { log: options.log, rounds: options.quick ? 3 : 10, steps: 4, threads };
    rows.push(...(await compareWithTorch(peers.python('torch'), contenders, settings)));
  }

  for (const layer of layers(ops)) {
    const contenders = [layer, dense(ops, layer.parameters), dense(ops, layer.parameters, layer.flops)];
    const [ours, equalParameters, equalFlops] = await compare(tf, contenders, rounds);
    rows.push(row(`moe/${layer.name}/equal-parameters`, ours, equalParameters));
    rows.push(row(`moe/${layer.name}/equal-flops`, ours, equalFlops));
    options.log?.(`  ${layer.name}: ${layer.parameters} parameters, ${(layer.flops / 1e6).toFixed(0)} MFLOP forward`);
  }
  for (const experts of options.quick ? [4, 16] : [2, 4, 8, 16, 32, 64]) {
    const sparse = topK(ops, 'sparse', { type: 'token-choice' }, { numExperts: experts, hiddenSize: 128 });
    const [ours, all] = await compare(tf, [sparse, allExperts(ops, experts, 128)], rounds);
    rows.push(row(`moe/sparse-dispatch/${experts}`, ours, all));
  }
  return rows;
}

/** Layers that PyTorch has too (peers/moe_torch.py): the network's of RL, and one of the size of a language model's. */
function torchLayers(ops) {
  const small = { B: 32, T: 121, D: 32, E: 4, H: 64 };
  const large = { B: 8, T: 512, D: 512, E: 16, H: 512, k: 2 };
  const soft = { numExperts: small.E, numTokens: small.T, tokenSize: small.D, hiddenSize: small.H };
  const sparse = (sizes, router) => {
    const config = { numExperts: sizes.E, tokenSize: sizes.D, hiddenSize: sizes.H, router };
    return {
      initial: initTopKMoe(createRng(1), config),
      apply: (parameters, tokens) => applyTopKMoe(ops, parameters, tokens, config).output,
    };
  };
  return [
    {
      name: 'soft-moe',
      peer: 'soft-moe',
      sizes: small,
      initial: initSoftMoe(createRng(1), soft),
      apply: (parameters, tokens) => applySoftMoe(ops, parameters, tokens, soft).output,
    },
    {
      name: 'top-2-capacity',
      peer: 'capacity',
      sizes: { ...large, scores: 'softmax' },
      ...sparse(large, { type: 'token-choice', k: 2, capacityFactor: 1, capacityCountsChoices: true }),
    },
    {
      name: 'deepseek-k2-dropless',
      peer: 'dropless',
      sizes: { ...large, scores: 'sigmoid' },
      ...sparse(large, { type: 'deepseek', k: 2 }),
    },
  ];
}

/** Runs a recorded program that takes all gradients, also the tokens', and hands out one number of each, so that none is left out. */
async function forwardAndBackward(tf, { initial, apply, sizes: { B, T, D } }) {
  const rng = createRng(3);
  const tokens = {
    shape: [B, T, D],
    data: Float32Array.from({ length: B * T * D }, () => Math.max(0, rng.nextNormal())),
  };
  const variables = Object.fromEntries(
    Object.entries({ ...initial, tokens }).map(([key, { data, shape }]) => [
      key,
      tf.tidy(() => tf.variable(tf.tensor(data, shape))),
    ]),
  );
  const program = await createProgram({
    variables,
    entryPoints: {
      step: {
        run() {
          const { loss, gradients } = lossAndGradients(variables, () => ({
            loss: tf.mean(tf.square(apply(variables, variables.tokens))),
          }));
          const firsts = Object.values(gradients).map((gradient) => tf.slice(tf.reshape(gradient, [-1]), 0, 1));
          return { loss, firsts: tf.concat(firsts) };
        },
      },
    },
  });
  return async (count) => {
    const times = [];
    for (let step = 0; step < count; step++) {
      const start = performance.now();
      await program.run('step');
      times.push(performance.now() - start);
    }
    return times;
  };
}

const row = (name, ours, peer) => ({ name, ours, peer, unit: 'ms', ratio: ours / peer });

/** Forward cost of an MLP D -> hidden -> D on `rows` rows. */
const mlpFlops = (rows, hidden) => 4 * rows * D * hidden;
const countOf = (initial) => Object.values(initial).reduce((sum, { data }) => sum + data.length, 0);

function* layers(ops) {
  for (const numExperts of [1, 4, 8]) {
    const config = { numExperts, numTokens: T, tokenSize: D, hiddenSize: H };
    const initial = initSoftMoe(createRng(1), config);
    const slots = numExperts * Math.ceil(T / numExperts);
    yield {
      name: `soft-moe-${numExperts}`,
      initial,
      parameters: countOf(initial),
      // logits, slot inputs and outputs are a product of B*T*S*D each
      flops: 3 * 2 * B * T * slots * D + mlpFlops(B * slots, H),
      apply: (parameters, tokens) => applySoftMoe(ops, parameters, tokens, config).output,
    };
  }
  yield topK(ops, 'top-1', { type: 'token-choice' });
  yield topK(ops, 'top-2', { type: 'token-choice', k: 2, capacityCountsChoices: true });
  yield topK(ops, 'expert-choice', { type: 'expert-choice' });
  yield topK(ops, 'expert-prototyping', { type: 'expert-prototyping' });
  yield topK(ops, 'deepseek-top-2', { type: 'deepseek', k: 2, capacityFactor: 1 });
}

function topK(ops, name, router, change = {}) {
  const config = { numExperts: E, tokenSize: D, hiddenSize: H, router, ...change };
  const initial = initTopKMoe(createRng(1), config);
  // slots are counted from one real assignment
  const parameters = Object.fromEntries(
    Object.entries(initial).map(([key, { data, shape }]) => [key, ops.tensor(data, shape)]),
  );
  const { capacity } = applyTopKMoe(ops, parameters, ops.fill([1, T, D], 1), config).routing.assignment;
  return {
    name,
    initial,
    parameters: countOf(initial),
    flops: mlpFlops(B * config.numExperts * capacity, config.hiddenSize) + 2 * B * T * D * config.numExperts,
    apply: (tensors, tokens) => applyTopKMoe(ops, tensors, tokens, config).output,
  };
}

/** The dense layer with about this many parameters, or this many operations. */
function dense(ops, parameters, flops) {
  const hidden = Math.max(
    1,
    Math.round(flops === undefined ? (parameters - D) / (2 * D + 1) : flops / (4 * B * T * D)),
  );
  const rng = createRng(2);
  const make = (shape) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.05 * rng.nextNormal()),
  });
  return {
    initial: { kernel1: make([D, hidden]), bias1: make([hidden]), kernel2: make([hidden, D]), bias2: make([D]) },
    apply(p, tokens) {
      const rows = ops.reshape(tokens, [B * T, D]);
      const inner = ops.relu(ops.add(ops.matmul(rows, p.kernel1), p.bias1));
      return ops.reshape(ops.add(ops.matmul(inner, p.kernel2), p.bias2), [B, T, D]);
    },
  };
}

/** Top-1 routing without dispatch: every expert computes every token, and the gates pick. */
function allExperts(ops, numExperts, hiddenSize) {
  const config = { numExperts, tokenSize: D, hiddenSize };
  const router = 'params/MoE_0/router/Dense_0/kernel';
  const expert = (name) => `params/ExpertModel_0/${name}`;
  return {
    initial: initTopKMoe(createRng(1), config),
    apply(p, tokens) {
      const rows = ops.reshape(tokens, [B * T, D]);
      const probabilities = ops.softmax(ops.matmul(rows, p[router]), -1);
      const { indices, values } = ops.topK(probabilities, 1);
      const gates = ops.multiply(ops.reshape(ops.oneHot(indices, numExperts), [B * T, numExperts]), values);
      // experts side by side: one wide product in, and one back after the gates have cleared the hidden units of the others
      const wide = (x, size) => ops.reshape(x, [1, size]);
      const first = ops.reshape(ops.transpose(p[expert('net/kernel')], [1, 0, 2]), [D, numExperts * hiddenSize]);
      const inner = ops.relu(ops.add(ops.matmul(rows, first), wide(p[expert('net/bias')], numExperts * hiddenSize)));
      const gated = ops.multiply(
        ops.reshape(inner, [B * T, numExperts, hiddenSize]),
        ops.reshape(gates, [B * T, numExperts, 1]),
      );
      const second = ops.reshape(p[expert('Dense_0/kernel')], [numExperts * hiddenSize, D]);
      const output = ops.add(
        ops.matmul(ops.reshape(gated, [B * T, numExperts * hiddenSize]), second),
        ops.matmul(gates, p[expert('Dense_0/bias')]),
      );
      return ops.reshape(output, [B, T, D]);
    },
  };
}

/** Median ms of a training step of each contender, interleaved. */
async function compare(tf, contenders, rounds) {
  const rng = createRng(3);
  const tokens = Float32Array.from({ length: B * T * D }, () => Math.max(0, rng.nextNormal()));
  const programs = [];
  for (const contender of contenders) programs.push(await trainingStep(tf, contender));
  const times = contenders.map(() => []);
  for (let round = -3; round < rounds; round++) {
    for (const [index, program] of programs.entries()) {
      const start = performance.now();
      await program.run('step', { tokens });
      if (round >= 0) times[index].push(performance.now() - start);
    }
  }
  for (const program of programs) program.dispose();
  return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

function trainingStep(tf, contender) {
  const variables = Object.fromEntries(
    Object.entries(contender.initial).map(([name, { data, shape }]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(data, shape))),
    ]),
  );
  return createProgram({
    variables,
    entryPoints: {
      step: {
        inputs: { tokens: { shape: [B, T, D], dtype: 'float32' } },
        run({ tokens }) {
          const { loss, gradients } = lossAndGradients(variables, () => ({
            loss: tf.mean(tf.square(contender.apply(variables, tokens))),
          }));
          for (const [name, variable] of Object.entries(variables)) {
            variable.assign(tf.sub(variable, tf.mul(gradients[name], 1e-4)));
          }
          return { loss };
        },
      },
    },
  });
}
