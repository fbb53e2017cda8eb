// MinAtar Space Invaders: shoot a block of aliens that marches down and shoots back.
import type { GameRules } from '../game-environment.ts';
import { clamp, FIRE, LEFT, mark, minatarSettings, RIGHT, SIZE } from './board.ts';

const CANNON = 0;
const ALIEN = 1;
const ALIEN_LEFT = 2;
const ALIEN_RIGHT = 3;
const FRIENDLY_BULLET = 4;
const ENEMY_BULLET = 5;
const BOTTOM = SIZE - 1;
const CANNON_COOL_DOWN = 5;
const ALIEN_SHOT_INTERVAL = 10;
const FIRST_MOVE_INTERVAL = 12;
const LEAST_FIRST_MOVE_INTERVAL = 6;

type Cell = [x: number, y: number];

export interface MinatarSpaceInvadersState {
  cannonX: number;
  coolDown: number;
  aliens: Cell[];
  /** -1 left, 1 right. */
  direction: number;
  /** The slowest the aliens of this wave move: every so many steps, or every n steps once only n are left. */
  moveInterval: number;
  moveTimer: number;
  shotTimer: number;
  friendlyBullets: Cell[];
  enemyBullets: Cell[];
}

/** A reward of 1 per alien; ends when an alien or its bullet reaches the cannon, or an alien the bottom. Each wave is faster than the one before. */
export const minatarSpaceInvadersRules: GameRules<MinatarSpaceInvadersState> = {
  ...minatarSettings('space-invaders', 6),
  begin: () => ({
    cannonX: 5,
    coolDown: 0,
    aliens: wave(),
    direction: -1,
    moveInterval: FIRST_MOVE_INTERVAL,
    moveTimer: FIRST_MOVE_INTERVAL,
    shotTimer: ALIEN_SHOT_INTERVAL,
    friendlyBullets: [],
    enemyBullets: [],
  }),
  advance(state, action) {
    let terminated = false;
    if (action === FIRE && state.coolDown === 0) {
      state.friendlyBullets.push([state.cannonX, BOTTOM]);
      state.coolDown = CANNON_COOL_DOWN;
    }
    if (action === LEFT) state.cannonX = clamp(state.cannonX - 1, 0, SIZE - 1);
    if (action === RIGHT) state.cannonX = clamp(state.cannonX + 1, 0, SIZE - 1);
    state.friendlyBullets = flown(state.friendlyBullets, -1);
    state.enemyBullets = flown(state.enemyBullets, 1);
    const isAtCannon = ([x, y]: Cell) => x === state.cannonX && y === BOTTOM;
    if (state.enemyBullets.some(isAtCannon)) terminated = true;

    if (state.aliens.some(isAtCannon)) terminated = true;
    if (state.moveTimer === 0) {
      state.moveTimer = Math.min(state.aliens.length, state.moveInterval);
      const edge = state.direction < 0 ? 0 : SIZE - 1;
      if (state.aliens.some(([x]) => x === edge)) {
        state.direction = -state.direction;
        if (state.aliens.some(([, y]) => y === BOTTOM)) terminated = true;
        for (const alien of state.aliens) alien[1]++;
      } else {
        for (const alien of state.aliens) alien[0] += state.direction;
      }
      if (state.aliens.some(isAtCannon)) terminated = true;
    }
    if (state.shotTimer === 0) {
      state.shotTimer = ALIEN_SHOT_INTERVAL;
      const shooter = nearestAlien(state);
      if (shooter !== undefined) state.enemyBullets.push([...shooter]);
    }

    const hits = new Set<number>();
    for (const [x, y] of state.friendlyBullets) hits.add(y * SIZE + x);
    const struck = new Set<number>();
    state.aliens = state.aliens.filter(([x, y]) => {
      if (!hits.has(y * SIZE + x)) return true;
      struck.add(y * SIZE + x);
      return false;
    });
    state.friendlyBullets = state.friendlyBullets.filter(([x, y]) => !struck.has(y * SIZE + x));

    if (state.coolDown > 0) state.coolDown--;
    state.moveTimer--;
    state.shotTimer--;
    if (state.aliens.length === 0) {
      if (state.moveInterval > LEAST_FIRST_MOVE_INTERVAL) state.moveInterval--;
      state.aliens = wave();
    }
    return { reward: struck.size, terminated };
  },
  observe(state, target) {
    mark(target, CANNON, state.cannonX, BOTTOM);
    for (const [x, y] of state.aliens) {
      mark(target, ALIEN, x, y);
      mark(target, state.direction < 0 ? ALIEN_LEFT : ALIEN_RIGHT, x, y);
    }
    for (const [x, y] of state.friendlyBullets) mark(target, FRIENDLY_BULLET, x, y);
    for (const [x, y] of state.enemyBullets) mark(target, ENEMY_BULLET, x, y);
  },
};

/** Four rows of six. */
function wave(): Cell[] {
  const aliens: Cell[] = [];
  for (let y = 0; y < 4; y++) for (let x = 2; x < 8; x++) aliens.push([x, y]);
  return aliens;
}

function flown(bullets: Cell[], step: number): Cell[] {
  return bullets.map(([x, y]): Cell => [x, y + step]).filter(([, y]) => y >= 0 && y < SIZE);
}

/** The lowest alien of the column nearest to the cannon, the left one of two equally near. */
function nearestAlien(state: MinatarSpaceInvadersState): Cell | undefined {
  let best: Cell | undefined;
  const distance = ([x]: Cell) => Math.abs(x - state.cannonX);
  for (const alien of state.aliens) {
    if (best === undefined) best = alien;
    const difference = distance(alien) - distance(best);
    const isCloser = difference < 0 || (difference === 0 && alien[0] < best[0]);
    const isLower = alien[0] === best[0] && alien[1] > best[1];
    if (isCloser || isLower) best = alien;
  }
  return best;
}
