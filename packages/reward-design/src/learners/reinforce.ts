// Tabular REINFORCE with a softmax policy.
import { requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { draw } from '../environments/tabular-environment.ts';
import { returnsToGo } from '../explors/episodes.ts';
import type { Mdp } from '../mdp/mdp.ts';
import type { TabularLearner } from './learner.ts';

export interface ReinforceOptions {
  /** Default 0.1 (ExploRS); EXPADARD 0.01. */
  readonly learningRate?: number;
  /** Learns after so many episodes. Default 2. */
  readonly periodEpisodes?: number;
  /** From so many of the newest ones; `tabularAgent` keeps 10. Default 5. */
  readonly batchEpisodes?: number;
}

/**
 * theta(s, .) += rate x mean over all steps of G (1[a] - pi(.|s)), G the designed return from there on (the authors' update, without a baseline).
 * @throws InvalidArgumentError for an unknown option, or one out of range
 */
export function reinforce({ stateCount, actionCount, discount }: Mdp, options: ReinforceOptions = {}): TabularLearner {
  requireKnownOptions('reinforce', options, ['learningRate', 'periodEpisodes', 'batchEpisodes']);
  const { learningRate = 0.1, periodEpisodes = 2, batchEpisodes = 5 } = options;
  requireFinite('learningRate', learningRate, 0);
  requireInteger('periodEpisodes', periodEpisodes, 1);
  requireInteger('batchEpisodes', batchEpisodes, 1);
  const theta = new Float64Array(stateCount * actionCount);
  const probabilities = (state: number): Float64Array => {
    const row = theta.slice(state * actionCount, (state + 1) * actionCount);
    let largest = row[0]!;
    for (const value of row) largest = Math.max(largest, value);
    let sum = 0;
    for (let action = 0; action < actionCount; action++) {
      row[action] = Math.exp(row[action]! - largest);
      sum += row[action]!;
    }
    for (let action = 0; action < actionCount; action++) row[action]! /= sum;
    return row;
  };
  return {
    table: theta,
    act: (state, rng) => draw(probabilities(state), rng),
    greedyAction(state) {
      let best = 0;
      for (let action = 1; action < actionCount; action++) {
        if (theta[state * actionCount + action]! > theta[state * actionCount + best]!) best = action;
      }
      return best;
    },
    probabilities,
    step() {},
    endEpisode(recent, episodes) {
      if (episodes % periodEpisodes !== 0) return;
      const gradient = new Float64Array(theta.length);
      let steps = 0;
      for (const { states, actions, rewards } of recent.slice(-batchEpisodes)) {
        const returns = returnsToGo(rewards, discount);
        for (let time = 0; time < returns.length; time++) {
          const first = states[time]! * actionCount;
          const policy = probabilities(states[time]!);
          for (let action = 0; action < actionCount; action++)
            gradient[first + action]! -= returns[time]! * policy[action]!;
          gradient[first + actions[time]!]! += returns[time]!;
          steps++;
        }
      }
      if (steps === 0) return;
      for (let at = 0; at < theta.length; at++) theta[at]! += (learningRate * gradient[at]!) / steps;
    },
  };
}
