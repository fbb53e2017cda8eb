// Training in a folder: a run that was stopped ends with the numbers of a straight one; folders of other settings are refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '@moe-rl/core';
import { loadBackend } from '@moe-rl/tfjs-native';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saysError } from '../household/feedback.ts';
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
