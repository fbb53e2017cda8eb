// MinAtar Asterix: treasure and enemies cross the board in eight lanes; pick up the one, keep away from the other.
import type { Rng } from '@moe-rl/core';
import type { GameRules } from '../game-environment.ts';
import { clamp, DOWN, LEFT, mark, minatarSettings, RIGHT, SIZE, UP } from './board.ts';

const PLAYER = 0;
const ENEMY = 1;
const TRAIL = 2;
const TREASURE = 3;
const LANES = 8;
const FIRST_SPAWN_INTERVAL = 10;
const FIRST_MOVE_INTERVAL = 5;
const RAMP_INTERVAL = 100;

interface Mover {
  x: number;
  /** 1 goes right, -1 left. */
  direction: number;
  isTreasure: boolean;
}

export interface MinatarAsterixState {
  playerX: number;
  playerY: number;
  /** Lane k is row k + 1. */
  lanes: (Mover | null)[];
  spawnInterval: number;
  spawnTimer: number;
  moveInterval: number;
  moveTimer: number;
  rampTimer: number;
  ramps: number;
}

/** A reward of 1 per treasure; ends when an enemy touches the player. Both come ever faster. */
export const minatarAsterixRules: GameRules<MinatarAsterixState> = {
  ...minatarSettings('asterix', 4),
  begin: () => ({
    playerX: 5,
    playerY: 5,
    lanes: new Array<Mover | null>(LANES).fill(null),
    spawnInterval: FIRST_SPAWN_INTERVAL,
    spawnTimer: FIRST_SPAWN_INTERVAL,
    moveInterval: FIRST_MOVE_INTERVAL,
    moveTimer: FIRST_MOVE_INTERVAL,
    rampTimer: RAMP_INTERVAL,
    ramps: 0,
  }),
  advance(state, action, rng) {
    if (state.spawnTimer === 0) {
      spawn(state, rng);
      state.spawnTimer = state.spawnInterval;
    }
    if (action === LEFT) state.playerX = clamp(state.playerX - 1, 0, SIZE - 1);
    if (action === RIGHT) state.playerX = clamp(state.playerX + 1, 0, SIZE - 1);
    if (action === UP) state.playerY = clamp(state.playerY - 1, 1, LANES);
    if (action === DOWN) state.playerY = clamp(state.playerY + 1, 1, LANES);

    let reward = 0;
    let terminated = false;
    const touch = () => {
      const mover = state.lanes[state.playerY - 1];
      if (mover?.x !== state.playerX) return;
      if (mover.isTreasure) {
        state.lanes[state.playerY - 1] = null;
        reward++;
      } else {
        terminated = true;
      }
    };
    touch();
    if (state.moveTimer === 0) {
      state.moveTimer = state.moveInterval;
      state.lanes.forEach((mover, lane) => {
        if (mover === null) return;
        mover.x += mover.direction;
        if (mover.x < 0 || mover.x >= SIZE) state.lanes[lane] = null;
      });
      touch();
    }
    state.spawnTimer--;
    state.moveTimer--;
    ramp(state);
    return { reward, terminated };
  },
  observe(state, target) {
    mark(target, PLAYER, state.playerX, state.playerY);
    state.lanes.forEach((mover, lane) => {
      if (mover === null) return;
      mark(target, mover.isTreasure ? TREASURE : ENEMY, mover.x, lane + 1);
      mark(target, TRAIL, mover.x - mover.direction, lane + 1);
    });
  },
};

/** One thing enters a free lane from a random side; a third of them is treasure. */
function spawn(state: MinatarAsterixState, rng: Rng): void {
  const direction = rng.nextInteger(2) === 0 ? 1 : -1;
  const isTreasure = rng.nextInteger(3) === 0;
  const free = state.lanes.flatMap((mover, lane) => (mover === null ? [lane] : []));
  if (free.length === 0) return;
  state.lanes[free[rng.nextInteger(free.length)]!] = { x: direction === 1 ? 0 : SIZE - 1, direction, isTreasure };
}

function ramp(state: MinatarAsterixState): void {
  if (state.spawnInterval <= 1 && state.moveInterval <= 1) return;
  if (state.rampTimer >= 0) {
    state.rampTimer--;
    return;
  }
  if (state.moveInterval > 1 && state.ramps % 2 === 1) state.moveInterval--;
  if (state.spawnInterval > 1) state.spawnInterval--;
  state.ramps++;
  state.rampTimer = RAMP_INTERVAL;
}
