// What a start that fails takes back, and what it must not.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandomAgent, NotFoundError, StorageError, setting } from '@moe-rl/core';
import { createRunFolder, openRunFolder } from '@moe-rl/runs';
import { createSmallEnvironment } from '@moe-rl/small-environments';
import { afterAll, expect, it } from 'vitest';
import { changeOnResume, newRunConfig, registry } from './registry.ts';
import { trainInFolder } from './run-session.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-session-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

registry.environments.register('fragile', {
  description: 'Fails at a step',
  games: ['fragile/catch'],
  settings: {
    file: setting.text('A file', 'here'),
    lastStep: setting.integer('Fails behind it', 150, { minimum: 0, maximum: 1000 }),
  },
  changeableOnResume: ['file', 'lastStep'],
  create({ settings }) {
    if (settings.file !== 'here') throw new NotFoundError(`environment.file is ${settings.file}`);
    const environment = createSmallEnvironment('bsuite/catch');
    let taken = 0;
    const step = (action: number) => {
      if (taken++ === settings.lastStep) throw new StorageError('the power is gone');
      return environment.step(action);
    };
    return { ...environment, step };
  },
});
registry.agents.register('uncounted', {
  description: 'Does not count its steps',
  create({ environment, config }) {
    const { trainingAgentSteps: _, ...agent } = createRandomAgent(environment.actionCount, config.seed);
    return { agent: agent as ReturnType<typeof createRandomAgent> };
  },
});
registry.presets.register('uncounted', { description: 'That', agent: 'uncounted' });

const start = (folder: ReturnType<typeof createRunFolder>, isResume: boolean) =>
  trainInFolder(folder, {
    isResume,
    signal: new AbortController().signal,
    say: () => {},
    output: { write: () => {} },
  }).finally(() => folder.unlock());

it('keeps a run whose agent counts nothing, and takes back one that never began', async () => {
  const names = { game: 'fragile/catch', preset: 'uncounted', checkpointPeriodAgentSteps: 100 };
  const path = join(root, 'run');
  const folder = createRunFolder(path, newRunConfig({ options: names }));
  await expect(start(folder, false)).rejects.toThrow('the checkpoint at agent step 100 is whole');
  expect(folder.checkpoints.list()).toEqual([100]);
  const atOnce = newRunConfig({ options: { ...names, 'environment.lastStep': 0 } });
  await expect(start(createRunFolder(join(root, 'never'), atOnce), false)).rejects.toThrow('the power is gone');
  expect(existsSync(join(root, 'never'))).toBe(false);
});

it('leaves the configuration of a run as it was when it could not go on', async () => {
  const path = join(root, 'run');
  const before = readFileSync(join(path, 'config.json'), 'utf8');
  const resume = (options: Record<string, string | number>) =>
    start(
      openRunFolder(path, (stored) => changeOnResume(stored, { options }), registry),
      true,
    );
  await expect(resume({ 'environment.file': 'elsewhere' })).rejects.toThrow('environment.file is elsewhere');
  await expect(resume({ 'environment.lastStep': 0 })).rejects.toThrow('the power is gone');
  expect(readFileSync(join(path, 'config.json'), 'utf8')).toBe(before);
  // Once it has begun, the change stands.
  await expect(resume({ 'environment.lastStep': 30 })).rejects.toThrow('the power is gone');
  expect(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')).environment.lastStep).toBe(30);
});
