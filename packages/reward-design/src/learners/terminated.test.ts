// The end of an episode where the observation does not show it: the environment says `terminated`, and observations know no terminal state.
import { type Agent, createRng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { explorationDesign, lineKeyContinuous, qLearning, type TabularEnvironment, tabularAgent } from '../index.ts';

/** Right with the key, and to the key without it, so that most episodes end at the goal. */
const policy = ([x, hasKey]: Float32Array): number => (hasKey === 1 ? 1 : x! < 0.1 ? 1 : x! > 0.2 ? 0 : 2);

async function play(environment: TabularEnvironment, agent: Agent, episodes: number): Promise<number> {
  const rng = createRng(1, 'test');
  let ends = 0;
  for (let episode = 0; episode < episodes; episode++) {
    let observation = environment.reset().observation.slice() as Float32Array;
    for (;;) {
      const action = rng.nextFloat() < 0.2 ? rng.nextInteger(3) : policy(observation);
      const { observation: next, reward, terminated, truncated } = environment.step(action);
      const nextObservation = next.slice() as Float32Array;
      await agent.observe({ observation, action, reward, terminated, truncated, nextObservation });
      observation = nextObservation;
      if (terminated) ends++;
      if (terminated || truncated) break;
    }
  }
  return ends;
}

it('is worth nothing to Q-learning, whose values stay at what an episode pays', async () => {
  const environment = lineKeyContinuous({ slipProbability: 0 }, { seed: 1 });
  const learner = qLearning(environment.mdp);
  expect(await play(environment, tabularAgent(environment, learner, 1), 300)).toBeGreaterThan(200);
  const largest = Math.max(...learner.table);
  expect(largest).toBeGreaterThan(9);
  expect(largest).toBeLessThanOrEqual(10 + 1e-9);
});

describe('the bonus for what is seen seldom', () => {
  it.each([
    [true, 10],
    [false, 11],
  ])('with terminated %s pays %d', (terminated, paid) => {
    const environment = lineKeyContinuous();
    const design = explorationDesign(environment, { hasBonus: true, learned: 'none' }, () => []);
    const [observation, nextObservation] = [Float32Array.of(0.95, 1), Float32Array.of(0.99, 1)];
    const step = { observation, action: 1, reward: 10, terminated, truncated: false, nextObservation, info: {} };
    expect(design.reward(step)).toBe(paid);
  });
});
