// MinAtar Seaquest: a submarine shoots fish and other submarines, picks up divers, and has to surface before its oxygen runs out.
import type { Rng } from '@moe-rl/core';
import type { GameRules } from '../game-environment.ts';
import { clamp, DOWN, FIRE, isOnBoard, LEFT, mark, minatarSettings, RIGHT, SIZE, UP } from './board.ts';

const SUB_FRONT = 0;
const SUB_BACK = 1;
const FRIENDLY_BULLET = 2;
const TRAIL = 3;
const ENEMY_BULLET = 4;
const ENEMY_FISH = 5;
const ENEMY_SUB = 6;
const OXYGEN_GAUGE = 7;
const DIVER_GAUGE = 8;
const DIVER = 9;
const GAUGE_ROW = SIZE - 1;
const DEEPEST_ROW = SIZE - 2;
const MAX_OXYGEN = 200;
const MAX_DIVERS = 6;
const COOL_DOWN = 5;
const ENEMY_SHOT_INTERVAL = 10;
const FIRST_SPAWN_INTERVAL = 20;
const FIRST_MOVE_INTERVAL = 5;
const LEAST_MOVE_INTERVAL = 2;
const DIVER_SPAWN_INTERVAL = 30;
const DIVER_MOVE_INTERVAL = 5;

interface Bullet {
  x: number;
  y: number;
  /** 1 goes right, -1 left. */
  direction: number;
}

interface Swimmer extends Bullet {
  moveTimer: number;
}

interface Enemy extends Swimmer {
  isSub: boolean;
  shotTimer: number;
}

export interface MinatarSeaquestState {
  x: number;
  y: number;
  /** 1 faces right, -1 left. */
  facing: number;
  oxygen: number;
  diversOnBoard: number;
  isAtSurface: boolean;
  coolDown: number;
  friendlyBullets: Bullet[];
  enemyBullets: Bullet[];
  enemies: Enemy[];
  divers: Swimmer[];
  spawnInterval: number;
  spawnTimer: number;
  diverTimer: number;
  moveInterval: number;
  ramps: number;
}

/**
 * A reward of 1 per fish or submarine shot, and on surfacing with six divers as much as the oxygen gauge has cells lit (up to 10). Ends on contact with an enemy
 * or its bullet, without oxygen, or on surfacing without a diver.
 */
export const minatarSeaquestRules: GameRules<MinatarSeaquestState> = {
  ...minatarSettings('seaquest', 10),
  begin: () => ({
    x: 5,
    y: 0,
    facing: -1,
    oxygen: MAX_OXYGEN,
    diversOnBoard: 0,
    isAtSurface: true,
    coolDown: 0,
    friendlyBullets: [],
    enemyBullets: [],
    enemies: [],
    divers: [],
    spawnInterval: FIRST_SPAWN_INTERVAL,
    spawnTimer: FIRST_SPAWN_INTERVAL,
    diverTimer: DIVER_SPAWN_INTERVAL,
    moveInterval: FIRST_MOVE_INTERVAL,
    ramps: 0,
  }),
  advance(state, action, rng) {
    spawn(state, rng);
    steer(state, action);
    let reward = moveFriendlyBullets(state);
    moveDivers(state);
    const isHitByEnemy = moveEnemies(state);
    const isHitByBullet = moveEnemyBullets(state);
    let terminated = isHitByEnemy || isHitByBullet;

    if (state.spawnTimer > 0) state.spawnTimer--;
    if (state.diverTimer > 0) state.diverTimer--;
    if (state.coolDown > 0) state.coolDown--;
    if (state.oxygen < 0) terminated = true;
    if (state.y > 0) {
      state.oxygen--;
      state.isAtSurface = false;
    } else if (!state.isAtSurface) {
      if (state.diversOnBoard === 0) terminated = true;
      else reward += surface(state);
    }
    return { reward, terminated };
  },
  observe(state, target) {
    mark(target, SUB_FRONT, state.x, state.y);
    mark(target, SUB_BACK, state.x - state.facing, state.y);
    for (let cell = 0; cell < litOxygenCells(state); cell++) mark(target, OXYGEN_GAUGE, cell, GAUGE_ROW);
    for (let diver = 0; diver < state.diversOnBoard; diver++) mark(target, DIVER_GAUGE, SIZE - 2 - diver, GAUGE_ROW);
    for (const { x, y } of state.friendlyBullets) mark(target, FRIENDLY_BULLET, x, y);
    for (const { x, y } of state.enemyBullets) mark(target, ENEMY_BULLET, x, y);
    for (const { x, y, direction, isSub } of state.enemies) {
      mark(target, isSub ? ENEMY_SUB : ENEMY_FISH, x, y);
      mark(target, TRAIL, x - direction, y);
    }
    for (const { x, y, direction } of state.divers) {
      mark(target, DIVER, x, y);
      mark(target, TRAIL, x - direction, y);
    }
  },
};

function litOxygenCells(state: Readonly<MinatarSeaquestState>): number {
  return Math.max(0, Math.floor((state.oxygen * SIZE) / MAX_OXYGEN));
}

function spawn(state: MinatarSeaquestState, rng: Rng): void {
  const drawSide = () => {
    const direction = rng.nextInteger(2) === 0 ? 1 : -1;
    return { direction, x: direction === 1 ? 0 : SIZE - 1 };
  };
  if (state.spawnTimer === 0) {
    state.spawnTimer = state.spawnInterval;
    const { direction, x } = drawSide();
    const isSub = rng.nextInteger(3) === 0;
    const y = 1 + rng.nextInteger(DEEPEST_ROW);
    // Enemies in one row all go the same way.
    if (!state.enemies.some((enemy) => enemy.y === y && enemy.direction !== direction)) {
      state.enemies.push({ x, y, direction, moveTimer: state.moveInterval, isSub, shotTimer: ENEMY_SHOT_INTERVAL });
    }
  }
  if (state.diverTimer === 0) {
    state.diverTimer = DIVER_SPAWN_INTERVAL;
    const { direction, x } = drawSide();
    state.divers.push({ x, y: 1 + rng.nextInteger(DEEPEST_ROW), direction, moveTimer: DIVER_MOVE_INTERVAL });
  }
}

function steer(state: MinatarSeaquestState, action: number): void {
  if (action === FIRE && state.coolDown === 0) {
    state.coolDown = COOL_DOWN;
    state.friendlyBullets.push({ x: state.x, y: state.y, direction: state.facing });
  } else if (action === LEFT || action === RIGHT) {
    state.facing = action === LEFT ? -1 : 1;
    state.x = clamp(state.x + state.facing, 0, SIZE - 1);
  } else if (action === UP) {
    state.y = clamp(state.y - 1, 0, DEEPEST_ROW);
  } else if (action === DOWN) {
    state.y = clamp(state.y + 1, 0, DEEPEST_ROW);
  }
}

/** Returns the reward for what was shot; a bullet takes one enemy with it. */
function moveFriendlyBullets(state: MinatarSeaquestState): number {
  let shot = 0;
  state.friendlyBullets = state.friendlyBullets.filter((bullet) => {
    bullet.x += bullet.direction;
    if (!isOnBoard(bullet.x, bullet.y)) return false;
    const target = state.enemies.findIndex((enemy) => enemy.x === bullet.x && enemy.y === bullet.y);
    if (target < 0) return true;
    state.enemies.splice(target, 1);
    shot++;
    return false;
  });
  return shot;
}

function moveDivers(state: MinatarSeaquestState): void {
  const isPickedUp = (diver: Swimmer) => {
    const isHere = diver.x === state.x && diver.y === state.y && state.diversOnBoard < MAX_DIVERS;
    if (isHere) state.diversOnBoard++;
    return isHere;
  };
  state.divers = state.divers.filter((diver) => {
    if (isPickedUp(diver)) return false;
    if (diver.moveTimer > 0) {
      diver.moveTimer--;
      return true;
    }
    diver.moveTimer = DIVER_MOVE_INTERVAL;
    diver.x += diver.direction;
    return isOnBoard(diver.x, diver.y) && !isPickedUp(diver);
  });
}

/** Returns whether an enemy touched the submarine. */
function moveEnemies(state: MinatarSeaquestState): boolean {
  let isHit = false;
  const touches = (enemy: Enemy) => enemy.x === state.x && enemy.y === state.y;
  state.enemies = state.enemies.filter((enemy) => {
    if (touches(enemy)) isHit = true;
    if (enemy.moveTimer > 0) {
      enemy.moveTimer--;
    } else {
      enemy.moveTimer = state.moveInterval;
      enemy.x += enemy.direction;
      if (!isOnBoard(enemy.x, enemy.y)) return false;
      if (touches(enemy)) isHit = true;
    }
    if (enemy.isSub) {
      if (enemy.shotTimer > 0) {
        enemy.shotTimer--;
      } else {
        enemy.shotTimer = ENEMY_SHOT_INTERVAL;
        state.enemyBullets.push({ x: enemy.x, y: enemy.y, direction: enemy.direction });
      }
    }
    return true;
  });
  return isHit;
}

/** Returns whether a bullet hit the submarine. */
function moveEnemyBullets(state: MinatarSeaquestState): boolean {
  let isHit = false;
  const touches = (bullet: Bullet) => bullet.x === state.x && bullet.y === state.y;
  state.enemyBullets = state.enemyBullets.filter((bullet) => {
    if (touches(bullet)) isHit = true;
    bullet.x += bullet.direction;
    if (!isOnBoard(bullet.x, bullet.y)) return false;
    if (touches(bullet)) isHit = true;
    return true;
  });
  return isHit;
}

/** Returns the reward for a full load of divers; each time up, enemies come and move faster. */
function surface(state: MinatarSeaquestState): number {
  state.isAtSurface = true;
  const isFull = state.diversOnBoard === MAX_DIVERS;
  const reward = isFull ? litOxygenCells(state) : 0;
  state.diversOnBoard = isFull ? 0 : state.diversOnBoard - 1;
  state.oxygen = MAX_OXYGEN;
  if (state.spawnInterval > 1 || state.moveInterval > LEAST_MOVE_INTERVAL) {
    if (state.moveInterval > LEAST_MOVE_INTERVAL && state.ramps % 2 === 1) state.moveInterval--;
    if (state.spawnInterval > 1) state.spawnInterval--;
    state.ramps++;
  }
  return reward;
}
