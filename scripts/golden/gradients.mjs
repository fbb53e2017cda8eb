// Gradients of a scalar function of named arrays: by the library where it differentiates, by central differences in 64-bit floats elsewhere.
import { doublePrecision } from './adapters.mjs';
import { difference, givenElements, isSummary } from './vectors.mjs';

/** Steps of the central differences. A smaller one is tried when the result is off: a ReLU's kink may lie within the step. */
const STEPS = [1e-6, 1e-7, 1e-8];
/** Elements tried one by one per array; the others are covered by one derivative along a direction that moves all of them. */
const SAMPLES = 6;

/**
 * Checks d(loss)/d(input) for every input named in `goldens`. Throws an Error that lists what differs.
 * @param loss (ops, tensors by name) => scalar tensor
 * @param inputs { name: { shape, data } }
 * @param goldens { input name: golden gradient }
 */
export function expectGradients(adapter, loss, inputs, goldens, tolerance) {
  const problems =
    adapter.gradients === 'automatic'
      ? automatic(adapter, loss, inputs, goldens, tolerance)
      : byDifferences(loss, inputs, goldens, tolerance);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function automatic({ tf, ops }, loss, inputs, goldens, tolerance) {
  return tf.tidy(() => {
    const names = Object.keys(inputs);
    const variables = names.map((name) => tf.variable(ops.tensor(inputs[name].data, inputs[name].shape)));
    try {
      const tensors = Object.fromEntries(names.map((name, index) => [name, variables[index]]));
      const { grads } = tf.variableGrads(() => ops.reshape(loss(ops, tensors), []), variables);
      const problems = [];
      for (const [name, golden] of Object.entries(goldens)) {
        const { shape } = inputs[name];
        // null: the loss does not depend on it.
        const gradient = grads[tensors[name].name] ?? tf.zeros(shape);
        const problem = difference({ shape: gradient.shape, data: gradient.dataSync() }, golden, tolerance);
        if (problem) problems.push(`gradient of ${name}: ${problem}`);
      }
      return problems;
    } finally {
      for (const variable of variables) variable.dispose();
    }
  });
}

function byDifferences(loss, inputs, goldens, tolerance) {
  const { ops, restart } = holdingChoices(doublePrecision);
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [name, ops.tensor(data, shape)]),
  );
  ops.read(loss(ops, tensors));
  const lossAt = (name, moved) => {
    restart();
    return ops.read(loss(ops, { ...tensors, [name]: { shape: inputs[name].shape, data: moved } }))[0];
  };
  const alongDirection = (name, direction, expected, tolerated) => {
    const { data } = inputs[name];
    const shifted = (step) => Float64Array.from(data, (value, index) => value + step * direction(index));
    let slope;
    for (const step of STEPS) {
      slope = (lossAt(name, shifted(step)) - lossAt(name, shifted(-step))) / (2 * step);
      if (Math.abs(slope - expected) <= tolerated) return undefined;
    }
    return slope;
  };
  const problems = [];
  for (const [name, golden] of Object.entries(goldens)) {
    const given = givenElements(golden);
    const scale = given.reduce((largest, [, value]) => Math.max(largest, Math.abs(value)), 0);
    const every = Math.max(1, Math.ceil(given.length / SAMPLES));
    for (const [index, value] of given.filter((_, position) => position % every === 0)) {
      const got = alongDirection(name, (at) => (at === index ? 1 : 0), value, tolerance * scale + 1e-7);
      if (got !== undefined) {
        problems.push(`gradient of ${name}: element ${index} is ${got}; expected ${value}`);
        break;
      }
    }
    const sum = isSummary(golden) ? golden.sum : signedSum(given);
    const absoluteSum = isSummary(golden)
      ? golden.abs_sum
      : given.reduce((total, [, value]) => total + Math.abs(value), 0);
    const got = alongDirection(name, isSummary(golden) ? () => 1 : sign, sum, tolerance * absoluteSum + 1e-7);
    if (got !== undefined)
      problems.push(`gradient of ${name}: derivative along a direction is ${got}; expected ${sum}`);
  }
  return problems;
}

/**
 * An adapter whose topK chooses as in its first run ever since: a derivative is taken with the choice held fixed, also where a tie would flip it.
 * `restart` goes back to the first choice.
 */
function holdingChoices(base) {
  const choices = [];
  let next = -1;
  const ops = {
    ...base,
    topK(x, k) {
      if (next < 0) {
        const result = base.topK(x, k);
        choices.push(result.indices);
        return result;
      }
      const indices = choices[next++];
      const length = x.shape.at(-1);
      const values = indices.data.map((index, position) => x.data[Math.floor(position / k) * length + index]);
      return { indices, values: { shape: indices.shape, data: values } };
    },
  };
  return {
    ops,
    restart() {
      next = 0;
    },
  };
}

/** +1 or -1, a fixed pattern without period. */
const sign = (index) => (Math.imul(index + 1, 0x9e3779b1) & 0x8000 ? 1 : -1);
const signedSum = (given) => given.reduce((total, [index, value]) => total + sign(index) * value, 0);
