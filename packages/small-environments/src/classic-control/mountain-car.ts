// MountainCar (Moore 1990), with the constants and limits of Gymnasium's MountainCar-v0.
import type { GameRules } from '../game-environment.ts';

const LEFT_END = -1.2;
const RIGHT_END = 0.6;
const GOAL = 0.5;
const MAX_SPEED = 0.07;
const FORCE = 0.001;
const GRAVITY = 0.0025;

export interface MountainCarState {
  position: number;
  velocity: number;
}

/** Actions: 0 accelerates left, 1 not at all, 2 right. Observation: position, velocity. Reward -1 per step. */
export const mountainCarRules: GameRules<MountainCarState> = {
  id: 'classic-control/mountain-car',
  observationSpec: { frameShape: [2], stackSize: 1, dtype: 'float32' },
  actionCount: 3,
  maxEpisodeAgentSteps: 200,
  stickyActionProbability: 0,
  begin: (rng) => ({ position: -0.6 + 0.2 * rng.nextFloat(), velocity: 0 }),
  advance(state, action) {
    const velocity = state.velocity + (action - 1) * FORCE - Math.cos(3 * state.position) * GRAVITY;
    state.velocity = Math.min(Math.max(velocity, -MAX_SPEED), MAX_SPEED);
    state.position = Math.min(Math.max(state.position + state.velocity, LEFT_END), RIGHT_END);
    if (state.position === LEFT_END && state.velocity < 0) state.velocity = 0;
    return { reward: -1, terminated: state.position >= GOAL && state.velocity >= 0 };
  },
  observe(state, target) {
    target.set([state.position, state.velocity]);
  },
};
