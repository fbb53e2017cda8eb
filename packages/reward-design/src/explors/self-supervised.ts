// ExploRS's self-supervised part, as a table: what made returns better than the critic expected is paid for from now on.
import { requireFinite, ShapeError } from '@moe-rl/core';
import { type RewardEpisode, returnsToGo } from './episodes.ts';

export interface SelfSupervisedOptions {
  readonly discount: number;
  /** eta. Default 0.01. */
  readonly learningRate?: number;
  /** Of the critic. Default 0.01. */
  readonly criticLearningRate?: number;
  /** Rewards stay within this, up and down; the authors' 0.01 for Q-learning. Default: no bound. */
  readonly clip?: number;
}

/**
 * One update, in place (ExploRS, section 3): phi += eta sum pi(a|s) (G - V(s)) grad [phi(s, a) - sum_b pi(b|s) phi(s, b)] over all steps, G the true return from there on,
 * V as it was before; then V(s) += eta_c sum (G - V(s)) / steps.
 * @param phi `[S, A]`
 * @param critic `[S]`
 * @param policy `[S, A]`, the learner's
 * @throws ShapeError for a policy of another length; InvalidArgumentError for a learning rate out of range
 */
export function selfSupervisedUpdate(
  phi: Float64Array,
  critic: Float64Array,
  episodes: readonly RewardEpisode[],
  policy: ArrayLike<number>,
  options: SelfSupervisedOptions,
): void {
  const { discount, learningRate = 0.01, criticLearningRate = 0.01, clip = Number.POSITIVE_INFINITY } = options;
  requireFinite('learningRate', learningRate, 0);
  requireFinite('criticLearningRate', criticLearningRate, 0);
  if (policy.length !== phi.length) throw new ShapeError(`policy has ${policy.length} values; expected ${phi.length}`);
  const actionCount = phi.length / critic.length;
  for (const { states, actions, rewards } of episodes) {
    const returns = returnsToGo(rewards, discount);
    for (let time = 0; time < returns.length; time++) {
      const first = states[time]! * actionCount;
      const taken = first + actions[time]!;
      const advantage = policy[taken]! * (returns[time]! - critic[states[time]!]!);
      if (advantage === 0) continue;
      const step = learningRate * advantage;
      for (let at = first; at < first + actionCount; at++) phi[at]! -= step * policy[at]!;
      phi[taken]! += step;
    }
  }
  for (let at = 0; at < phi.length; at++) phi[at] = Math.min(clip, Math.max(-clip, phi[at]!));
  updateCritic(critic, episodes, { discount, learningRate: criticLearningRate });
}

/** The critic of true returns, in place: V(s) += rate x sum over visits of (G - V(s)) / all steps. */
export function updateCritic(
  critic: Float64Array,
  episodes: readonly RewardEpisode[],
  { discount, learningRate }: { readonly discount: number; readonly learningRate: number },
): void {
  requireFinite('criticLearningRate', learningRate, 0);
  const change = new Float64Array(critic.length);
  let steps = 0;
  for (const { states, rewards } of episodes) {
    const returns = returnsToGo(rewards, discount);
    for (let time = 0; time < returns.length; time++) {
      change[states[time]!]! += returns[time]! - critic[states[time]!]!;
      steps++;
    }
  }
  if (steps === 0) return;
  for (let state = 0; state < critic.length; state++) critic[state]! += (learningRate * change[state]!) / steps;
}
