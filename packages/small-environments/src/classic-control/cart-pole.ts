// CartPole (Barto, Sutton and Anderson 1983), with the constants, Euler steps and limits of Gymnasium's CartPole-v1.
import type { GameRules } from '../game-environment.ts';

const GRAVITY = 9.8;
const CART_MASS = 1;
const POLE_MASS = 0.1;
const TOTAL_MASS = CART_MASS + POLE_MASS;
/** Half of the pole's length. */
const POLE_HALF_LENGTH = 0.5;
const POLE_MASS_LENGTH = POLE_MASS * POLE_HALF_LENGTH;
const FORCE = 10;
const SECONDS_PER_STEP = 0.02;
const MAX_ANGLE = (12 * 2 * Math.PI) / 360;
const MAX_POSITION = 2.4;

export interface CartPoleState {
  position: number;
  velocity: number;
  /** Radians from upright. */
  angle: number;
  angularVelocity: number;
}

/** Actions: 0 pushes left, 1 pushes right. Observation: position, velocity, angle, angular velocity. Reward 1 per step. */
export const cartPoleRules: GameRules<CartPoleState> = {
  id: 'classic-control/cart-pole',
  observationSpec: { frameShape: [4], stackSize: 1, dtype: 'float32' },
  actionCount: 2,
  maxEpisodeAgentSteps: 500,
  stickyActionProbability: 0,
  begin(rng) {
    const draw = () => rng.nextFloat() * 0.1 - 0.05;
    return { position: draw(), velocity: draw(), angle: draw(), angularVelocity: draw() };
  },
  advance(state, action) {
    const force = action === 1 ? FORCE : -FORCE;
    const cosine = Math.cos(state.angle);
    const sine = Math.sin(state.angle);
    const pull = (force + POLE_MASS_LENGTH * state.angularVelocity ** 2 * sine) / TOTAL_MASS;
    const angularAcceleration =
      (GRAVITY * sine - cosine * pull) / (POLE_HALF_LENGTH * (4 / 3 - (POLE_MASS * cosine ** 2) / TOTAL_MASS));
    const acceleration = pull - (POLE_MASS_LENGTH * angularAcceleration * cosine) / TOTAL_MASS;
    state.position += SECONDS_PER_STEP * state.velocity;
    state.velocity += SECONDS_PER_STEP * acceleration;
    state.angle += SECONDS_PER_STEP * state.angularVelocity;
    state.angularVelocity += SECONDS_PER_STEP * angularAcceleration;
    return { reward: 1, terminated: Math.abs(state.position) > MAX_POSITION || Math.abs(state.angle) > MAX_ANGLE };
  },
  observe(state, target) {
    target.set([state.position, state.velocity, state.angle, state.angularVelocity]);
  },
};
