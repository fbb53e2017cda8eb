// An agent that learns from a designed reward: what the agent is shown, what stays true, when the design is called, and what is refused.
import { expect, it } from 'vitest';
import type { Agent } from './agent.ts';
import type { Environment } from './environment.ts';
import { type RewardDesign, rewardedBy } from './reward-design.ts';
import { runLoop } from './run-loop.ts';

/** Counts to 3 and ends; the true reward is always 1. */
function counting(): Environment {
  let count = 0;
  const observe = () => Float32Array.of(count);
  return {
    id: 'counting',
    observationSpec: { frameShape: [1], stackSize: 1, dtype: 'float32' },
    actionCount: 2,
    reset() {
      count = 0;
      return { observation: observe(), info: {} };
    },
    step() {
      count++;
      return { observation: observe(), reward: 1, terminated: count === 3, truncated: false, info: { count } };
    },
  };
}

function learner(): { agent: Agent; rewards: number[] } {
  const rewards: number[] = [];
  const agent: Agent = {
    trainingAgentSteps: 7,
    updates: 0,
    act: () => 0,
    observe({ reward }) {
      rewards.push(reward);
      return rewards.length % 2 === 0 ? { 'train/loss': 0 } : undefined;
    },
    getState: () => ({}),
    setState() {},
    dispose() {},
  };
  return { agent, rewards };
}

const stateless = { getState: () => ({}), setState() {} };

async function play(agent: Agent, steps: number) {
  const seen = [];
  for await (const step of runLoop({ environment: counting(), agent })) {
    seen.push(step);
    if (seen.length === steps) return seen;
  }
  return seen;
}

it('shows the agent the designed reward and everyone else the true one', async () => {
  const calls: string[] = [];
  const design: RewardDesign = {
    ...stateless,
    begin: (observation) => void calls.push(`begin ${observation[0]}`),
    reward({ reward, info, nextObservation }) {
      calls.push(`reward ${info!.count} ${nextObservation[0]}`);
      return reward + 10 * Number(info!.count);
    },
    endEpisode: () => Promise.resolve().then(() => void calls.push('end')),
    metrics: () => ({ 'my/number': 5 }),
  };
  const { agent, rewards } = learner();
  const steps = await play(rewardedBy(design, agent), 4);
  expect(rewards).toEqual([11, 21, 31, 11]);
  expect(steps.map(({ reward }) => reward)).toEqual([1, 1, 1, 1]);
  expect(steps[2]!.episodeReturn).toBe(3);
  expect(calls).toEqual(['begin 0', 'reward 1 1', 'reward 2 2', 'reward 3 3', 'end', 'begin 0', 'reward 1 1']);
  expect(steps.map(({ metrics }) => metrics)).toEqual([
    undefined,
    { 'train/loss': 0, 'train/designedReward': 21, 'my/number': 5 },
    undefined,
    { 'train/loss': 0, 'train/designedReward': 11, 'my/number': 5 },
  ]);
});

it('begins no episode that is under way, and none for an evaluation', async () => {
  let begun = 0;
  const design: RewardDesign = { ...stateless, begin: () => void begun++, reward: () => 0 };
  const resumed = rewardedBy(design, learner().agent, true);
  await resumed.act(Float32Array.of(1), 'train');
  await resumed.act(Float32Array.of(0), 'evaluate');
  expect(begun).toBe(0);
  await play(rewardedBy(design, learner().agent), 4);
  expect(begun).toBe(2);
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined])('refuses the reward %s', async (bad) => {
  const { agent, rewards } = learner();
  const design: RewardDesign = { ...stateless, reward: () => bad as number };
  await expect(play(rewardedBy(design, agent), 1)).rejects.toThrow(
    `the designed reward is ${bad} at agent step 7 (action 0, true reward 1); expected a finite number`,
  );
  expect(rewards).toEqual([]);
});
