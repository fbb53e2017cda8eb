// MinAtar Breakout: a ball that only flies diagonally, three rows of bricks, a paddle one cell wide.
import type { GameRules } from '../game-environment.ts';
import { clamp, LEFT, mark, minatarSettings, RIGHT, SIZE } from './board.ts';

const PADDLE = 0;
const BALL = 1;
const TRAIL = 2;
const BRICK = 3;
const PADDLE_ROW = SIZE - 1;
const BRICK_ROWS = [1, 2, 3];

export interface MinatarBreakoutState {
  paddleX: number;
  ballX: number;
  ballY: number;
  /** -1 or 1 each: where the ball is going. */
  directionX: number;
  directionY: number;
  trailX: number;
  trailY: number;
  /** `[10 * 10]`, 1 where a brick is. */
  bricks: number[];
  /** The step before hit a brick, so that this one can't. */
  hasJustStruck: boolean;
}

/** A reward of 1 per brick; ends when the ball gets past the paddle. A cleared wall is built anew when the ball is back at the paddle. */
export const minatarBreakoutRules: GameRules<MinatarBreakoutState> = {
  ...minatarSettings('breakout', 4),
  begin(rng) {
    const isFromLeft = rng.nextInteger(2) === 0;
    const ballX = isFromLeft ? 0 : SIZE - 1;
    return {
      paddleX: 4,
      ballX,
      ballY: 3,
      directionX: isFromLeft ? 1 : -1,
      directionY: 1,
      trailX: ballX,
      trailY: 3,
      bricks: fullWall(),
      hasJustStruck: false,
    };
  },
  advance(state, action) {
    if (action === LEFT) state.paddleX = clamp(state.paddleX - 1, 0, SIZE - 1);
    if (action === RIGHT) state.paddleX = clamp(state.paddleX + 1, 0, SIZE - 1);
    const { ballX, ballY } = state;
    state.trailX = ballX;
    state.trailY = ballY;
    let x = ballX + state.directionX;
    let y = ballY + state.directionY;
    if (x < 0 || x >= SIZE) {
      x = clamp(x, 0, SIZE - 1);
      state.directionX = -state.directionX;
    }
    let reward = 0;
    let terminated = false;
    let isTouchingBrick = false;
    if (y < 0) {
      y = 0;
      state.directionY = -state.directionY;
    } else if (state.bricks[y * SIZE + x] === 1) {
      isTouchingBrick = true;
      if (!state.hasJustStruck) {
        reward = 1;
        state.bricks[y * SIZE + x] = 0;
        y = ballY;
        state.directionY = -state.directionY;
      }
    } else if (y === PADDLE_ROW) {
      if (!state.bricks.includes(1)) state.bricks = fullWall();
      if (ballX === state.paddleX) {
        state.directionY = -state.directionY;
        y = ballY;
      } else if (x === state.paddleX) {
        // Hit on its edge, the ball goes back where it came from.
        state.directionX = -state.directionX;
        state.directionY = -state.directionY;
        y = ballY;
      } else {
        terminated = true;
      }
    }
    state.hasJustStruck = isTouchingBrick;
    state.ballX = x;
    state.ballY = y;
    return { reward, terminated };
  },
  observe(state, target) {
    mark(target, PADDLE, state.paddleX, PADDLE_ROW);
    mark(target, BALL, state.ballX, state.ballY);
    mark(target, TRAIL, state.trailX, state.trailY);
    state.bricks.forEach((brick, cell) => {
      if (brick === 1) mark(target, BRICK, cell % SIZE, Math.floor(cell / SIZE));
    });
  },
};

function fullWall(): number[] {
  return Array.from({ length: SIZE * SIZE }, (_, cell) => (BRICK_ROWS.includes(Math.floor(cell / SIZE)) ? 1 : 0));
}
