// What one learning rule is: where the targets come from, what the loss is, which penalties are added. Everything else (acting, replay, noise,
// augmentation, optimizers, schedules, checkpoints) is the same for all agents, so two agents differ by their records in `variants.ts`.
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { LearningConfig } from '../config/agent-config.ts';
import type { NetworkOutput } from '../networks/network-interface.ts';

/** What targets are made of. Networks run when they are first asked for, once, and are constants to differentiation. */
export interface TargetContext {
  readonly config: LearningConfig;
  /** `[B]`, int32 */
  readonly actions: Tensor;
  /** `[B]`, n-step sums */
  readonly rewards: Tensor;
  /** `[B]`: gamma^n, and 0 where the episode terminated within the window. */
  readonly discounts: Tensor;
  /** `[Z]`, the atoms of a value distribution; undefined where the network gives plain values. */
  readonly support: Tensor1D | undefined;
  /** Target network on the next states. */
  readonly nextTarget: NetworkOutput;
  /** Online network on the next states, with the noise of the targets. */
  readonly nextOnline: NetworkOutput;
  /** Target network on the states, with the noise of the targets. */
  readonly target: NetworkOutput;
}

/** What losses and penalties are made of. Differentiation goes through `online` and `nextOnline`. */
export interface LossContext extends Pick<TargetContext, 'config' | 'actions' | 'rewards' | 'discounts' | 'support'> {
  /** What the variant's target rule returned: `[B]`, or `[B, Z]` probabilities. */
  readonly targets: Tensor;
  /** Online network on the states. */
  readonly online: NetworkOutput;
  /** Online network on the next states, with the noise of the loss. Runs when first asked for. */
  readonly nextOnline: NetworkOutput;
  /** Online action values `[B, A]`: expectations where the network gives distributions. */
  readonly values: Tensor;
}

/** A batch's targets: `[B]`, or `[B, Z]` probabilities. */
export type TargetRule = (context: TargetContext) => Tensor;

/** A batch's losses `[B]`, unweighted: they are averaged with the importance weights, and priorities come from them. */
export type LossRule = (context: LossContext) => Tensor;

/** Something added to the loss. Importance weights do not touch it, and priorities do not see it. */
export interface Penalty {
  /** Names the metric `train/penalty/<name>`. */
  readonly name: string;
  /** Weight of the penalty, from the configuration; at 0 it is left out. */
  readonly coefficient: (config: LearningConfig) => number;
  /** `[B]`, averaged over the batch. */
  readonly value: (context: LossContext) => Tensor;
}

/** A learning rule by name. */
export interface AgentVariant {
  readonly name: string;
  /** One sentence with its source. */
  readonly description: string;
  /** `plain`: the network gives action values (`agent.atoms` 1); `categorical`: distributions over atoms. */
  readonly values: 'plain' | 'categorical';
  readonly target: TargetRule;
  readonly loss: LossRule;
  readonly penalties: readonly Penalty[];
}
