// Whole value networks of the official implementation: q values, MoE records, and the gradient of sum(q * R) per parameter.
import { atomSupport, expectedValues } from '../../../packages/encoders/src/index.ts';
import { officialNetwork } from '../official/networks.mjs';
import { difference, materialize } from '../vectors.mjs';

/** The README's tolerance for float32 networks with another order of summation. */
const TOLERANCE = 5e-5;
const NORM_TOLERANCE = 1e-4;

/** Our network of a vector's configuration. */
function networkOf(config) {
  const { capacity, num_experts: experts } = config;
  const network = officialNetwork(config.network, config, {
    image: [84, 84],
    stackSize: 4,
    actionCount: config.num_actions,
    atoms: config.num_atoms ?? 1,
  });
  const tokens = network.tokenShape?.[0];
  if (capacity != null && capacity !== Math.ceil((tokens * config.capacity_factor) / experts))
    throw new Error(`capacity is ${capacity}; expected that of ${tokens} tokens`);
  return network;
}

/** Noise arrays `[1, n]` by layer: with experts their pair comes first; then the longest p and q, which the other layers share. */
function noiseOf(tf, vector, network) {
  const given = (vector.inputs.noise ?? []).map((array) => ({ kind: array.kind, ...materialize(array) }));
  const row = (array) => tf.tensor2d(Float32Array.from(array.data), [1, array.data.length]);
  const longest = (kind, arrays) =>
    arrays.filter((array) => array.kind === kind).sort((a, b) => b.data.length - a.data.length)[0];
  const rest = [...given];
  const noise = {};
  if (network.noiseSizes.experts) noise.experts = { inputNoise: row(rest.shift()), outputNoise: row(rest.shift()) };
  if (rest.length > 0) noise.head = { inputNoise: row(longest('p', rest)), outputNoise: row(longest('q', rest)) };
  return noise;
}

export default {
  descriptions: ['notes', 'noise_order', 'min_top1_margin'],
  *checks({ vector, adapters }) {
    // The plain JavaScript backend takes minutes for these networks: it is tried only where TensorFlow can't be loaded.
    const candidates = adapters.filter(({ tf }) => tf);
    for (const adapter of [candidates.find(({ name }) => name.includes('tensorflow')) ?? candidates[0]]) {
      yield {
        name: adapter.name,
        run: async () => {
          await adapter.activate();
          const problems = checkNetwork(adapter.tf, vector);
          if (problems.length > 0) throw new Error(problems.join('\n'));
        },
      };
    }
  },
};

/** What differs between our network and the official one, in words. */
export function checkNetwork(tf, vector) {
  const { config, inputs, outputs } = vector;
  const network = networkOf(config);
  const names = Object.keys(network.parameterShapes).sort();
  if (names.join() !== [...config.param_order].sort().join()) {
    return [`parameters are ${names.join(', ')}; expected ${config.param_order.join(', ')}`];
  }
  if (network.parameterCount !== config.total_params)
    return [`${network.parameterCount} parameters; expected ${config.total_params}`];
  return tf.tidy(() => {
    const variables = {};
    for (const name of names) {
      const { shape, data } = materialize(inputs.params[name]);
      variables[name] = tf.variable(tf.tensor(Float32Array.from(data), shape));
    }
    try {
      const image = materialize(inputs.image);
      const observation = tf.transpose(tf.tensor(Float32Array.from(image.data), [1, ...image.shape]), [0, 3, 1, 2]);
      const noise = passNoise(tf, vector, network);
      const R = tf.tensor1d(Float32Array.from(materialize(inputs.R).data));
      const support = supportOf(tf, vector);
      // Without distributions the official network adds its atoms up.
      const isSum = config.distributional === false;
      const valuesOf = ({ values }) => {
        if (values.rank === 2) return values;
        return isSum ? tf.sum(values, 2) : expectedValues(values, support);
      };
      const qOf = (output) => tf.reshape(valuesOf(output), [config.num_actions]);
      const output = network.apply(variables, observation, { noise });
      const found = { q_values: qOf(output) };
      if (config.network.includes('Rainbow')) {
        found.logits = tf.reshape(output.values, [config.num_actions, config.num_atoms ?? 1]);
        if (!isSum) found.probabilities = tf.softmax(found.logits, 1);
      }
      if (output.hidden) found.hidden_act = tf.reshape(output.hidden, [output.hidden.size]);
      const record = output.mixtures[0];
      if (record) {
        const unbatch = (x) => tf.reshape(x, x.shape.slice(1));
        found.moe_tokens = unbatch(record.tokens);
        found.moe_values = unbatch(record.output);
        found.experts_hidden = unbatch(record.expertsHidden);
        found.router_probabilities = unbatch(record.routerProbabilities);
        found.top_experts = unbatch(record.topExperts);
      }
      const problems = [];
      const compare = (name, tensor, golden, tolerance) => {
        const problem = difference({ shape: tensor.shape, data: tensor.dataSync() }, golden, tolerance);
        if (problem) problems.push(`${name}: ${problem}`);
      };
      for (const [name, golden] of Object.entries(outputs)) {
        if (name === 'grad_of_sum_q_R') continue;
        if (found[name] === undefined) problems.push(`${name} is not computed`);
        else compare(name, found[name], golden, name === 'top_experts' ? 0 : TOLERANCE);
      }
      const { grads } = tf.variableGrads(
        () => tf.sum(tf.mul(qOf(network.apply(variables, observation, { noise })), R)),
        Object.values(variables),
      );
      for (const [name, golden] of Object.entries(outputs.grad_of_sum_q_R)) {
        const gradient = (grads[variables[name].name] ?? tf.zeros(network.parameterShapes[name].shape)).dataSync();
        problems.push(...gradientProblems(name, gradient, golden));
      }
      return problems;
    } finally {
      for (const variable of Object.values(variables)) variable.dispose();
    }
  });
}

/** The atoms, which must be those between vmin and vmax. */
function supportOf(tf, { config, inputs }) {
  const { num_atoms: atoms, vmin, vmax } = config;
  if ((atoms ?? 1) === 1) return undefined;
  const given = materialize(inputs.support).data;
  const ours = atomSupport(vmin, vmax, atoms);
  if (given.length !== atoms || given.some((value, index) => Math.abs(value - ours[index]) > 1e-5))
    throw new Error(`support is ${given.join(', ')}; expected ${atoms} atoms from ${vmin} to ${vmax}`);
  return tf.tensor1d(Float32Array.from(given));
}

/** In evaluation the head takes its mean weights; experts stay noisy, as the official code has it. */
function passNoise(tf, vector, network) {
  const noise = noiseOf(tf, vector, network);
  if (!vector.config.eval_mode) return noise;
  if (noise.head !== undefined) throw new Error('noise has arrays for the head in eval_mode, where it has none');
  return noise;
}

function gradientProblems(name, gradient, golden) {
  let sum = 0;
  let absoluteSum = 0;
  let squares = 0;
  let largest = 0;
  for (const value of gradient) {
    sum += value;
    absoluteSum += Math.abs(value);
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  const problems = [];
  const compare = (what, actual, expected, allowed) => {
    if (!(Math.abs(actual - expected) <= allowed))
      problems.push(`gradient of ${name}: ${what} is ${actual}; expected ${expected} (allowed ${allowed})`);
  };
  compare('l2 norm', Math.sqrt(squares), golden.l2, NORM_TOLERANCE * golden.l2);
  compare('sum', sum, golden.sum, NORM_TOLERANCE * golden.abs_sum);
  compare('sum of absolute values', absoluteSum, golden.abs_sum, NORM_TOLERANCE * golden.abs_sum);
  golden.first.forEach((value, index) => {
    compare(`element ${index}`, gradient[index], value, TOLERANCE * largest);
  });
  return problems;
}
