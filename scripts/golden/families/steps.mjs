// Whole training steps of the official agents (testdata/golden/README-steps.md), through the learning step that our agents ship: loss and its parts,
// priorities, gradients, parameters after each update, target copies. Files named schedule_* are in ../official/schedules.mjs.
import { COADAPTATION, CONSERVATIVE } from '../../../packages/agents/src/index.ts';
import { augmentImages } from '../../../packages/agents/src/value-agent/augmentation.ts';
import { createLoss, lossMetricNames } from '../../../packages/agents/src/value-agent/loss.ts';
import { dueWork } from '../../../packages/agents/src/value-agent/schedule.ts';
import { createGradientStep, updateMetricNames } from '../../../packages/agents/src/value-agent/update-step.ts';
import { atomSupport, expectedValues, sliceFrames } from '../../../packages/encoders/src/index.ts';
import { importanceWeights } from '../../../packages/replay/src/index.ts';
import { officialAgent } from '../official/agent.mjs';
import { lookUp } from '../official/networks.mjs';
import { scheduleChecks } from '../official/schedules.mjs';
import { difference, materialize } from '../vectors.mjs';

export default {
  // `agent` names the method that `train` was called by.
  descriptions: ['agent', 'pins'],
  *checks(given) {
    const { vector, adapters } = given;
    const candidates = adapters.filter(({ tf }) => tf);
    // The plain JavaScript backend is tried only where TensorFlow can't be loaded.
    const adapter = candidates.find(({ name }) => name.includes('tensorflow')) ?? candidates[0];
    if (vector.outputs.log !== undefined) {
      yield* scheduleChecks(vector, adapter);
      return;
    }
    yield {
      name: adapter.name,
      run: async () => {
        await adapter.activate();
        const problems = checkSteps(adapter.tf, vector);
        if (problems.length > 0) throw new Error(problems.join('\n'));
      },
    };
  },
};

const normOf = (data) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));

/** The stated tolerance, or five times what float32 itself loses where that is near it. */
const tolerances = ({ config, precision = {} }) => {
  const widen = (stated, lost = 0) => (lost > stated / 5 ? 5 * lost : stated);
  return {
    loss: widen(1e-5, precision.loss),
    gradients: widen(5e-5, precision.gradients),
    changes: widen(config.optimizer.name === 'sgd' ? 1e-4 : 1e-3, precision.updates),
  };
};

/** What differs between our steps and the official ones, in words. */
export function checkSteps(tf, vector) {
  const { config, inputs, outputs } = vector;
  const allowed = tolerances(vector);
  const problems = [];
  const compare = (name, actual, golden, tolerance) => {
    const problem = difference(actual, golden, tolerance);
    if (problem) problems.push(`${name}: ${problem}`);
  };
  const compareNumber = (name, actual, expected, tolerated) => {
    if (!(Math.abs(actual - expected) <= tolerated))
      problems.push(`${name} is ${actual}; expected ${expected} (allowed ${tolerated.toExponential(1)})`);
  };
  const agent = officialAgent(tf, vector);
  const { step, entryPoints } = agent;
  const names = config.param_order;
  const read = (group) => Object.fromEntries(names.map((name) => [name, group[name].dataSync().slice()]));
  const initial = read(step.online);
  const metricNames = updateMetricNames(step);
  try {
    inputs.steps.forEach((given, index) => {
      agent.feed(given);
      const expected = outputs.steps[index];
      const label = (what) => `step ${index + 1}: ${what}`;
      tf.tidy(() => {
        const batch = batchOf(tf, vector, given);
        const before = createLoss(step, batch)(step.online);
        const leftOut = leftOutPenalties(step, batch);
        if (index === 0) {
          const gradients = createGradientStep(step, names)(batch);
          for (const [name, golden] of Object.entries(outputs.gradients)) {
            const { shape } = gradients[name];
            const data = gradients[name].dataSync();
            compare(`gradient of ${name}`, { shape, data }, golden, allowed.gradients);
            const norm = outputs.gradient_norms[name];
            compareNumber(`norm of the gradient of ${name}`, normOf(data), norm, allowed.gradients * norm);
          }
          for (const [name, golden] of Object.entries(outputs.first_step_values ?? {})) {
            const values = firstValues(tf, step, batch, before, name);
            compare(name, { shape: values.shape, data: values.dataSync() }, golden, allowed.gradients);
          }
        }
        const learned = entryPoints.learn.run(batch);
        const numbers = learned.metrics.dataSync();
        const metrics = Object.fromEntries(metricNames.map((name, at) => [name, numbers[at]]));
        const found = { ...leftOut, ...metrics };

        const scale = (part) => allowed.loss * Math.max(Math.abs(part), Math.abs(expected.loss));
        for (const [name, golden] of Object.entries(expected)) {
          if (name === 'loss') compareNumber(label(name), found.loss, golden, allowed.loss * Math.abs(golden));
          else if (name === 'gradient_norm')
            compareNumber(label(name), metrics.gradientNorm, golden, allowed.gradients * golden);
          else if (name === 'per_sample_loss')
            compare(
              label(name),
              { shape: before.perSample.shape, data: before.perSample.dataSync() },
              golden,
              allowed.loss,
            );
          else if (name === 'new_priorities')
            compare(
              label(name),
              { shape: learned.priorities.shape, data: learned.priorities.dataSync() },
              golden,
              allowed.loss,
            );
          else if (name === 'top_experts') {
            const { topExperts } = before.online.mixtures[0];
            compare(label(name), { shape: topExperts.shape, data: topExperts.dataSync() }, golden, 0);
          } else {
            const auxiliary = name.startsWith('aux_loss_') && Object.keys(config.aux_losses)[Number(name.slice(9))];
            const ours = auxiliary
              ? `auxiliaryLoss/${auxiliary}`
              : { td_loss: 'tdLoss', cql_loss: 'penalty/conservative', dr3_loss: 'penalty/coadaptation' }[name];
            if (ours === undefined) problems.push(label(`${name} is not computed`));
            else compareNumber(label(name), found[ours], golden, scale(golden));
          }
        }
      });
      const changes = outputs.parameter_changes[`after_${index + 1}`];
      if (changes !== undefined) {
        const now = read(step.online);
        for (const [name, golden] of Object.entries(changes)) {
          const data = Float64Array.from(now[name], (value, at) => value - initial[name][at]);
          compare(
            `change of ${name} after ${index + 1}`,
            { shape: step.online[name].shape, data },
            golden,
            allowed.changes,
          );
        }
      }
      problems.push(...syncTarget(tf, config, step, entryPoints, index));
    });
  } finally {
    agent.dispose();
  }
  return problems;
}

/** Copies to the target network when our schedule says so, which must be when the vector says so. */
function syncTarget(tf, config, step, entryPoints, index) {
  const isExpected = config.synced_after_step[index];
  let isDue = isExpected;
  if (config.target_update_period !== undefined) {
    const due = dueWork(step.config.agent, config.first_training_step + index, Number.POSITIVE_INFINITY);
    isDue = due.syncsTarget;
    if (due.updates !== 1) return [`step ${index + 1}: ${due.updates} updates are due; expected 1`];
  }
  if (isDue) tf.tidy(() => entryPoints.syncTarget.run({}));
  return isDue === isExpected
    ? []
    : [`step ${index + 1}: the target is ${isDue ? '' : 'not '}copied; expected otherwise`];
}

/** The batch as the inputs of our learning step. */
function batchOf(tf, { config }, given) {
  const tensor = (array, dtype = 'float32') => {
    const { shape, data } = materialize(array);
    return dtype === 'int32'
      ? tf.tensor(Int32Array.from(data), shape, 'int32')
      : tf.tensor(Float32Array.from(data), shape);
  };
  const known = [
    'frames',
    'actions',
    'rewards',
    'terminals',
    'sampling_probabilities',
    'loss_weights',
    'noise',
    'augmentation_state',
    'augmentation_next_state',
  ];
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`inputs have ${unknown.join(', ')}, which nothing here honours`);
  const batch = {
    frames: tensor(given.frames),
    actions: tensor(given.actions, 'int32'),
    rewards: tensor(given.rewards),
    discounts: tf.mul(tf.sub(1, tensor(given.terminals)), config.cumulative_gamma),
  };
  if (config.prioritized) {
    const probabilities = materialize(given.sampling_probabilities).data;
    const weights = importanceWeights(probabilities, 0.5, new Float32Array(probabilities.length));
    const problem = difference({ shape: given.loss_weights.shape, data: weights }, given.loss_weights, 1e-5);
    if (problem) throw new Error(`loss_weights: ${problem}`);
    batch.weights = tf.tensor1d(weights);
  }
  for (const [which, name] of [
    ['state', 'augmentation_state'],
    ['next', 'augmentation_next_state'],
  ]) {
    const draws = given[name];
    if ((draws !== undefined) !== config.data_augmentation) throw new Error(`${name} does not fit data_augmentation`);
    if (draws === undefined) continue;
    batch[`${which}Offsets`] = tf.stack([tensor(draws.row_offset, 'int32'), tensor(draws.col_offset, 'int32')]);
    batch[`${which}Intensities`] = tensor(draws.r);
  }
  return batch;
}

/** Penalties also where their coefficient is 0 and the step leaves them out: the official code reports them then too. */
function leftOutPenalties(step, batch) {
  const penalties = [CONSERVATIVE, COADAPTATION]
    .filter(({ coefficient }) => coefficient(step.config.agent) === 0)
    .map((penalty) => ({ ...penalty, coefficient: () => 1 }));
  const all = { ...step, variant: { ...step.variant, penalties } };
  const metrics = createLoss(all, batch)(step.online).metrics.dataSync();
  return Object.fromEntries(lossMetricNames(all).map((name, index) => [name, metrics[index]]));
}

/** Q values `[B, A]` of the first step, by the vector's name for them. */
function firstValues(tf, step, batch, loss, name) {
  const { network, online, target, windowLength, nextObservationOffset: offset } = step;
  const { atoms, minimumValue, maximumValue } = step.config.agent;
  const next = (parameters) => {
    const image = sliceFrames(batch.frames, offset, windowLength - offset);
    const augment = batch.nextOffsets && ((x) => augmentImages(x, batch.nextOffsets, batch.nextIntensities));
    return network.apply(parameters, image, augment ? { augment } : {}).values;
  };
  const values = lookUp(
    'first_step_values',
    {
      q_state_online: () => loss.online.values,
      q_next_online: () => next(online),
      q_next_target: () => next(target),
    },
    name,
  )();
  return atoms === 1 ? values : expectedValues(values, tf.tensor1d(atomSupport(minimumValue, maximumValue, atoms)));
}
