// The run loop on a counting environment: what the agent is shown, how episodes end, how a loop resumes.
import { describe, expect, it } from 'vitest';
import type { Agent } from './agent.ts';
import type { Environment } from './environment.ts';
import { type RunLoopOptions, type RunStep, runLoop } from './run-loop.ts';
import type { Transition } from './transition.ts';

/** Counts up from 0 and ends after `length` steps. One buffer is handed out again and again, as environments may. */
function countingEnvironment(length: number, end: 'terminated' | 'truncated' = 'terminated') {
  const observation = new Float32Array(1);
  const seeds: (number | undefined)[] = [];
  const environment: Environment = {
    id: 'counting',
    observationSpec: { frameShape: [1], stackSize: 1, dtype: 'float32' },
    actionCount: 2,
    reset(options) {
      seeds.push(options?.seed);
      observation[0] = 0;
      return { observation, info: {} };
    },
    step(action) {
      observation[0]!++;
      const ended = observation[0] === length;
      return {
        observation,
        reward: action,
        terminated: ended && end === 'terminated',
        truncated: ended && end === 'truncated',
        info: { count: observation[0]! },
      };
    },
  };
  return { environment, seeds };
}

function recordingAgent() {
  const seen: (Transition & { from: number; to: number })[] = [];
  const modes: string[] = [];
  const agent: Agent = {
    trainingAgentSteps: 0,
    updates: 0,
    act: (observation, mode) => {
      modes.push(mode);
      return observation[0]! % 2;
    },
    observe: (transition) => {
      seen.push({ ...transition, from: transition.observation[0]!, to: transition.nextObservation[0]! });
      return seen.length % 2 === 0 ? { 'train/loss': seen.length } : undefined;
    },
    dispose: () => undefined,
    getState: () => ({}),
    setState: () => undefined,
  };
  return { agent, seen, modes };
}

async function take(options: RunLoopOptions, count: number): Promise<RunStep[]> {
  const steps: RunStep[] = [];
  for await (const step of runLoop(options)) {
    steps.push({ ...step, observation: step.observation.slice() });
    if (steps.length === count) break;
  }
  return steps;
}

describe('runLoop', () => {
  it('shows the agent each transition whole, although the environment reuses its buffer', async () => {
    const { environment, seeds } = countingEnvironment(3);
    const { agent, seen, modes } = recordingAgent();
    const steps = await take({ environment, agent, seed: 5 }, 5);
    expect(seen.map(({ from, to, action, terminated }) => [from, to, action, terminated])).toEqual([
      [0, 1, 0, false],
      [1, 2, 1, false],
      [2, 3, 0, true],
      [0, 1, 0, false],
      [1, 2, 1, false],
    ]);
    expect(steps.map((step) => [step.episodeAgentSteps, step.episodeReturn])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [1, 0],
      [2, 1],
    ]);
    expect(steps.map((step) => step.metrics)).toEqual([
      undefined,
      { 'train/loss': 2 },
      undefined,
      { 'train/loss': 4 },
      undefined,
    ]);
    expect(steps[2]!.observation[0]).toBe(3);
    expect(steps[2]!.info).toEqual({ count: 3 });
    expect(new Set(modes)).toEqual(new Set(['train']));
    expect(seeds).toEqual([5, undefined]);
  });

  it('passes truncation on, and cuts episodes that are too long', async () => {
    const cut = await take({ ...countingEnvironment(2, 'truncated'), agent: recordingAgent().agent }, 2);
    expect(cut.map((step) => [step.terminated, step.truncated])).toEqual([
      [false, false],
      [false, true],
    ]);
    const { agent, seen } = recordingAgent();
    const long = await take({ ...countingEnvironment(100), agent, maxEpisodeAgentSteps: 2 }, 4);
    expect(long.map((step) => step.truncated)).toEqual([false, true, false, true]);
    expect(seen.map((transition) => transition.truncated)).toEqual([false, true, false, true]);
    // An episode that terminates on its very last step is not truncated.
    const last = await take({ ...countingEnvironment(2), agent, maxEpisodeAgentSteps: 2 }, 2);
    expect([last[1]!.terminated, last[1]!.truncated]).toEqual([true, false]);
  });

  it('only acts when it evaluates', async () => {
    const { agent, seen, modes } = recordingAgent();
    await take({ ...countingEnvironment(3), agent, mode: 'evaluate' }, 7);
    expect(seen).toEqual([]);
    expect(new Set(modes)).toEqual(new Set(['evaluate']));
  });

  it('refuses what no environment may give, before the agent sees it', async () => {
    const faults: readonly (readonly [object, string])[] = [
      [{ reward: Number.NaN }, 'counting: the reward of step 2 of an episode is NaN; expected a finite number'],
      [{ reward: undefined }, 'the reward of step 2 of an episode is undefined'],
      [{ reward: '1' }, 'the reward of step 2 of an episode is 1; expected a finite number'],
      [{ observation: new Float32Array(2) }, 'counting: the observation after step 2 of an episode has 2 elements'],
      [{ observation: new Float32Array(0) }, 'has 0 elements; expected 1, as after reset'],
      [{ observation: undefined }, 'has undefined elements'],
    ];
    for (const mode of ['train', 'evaluate'] as const) {
      for (const [fault, message] of faults) {
        const { environment } = countingEnvironment(4);
        const { step } = environment;
        let taken = 0;
        environment.step = (action) => ({ ...step(action), ...(++taken === 2 ? fault : {}) });
        const { agent, seen } = recordingAgent();
        await expect(take({ environment, agent, mode }, 3)).rejects.toThrow(message);
        expect(seen).toHaveLength(mode === 'train' ? 1 : 0);
      }
    }
  });

  it('does not reset before the step after an episode’s end is asked for', async () => {
    const { environment, seeds } = countingEnvironment(2);
    await take({ environment, agent: recordingAgent().agent }, 2);
    expect(seeds).toHaveLength(1);
  });

  it('goes on in the middle of an episode, without a reset and without the seed', async () => {
    const { environment, seeds } = countingEnvironment(4);
    environment.reset();
    environment.step(0);
    const { observation } = environment.step(1);
    const resumeFrom = { observation, episodeAgentSteps: 2, episodeReturn: 1 };
    const { agent, seen } = recordingAgent();
    const steps = await take({ environment, agent, seed: 5, resumeFrom }, 3);
    expect(seen[0]).toMatchObject({ from: 2, to: 3 });
    expect(steps.map((step) => [step.episodeAgentSteps, step.episodeReturn])).toEqual([
      [3, 1],
      [4, 2],
      [1, 0],
    ]);
    expect(seeds).toEqual([undefined, undefined]);
  });
});
