// Training in a folder: a run that was stopped ends with the numbers of a straight one; folders of other settings are refused.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '@moe-rl/core';
import { loadBackend } from '@moe-rl/tfjs-native';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saysError } from '../household/feedback.ts';
import { createPolicy } from '../policy/policy.ts';
import { evaluateRoles } from './evaluate.ts';
import { openPolicy } from './folder.ts';
import { learningRateAt, requireSettings, roundStart, type TrainingSettings } from './settings.ts';
import { type TrainingProgress, train } from './train.ts';

const TINY: Partial<TrainingSettings> = {
  tasks: 2,
  demonstrations: 1,
  planUpdates: 6,
  correctionUpdates: 6,
  rounds: 2,
  explorations: 1,
  guidedProposals: 2,
  correctionAttempts: 2,
  batchSize: 4,
  feedbackBatchSize: 4,
  network: { wordSize: 8, size: 8, heads: 2, hiddenSize: 8, encoderLayers: 1, decoderLayers: 1 },
};

let root: string;
beforeAll(async () => {
  await loadBackend({ backend: 'auto', threads: 1 });
  root = mkdtempSync(join(tmpdir(), 'moe-rl-error-correction-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('stopped and gone on with, a run ends exactly as a straight one, mixture and its state included', async () => {
  const settings = {
    ...TINY,
    network: { ...TINY.network!, mixture: { type: 'deepseek', experts: 2, hiddenSize: 4, options: { k: 1 } } },
  };
  const straight = join(root, 'straight');
  const seen: TrainingProgress[] = [];
  await train({ folder: straight, settings, onProgress: (progress) => seen.push(progress) });
  expect(seen.filter(({ kind }) => kind === 'explored')).toHaveLength(2);

  const stopped = join(root, 'stopped');
  const controller = new AbortController();
  const output = await train({
    folder: stopped,
    settings,
    signal: controller.signal,
    onProgress: ({ kind }) => {
      if (kind === 'explored') controller.abort();
    },
  });
  expect(output).toMatchObject({ updates: 7, isComplete: false });
  // What it has learned from has to be there as it was; how it would go on from less is another run.
  const explored = join(stopped, 'exploration-1.jsonl');
  const whole = readFileSync(explored, 'utf8');
  writeFileSync(explored, whole.trimEnd().split('\n').slice(0, -1).join('\n'));
  await expect(train({ folder: stopped, settings })).rejects.toThrow(/exploration-1\.jsonl has changed since/);
  rmSync(explored);
  await expect(train({ folder: stopped, settings })).rejects.toThrow(/exploration-1\.jsonl, .*, is gone/);
  writeFileSync(explored, whole);
  const second = join(stopped, 'exploration-2.jsonl');
  for (const example of ['null', '{}', '{"role":"plan","answer":"END","question":{"observation":[]}}']) {
    writeFileSync(second, example);
    await expect(train({ folder: stopped, settings })).rejects.toThrow(/exploration-2\.jsonl, line 1, is no example/);
  }
  rmSync(second);
  const cost = join(stopped, 'cost.json');
  const spent = readFileSync(cost, 'utf8');
  writeFileSync(cost, 'null');
  await expect(train({ folder: stopped, settings })).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
  writeFileSync(cost, spent);
  expect((await train({ folder: stopped, settings })).isComplete).toBe(true);
  for (const file of ['policy.safetensors', 'exploration-1.jsonl', 'exploration-2.jsonl']) {
    expect(readFileSync(join(stopped, file)).equals(readFileSync(join(straight, file))), file).toBe(true);
  }
  // Finished: nothing is left to do.
  expect(await train({ folder: stopped, settings })).toMatchObject({ updates: 12, isComplete: true });

  const { policy } = await openPolicy(stopped);
  const { results } = await evaluateRoles(policy.roles, {
    arrangements: 1,
    tasks: ['wash plate', 'put apple on table'],
  });
  const ofOneSplit = await evaluateRoles(policy.roles, { arrangements: 1, tasks: ['wash plate'] });
  policy.dispose();
  expect(ofOneSplit.results.map(({ split }) => split)).toEqual(['tasks', 'tasks']);
  expect(results.map(({ split, inference }) => `${split} ${inference}`)).toEqual([
    ...['arrangements plain', 'arrangements speculative', 'tasks plain', 'tasks speculative'],
  ]);
  for (const result of results) {
    expect(result.callsPerStep).toBeLessThanOrEqual(4);
    expect(result.episodes).toHaveLength(1);
  }
}, 180_000);

test('actions are drawn from the distribution: near temperature 0 the likeliest, above it others, the same for the same seed', async () => {
  const { policy } = await openPolicy(join(root, 'straight'));
  const situation = { instruction: 'wash plate', observation: ['room kitchen', 'hands empty'], history: [] };
  const situations = Array.from({ length: 20 }, () => situation);
  const likeliest = await policy.roles.plan(situations);
  expect(await policy.sample('plan', situations, createRng(1), 1e-6)).toEqual(likeliest);
  const drawn = await policy.sample('plan', situations, createRng(1), 1);
  expect(new Set(drawn).size).toBeGreaterThan(5);
  expect(await policy.sample('plan', situations, createRng(1), 1)).toEqual(drawn);

  // A correction is another action than the rejected one, also where that is what the corrector would say freely.
  const feedback = 'Error, you are sitting';
  const questions = drawn.map((action) => ({ ...situation, action, feedback }));
  const free = await policy.sample('correct', questions, createRng(1), 1e-6);
  const insisted = questions.map((question, index) => ({ ...question, action: free[index]! }));
  for (const asked of [questions, insisted]) {
    const corrected = await policy.roles.correct(asked);
    expect(corrected.filter((action, index) => action === asked[index]!.action)).toEqual([]);
  }
  policy.dispose();
});

test('what can not be learned, and a policy of another kind, are refused by name', async () => {
  const example = {
    role: 'plan',
    answer: 'END',
    question: { instruction: 'x', observation: [], history: [] },
  } as const;
  const { policy } = await openPolicy(join(root, 'straight'));
  await expect(policy.learn([], 0.1)).rejects.toThrow('the batch is empty');
  await expect(
    policy.learn(
      Array.from({ length: 5 }, () => example),
      0.1,
    ),
  ).rejects.toThrow('5 examples of plan');
  await expect(policy.learn([example], Number.NaN)).rejects.toThrow('learningRate is NaN');
  await expect(policy.learn([{ ...example, role: 'plans' } as never], 0.1)).rejects.toThrow('role is "plans"');
  const state = await policy.getState();
  const other = { ...state, words: { ...state['words']!, data: new Int32Array(state['words']!.data.length) } };
  await expect(policy.setState(other)).rejects.toThrow('other numbers than float32 for words');
  policy.dispose();
  await expect(createPolicy({ seed: 1, batchsize: 2 } as never)).rejects.toThrow('a policy has no option "batchsize"');
  await expect(createPolicy({ seed: 1, batchSize: 0 })).rejects.toThrow('batchSize is 0');
});

test('a start that failed before anything was saved leaves a folder that other settings may have', async () => {
  const folder = join(root, 'failed');
  mkdirSync(folder);
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(requireSettings({ ...TINY, tasks: 3 })));
  const settings = { ...TINY, planUpdates: 1, correctionUpdates: 1, plansOnly: true, rounds: 1 };
  expect(await train({ folder, settings })).toMatchObject({ isComplete: true });
  expect(JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'))).toMatchObject({ tasks: 2 });
  // Somebody's own file of that name is left alone.
  const own = join(root, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'settings.json'), '{"color": "red"}');
  await expect(train({ folder: own, settings })).rejects.toThrow('setting "color" is unknown');
  expect(readFileSync(join(own, 'settings.json'), 'utf8')).toBe('{"color": "red"}');
});

test('along plans as many steps are proposed as the settings say, drawn at their temperature', async () => {
  const explored = async (name: string, changes: Partial<TrainingSettings>): Promise<string[]> => {
    const folder = join(root, name);
    await train({
      folder,
      settings: { ...TINY, rounds: 1, explorations: 0, planUpdates: 1, correctionUpdates: 1, ...changes },
    });
    return readFileSync(join(folder, 'exploration-1.jsonl'), 'utf8').trim().split('\n');
  };
  const likeliest = await explored('likeliest', { guidedProposals: 1 });
  expect(await explored('cold', { guidedProposals: 4, temperature: 1e-6 })).toEqual(likeliest);
  expect((await explored('drawn', { guidedProposals: 4 })).length).toBeGreaterThan(likeliest.length);
});

test('trained on plans alone nothing is explored, and the learning rates are the same', async () => {
  const folder = join(root, 'plans');
  const seen: TrainingProgress[] = [];
  await train({ folder, settings: { ...TINY, plansOnly: true }, onProgress: (progress) => seen.push(progress) });
  expect(seen.some(({ kind }) => kind === 'explored')).toBe(false);
  await expect(train({ folder, settings: { ...TINY, tasks: 3 } })).rejects.toThrow(
    /holds a run of other settings: tasks is 2 there and 3 now, plansOnly is true there and false now/,
  );
  writeFileSync(join(folder, 'policy.safetensors'), 'torn');
  await expect(train({ folder, settings: { ...TINY, plansOnly: true } })).rejects.toMatchObject({
    code: 'CORRUPT_DATA',
  });
  await expect(openPolicy(join(root, 'nowhere'))).rejects.toThrow(/nowhere holds no run/);
});

test('settings are refused by name, and a mixture that can not be recorded', async () => {
  expect(() => requireSettings({ task: 3 } as Partial<TrainingSettings>)).toThrow(
    /setting "task" is unknown.*did you mean tasks/,
  );
  expect(() => requireSettings({ rounds: 0 })).toThrow('rounds is 0; expected an integer of at least 1');
  const mixture = { type: 'base', experts: 2, hiddenSize: 4 };
  await expect(
    train({ folder: join(root, 'base'), settings: { ...TINY, network: { ...TINY.network!, mixture } } }),
  ).rejects.toThrow(/mixture.type is "base", which chooses on the host/);
  const settings = requireSettings({ planUpdates: 100, correctionUpdates: 100, rounds: 2, learningRate: 1 });
  expect([0, 99, 149, 199].map((update) => learningRateAt(settings, update))).toEqual([0.01, 1, 0.51, 0.01]);
  expect(roundStart(settings, 1)).toBe(150);
  expect(saysError('there is no terror')).toBe(false);
});
