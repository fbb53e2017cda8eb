// The loss of one batch: states, next states, noise and augmentation from the step's inputs; targets, errors and penalties from the agent's variant.
import { atomSupport, expectedValues, type ParameterTensors, sliceFrames } from '@moe-rl/encoders';
import type { InputSpec } from '@moe-rl/tfjs-graph';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import { selectActions } from '../losses/index.ts';
import { OPS } from '../networks/moe.ts';
import type { Network, NetworkNoise, NetworkOutput } from '../networks/network-interface.ts';
import { drawRouting, drawsRouting, type RoutingPass } from '../networks/routing.ts';
import type { AgentVariant, LossContext, Penalty, TargetContext } from '../variants/index.ts';
import { augmentImages } from './augmentation.ts';
import { auxiliaryLosses, auxiliaryLossNames, auxiliaryWeights } from './auxiliary-losses.ts';
import type { CourseStage } from './course.ts';
import { type NoiseSource, SEED_INPUT, seededNoise } from './noise.ts';

export interface LossConfig {
  readonly config: AgentConfig;
  readonly variant: AgentVariant;
  readonly network: Network;
  /** Online parameters. */
  readonly online: Readonly<Record<string, Variable>>;
  /** Target network's parameters. */
  readonly target: Readonly<Record<string, Variable>>;
  /** W, frames per replay window, and where the next observation starts in it. */
  readonly windowLength: number;
  readonly nextObservationOffset: number;
  /** Where the mixtures stand in their course of training; left out: there is one stage. */
  readonly stage?: CourseStage;
  /** Where random numbers of the loss come from; by default they are drawn from the seeds among the inputs. */
  readonly noise?: NoiseSource;
}

/** Inputs of the learning step. */
export function updateStepInputs(step: LossConfig): Record<string, InputSpec> {
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
    ...(needsLoadNoise(config) ? { loadNoiseSeed: SEED_INPUT } : {}),
    ...routingInputs(network, 'training', step.stage),
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

/** Seeds and temperature that routers need in the loss (`training`) or in other passes (`always`). */
export function routingInputs(
  { mixtures }: Network,
  phase: 'training' | 'always',
  stage?: CourseStage,
): Record<string, InputSpec> {
  const isTraining = phase === 'training';
  return {
    ...(drawsRouting(mixtures, phase) ? { routingSeed: SEED_INPUT } : {}),
    ...(isTraining && drawsRouting(mixtures, 'always') ? { targetRoutingSeed: SEED_INPUT } : {}),
    ...(isTraining && stage?.inputs.temperature !== undefined
      ? { routingTemperature: { shape: [], dtype: 'float32' } }
      : {}),
  };
}

/** How passes route that teach nothing. */
export function evaluationRouting(
  { network, stage }: Pick<LossConfig, 'network' | 'stage'>,
  batchSize: number,
  seed: Tensor | undefined,
): RoutingPass {
  return {
    stage: stage?.name,
    ...(seed === undefined ? {} : { draws: drawRouting(network.mixtures, batchSize, 'always', seed) }),
  };
}

/** The load loss asks how routing would change under other noise, which is drawn. */
export function needsLoadNoise(config: AgentConfig): boolean {
  return (config.auxiliaryLosses?.load ?? 0) > 0;
}

/** What a loss is of one batch. */
export interface LossOutput {
  readonly total: Scalar;
  /** `[B]`, unweighted. */
  readonly perSample: Tensor;
  /** Numbers of `lossMetricNames`. */
  readonly metrics: Tensor;
  /** What the online network gave for the states. */
  readonly online: NetworkOutput;
  /** New values of the mixtures' own state (balance biases) by parameter. */
  readonly states: Readonly<Record<string, Tensor>>;
}

/** The penalties that are computed: those with a coefficient, whatever its sign. */
function penaltiesOf({ config, variant }: Pick<LossConfig, 'config' | 'variant'>): readonly Penalty[] {
  return variant.penalties.filter(({ coefficient }) => coefficient(config.agent) !== 0);
}

/** Names of the numbers that a loss reports, without `train/`. Penalties are before their coefficient, router losses after their weight. */
export function lossMetricNames({ config, variant, network, stage }: LossConfig): readonly string[] {
  const auxiliary = auxiliaryLossNames(auxiliaryWeights(config.auxiliaryLosses, network.mixtures, stage?.losses));
  return [
    'loss',
    'tdLoss',
    'meanQ',
    'maxQ',
    'meanTarget',
    ...penaltiesOf({ config, variant }).map(({ name }) => `penalty/${name}`),
    ...(auxiliary.length > 0 ? ['auxiliaryLoss', ...auxiliary.map((name) => `auxiliaryLoss/${name}`)] : []),
  ];
}

/** Computes the targets of a batch and returns the loss as a function of the online parameters. */
export function createLoss(
  step: LossConfig,
  inputs: Record<string, Tensor>,
): (parameters: ParameterTensors) => LossOutput {
  const { config, variant, network, online, target, windowLength, nextObservationOffset } = step;
  const { agent } = config;
  const frames = inputs.frames!;
  const states = sliceFrames(frames, 0, network.input.observationSpec.stackSize);
  const nextStates = sliceFrames(frames, nextObservationOffset, windowLength - nextObservationOffset);
  const augmentOf = (which: 'state' | 'next'): { augment?: (image: Tensor) => Tensor } => {
    const offsets = inputs[`${which}Offsets`];
    if (offsets === undefined) return {};
    return { augment: (image) => augmentImages(image, offsets, inputs[`${which}Intensities`]!) };
  };
  const stateOptions = augmentOf('state');
  const nextOptions = augmentOf('next');
  const source = step.noise ?? seededNoise(network.noiseSizes);
  const noiseOf = (pass: 'online' | 'target', rows: number): { noise?: NetworkNoise } =>
    config.network.noisy ? { noise: source.layers(pass, rows, inputs) } : {};
  // The official code uses one draw for the whole batch and both networks in the targets.
  const targetNoise = noiseOf('target', 1);
  const onlineNoise = noiseOf('online', agent.perSampleNoise ? agent.batchSize : 1);
  const batch = {
    config: agent,
    actions: inputs.actions!,
    rewards: inputs.rewards!,
    discounts: inputs.discounts!,
    support:
      agent.atoms > 1 ? tf.tensor1d(atomSupport(agent.minimumValue!, agent.maximumValue!, agent.atoms)) : undefined,
  };
  const { mixtures } = network;
  const { routingSeed, targetRoutingSeed, routingTemperature: temperature } = inputs;
  const { batchSize } = agent;
  const routing: RoutingPass = {
    isTraining: true,
    stage: step.stage?.name,
    temperature,
    ...(routingSeed === undefined ? {} : { draws: drawRouting(mixtures, batchSize, 'training', routingSeed) }),
  };
  const targetRouting = evaluationRouting(step, batchSize, targetRoutingSeed);
  const targetPass = { ...targetNoise, routing: targetRouting };
  const onlinePass = { ...onlineNoise, routing };
  const targetContext: TargetContext = lazily(batch, {
    nextTarget: () => network.apply(target, nextStates, { ...targetPass, ...nextOptions }),
    nextOnline: () => network.apply(online, nextStates, { ...targetPass, ...nextOptions }),
    target: () => network.apply(target, states, { ...targetPass, ...stateOptions }),
  });
  const weights = auxiliaryWeights(config.auxiliaryLosses, mixtures, step.stage?.losses);
  const targets = tf.tidy(() => variant.target(targetContext));
  const meanTarget = tf.mean(batch.support === undefined ? targets : tf.sum(tf.mul(targets, batch.support), 1));

  return (parameters) => {
    const output: NetworkOutput = network.apply(parameters, states, { ...onlinePass, ...stateOptions });
    const context: LossContext = lazily(
      { ...batch, targets, online: output },
      {
        nextOnline: () => network.apply(parameters, nextStates, { ...onlinePass, ...nextOptions }),
        values: () =>
          batch.support === undefined ? output.values : (expectedValues(output.values, batch.support) as Tensor),
      },
    );
    const perSample = variant.loss(context);
    // The importance weights are on the errors alone, as in the official code: not on penalties, not on router losses.
    const temporalDifference = tf.mean(inputs.weights === undefined ? perSample : tf.mul(perSample, inputs.weights));
    let total = temporalDifference;
    const parts: Tensor[] = [];
    for (const { coefficient, value } of penaltiesOf(step)) {
      const penalty = tf.mean(value(context));
      total = tf.add(total, tf.mul(penalty, coefficient(agent)));
      parts.push(penalty);
    }
    const auxiliary = auxiliaryLosses(weights, mixtures, output.mixtures, (shape, mixture) =>
      source.load(shape, mixture, inputs),
    );
    if (auxiliary.length > 0) {
      const sum = tf.addN(auxiliary.map(({ value }) => value));
      total = tf.add(total, sum);
      parts.push(sum, ...auxiliary.map(({ value }) => value));
    }
    const { values } = context;
    const meanQ = tf.mean(selectActions(values, batch.actions));
    const maxQ = tf.mean(tf.max(values, 1));
    const metrics = tf.stack([total, temporalDifference, meanQ, maxQ, meanTarget, ...parts] as Tensor[]);
    const mixtureStates = Object.assign(
      {},
      ...mixtures.map(({ updateState }, index) => updateState?.(OPS, parameters, output.mixtures[index]!)),
    ) as Record<string, Tensor>;
    return { total: total as Scalar, perSample, metrics, states: mixtureStates, online: output };
  };
}

/** `base` with more members, each computed when it is first read. */
function lazily<Base extends object, More extends Record<string, () => unknown>>(
  base: Base,
  more: More,
): Base & { readonly [K in keyof More]: ReturnType<More[K]> } {
  const result = { ...base };
  for (const [name, compute] of Object.entries(more)) {
    let value: unknown;
    let isComputed = false;
    Object.defineProperty(result, name, {
      enumerable: true,
      get: () => {
        if (!isComputed) value = compute();
        isComputed = true;
        return value;
      },
    });
  }
  return result as Base & { readonly [K in keyof More]: ReturnType<More[K]> };
}
