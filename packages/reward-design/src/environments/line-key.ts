// LineK in ten cells: a key left of the start has to be picked before the goal at the right end pays (Devidze et al. 2024).
import { requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { createMdp } from '../mdp/mdp.ts';
import { slipping } from './slip.ts';
import type { TabularGame } from './tabular-environment.ts';

const CELLS = 10;
const START = 5;
const KEY = 1;
const TERMINAL = 2 * CELLS;
const [, RIGHT, PICK] = [0, 1, 2];

export interface LineKeyConfig {
  /** Chance that left and right are exchanged. Default 0.1. */
  readonly slipProbability?: number;
  /** Pay of going right in the last cell with the key. Default 10. */
  readonly goalReward?: number;
  /** Default 0.95. */
  readonly discount?: number;
  /** Agent steps of an episode. Default 30. */
  readonly horizon?: number;
}

/**
 * States: ten cells without the key, ten with it, and the end. Actions: left, right, pick. Right in the last cell with the key pays and ends; left in the first
 * cell without it ends.
 */
export function lineKey(config: LineKeyConfig = {}): TabularGame {
  requireKnownOptions('lineKey', config, ['slipProbability', 'goalReward', 'discount', 'horizon']);
  const { slipProbability = 0.1, goalReward = 10, discount = 0.95, horizon = 30 } = config;
  requireInteger('horizon', horizon, 1);
  const rewards = Array.from({ length: TERMINAL + 1 }, () => [0, 0, 0]);
  rewards[2 * CELLS - 1]![RIGHT] = requireFinite('goalReward', goalReward, 0);
  const intended = rewards.map((_, state) => (state === TERMINAL ? [state, state, state] : movesOf(state)));
  return {
    id: 'navigation/line-key',
    mdp: createMdp({
      discount,
      rewards,
      transitions: slipping(intended, slipProbability, (action) => action !== PICK),
      terminalStates: [TERMINAL],
      start: START,
    }),
    layout: lineLayout(CELLS),
    horizon,
  };
}

/** A row of cells without the key above one with it. */
export function lineLayout(cells: number): TabularGame['layout'] {
  return {
    columns: cells,
    rows: 2,
    place: (state) => (state >= 2 * cells ? undefined : [state % cells, Math.floor(state / cells)]),
    rowName: (row) => (row === 0 ? 'no key' : 'key'),
    actionNames: ['left', 'right', 'pick'],
  };
}

function movesOf(state: number): number[] {
  const hasKey = state >= CELLS;
  const cell = state % CELLS;
  const first = state - cell;
  const left = cell === 0 ? (hasKey ? state : TERMINAL) : state - 1;
  const right = cell === CELLS - 1 ? (hasKey ? TERMINAL : state) : state + 1;
  const pick = !hasKey && cell === KEY ? first + CELLS + cell : state;
  return [left, right, pick];
}
