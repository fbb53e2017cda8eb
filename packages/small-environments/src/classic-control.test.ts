// Step by step against trajectories recorded from Gymnasium.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { acrobot, cartPole, mountainCar, type SmallEnvironment } from './index.ts';

const { trajectories } = JSON.parse(
  readFileSync(new URL('../../../testdata/small-environments/gymnasium.json', import.meta.url), 'utf8'),
);
const makers: Record<string, { make: () => SmallEnvironment; names: string[] }> = {
  'CartPole-v1': { make: cartPole, names: ['position', 'velocity', 'angle', 'angularVelocity'] },
  'MountainCar-v0': { make: mountainCar, names: ['position', 'velocity'] },
  'Acrobot-v1': { make: acrobot, names: ['angle1', 'angle2', 'speed1', 'speed2'] },
};

interface Trajectory {
  environment: string;
  start: number[];
  actions: number[];
  /** Of every step but the last, and of the last. */
  rewards: [number, number];
  terminated: number;
  truncated: number;
  observations: [step: number, values: number[]][];
}

describe('Gymnasium trajectories', () => {
  (trajectories as Trajectory[]).forEach((trajectory, index) => {
    it(`${trajectory.environment} ${index}: the same observations, rewards and ends`, () => {
      const { environment, start, actions, rewards, terminated, truncated } = trajectory;
      const { make, names } = makers[environment]!;
      const env = make();
      env.reset();
      const game = Object.fromEntries(names.map((name, position) => [name, start[position]]));
      env.setState({ ...env.getState(), game: JSON.stringify(game) });
      const expected = new Map(trajectory.observations);
      actions.forEach((action, step) => {
        const result = env.step(action);
        const isLast = step === actions.length - 1;
        expect(result.reward).toBe(isLast ? rewards[1] : rewards[0]);
        expect(result.terminated).toBe(isLast && terminated === 1);
        expect(result.truncated).toBe(isLast && truncated === 1);
        expected.get(step)?.forEach((value, position) => {
          expect(Math.abs(result.observation[position]! - value)).toBeLessThan(1e-5);
        });
      });
    });
  });
});
