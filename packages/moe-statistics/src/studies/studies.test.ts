// The machinery of rate studies: results on threads equal results in line, whatever was interrupted, cut or killed in between; and what folders refuse.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CorruptDataError, InvalidArgumentError, StorageError } from '@moe-rl/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readResultLines, runStudy, STUDY_NAMES, studyByName, summarizeStudy } from '../node.ts';
import { ResultFolder } from './result-folder.ts';
import { studyTasks } from './study.ts';
import { runStudyTask } from './worker.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-statistics-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PLAN = [
  { size: 60, repeats: 4 },
  { size: 240, repeats: 4 },
];
const sorted = (path: string): string[] => readFileSync(join(path, 'results.jsonl'), 'utf8').trim().split('\n').sort();

describe('running', () => {
  test('two threads give what one task after the other gives, and an interrupted run ends the same', async () => {
    const straight = join(folder, 'straight');
    const seen: number[] = [];
    const outcome = await runStudy('estimation', {
      folder: straight,
      plan: PLAN,
      workers: 2,
      onProgress: (done) => seen.push(done),
    });
    expect(outcome.isComplete).toBe(true);
    expect(seen).toEqual(Array.from({ length: 33 }, (_, done) => done));
    const inline = studyTasks(studyByName('estimation'), PLAN).map((task) =>
      JSON.stringify({ ...task, values: runStudyTask('estimation', 0, task) }),
    );
    expect(sorted(straight)).toEqual(inline.sort());

    const stopped = join(folder, 'stopped');
    const controller = new AbortController();
    const first = await runStudy('estimation', {
      folder: stopped,
      plan: PLAN,
      workers: 2,
      signal: controller.signal,
      onProgress: (done) => done === 7 && controller.abort(),
    });
    expect(first.isComplete).toBe(false);
    expect(readResultLines(join(stopped, 'results.jsonl'))).toHaveLength(7);
    // What a kill in the middle of a write leaves.
    appendFileSync(join(stopped, 'results.jsonl'), '{"key":"m=2,k=0/60/3","set');
    const second = await runStudy('estimation', { folder: stopped, plan: PLAN, workers: 1 });
    expect(second.isComplete).toBe(true);
    expect(sorted(stopped)).toEqual(sorted(straight));
    expect(second.summary).toEqual(outcome.summary);
  });

  test('killed at any moment, it goes on with what is missing', async () => {
    const straight = join(folder, 'straight');
    const killed = join(folder, 'killed');
    await runStudy('estimation', { folder: straight, plan: PLAN, workers: 1 });
    const script = join(folder, 'run.mjs');
    // What was built, where that is under test: Node 20 can't read the source.
    const isDist = process.env.MOE_RL_TEST_TARGET === 'dist';
    const entry = isDist ? '../../dist/node.js' : '../node.ts';
    const conditions = isDist ? [] : ['--conditions=@moe-rl/source'];
    writeFileSync(
      script,
      `import { runStudy } from ${JSON.stringify(new URL(entry, import.meta.url).href)};
      await runStudy('estimation', { folder: ${JSON.stringify(killed)}, plan: ${JSON.stringify(PLAN)}, workers: 2,
        onProgress: (done) => done === 5 && process.kill(process.pid, 'SIGKILL') });`,
    );
    const child = spawn(process.execPath, ['--no-warnings', ...conditions, script], {
      stdio: 'ignore',
    });
    const signal = await new Promise((resolve) => child.on('exit', (_, name) => resolve(name)));
    expect(signal).toBe('SIGKILL');
    const before = readResultLines(join(killed, 'results.jsonl')).length;
    expect(before).toBeGreaterThanOrEqual(5);
    await runStudy('estimation', { folder: killed, plan: PLAN, workers: 2 });
    expect(sorted(killed)).toEqual(sorted(straight));
  });

  test('a folder is one study with one seed and plan; foreign lines are named', async () => {
    await runStudy('approximation', { folder, workers: 1 });
    const other = runStudy('approximation', { folder, seed: 1 });
    await expect(other).rejects.toThrow(InvalidArgumentError);
    await expect(other).rejects.toThrow('holds results of other settings: seed is 0 there and 1 now; choose');
    await expect(runStudy('density', { folder })).rejects.toThrow('study is "approximation" there and "density" now');
    await expect(runStudy('densty', { folder })).rejects.toThrow('expected one of density, approximation');
    appendFileSync(join(folder, 'results.jsonl'), 'not ours\n');
    await expect(runStudy('approximation', { folder })).rejects.toThrow(CorruptDataError);
    await expect(runStudy('approximation', { folder })).rejects.toThrow('line 10, is no result: not ours');
    await expect(runStudy('approximation', { folder, worker: 1 } as never)).rejects.toThrow(/no option "worker"/);
  });

  test('results whose study is not known are not mixed with others', async () => {
    await runStudy('approximation', { folder, workers: 1 });
    rmSync(join(folder, 'study.json'));
    const other = runStudy('approximation', { folder, seed: 5, workers: 1 });
    await expect(other).rejects.toThrow(CorruptDataError);
    await expect(other).rejects.toThrow('has results, but study.json, which says what they are of, is not beside it');
  });

  test('a result is whole numbers by name: null, as JSON writes NaN, counted as 0', () => {
    const path = join(folder, 'results.jsonl');
    const line = { key: 'k=0/8/0', setting: 'k=0', size: 8, repeat: 0, values: { divergence: 1 } };
    for (const wrong of [{ values: null }, { values: { divergence: null } }, { repeat: undefined }, { setting: 1 }]) {
      writeFileSync(path, `${JSON.stringify({ ...line, ...wrong })}\n`);
      expect(() => readResultLines(path)).toThrow(CorruptDataError);
    }
    writeFileSync(path, 'null\n');
    expect(() => readResultLines(path)).toThrow('line 1, is no result: null');
    expect(() => readResultLines(folder)).toThrow(StorageError);
    const results = new ResultFolder(join(folder, 'new'), { study: 'approximation', seed: 0, plan: [] });
    expect(() => results.append({ ...line, values: { divergence: Number.NaN } })).toThrow(
      'k=0/8/0: divergence is NaN; expected a finite number',
    );
    expect(results.lines).toEqual([]);
    results.close();
  });
});

test('a size stands once in a plan: twice, the same repeats would count as further ones', () => {
  const study = studyByName('estimation');
  const plan = [
    { size: 50, repeats: 2 },
    { size: 60, repeats: 1 },
  ];
  const keys = studyTasks(study, plan).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(() => studyTasks(study, [...plan, { size: 50, repeats: 1 }])).toThrow(
    'size 50 is there twice; expected each once, with its repeats',
  );
});

test('approximation slopes are -2, -4, -6', async () => {
  const { summary } = await runStudy('approximation', { folder, workers: 1 });
  expect(summary.series.map(({ slope }) => Math.round(slope!.estimate * 100) / 100)).toEqual([-1.99, -3.99, -5.99]);
});

test('summaries: slopes of power laws, with intervals that hold them, and medians where they are asked for', () => {
  const study = studyByName('theorems');
  const lines = [100, 1000, 10000].flatMap((size) =>
    Array.from({ length: 9 }, (_, repeat) => ({
      key: `T1/${size}/${repeat}`,
      setting: 'T1',
      size,
      repeat,
      values: { loss: Math.sqrt(Math.log(size) / size) * (repeat === 8 ? 50 : 1 + (repeat - 4) / 20) },
    })),
  );
  const { series } = summarizeStudy(study, lines);
  const median = series.find(({ setting, average }) => setting === 'T1' && average === 'median')!;
  expect(median.slope!.estimate).toBeCloseTo(0.5, 10);
  expect(median.slope!.low).toBeLessThanOrEqual(0.5);
  expect(median.slope!.high).toBeGreaterThanOrEqual(0.5);
  const mean = series.find(({ setting, average }) => setting === 'T1' && average === 'mean')!;
  expect(mean.points[0]!.estimate).toBeGreaterThan(5 * median.points[0]!.estimate);
  const large = series.find(({ setting, from }) => setting === 'T1' && from === 1000)!;
  expect(large.points.map(({ size }) => size)).toEqual([1000, 10000]);
  // The order of lines means nothing.
  expect(summarizeStudy(study, [...lines].reverse())).toEqual(summarizeStudy(study, lines));
});

test('every study runs a small task of every setting', () => {
  for (const name of STUDY_NAMES) {
    const study = studyByName(name);
    for (const setting of study.settings) {
      const size = name === 'approximation' ? 4 : 120;
      const values = runStudyTask(name, 3, { key: `${setting}/${size}/0`, setting, size, repeat: 0 });
      for (const { value } of study.series.filter((series) => series.setting === setting)) {
        expect(values[value], `${name} ${setting} ${value}`).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(values[value])).toBe(true);
      }
    }
  }
});
