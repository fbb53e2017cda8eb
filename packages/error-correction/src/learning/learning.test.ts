// Metrics of the worked example, speculative inference with models that say what they are told to, and what exploration keeps.

import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { drawArrangement } from '../household/arrangement.ts';
import { END } from '../household/parse.ts';
import { TRAINING_TASKS, taskByInstruction } from '../household/tasks.ts';
import { isDone, type Problem, playEpisodes, successFlags } from './episodes.ts';
import { demonstrate, exploreFree, exploreGuided, planExamples } from './examples.ts';
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

test('at most four model calls per step: one, two or four', async () => {
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
  expect(await calls(END, [])).toEqual([END, 1]);
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
  expect(judged.filter(({ answer }) => answer === 'Task finished')).toHaveLength(3);
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
  // The expert's own step is judged once.
  expect(examples.filter(({ role }) => role === 'judge')).toHaveLength(3 * steps.length);
});

test('teacher-free exploration keeps a correction only if the household accepts it', async () => {
  const task = taskByInstruction('wash cup');
  const sitting = { ...drawArrangement(createRng(1), task), room: 'kitchen' as const, at: 'chair' };
  const one = [{ task, world: { ...sitting, posture: { kind: 'sitting' as const, on: 'chair' } } }];
  const stuck: Roles = {
    ...clumsy,
    plan: async (all) => all.map(({ history }) => (history.length < 2 ? 'walk to sink' : END)),
  };
  const kept = (await exploreFree(stuck, one)).filter(({ role }) => role === 'correct');
  // The step is tried and rejected twice in the same household, which is one thing to learn.
  expect(kept.map(({ answer }) => answer)).toEqual(['stand up']);
  const refused = await exploreFree({ ...stuck, correct: async (all) => all.map(() => 'sit on chair') }, one);
  expect(refused.filter(({ role }) => role === 'correct')).toEqual([]);
  // What the household said of the correction is feedback data nonetheless.
  expect(refused.map(({ answer }) => answer)).toEqual(new Array(2).fill('Error, you are sitting'));

  // Further correctors are asked only for what has no accepted correction yet; END and the rejected action correct nothing.
  const asked: number[] = [];
  const corrector = (action: string) => async (all: readonly unknown[]) => {
    asked.push(all.length);
    return all.map(() => action);
  };
  const correctors = [END, 'walk to sink', 'sit on chair', 'stand up', 'dance'].map(corrector);
  const retried = await exploreFree(stuck, one, { correctors });
  expect(retried.filter(({ role }) => role === 'correct').map(({ answer }) => answer)).toEqual(['stand up']);
  expect(retried.filter(({ role }) => role === 'judge')).toHaveLength(3);
  expect(asked).toEqual([1, 1, 1, 1]);
});
