// Chain: a long way right to a reward, and a longer one left to the end (Devidze et al. 2022).
import { InvalidArgumentError, requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { createMdp } from '../mdp/mdp.ts';
import { slipping } from './slip.ts';
import type { TabularGame } from './tabular-environment.ts';

/** The distractor lies so many states left of the start. */
const DISTRACTOR_DISTANCE = 15;

export interface ChainConfig {
  /** States right of the start (n1). Default 15. */
  readonly statesRight?: number;
  /** States left of the start (n2). Default 20. */
  readonly statesLeft?: number;
  /** Chance that the other action is taken instead. Default 0.05. */
  readonly slipProbability?: number;
  /** Pay of going left 15 states left of the start. Default 0; the paper also 0.01. */
  readonly distractorReward?: number;
  /** Default 0.99. */
  readonly discount?: number;
  /** Agent steps of an episode. Default 30. */
  readonly horizon?: number;
}

const NAMES = ['statesRight', 'statesLeft', 'slipProbability', 'distractorReward', 'discount', 'horizon'];

/** States from left to right, and the end. Actions: left, right. Right at the right end pays 1 and stays; left at the left end ends the episode. */
export function chain(config: ChainConfig = {}): TabularGame {
  requireKnownOptions('chain', config, NAMES);
  const { slipProbability = 0.05, distractorReward = 0, discount = 0.99, horizon = 30 } = config;
  const statesRight = requireInteger('statesRight', config.statesRight ?? 15, 1, 10_000);
  const statesLeft = requireInteger('statesLeft', config.statesLeft ?? 20, 0, 10_000);
  requireFinite('distractorReward', distractorReward, 0);
  if (distractorReward > 0 && statesLeft < DISTRACTOR_DISTANCE) {
    throw new InvalidArgumentError(
      `distractorReward is ${distractorReward}, but statesLeft is ${statesLeft}; expected at least ${DISTRACTOR_DISTANCE} states left of the start, where it lies`,
    );
  }
  requireInteger('horizon', horizon, 1);
  const last = statesLeft + statesRight;
  const terminal = last + 1;
  const rewards = Array.from({ length: terminal + 1 }, () => [0, 0]);
  rewards[last]![1] = 1;
  if (statesLeft >= DISTRACTOR_DISTANCE) rewards[statesLeft - DISTRACTOR_DISTANCE]![0] = distractorReward;
  const intended = rewards.map((_, state) =>
    state === terminal ? [terminal, terminal] : [state === 0 ? terminal : state - 1, Math.min(last, state + 1)],
  );
  return {
    id: 'navigation/chain',
    mdp: createMdp({
      discount,
      rewards,
      transitions: slipping(intended, slipProbability),
      terminalStates: [terminal],
      start: statesLeft,
    }),
    layout: {
      columns: last + 1,
      rows: 1,
      place: (state) => (state === terminal ? undefined : [state, 0]),
      actionNames: ['left', 'right'],
    },
    horizon,
  };
}
