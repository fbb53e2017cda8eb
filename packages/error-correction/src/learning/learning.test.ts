// Metrics of the worked example, speculative inference with models that say what they are told to, and what exploration keeps.

import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { describe, expect, test } from 'vitest';
import { drawArrangement } from '../household/arrangement.ts';
import { act } from '../household/checker.ts';
import { expertPlan } from '../household/expert.ts';
import { END } from '../household/parse.ts';
import { TRAINING_TASKS, taskByInstruction } from '../household/tasks.ts';
import { isDone, type Problem, playEpisodes, successFlags } from './episodes.ts';
import { demonstrate, type Example, exploreFree, exploreGuided, planExamples } from './examples.ts';
import { plainActions, speculativeActions } from './inference.ts';
import {
  correctedShare,
  longestCommonSubsequence,
  planAgreement,
  stepExecutability,
  taskExecutability,
} from './metrics.ts';
import { countCalls, type Roles } from './roles.ts';

const problems: readonly Problem[] = TRAINING_TASKS.slice(0, 12).map((task, index) => ({
  task,
  world: drawArrangement(createRng(index), task),
}));
const demonstrations = demonstrate(problems);

/** Plays expert plans, with every third step replaced by one that fails. */
const clumsy: Roles = {
  plan: async (situations) =>
    situations.map(({ history, observation, instruction }) => {
      if (history.length % 3 === 2 && !history.at(-1)!.startsWith('grab moon')) return 'grab moon';
      return observation.length > 0 && instruction ? 'walk to kitchen' : END;
    }),
  judge: async (judgements) =>
    judgements.map(({ action }) => (action === 'grab moon' ? 'Error, there is no moon' : 'True')),
  correct: async (corrections) => corrections.map(() => 'stand up'),
};

test('the worked example of the metrics', () => {
  const text = readFileSync(new URL('../../../../testdata/error-correction/examples.json', import.meta.url), 'utf8');
  const { e2cl_metrics: entry } = JSON.parse(text) as {
    e2cl_metrics: { generated: string[]; expert: string[]; success_flags: boolean[][] } & Record<string, number>;
  };
  expect(longestCommonSubsequence(entry.generated, entry.expert)).toBe(entry['lcs']);
  expect(planAgreement(entry.generated, entry.expert)).toBeCloseTo(entry['lcs_over_max_len']!, 7);
  expect(stepExecutability(entry.success_flags)).toBeCloseTo(entry['step_executability']!, 7);
  expect(taskExecutability(entry.success_flags)).toBe(entry['task_executability']);
});

test('metrics at their edges', () => {
  expect(longestCommonSubsequence([], ['a'])).toBe(0);
  expect(planAgreement([], [])).toBe(1);
  expect(taskExecutability([[], [true]])).toBe(0.5);
  expect(() => stepExecutability([[]])).toThrow('successFlags has no steps');
  expect(() => taskExecutability([])).toThrow('successFlags is empty');
  expect(correctedShare(0, 0)).toBeNull();
  expect(correctedShare(4, 1)).toBe(0.25);
});

test('a model that always says "True" acts as without speculation', async () => {
  const trusting: Roles = { ...clumsy, judge: async (judgements) => judgements.map(() => 'True') };
  const plain = await playEpisodes(trusting, problems, { inference: 'plain' });
  const speculative = await playEpisodes(trusting, problems, { inference: 'speculative' });
  expect(speculative).toEqual(plain);
  expect(plain.flatMap(successFlags)).toContain(false);
});

test('at most four model calls per step: two or four', async () => {
  const situation = { instruction: 'wash cup', observation: ['room kitchen'], history: [] };
  const calls = async (action: string, answers: readonly string[]) => {
    const left = [...answers];
    const model: Roles = {
      plan: async () => [action],
      judge: async () => [left.shift()!],
      correct: async () => ['stand up'],
    };
    const counted = countCalls(model);
    const [chosen] = await speculativeActions(counted.roles, [situation]);
    const { plan, judge, correct } = counted.calls;
    return [chosen, plan + judge + correct];
  };
  // END is a proposal like others.
  expect(await calls(END, ['Task finished'])).toEqual([END, 2]);
  expect(await calls(END, ['Error, task is not finished', 'True'])).toEqual(['stand up', 4]);
  expect(await calls('grab cup', ['True'])).toEqual(['grab cup', 2]);
  expect(await calls('grab cup', ['Task finished'])).toEqual(['grab cup', 2]);
  expect(await calls('grab cup', ['Error, no cup to be seen', 'True'])).toEqual(['stand up', 4]);
  // The fallback: where the correction is foreseen to fail too, the proposal is kept.
  expect(await calls('grab cup', ['Error, no cup to be seen', 'Error, you are standing'])).toEqual(['grab cup', 4]);
  expect(await plainActions({ ...clumsy, plan: async () => ['find cup'] }, [situation])).toEqual(['find cup']);
});

test('in a batch each situation gets its own answer', async () => {
  const model: Roles = {
    plan: async (situations) => situations.map(({ history }) => history[0]!),
    judge: async (judgements) =>
      judgements.map(({ action }) => (action.startsWith('bad') ? 'Error, it is bad' : 'True')),
    correct: async (corrections) => corrections.map(({ action }) => (action === 'bad 1' ? 'good 1' : 'bad again')),
  };
  const situations = ['bad 1', 'fine', END, 'bad 2'].map((first) => ({
    instruction: 'wash cup',
    observation: [],
    history: [first],
  }));
  expect(await speculativeActions(model, situations)).toEqual(['good 1', 'fine', END, 'bad 2']);
});

test('what is no inference, and a model that answers too little or no text, are refused by name', async () => {
  const [problem] = problems;
  const play = (roles: Partial<Roles>, options = {}) => playEpisodes({ ...clumsy, ...roles }, [problem!], options);
  await expect(play({}, { inference: 'Plain' })).rejects.toThrow('inference is "Plain"; expected one of plain');
  await expect(play({}, { maxTurns: Number.NaN })).rejects.toThrow('maxTurns is NaN');
  await expect(play({}, { turns: 3 })).rejects.toThrow('playing episodes has no option "turns"');
  const speculative = { inference: 'speculative' };
  for (const [roles, message] of [
    [{ plan: async () => [] }, 'the role plan gave 0 answers to 1 questions'],
    [{ plan: async () => [undefined] }, 'the role plan answered undefined; expected a text'],
    [{ plan: async () => undefined }, 'the role plan gave undefined; expected a list of answers'],
    [{ plan: async () => ['grab moon'], judge: async () => [null] }, 'the role judge answered null'],
    [{ plan: async () => ['grab moon'], correct: async () => ['a', 'b'] }, 'the role correct gave 2 answers to 1'],
  ] as const) {
    await expect(play(roles as unknown as Partial<Roles>, speculative)).rejects.toThrow(message);
  }
});

test('an expert in the planning role finishes every task; END before that ends an episode undone', async () => {
  const byWords = new Map(
    planExamples(demonstrations).map(({ question, answer }) => [JSON.stringify(question), answer]),
  );
  const expert: Roles = {
    ...clumsy,
    plan: async (situations) => situations.map((situation) => byWords.get(JSON.stringify(situation))!),
  };
  const episodes = await playEpisodes(expert, problems);
  expect(episodes.every(isDone)).toBe(true);
  expect(taskExecutability(episodes.map(successFlags))).toBe(1);
  const lazy = await playEpisodes({ ...clumsy, plan: async (all) => all.map(() => END) }, problems);
  expect(lazy.every(({ end, steps }) => end === 'END' && steps.length === 0)).toBe(true);
});

test('teacher-guided exploration corrects rejected proposals by the expert', async () => {
  const examples = await exploreGuided(
    { ...clumsy, plan: async (situations) => situations.map(() => 'grab moon') },
    demonstrations.slice(0, 3),
  );
  const steps = demonstrations.slice(0, 3).flatMap(({ plan }) => plan);
  const corrections = examples.filter(({ role }) => role === 'correct');
  expect(corrections.map(({ answer }) => answer)).toEqual(steps);
  expect(corrections[0]!.question).toMatchObject({ action: 'grab moon', feedback: 'Error, there is no moon' });
  const judged = examples.filter(({ role }) => role === 'judge');
  expect(judged.filter(({ answer }) => answer === 'Error, there is no moon')).toHaveLength(steps.length);
  // The step that finishes each task, and END behind it.
  const finishing = judged.filter(({ answer }) => answer === 'Task finished');
  expect(finishing.filter(({ question }) => 'action' in question && question.action === END)).toHaveLength(3);
  expect(finishing).toHaveLength(6);
});

test('END along an expert plan is rejected, and corrected by the next step', async () => {
  const hasty: Roles = { ...clumsy, plan: async (situations) => situations.map(() => END) };
  const examples = await exploreGuided(hasty, demonstrations.slice(0, 3));
  const steps = demonstrations.slice(0, 3).flatMap(({ plan }) => plan);
  const corrections = examples.filter(({ role }) => role === 'correct');
  expect(corrections.map(({ answer }) => answer)).toEqual(steps);
  expect(corrections[0]!.question).toMatchObject({ action: END, feedback: 'Error, task is not finished' });
});

test('guided exploration may propose several times; each rejected proposal is corrected once', async () => {
  const proposer = (action: string) => async (situations: readonly unknown[]) => situations.map(() => action);
  const proposers = ['grab moon', 'dance', 'grab moon'].map(proposer);
  const examples = await exploreGuided(clumsy, demonstrations.slice(0, 3), { proposers });
  const steps = demonstrations.slice(0, 3).flatMap(({ plan }) => plan);
  const corrections = examples.filter(({ role }) => role === 'correct');
  expect(corrections.map(({ answer }) => answer)).toEqual(steps.flatMap((step) => [step, step]));
  expect(corrections.slice(0, 2).map(({ question }) => 'action' in question && question.action)).toEqual([
    'grab moon',
    'dance',
  ]);
  // The expert's own step is judged once, and END behind each plan.
  expect(examples.filter(({ role }) => role === 'judge')).toHaveLength(3 * steps.length + 3);
});

describe('teacher-free exploration', () => {
  const task = taskByInstruction('wash cup');
  const arrangement = { ...drawArrangement(createRng(1), task), room: 'kitchen' as const, at: 'chair' };
  const world = { ...arrangement, posture: { kind: 'sitting' as const, on: 'chair' } };
  const standing = { ...arrangement, posture: null };
  const onceUp = expertPlan(standing, task);
  /** Tries to walk while it sits; once it stands up, it knows what to do. */
  const seated: Roles = {
    ...clumsy,
    plan: async (all) =>
      all.map(({ history }) => {
        const up = history.indexOf('stand up');
        if (up < 0) return history.length < 2 ? 'walk to sink' : END;
        return onceUp[history.length - up - 1] ?? END;
      }),
  };
  const correctionsOf = (examples: readonly Example[]) => examples.filter(({ role }) => role === 'correct');
  const [sitting, unfinished] = ['Error, you are sitting', 'Error, task is not finished'];

  test('keeps a correction if the household accepts it and the model goes on to finish the task', async () => {
    const kept = correctionsOf(await exploreFree(seated, [{ task, world }]));
    // The step is tried and rejected twice in the same household, which is one thing to learn; END, said too soon, is another.
    expect(kept.map(({ question, answer }) => ['action' in question && question.action, answer])).toEqual([
      ['walk to sink', 'stand up'],
      [END, 'stand up'],
    ]);
  });

  test('keeps none that is rejected; what the household said of it is feedback data nonetheless', async () => {
    const examples = await exploreFree({ ...seated, correct: async (all) => all.map(() => 'sit on chair') }, [
      { task, world },
    ]);
    expect(correctionsOf(examples)).toEqual([]);
    expect(examples.map(({ answer }) => answer)).toEqual([sitting, unfinished, sitting, sitting]);
  });

  test('keeps none behind which the task stays undone', async () => {
    const lost: Roles = { ...seated, plan: async (all) => all.map(() => 'walk to sink') };
    const examples = await exploreFree(lost, [{ task, world }]);
    expect(correctionsOf(examples)).toEqual([]);
    expect(examples.map(({ answer }) => answer)).toEqual([sitting, 'True']);
  });

  test('keeps one that finishes the task itself', async () => {
    const nearlyDone = structuredClone(standing);
    for (const action of onceUp.slice(0, -1)) act(nearlyDone, action);
    const last = onceUp.at(-1)!;
    const hasty: Roles = {
      ...seated,
      plan: async (all) => all.map(() => END),
      correct: async (all) => all.map(() => last),
    };
    const examples = await exploreFree(hasty, [{ task, world: nearlyDone }]);
    expect(examples.map(({ role, answer }) => [role, answer])).toEqual([
      ['judge', unfinished],
      ['judge', 'Task finished'],
      ['correct', last],
    ]);
  });

  test('asks further correctors only for what has no kept correction yet; END and the rejected action correct nothing', async () => {
    const asked: number[] = [];
    const corrector = (action: string) => async (all: readonly unknown[]) => {
      asked.push(all.length);
      return all.map(() => action);
    };
    const correctors = [END, 'walk to sink', 'sit on chair', 'stand up', 'dance'].map(corrector);
    const retried = await exploreFree(seated, [{ task, world }], { correctors });
    expect(correctionsOf(retried).map(({ answer }) => answer)).toEqual(['stand up', 'stand up']);
    // Of the first corrector nothing is judged, of the second only what it says in the place of END.
    expect(retried.filter(({ role }) => role === 'judge')).toHaveLength(2 + 1 + 2 + 2);
    expect(asked).toEqual([2, 2, 2, 2]);
  });
});

test('an episode that begins in the middle tells the model what was done before', async () => {
  const [problem] = problems;
  const histories: (readonly string[])[] = [];
  const model: Roles = {
    ...clumsy,
    plan: async (all) =>
      all.map(({ history }) => {
        histories.push(history);
        return histories.length < 3 ? 'dance' : END;
      }),
  };
  const [episode] = await playEpisodes(model, [{ ...problem!, history: ['stand up'] }]);
  expect(histories).toEqual([['stand up'], ['stand up', 'dance'], ['stand up', 'dance', 'dance']]);
  expect(episode).toMatchObject({ end: 'END', endedIn: { history: ['stand up', 'dance', 'dance'] } });
  expect(episode!.steps).toHaveLength(2);
});
