// Catch (Mnih et al. 2014), as in bsuite: a ball falls straight down a small board, the paddle at the bottom has to be under it.
import type { GameRules } from './game-environment.ts';

const ROWS = 10;
const COLUMNS = 5;

export interface CatchState {
  ballRow: number;
  ballColumn: number;
  paddleColumn: number;
}

/** Actions: 0 left, 1 stay, 2 right. Observation `[10, 5]`: 1 where the ball and the paddle are. Reward 1 or -1 when the ball lands, 9 steps after the start. */
export const catchRules: GameRules<CatchState> = {
  id: 'bsuite/catch',
  observationSpec: { frameShape: [ROWS, COLUMNS], stackSize: 1, dtype: 'float32' },
  actionCount: 3,
  maxEpisodeAgentSteps: undefined,
  isBoard: true,
  stickyActionProbability: 0,
  begin: (rng) => ({ ballRow: 0, ballColumn: rng.nextInteger(COLUMNS), paddleColumn: COLUMNS >> 1 }),
  advance(state, action) {
    state.paddleColumn = Math.min(Math.max(state.paddleColumn + action - 1, 0), COLUMNS - 1);
    state.ballRow++;
    const terminated = state.ballRow === ROWS - 1;
    return { reward: terminated ? (state.ballColumn === state.paddleColumn ? 1 : -1) : 0, terminated };
  },
  observe(state, target) {
    target[state.ballRow * COLUMNS + state.ballColumn] = 1;
    target[(ROWS - 1) * COLUMNS + state.paddleColumn] = 1;
  },
};
