// What a tabular learner is to the loops that train it.
import type { Rng } from '@moe-rl/core';
import type { RewardEpisode } from '../explors/episodes.ts';
import type { Mdp } from '../mdp/mdp.ts';

export interface TabularLearner {
  /** Everything learned, `[S, A]`: values or preferences. Saved and restored as it is. */
  readonly table: Float64Array;
  act(state: number, rng: Rng): number;
  /** The action it holds for the best; the first of equals. */
  greedyAction(state: number): number;
  /** Probabilities `[A]` of `act`. */
  probabilities(state: number): Float64Array;
  /**
   * One step, with the reward to learn from.
   * @param isEnd whether the episode terminated, so that nothing follows; by default where `next` is a terminal state. Environments need not show that state
   */
  step(state: number, action: number, reward: number, next: number, isEnd?: boolean): void;
  /** An episode has ended; `recent` are the newest ones, oldest first, with the rewards to learn from. */
  endEpisode(recent: readonly RewardEpisode[], episodes: number): void;
}

/** The policy `[S, A]` of a learner. */
export function policyTable({ stateCount, actionCount }: Mdp, learner: TabularLearner): Float64Array {
  const policy = new Float64Array(stateCount * actionCount);
  for (let state = 0; state < stateCount; state++) policy.set(learner.probabilities(state), state * actionCount);
  return policy;
}
