// Tabular Q-learning with an epsilon-greedy policy.
import { type Rng, requireFinite, requireKnownOptions } from '@moe-rl/core';
import type { Mdp } from '../mdp/mdp.ts';
import type { TabularLearner } from './learner.ts';

export interface QLearningOptions {
  /** Default 0.5 (EXPRD); ExploRS 0.1. */
  readonly learningRate?: number;
  /** Default 0.1 (EXPRD); ExploRS 0.05. */
  readonly epsilon?: number;
}

/**
 * Learns after every step; equally good actions are taken alike.
 * @throws InvalidArgumentError for an unknown option, or one out of range
 */
export function qLearning(
  { stateCount, actionCount, discount, isTerminal }: Mdp,
  options: QLearningOptions = {},
): TabularLearner {
  requireKnownOptions('qLearning', options, ['learningRate', 'epsilon']);
  const { learningRate = 0.5, epsilon = 0.1 } = options;
  requireFinite('learningRate', learningRate, 0, 1);
  requireFinite('epsilon', epsilon, 0, 1);
  const q = new Float64Array(stateCount * actionCount);
  const best = (state: number): number => {
    let value = q[state * actionCount]!;
    for (let action = 1; action < actionCount; action++) value = Math.max(value, q[state * actionCount + action]!);
    return value;
  };
  const greedy = (state: number, rng: Rng): number => {
    const value = best(state);
    let ties = 0;
    let chosen = 0;
    for (let action = 0; action < actionCount; action++) {
      if (q[state * actionCount + action]! < value) continue;
      ties++;
      if (ties === 1 || rng.nextInteger(ties) === 0) chosen = action;
    }
    return chosen;
  };
  return {
    table: q,
    act: (state, rng) => (rng.nextFloat() < epsilon ? rng.nextInteger(actionCount) : greedy(state, rng)),
    greedyAction: (state) => {
      const value = best(state);
      let action = 0;
      while (q[state * actionCount + action]! < value) action++;
      return action;
    },
    probabilities(state) {
      const value = best(state);
      const row = q.subarray(state * actionCount, (state + 1) * actionCount);
      const ties = row.reduce((count, each) => count + (each >= value ? 1 : 0), 0);
      return row.map((each) => epsilon / actionCount + (each >= value ? (1 - epsilon) / ties : 0));
    },
    step(state, action, reward, next, isEnd = isTerminal[next] === 1) {
      const at = state * actionCount + action;
      const target = reward + (isEnd ? 0 : discount * best(next));
      q[at]! += learningRate * (target - q[at]!);
    },
    endEpisode() {},
  };
}
