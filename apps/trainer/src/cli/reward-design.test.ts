// `moe-rl reward-design study`: a small study from the command line, gone on with by the same line, and what it refuses.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '@moe-rl/core/node';
import type { StudyResult } from '@moe-rl/reward-design';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { runCli } from '../testing/spawn-cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-reward-design-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (): string => readFileSync(join(folder, 'results.jsonl'), 'utf8');
const results = (): StudyResult[] =>
  text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StudyResult);

test('a study keeps a line per run, goes on with more seeds and ends with the table and the picture', async () => {
  const study = (seeds: string) => [
    ...['reward-design', 'study', 'chain', '--folder', folder, '--learner', 'q-learning'],
    ...['--designs', 'original,pbrs,lirpg', '--max-episodes', '60', '--seeds', seeds],
  ];
  const single = await runCli(study('1'));
  expect(single.code).toBe(0);
  // One seed has no interval.
  expect(single.stdout).toMatch(/q-learning\s+original\s+60\s+0 of 1/);
  const first = text();
  expect(results().map(({ design, seed }) => `${design} ${seed}`)).toEqual(['original 0', 'pbrs 0', 'lirpg 0']);
  // What a kill in the middle of a write leaves: the line is run again.
  const again = first.split('\n')[0]!;
  appendFileSync(join(folder, 'results.jsonl'), `null\n${again}\n{"study":"chain","lear`);
  const { code, stdout, stderr } = await runCli(study('2'));
  expect(stderr).toMatch(/results\.jsonl, line 4, is no result: it is left out/);
  expect(stderr).toMatch(/line 5, is of a run that is there already: it is left out/);
  expect(stderr).toMatch(/line 6, is no result/);
  expect(code).toBe(0);
  expect(text().startsWith(first)).toBe(true);
  const rows = text()
    .replace(`null\n${again}\n`, '')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as StudyResult);
  expect(rows.map(({ design, seed }) => `${design} ${seed}`).sort()).toEqual([
    'lirpg 0',
    'lirpg 1',
    'original 0',
    'original 1',
    'pbrs 0',
    'pbrs 1',
  ]);
  // Shaped by V* the chain of 61 states is learned at once; without, nothing leads there in so few episodes.
  for (const { design, episodes, maxEpisodes } of rows) {
    expect(maxEpisodes).toBe(60);
    if (design === 'pbrs') expect(episodes).toBeLessThanOrEqual(40);
    if (design === 'original') expect(episodes).toBeNull();
  }
  expect(stdout).toMatch(/q-learning\s+pbrs\s+\d+ \[\d+, \d+\]\s+2 of 2/);
  expect(stdout).toMatch(/q-learning\s+original\s+60 \[60, 60\]\s+0 of 2/);
  expect(readFileSync(join(folder, 'chain.svg'), 'utf8')).toContain('<svg');

  const foreign = await runCli(['reward-design', 'study', 'room', '--folder', folder]);
  expect(foreign.code).toBe(2);
  expect(foreign.stderr).toContain('has results of chain with at most 60 episodes; expected room with 2000');
  // Runs with another limit are no samples of the same thing.
  const unlimited = await runMain(
    ['reward-design', 'study', 'chain', '--folder', folder, '--learner', 'q-learning', '--designs', 'pbrs'],
    folder,
  );
  expect(unlimited.code).toBe(2);
  expect(unlimited.stderr).toContain('has results of chain with at most 60 episodes; expected chain with 2000');
});

test('a folder is for one study at a time', async () => {
  const unlock = lockFolder(folder);
  const { code, stderr } = await runCli(['reward-design', 'study', 'chain', '--folder', folder]);
  unlock();
  expect(code).toBe(2);
  expect(stderr).toContain(`the folder of results ${folder} is in use by process ${process.pid}`);
});

test('refuses by name, with exit code 2 and no stack trace', async () => {
  for (const [args, message] of [
    [['chian'], 'there is no study "chian"; there are room, chain, line-key'],
    [['chain', '--designs', 'pbrs,expert'], '--designs is "expert"; expected one of original'],
    [['chain', '--learner', 'sarsa'], '--learner is "sarsa"; expected one of q-learning, reinforce'],
    [['chain', '--seeds', '0'], '--seeds is 0; expected an integer of at least 1'],
  ] as const) {
    const { code, stderr } = await runCli(['reward-design', 'study', '--folder', folder, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  }
});
