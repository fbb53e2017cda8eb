// MinAtar Freeway: cross eight lanes of cars as often as possible before the time is up.
import type { Rng } from '@moe-rl/core';
import type { GameRules } from '../game-environment.ts';
import { clamp, DOWN, mark, minatarSettings, SIZE, UP } from './board.ts';

const CHICKEN = 0;
const CAR = 1;
/** Planes 2 to 6 hold the trails of cars that move every 1 to 5 steps. */
const FIRST_SPEED = 2;
const LANES = 8;
const CHICKEN_X = 4;
const PLAYER_INTERVAL = 3;
const TIME_LIMIT_AGENT_STEPS = 2500;

interface Car {
  x: number;
  /** 1 goes right, -1 left. */
  direction: number;
  /** Moves every so many steps, 1 to 5. */
  interval: number;
  timer: number;
}

export interface MinatarFreewayState {
  chickenY: number;
  moveTimer: number;
  stepsLeft: number;
  /** Car k is in row k + 1. */
  cars: Car[];
}

/** A reward of 1 per crossing; a car sends the chicken back to the start. Ends when the time is up. */
export const minatarFreewayRules: GameRules<MinatarFreewayState> = {
  ...minatarSettings('freeway', 7),
  begin(rng) {
    const state: MinatarFreewayState = {
      chickenY: SIZE - 1,
      moveTimer: PLAYER_INTERVAL,
      stepsLeft: TIME_LIMIT_AGENT_STEPS,
      cars: Array.from({ length: LANES }, () => ({ x: 0, direction: 1, interval: 1, timer: 1 })),
    };
    drawSpeeds(state.cars, rng);
    return state;
  },
  advance(state, action, rng) {
    let reward = 0;
    if ((action === UP || action === DOWN) && state.moveTimer === 0) {
      state.moveTimer = PLAYER_INTERVAL;
      state.chickenY = clamp(state.chickenY + (action === UP ? -1 : 1), 0, SIZE - 1);
    }
    if (state.chickenY === 0) {
      reward = 1;
      drawSpeeds(state.cars, rng);
      state.chickenY = SIZE - 1;
    }
    state.cars.forEach((car, lane) => {
      const touch = () => {
        if (car.x === CHICKEN_X && state.chickenY === lane + 1) state.chickenY = SIZE - 1;
      };
      touch();
      if (car.timer === 0) {
        car.timer = car.interval;
        car.x = (car.x + car.direction + SIZE) % SIZE;
        touch();
      } else {
        car.timer--;
      }
    });
    if (state.moveTimer > 0) state.moveTimer--;
    state.stepsLeft--;
    return { reward, terminated: state.stepsLeft < 0 };
  },
  observe(state, target) {
    mark(target, CHICKEN, CHICKEN_X, state.chickenY);
    state.cars.forEach((car, lane) => {
      mark(target, CAR, car.x, lane + 1);
      mark(target, FIRST_SPEED + car.interval - 1, (car.x - car.direction + SIZE) % SIZE, lane + 1);
    });
  },
};

function drawSpeeds(cars: Car[], rng: Rng): void {
  for (const car of cars) {
    car.interval = 1 + rng.nextInteger(5);
    car.timer = car.interval;
    car.direction = rng.nextInteger(2) === 0 ? 1 : -1;
  }
}
