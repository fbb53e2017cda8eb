// A program as the design of a run's reward: what it pays, what it survives, and that it goes on exactly.
import { CheckpointError } from '@moe-rl/core';
import { createSmallEnvironment } from '@moe-rl/small-environments';
import { expect, it } from 'vitest';
import { findDescription } from './descriptions/index.ts';
import { createProgramReward, type ProgramRewardOptions } from './program-reward.ts';

const description = findDescription('minatar/breakout');
const SOURCE =
  'function computeReward(env, action, previous) { return env.ball.y - previous.ball.y + (previous.terminated ? 100 : 0) + Math.random() }';

async function open(options: Partial<ProgramRewardOptions> = {}) {
  const environment = createSmallEnvironment('minatar/breakout', { seed: 2 });
  const design = await createProgramReward({ source: SOURCE, description, environment, seed: 4, ...options });
  let observation = environment.reset().observation;
  design.begin?.(observation);
  const play = (steps: number): number[] =>
    Array.from({ length: steps }, (_, index) => {
      const action = index % 6;
      const step = environment.step(action);
      const { reward, terminated, truncated, observation: nextObservation } = step;
      const paid = design.reward({ observation, action, reward, terminated, truncated, nextObservation });
      observation = nextObservation;
      if (terminated) {
        observation = environment.reset().observation;
        design.begin?.(observation);
      }
      return paid;
    });
  return { environment, design, play };
}

it('goes on exactly from its state, in the middle of an episode, random numbers included', async () => {
  const one = await open();
  one.play(37);
  const states = [structuredClone(one.environment.getState()), structuredClone(one.design.getState())] as const;
  const rest = one.play(60);
  const two = await open();
  two.environment.setState(states[0]);
  two.design.setState(states[1]);
  expect(two.play(60)).toEqual(rest);
  // A new episode knows nothing of the end of the one before.
  expect(Math.max(...rest)).toBeLessThan(20);
  expect(() => two.design.setState({ kind: 'other', version: 1 })).toThrow(CheckpointError);
  for (const { design } of [one, two]) design.dispose?.();
});

it("adds the game's own reward where it is asked to", async () => {
  const source = 'function computeReward(env) { return env.gameReward }';
  const { design, play } = await open({ source, gameRewardWeight: 2 });
  const paid = play(300);
  expect(new Set(paid)).toEqual(new Set([0, 3]));
  design.dispose?.();
});

it('is refused with numbers that would spoil every reward, unknown options, and a damaged state', async () => {
  for (const [options, message] of [
    [{ gameRewardWeight: Number.NaN }, 'gameRewardWeight is NaN'],
    [{ gameRewardWeigth: 1 }, 'a program as reward has no option "gameRewardWeigth"'],
    [{ seed: -1 }, 'seed is -1'],
  ] as const) {
    await expect(open(options as Partial<ProgramRewardOptions>)).rejects.toThrow(message);
  }
  const { design } = await open();
  const state = design.getState();
  for (const change of [{ failures: Number.NaN }, { failures: 'many' }, { values: [1, 2] }, { values: null }]) {
    expect(() => design.setState({ ...state, ...change } as typeof state)).toThrow(CheckpointError);
  }
  design.dispose?.();
});

it('goes on over as many failures as it may, says each, and then ends by name', async () => {
  const source = 'function computeReward(env) { return env.ball.y > 5 ? NaN : 1 }';
  const said: string[] = [];
  const { design, play } = await open({ source, maxFailures: 2, onFailure: (message) => said.push(message) });
  expect(() => play(300)).toThrow('the reward program the program returned NaN');
  expect(said).toHaveLength(2);
  expect(said[1]).toContain('its reward is 0 for this step (failure 2 of 2 allowed)');
  expect(design.metrics?.()).toEqual({ 'reward/programFailures': 2 });
  design.dispose?.();
});
