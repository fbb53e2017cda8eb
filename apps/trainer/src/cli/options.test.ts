// From options to settings, and the folder of the quickstart.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readRunConfig } from '@moe-rl/runs';
import { afterAll, expect, it } from 'vitest';
import { requestedSettings } from './options.ts';
import { openFolder } from './quickstart.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-options-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('what a run goes on to read and write is named from anywhere', async () => {
  const config = join(root, 'config.json');
  writeFileSync(config, JSON.stringify({ environment: { rom: 'c.bin', stackSize: 3 }, dataset: { folder: null } }));
  const given = await requestedSettings({
    ...{ rom: 'a.bin', dataset: 'data', config, module: [] },
    set: ['dataset.recordFolder=mine', 'environment.rom=b.bin', 'dataset.folder=null', 'reward.program=p.js', 'seed=3'],
  });
  expect(given.file).toEqual({ environment: { rom: resolve('c.bin'), stackSize: 3 }, dataset: { folder: null } });
  expect(given.options).toMatchObject({ 'environment.rom': resolve('a.bin'), 'dataset.folder': resolve('data') });
  expect(given.set).toEqual([
    ['dataset.recordFolder', resolve('mine')],
    ['environment.rom', resolve('b.bin')],
    ['dataset.folder', 'null'],
    ['reward.program', 'p.js'],
    ['seed', '3'],
  ]);
});

it('the quickstart goes on with what it was asked for at first, and takes nothing back', async () => {
  const runFolder = join(root, 'quickstart');
  const open = async (more: Partial<Parameters<typeof openFolder>[0]>) => {
    const folder = await openFolder({ runFolder, ...more });
    folder.unlock();
    return folder.config.evaluationEpisodes;
  };
  expect(await open({})).toBe(30);
  rmSync(runFolder, { recursive: true });
  expect(await open({ episodes: 5 })).toBe(5);
  mkdirSync(join(runFolder, 'checkpoints', 'checkpoint-000000009000'), { recursive: true });
  expect(await open({ resume: true })).toBe(5);
  await expect(open({ resume: true, agentSteps: 8000 })).rejects.toThrow('has 9000 agent steps of training already');
  expect(await open({ resume: true, agentSteps: 9000, episodes: 7 })).toBe(7);
  expect(readRunConfig(runFolder)).toMatchObject({ trainingAgentSteps: 9000, evaluationEpisodes: 7 });
});
