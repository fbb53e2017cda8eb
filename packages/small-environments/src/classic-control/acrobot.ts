// Acrobot (Sutton 1996; equations of Sutton and Barto's book), with the constants, Runge-Kutta step and limits of Gymnasium's Acrobot-v1.
import type { GameRules } from '../game-environment.ts';

const GRAVITY = 9.8;
const LINK_MASS = 1;
const LINK_LENGTH = 1;
const LINK_CENTER = 0.5;
const LINK_INERTIA = 1;
const SECONDS_PER_STEP = 0.2;
const MAX_SPEED_1 = 4 * Math.PI;
const MAX_SPEED_2 = 9 * Math.PI;

export interface AcrobotState {
  /** Angle of the upper link from hanging down. */
  angle1: number;
  /** Angle of the lower link relative to the upper one. */
  angle2: number;
  speed1: number;
  speed2: number;
}

/**
 * Actions: torque -1, 0, 1 on the joint. Observation: cos and sin of both angles, both speeds. Reward -1 per step, 0 for the one that swings the tip
 * above the line.
 */
export const acrobotRules: GameRules<AcrobotState> = {
  id: 'classic-control/acrobot',
  observationSpec: { frameShape: [6], stackSize: 1, dtype: 'float32' },
  actionCount: 3,
  maxEpisodeAgentSteps: 500,
  stickyActionProbability: 0,
  begin(rng) {
    const draw = () => rng.nextFloat() * 0.2 - 0.1;
    return { angle1: draw(), angle2: draw(), speed1: draw(), speed2: draw() };
  },
  advance(state, action) {
    const from = [state.angle1, state.angle2, state.speed1, state.speed2];
    const [angle1, angle2, speed1, speed2] = rungeKutta4(from, action - 1, SECONDS_PER_STEP) as [
      number,
      number,
      number,
      number,
    ];
    state.angle1 = wrapAngle(angle1);
    state.angle2 = wrapAngle(angle2);
    state.speed1 = Math.min(Math.max(speed1, -MAX_SPEED_1), MAX_SPEED_1);
    state.speed2 = Math.min(Math.max(speed2, -MAX_SPEED_2), MAX_SPEED_2);
    const terminated = -Math.cos(state.angle1) - Math.cos(state.angle1 + state.angle2) > 1;
    return { reward: terminated ? 0 : -1, terminated };
  },
  observe({ angle1, angle2, speed1, speed2 }, target) {
    target.set([Math.cos(angle1), Math.sin(angle1), Math.cos(angle2), Math.sin(angle2), speed1, speed2]);
  },
};

/** Time derivative of (angle1, angle2, speed1, speed2) under a torque on the joint. */
function derivative([angle1, angle2, speed1, speed2]: readonly number[], torque: number): number[] {
  const cosine2 = Math.cos(angle2!);
  const sine2 = Math.sin(angle2!);
  const coupling = LINK_MASS * LINK_LENGTH * LINK_CENTER;
  const inertia2 = LINK_MASS * LINK_CENTER ** 2 + LINK_INERTIA;
  const d1 = 2 * LINK_INERTIA + LINK_MASS * (2 * LINK_CENTER ** 2 + LINK_LENGTH ** 2) + 2 * coupling * cosine2;
  const d2 = inertia2 + coupling * cosine2;
  const phi2 = LINK_MASS * LINK_CENTER * GRAVITY * Math.cos(angle1! + angle2! - Math.PI / 2);
  const phi1 =
    -coupling * sine2 * (speed2! ** 2 + 2 * speed2! * speed1!) +
    LINK_MASS * (LINK_CENTER + LINK_LENGTH) * GRAVITY * Math.cos(angle1! - Math.PI / 2) +
    phi2;
  const acceleration2 =
    (torque + (d2 / d1) * phi1 - coupling * speed1! ** 2 * sine2 - phi2) / (inertia2 - d2 ** 2 / d1);
  const acceleration1 = -(d2 * acceleration2 + phi1) / d1;
  return [speed1!, speed2!, acceleration1, acceleration2];
}

function rungeKutta4(from: readonly number[], torque: number, duration: number): number[] {
  const after = (slope: readonly number[], share: number) =>
    from.map((value, index) => value + duration * share * slope[index]!);
  const k1 = derivative(from, torque);
  const k2 = derivative(after(k1, 0.5), torque);
  const k3 = derivative(after(k2, 0.5), torque);
  const k4 = derivative(after(k3, 1), torque);
  return from.map(
    (value, index) => value + (duration / 6) * (k1[index]! + 2 * k2[index]! + 2 * k3[index]! + k4[index]!),
  );
}

/** Into [-pi, pi] by whole turns. */
function wrapAngle(angle: number): number {
  let wrapped = angle;
  while (wrapped > Math.PI) wrapped -= 2 * Math.PI;
  while (wrapped < -Math.PI) wrapped += 2 * Math.PI;
  return wrapped;
}
