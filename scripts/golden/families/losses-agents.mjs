// Losses, targets, priorities, schedules and augmentation of the official agents. Replay vectors of the same folder are in replay.mjs.
import {
  bellmanTargets,
  categoricalCrossEntropy,
  categoricalTargets,
  conservativePenalty,
  doubleValues,
  errorOfType,
  featureCoadaptation,
  greedyValues,
  huberError,
  prioritiesFromLosses,
  projectDistribution,
  selectActionDistributions,
  selectActions,
} from '../../../packages/agents/src/losses/index.ts';
import { augmentImages } from '../../../packages/agents/src/value-agent/augmentation.ts';
import { linearlyDecayingEpsilon } from '../../../packages/core/src/index.ts';
import { expectedValues } from '../../../packages/encoders/src/index.ts';
import { importanceWeights } from '../../../packages/replay/src/index.ts';
import { expectAll, materialize } from '../vectors.mjs';

const VALUES = 1e-5;
const GRADIENTS = 2e-5;

const CHECKS = {
  dqn_: checkDqn,
  rainbow_: checkRainbow,
  project_distribution_: checkProjection,
  elementwise_: checkElementwise,
  cql_dqn_: checkConservativeDqn,
  cql_c51_: checkConservativeCategorical,
  drq_augmentation_: checkAugmentation,
};

export default {
  descriptions: ['formula', 'rule', 'loss', 'weights', 'meaning', 'mse', 'rows', 'probs', 'columns'],
  *checks({ vector, name, adapters }) {
    if (name === 'epsilon_schedules') yield { name: 'host', run: () => checkEpsilon(vector) };
    const check = Object.entries(CHECKS).find(([prefix]) => name.startsWith(prefix))?.[1];
    if (check === undefined) return;
    for (const adapter of adapters.filter(({ tf }) => tf)) {
      yield {
        name: adapter.name,
        run: async () => {
          await adapter.activate();
          runLossCheck(check, adapter.tf, vector);
        },
      };
    }
  },
};

/** Reads inputs as tensors, and compares results with outputs of the same name. */
function runLossCheck(check, tf, vector) {
  tf.tidy(() => {
    const tensor = (name) => {
      const golden = vector.inputs[name];
      const { shape, data } = materialize(golden);
      return golden.dtype === 'int32'
        ? tf.tensor(Int32Array.from(data), shape, 'int32')
        : tf.tensor(Float32Array.from(data), shape);
    };
    const results = check(tf, tensor, vector);
    expectAll(
      Object.entries(vector.outputs).map(([name, golden]) => {
        const actual = results[name];
        if (actual === undefined) throw new Error(`${name} is not computed`);
        return [
          name,
          { shape: actual.shape, data: actual.dataSync() },
          golden,
          name.startsWith('grad_') ? GRADIENTS : VALUES,
        ];
      }),
    );
  });
}

function checkDqn(tf, tensor, { config }) {
  const discounts = tf.mul(tf.sub(1, tensor('terminals')), cumulativeDiscount(config));
  const target = bellmanTargets(tensor('rewards'), discounts, greedyValues(tensor('q_target_next')));
  const actions = tensor('actions');
  const loss = (type) => (q) => tf.mean(errorOfType(type, selectActions(q, actions), target));
  const online = tensor('q_online');
  return {
    target,
    loss_mse: loss('mse')(online),
    loss_huber: loss('huber')(online),
    grad_q_online_mse: tf.grad(loss('mse'))(online),
    grad_q_online_huber: tf.grad(loss('huber'))(online),
  };
}

/** gamma^n, which the vector also says as one number. */
function cumulativeDiscount(config) {
  const { gamma, n = 1, cumulative_gamma: cumulative } = config;
  if (gamma !== undefined && Math.abs(gamma ** n - cumulative) > 1e-6)
    throw new Error(`cumulative_gamma is ${cumulative}; expected ${gamma} to the ${n}`);
  return cumulative;
}

function checkRainbow(tf, tensor, { config }) {
  const { num_atoms: atoms = 1, distributional = atoms > 1, double_dqn: isDouble } = config;
  const rewards = tensor('rewards');
  const discounts = tf.mul(tf.sub(1, tensor('terminals')), cumulativeDiscount(config));
  const actions = tensor('actions');
  const weights = tf.tensor1d(importanceWeights(tensor('probs').dataSync(), 0.5, new Float32Array(rewards.size)));
  let target;
  let lossOf;
  if (distributional) {
    const support = tensor('support');
    const values = support.dataSync();
    if (values.length !== atoms) throw new Error(`num_atoms is ${atoms}; the support has ${values.length}`);
    const targetNext = tensor('target_next');
    const chooser = isDouble ? tensor('online_next') : targetNext;
    const chosen = selectActionDistributions(tf.softmax(targetNext, 2), tf.argMax(expectedValues(chooser, support), 1));
    target = categoricalTargets(rewards, discounts, chosen, support, values[0], values[values.length - 1]);
    lossOf = (logits) => categoricalCrossEntropy(selectActionDistributions(logits, actions), target);
  } else {
    const next = tensor('target_next');
    const values = isDouble ? doubleValues(tensor('online_next'), next) : greedyValues(next);
    target = bellmanTargets(rewards, discounts, values);
    lossOf = (q) => errorOfType('huber', selectActions(q, actions), target);
  }
  const online = tensor('online');
  const total = (x) => tf.mean(tf.mul(lossOf(x), weights));
  const losses = lossOf(online);
  return {
    target,
    loss_per_sample: losses,
    loss_weights: weights,
    mean_weighted_loss: total(online),
    new_priorities: prioritiesFromLosses(losses),
    grad_online: tf.grad(total)(online),
  };
}

function checkProjection(tf, tensor, { config }) {
  const support = tensor('support');
  const values = support.dataSync();
  if (values.length !== config.num_atoms || values.at(-1) !== Math.fround(config.vmax))
    throw new Error(`the support is ${values.join(', ')}; expected ${config.num_atoms} atoms to ${config.vmax}`);
  const probs = tf.softmax(tensor('weights_logits'), 1);
  const rows = probs.shape[0];
  const supports = tf.add(
    tf.reshape(tensor('rewards'), [rows, 1]),
    tf.mul(tf.reshape(tensor('gammas'), [rows, 1]), support),
  );
  return {
    probs,
    target_supports: supports,
    projected: projectDistribution(supports, probs, support, values[0], values[values.length - 1]),
  };
}

function checkElementwise(tf, tensor, { config }) {
  const delta = config.huber_delta;
  const targets = tensor('targets');
  const predictions = tensor('predictions');
  const huber = (x) => huberError(x, targets, delta);
  const mse = (x) => errorOfType('mse', x, targets);
  const gradient = (error) => tf.grad((x) => tf.sum(error(x)))(predictions);
  return {
    mse: mse(predictions),
    huber: huber(predictions),
    grad_mse: gradient(mse),
    grad_huber: gradient(huber),
  };
}

function checkConservativeDqn(tf, tensor, { config }) {
  const actions = tensor('actions');
  const discounts = tf.mul(tf.sub(1, tensor('terminals')), cumulativeDiscount(config));
  const target = bellmanTargets(tensor('rewards'), discounts, greedyValues(tensor('q_target_next')));
  const nextFeatures = tensor('repr_next');
  const bellman = (q) => tf.mean(errorOfType('huber', selectActions(q, actions), target));
  const cql = (q) => tf.mean(conservativePenalty(q, actions));
  const dr3 = (features) => tf.mean(featureCoadaptation(features, nextFeatures));
  const loss = (q, features) =>
    tf.add(tf.add(bellman(q), tf.mul(cql(q), config.cql_coefficient)), tf.mul(dr3(features), config.dr3_coefficient));
  const q = tensor('q_online');
  const features = tensor('repr');
  const [gradientQ, gradientFeatures] = tf.grads(loss)([q, features]);
  return {
    bellman_huber: bellman(q),
    cql: cql(q),
    dr3: dr3(features),
    loss: loss(q, features),
    grad_q_online: gradientQ,
    grad_repr: gradientFeatures,
    q_data: tf.mean(selectActions(q, actions)),
    q_pi: tf.mean(tf.max(q, 1)),
  };
}

function checkConservativeCategorical(tf, tensor, { config }) {
  const isDouble = config.double_dqn ?? true;
  const support = tensor('support');
  const values = support.dataSync();
  const actions = tensor('actions');
  const discounts = tf.mul(tf.sub(1, tensor('terminals')), cumulativeDiscount(config));
  const chosen = selectActionDistributions(
    tf.softmax(tensor('target_next'), 2),
    tf.argMax(expectedValues(tensor(isDouble ? 'online_next' : 'target_next'), support), 1),
  );
  const target = categoricalTargets(
    tensor('rewards'),
    discounts,
    chosen,
    support,
    values[0],
    values[values.length - 1],
  );
  const td = (logits) => tf.mean(categoricalCrossEntropy(selectActionDistributions(logits, actions), target));
  const penalty = (logits) => tf.mean(conservativePenalty(expectedValues(logits, support), actions));
  const loss = (logits) =>
    tf.add(tf.mul(td(logits), config.td_coefficient), tf.mul(penalty(logits), config.bc_coefficient));
  const online = tensor('online');
  return { td_c51: td(online), bc_cql: penalty(online), loss: loss(online), grad_online: tf.grad(loss)(online) };
}

function checkAugmentation(tf, tensor, { config }) {
  if (config.pad !== 4) throw new Error(`pad is ${config.pad}; expected 4, the official one`);
  const offsets = tf.stack([tensor('row_offset'), tensor('col_offset')]);
  return { augmented: augmentImages(tf.div(tensor('images'), 255), offsets, tensor('r')) };
}

function checkEpsilon({ outputs }) {
  for (const [decay, step, warmup, epsilon, linear] of outputs.rows) {
    const actual = linearlyDecayingEpsilon(decay, step, warmup, epsilon);
    if (!(Math.abs(actual - linear) <= 1e-6)) throw new Error(`step ${step}: epsilon is ${actual}; expected ${linear}`);
  }
}
