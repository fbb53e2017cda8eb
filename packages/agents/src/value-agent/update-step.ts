// One learning step as a pure function of the batch and the agent's variables: targets, loss, gradients, optimizer. Recorded as one graph where the
// backend can. Everything that changes from call to call (batch, seeds, augmentation) is an input.
import { atomSupport, expectedValues, type ParameterTensors, sliceFrames } from '@moe-rl/encoders';
import { type InputSpec, lossAndGradients } from '@moe-rl/tfjs-graph';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import {
  bellmanTargets,
  categoricalCrossEntropy,
  categoricalTargets,
  conservativePenalty,
  doubleValues,
  errorOfType,
  featureCoadaptation,
  greedyValues,
  prioritiesFromLosses,
  selectActionDistributions,
  selectActions,
} from '../losses/index.ts';
import type { Network, NetworkNoise, NetworkOutput } from '../networks/network.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { augmentImages } from './augmentation.ts';
import { auxiliaryLoss } from './auxiliary-losses.ts';
import { drawNoise, SEED_INPUT } from './noise.ts';

export interface UpdateStepConfig {
  readonly config: AgentConfig;
  readonly network: Network;
  /** Online parameters. */
  readonly online: Readonly<Record<string, Variable>>;
  /** Target network's parameters. */
  readonly target: Readonly<Record<string, Variable>>;
  readonly optimizers: readonly { readonly optimizer: Optimizer; readonly names: readonly string[] }[];
  /** Masks of sparse training by parameter; masked weights stay 0. */
  readonly masks: Readonly<Record<string, Variable>>;
  /** W, frames per replay window, and where the next observation starts in it. */
  readonly windowLength: number;
  readonly nextObservationOffset: number;
}

/** Names of the numbers in the `metrics` output. */
export const UPDATE_METRICS = ['loss', 'tdLoss', 'meanQ'] as const;

/** Inputs of the learning step. */
export function updateStepInputs(step: UpdateStepConfig): Record<string, InputSpec> {
  const { config, network, windowLength } = step;
  const { batchSize, dataAugmentation } = config.agent;
  const { frameShape, dtype } = network.input.observationSpec;
  const vector = (type: 'float32' | 'int32'): InputSpec => ({ shape: [batchSize], dtype: type });
  return {
    frames: { shape: [batchSize, windowLength, ...frameShape], dtype },
    actions: vector('int32'),
    rewards: vector('float32'),
    discounts: vector('float32'),
    ...(config.replay.sampling === 'prioritized' ? { weights: vector('float32') } : {}),
    ...(config.network.noisy ? { onlineNoiseSeed: SEED_INPUT, targetNoiseSeed: SEED_INPUT } : {}),
    ...(dataAugmentation
      ? {
          stateOffsets: { shape: [2, batchSize], dtype: 'int32' },
          stateIntensities: vector('float32'),
          nextOffsets: { shape: [2, batchSize], dtype: 'int32' },
          nextIntensities: vector('float32'),
        }
      : {}),
  };
}

/** Builds the learning step. It returns `metrics` (see `UPDATE_METRICS`) and, for prioritized replay, `priorities` `[B]`. */
export function createUpdateStep(step: UpdateStepConfig): (inputs: Record<string, Tensor>) => Record<string, Tensor> {
  const { config, online, optimizers, masks } = step;
  const trainable = Object.fromEntries(optimizers.flatMap(({ names }) => names.map((name) => [name, online[name]!])));
  const isPrioritized = config.replay.sampling === 'prioritized';
  return (inputs) => {
    const loss = createLoss(step, inputs);
    const { auxiliary, gradients } = lossAndGradients(trainable, () => {
      const { total, perSample, metrics } = loss(online);
      return { loss: total, metrics, ...(isPrioritized ? { perSample } : {}) };
    });
    for (const { optimizer, names } of optimizers) {
      optimizer.applyGradients(Object.fromEntries(names.map((name) => [name, gradients[name]!])));
    }
    for (const [name, mask] of Object.entries(masks)) online[name]!.assign(tf.mul(online[name]!, mask));
    const outputs: Record<string, Tensor> = { metrics: auxiliary.metrics! };
    if (isPrioritized) outputs.priorities = prioritiesFromLosses(auxiliary.perSample!);
    return outputs;
  };
}

/** Gradients of the loss with respect to the named parameters, without an update: what RigL grows by. */
export function createGradientStep(
  step: UpdateStepConfig,
  names: readonly string[],
): (inputs: Record<string, Tensor>) => Record<string, Tensor> {
  return (inputs) => {
    const loss = createLoss(step, inputs);
    const parameters = Object.fromEntries(names.map((name) => [name, step.online[name]!]));
    return lossAndGradients(parameters, () => ({ loss: loss(step.online).total })).gradients;
  };
}

interface LossOutput {
  readonly total: Scalar;
  /** `[B]`, unweighted. */
  readonly perSample: Tensor;
  /** `[UPDATE_METRICS.length]` */
  readonly metrics: Tensor;
}

/** Computes the targets of a batch and returns the loss as a function of the online parameters. */
function createLoss(
  step: UpdateStepConfig,
  inputs: Record<string, Tensor>,
): (parameters: ParameterTensors) => LossOutput {
  const { config, network, online, target, windowLength, nextObservationOffset } = step;
  const { agent } = config;
  const { stackSize } = network.input.observationSpec;
  const batchSize = agent.batchSize;
  const frames = inputs.frames!;
  const states = sliceFrames(frames, 0, stackSize);
  const nextStates = sliceFrames(frames, nextObservationOffset, windowLength - nextObservationOffset);
  const augmenter = (offsets: Tensor | undefined, intensities: Tensor | undefined) =>
    offsets === undefined ? {} : { augment: (image: Tensor) => augmentImages(image, offsets, intensities!) };
  const stateOptions = augmenter(inputs.stateOffsets, inputs.stateIntensities);
  const nextOptions = augmenter(inputs.nextOffsets, inputs.nextIntensities);
  // The official code uses one draw for the whole batch and both networks in the targets.
  const targetNoise: { noise?: NetworkNoise } = inputs.targetNoiseSeed
    ? { noise: drawNoise(network.noiseSizes, 1, inputs.targetNoiseSeed) }
    : {};
  const onlineNoise: { noise?: NetworkNoise } = inputs.onlineNoiseSeed
    ? { noise: drawNoise(network.noiseSizes, agent.perSampleNoise ? batchSize : 1, inputs.onlineNoiseSeed) }
    : {};
  const nextTarget = network.apply(target, nextStates, { ...targetNoise, ...nextOptions });
  const nextOnline = agent.doubleQ ? network.apply(online, nextStates, { ...targetNoise, ...nextOptions }) : undefined;
  // Computed out here, so it is a constant to differentiation, as in the official DR3.
  const nextFeatures =
    agent.coadaptationCoefficient > 0
      ? (nextOnline ?? network.apply(online, nextStates, { ...targetNoise, ...nextOptions })).features
      : undefined;
  const rewards = inputs.rewards!;
  const discounts = inputs.discounts!;
  const actions = inputs.actions!;
  const support =
    agent.atoms > 1 ? tf.tensor1d(atomSupport(agent.minimumValue, agent.maximumValue, agent.atoms)) : undefined;
  const targets = tf.tidy(() => {
    if (support === undefined) {
      const values =
        nextOnline === undefined ? greedyValues(nextTarget.values) : doubleValues(nextOnline.values, nextTarget.values);
      return bellmanTargets(rewards, discounts, values);
    }
    const probabilities = tf.softmax(nextTarget.values, 2);
    const chooser =
      nextOnline === undefined ? tf.sum(tf.mul(probabilities, support), 2) : expectedValues(nextOnline.values, support);
    const chosen = selectActionDistributions(probabilities, tf.argMax(chooser, 1));
    return categoricalTargets(rewards, discounts, chosen, support, agent.minimumValue, agent.maximumValue);
  });

  return (parameters) => {
    const output: NetworkOutput = network.apply(parameters, states, { ...onlineNoise, ...stateOptions });
    const chosen =
      support === undefined ? selectActions(output.values, actions) : selectActionDistributions(output.values, actions);
    const perSample =
      support === undefined ? errorOfType(agent.error, chosen, targets) : categoricalCrossEntropy(chosen, targets);
    const temporalDifference = tf.mean(inputs.weights === undefined ? perSample : tf.mul(perSample, inputs.weights));
    let total = temporalDifference;
    const values = (): Tensor => (support === undefined ? output.values : expectedValues(output.values, support));
    if (agent.conservativeCoefficient > 0) {
      total = tf.add(total, tf.mul(tf.mean(conservativePenalty(values(), actions)), agent.conservativeCoefficient));
    }
    if (agent.coadaptationCoefficient > 0) {
      const penalty = tf.mean(featureCoadaptation(output.features, nextFeatures!));
      total = tf.add(total, tf.mul(penalty, agent.coadaptationCoefficient));
    }
    const auxiliary = auxiliaryLoss(config.auxiliaryLosses, output.mixtures);
    if (auxiliary !== undefined) total = tf.add(total, auxiliary);
    const actionValue =
      support === undefined ? tf.mean(chosen) : tf.mean(tf.sum(tf.mul(tf.softmax(chosen), support), 1));
    const metrics = tf.stack([total, temporalDifference, actionValue] as Tensor[]);
    return { total: total as Scalar, perSample, metrics };
  };
}
