// Room: four rooms in a 7 x 7 grid, one goal in the corner far from the start (Devidze et al. 2021, 2022, 2024).
import { requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { createMdp } from '../mdp/mdp.ts';
import { slipping } from './slip.ts';
import type { TabularGame } from './tabular-environment.ts';

const SIZE = 7;
const MOVES = [
  [0, 1],
  [-1, 0],
  [0, -1],
  [1, 0],
] as const;
const [LEFT, DOWN, RIGHT] = [1, 2, 3];
const GOAL = SIZE * SIZE - 1;
const TERMINAL = SIZE * SIZE;

export interface RoomConfig {
  /** Chance that another action, any of the three alike, is taken instead. Default 0.05 (ExploRS, EXPADARD); EXPRD 0.1. */
  readonly slipProbability?: number;
  /** Pay of going right at the goal. Default 1 (ExploRS); EXPRD and EXPADARD 10. */
  readonly goalReward?: number;
  /** Pay of going up at (1, 0), which leads nowhere. Default 0; ExploRS also 0.01. */
  readonly distractorReward?: number;
  /** Default 0.99 (ExploRS); EXPRD and EXPADARD 0.95. */
  readonly discount?: number;
  /** Agent steps of an episode. Default 30. */
  readonly horizon?: number;
}

/**
 * States are y * 7 + x, x to the right, y upwards, and the end. Actions: up, left, down, right. Starts at (1, 1); right at the goal (6, 6) ends the episode, and
 * so do left and down at (0, 0). A blocked move stays.
 */
export function room(config: RoomConfig = {}): TabularGame {
  requireKnownOptions('room', config, ['slipProbability', 'goalReward', 'distractorReward', 'discount', 'horizon']);
  const { slipProbability = 0.05, goalReward = 1, distractorReward = 0, discount = 0.99, horizon = 30 } = config;
  requireFinite('goalReward', goalReward, 0);
  requireInteger('horizon', horizon, 1);
  requireFinite('distractorReward', distractorReward, 0);
  const rewards = Array.from({ length: TERMINAL + 1 }, () => [0, 0, 0, 0]);
  rewards[GOAL]![RIGHT] = goalReward;
  rewards[1]![0] = distractorReward;
  const intended = rewards.map((_, state) => MOVES.map((_, action) => moved(state, action)));
  return {
    id: 'navigation/room',
    mdp: createMdp({
      discount,
      rewards,
      transitions: slipping(intended, slipProbability),
      terminalStates: [TERMINAL],
      start: SIZE + 1,
    }),
    layout: {
      columns: SIZE,
      rows: SIZE,
      place: (state) => (state === TERMINAL ? undefined : [state % SIZE, SIZE - 1 - Math.floor(state / SIZE)]),
      actionNames: ['up', 'left', 'down', 'right'],
    },
    horizon,
  };
}

function moved(state: number, action: number): number {
  if (state === TERMINAL) return TERMINAL;
  if (state === GOAL && action === RIGHT) return TERMINAL;
  if (state === 0 && (action === LEFT || action === DOWN)) return TERMINAL;
  const [dx, dy] = MOVES[action]!;
  const [x, y] = [state % SIZE, Math.floor(state / SIZE)];
  const [toX, toY] = [x + dx, y + dy];
  const isOutside = toX < 0 || toX >= SIZE || toY < 0 || toY >= SIZE;
  return isOutside || isWall(x, y, toX, toY) ? state : toY * SIZE + toX;
}

/** Between rows 2 and 3 and between columns 2 and 3, with doors at 1 and 5. */
function isWall(x: number, y: number, toX: number, toY: number): boolean {
  if (y !== toY) return Math.min(y, toY) === 2 && x !== 1 && x !== 5;
  return Math.min(x, toX) === 2 && y !== 1 && y !== 5;
}
