// One learning step as a pure function of the batch and the agent's variables: targets, loss, gradients, optimizer. Recorded as one graph where the
// backend can. Everything that changes from call to call (batch, seeds, augmentation) is an input. What is learned from the batch is the variant's.
import { globalNorm, lossAndGradients } from '@moe-rl/tfjs-graph';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { prioritiesFromLosses } from '../losses/index.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { createLoss, type LossConfig, lossMetricNames } from './loss.ts';

export interface UpdateStepConfig extends LossConfig {
  readonly optimizers: readonly { readonly optimizer: Optimizer; readonly names: readonly string[] }[];
  /** Masks of sparse training by parameter; masked weights stay 0. */
  readonly masks: Readonly<Record<string, Variable>>;
}

/** Names of the numbers in the `metrics` output of the learning step. */
export function updateMetricNames(step: UpdateStepConfig): readonly string[] {
  return [...lossMetricNames(step), 'gradientNorm', 'learningRate'];
}

/** Builds the learning step. It returns `metrics` (see `updateMetricNames`) and, for prioritized replay, `priorities` `[B]`. */
export function createUpdateStep(step: UpdateStepConfig): (inputs: Record<string, Tensor>) => Record<string, Tensor> {
  const { config, online, optimizers, masks } = step;
  const trainable = Object.fromEntries(optimizers.flatMap(({ names }) => names.map((name) => [name, online[name]!])));
  const isPrioritized = config.replay.sampling === 'prioritized';
  return (inputs) => {
    const loss = createLoss(step, inputs);
    const { auxiliary, gradients } = lossAndGradients(trainable, () => {
      const { total, perSample, metrics, states } = loss(online);
      const named = Object.entries(states).map(([name, value]) => [`state/${name}`, value] as const);
      return { loss: total, metrics, ...(isPrioritized ? { perSample } : {}), ...Object.fromEntries(named) };
    });
    // What does not learn in this stage stays, though optimizers would move it on by what they remember.
    const frozen = (step.stage?.frozen ?? [])
      .filter((name) => name in trainable)
      .map((name) => [online[name]!, tf.clone(online[name]!)] as const);
    // Before the update, which may count a schedule on.
    const rate = tf.add(tf.scalar(0), optimizers[0]!.optimizer.learningRate());
    const metrics = tf.concat([auxiliary.metrics!, tf.stack([globalNorm(Object.values(gradients)), rate])]);
    for (const { optimizer, names } of optimizers) {
      optimizer.applyGradients(Object.fromEntries(names.map((name) => [name, gradients[name]!])));
    }
    for (const [name, mask] of Object.entries(masks)) online[name]!.assign(tf.mul(online[name]!, mask));
    for (const [variable, before] of frozen) variable.assign(before as never);
    for (const [name, value] of Object.entries(auxiliary)) {
      if (name.startsWith('state/')) online[name.slice('state/'.length)]!.assign(value as never);
    }
    const outputs: Record<string, Tensor> = { metrics };
    if (isPrioritized) outputs.priorities = prioritiesFromLosses(auxiliary.perSample!);
    return outputs;
  };
}

/** Gradients of the loss with respect to the named parameters, without an update: what RigL grows by. */
export function createGradientStep(
  step: LossConfig,
  names: readonly string[],
): (inputs: Record<string, Tensor>) => Record<string, Tensor> {
  return (inputs) => {
    const loss = createLoss(step, inputs);
    const parameters = Object.fromEntries(names.map((name) => [name, step.online[name]!]));
    return lossAndGradients(parameters, () => ({ loss: loss(step.online).total })).gradients;
  };
}
