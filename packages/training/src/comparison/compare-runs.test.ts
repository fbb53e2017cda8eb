// Which runs are samples of one thing, what is said of each group, and where they are cut.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, type RequestedSettings } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { newRunConfig } from '../registry.ts';
import { compareRuns } from './compare-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-compare-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface MadeRun {
  readonly seed?: number;
  readonly preset?: string;
  readonly set?: RequestedSettings['set'];
  /** Agent steps; an episode ends each 10. */
  readonly length?: number;
  /** Return of an episode or evaluation at an agent step. */
  readonly value?: (agentSteps: number) => number;
  readonly isEvaluated?: boolean;
}

let made = 0;
/** A run folder with a log, as a training would have left it. */
function makeRun({
  seed = 1,
  preset = 'dqn-soft-moe',
  set = [],
  length = 1000,
  value = () => seed,
  isEvaluated = false,
}: MadeRun) {
  const config = newRunConfig({ options: { game: 'minatar/breakout', preset, seed, trainingAgentSteps: length }, set });
  const folder = createRunFolder(join(root, `run-${++made}`), config);
  const rows: string[] = [];
  for (let agentSteps = 10; agentSteps <= length; agentSteps += 10) {
    rows.push(JSON.stringify({ agentSteps, 'episode/return': value(agentSteps) }));
    if (isEvaluated && agentSteps % 200 === 0)
      rows.push(JSON.stringify({ agentSteps, 'evaluation/return': 100 + value(agentSteps) }));
  }
  writeFileSync(folder.metricsFile, `${rows.join('\n')}\n`);
  folder.unlock();
  return folder.path;
}

describe('runs side by side', () => {
  it('are groups by their configurations, labeled by what differs', () => {
    const paths = [1, 2, 4, 8].flatMap((experts) =>
      [1, 2].map((seed) => makeRun({ seed, set: [['network.moe.experts', String(experts)]] })),
    );
    const { groups, notes } = compareRuns(paths);
    expect(groups.map(({ label, seeds }) => [label, seeds])).toEqual(
      [1, 2, 4, 8].map((experts) => [`minatar/breakout, dqn-soft-moe, network.moe.experts=${experts}`, [1, 2]]),
    );
    expect(groups[0]!.statistics).toMatchObject({ mean: 1.5, standardError: 0.5, episodes: 2 });
    expect(notes).toEqual([]);
  });

  it('without a result are told: their group’s numbers are those of the others', () => {
    const paths = [1, 2, 3].map((seed) => makeRun({ seed }));
    // Its first episode is still under way where the others have ended many.
    const late = makeRun({ seed: 4 });
    const metrics = join(late, 'metrics.jsonl');
    writeFileSync(metrics, `${JSON.stringify({ agentSteps: 1000, 'train/loss': 1 })}\n`);
    const { groups, notes } = compareRuns([...paths, late]);
    expect(groups[0]!.statistics).toMatchObject({ mean: 2, episodes: 3 });
    expect(notes).toEqual([
      'minatar/breakout, dqn-soft-moe: 1 of 4 runs have no ended episode up to 1000 agent steps; its numbers are those of 3',
    ]);
    expect(compareRuns(paths).notes).toEqual([]);
  });

  it('are one thing under two presets of one configuration, or with other periods of logs and checkpoints', () => {
    const { groups } = compareRuns([
      makeRun({ seed: 1, preset: 'dqn-soft-moe' }),
      makeRun({ seed: 2, preset: 'dqn-impala', set: [['network.moe.router.type', 'soft']] }),
      makeRun({
        seed: 3,
        set: [
          ['checkpointPeriodAgentSteps', '77'],
          ['logPeriodAgentSteps', '3'],
          ['threads', '2'],
        ],
      }),
    ]);
    expect(groups.map(({ seeds }) => seeds)).toEqual([[1, 2, 3]]);
    const two = compareRuns([makeRun({ preset: 'dqn-soft-moe' }), makeRun({ preset: 'dqn-impala' })]);
    expect(two.groups.map(({ label }) => label)).toEqual([
      'minatar/breakout, dqn-soft-moe',
      'minatar/breakout, dqn-impala',
    ]);
  });

  it('count a folder once however often and under whatever name it is given, and one run per seed', () => {
    const first = makeRun({ seed: 1 });
    const link = join(root, 'link');
    symlinkSync(first, link);
    const twin = makeRun({ seed: 1, value: () => 9 });
    const { groups, notes } = compareRuns([first, first, link, twin, makeRun({ seed: 2 })]);
    expect(groups).toHaveLength(1);
    expect(groups[0]!.seeds).toEqual([1, 2]);
    expect(groups[0]!.statistics!.mean).toBe(1.5);
    expect(notes.join('\n')).toMatch(/run-\d+ was named 3 times and counts once/);
    expect(notes.join('\n')).toMatch(/is left out: .* has the same configuration and seed 1/);
  });

  it('have as much uncertainty as their number allows', () => {
    const single = compareRuns([makeRun({ seed: 1 }), makeRun({ seed: 1, preset: 'dqn-impala' })]);
    expect(single.groups.map(({ statistics, iqm }) => [statistics!.standardError, iqm])).toEqual([
      [null, undefined],
      [null, undefined],
    ]);
    const four = compareRuns([1, 2, 3, 10].map((seed) => makeRun({ seed }))).groups[0]!;
    expect(four.iqm!.estimate).toBe(2.5);
    expect(four.iqm!.low).toBeLessThan(2.5);
    expect(four.iqm!.high).toBeGreaterThan(2.5);
  });

  it('are compared up to the length of the shortest', () => {
    const { agentSteps, groups, notes } = compareRuns([
      makeRun({ seed: 1, length: 500, value: (step) => step }),
      makeRun({ seed: 2, length: 2000, value: (step) => step }),
    ]);
    expect(agentSteps).toBe(500);
    // Episodes of the last tenth: 460 to 500.
    expect(groups[0]!.statistics).toMatchObject({ mean: 480, minimum: 480, maximum: 480 });
    expect(notes).toEqual(['the runs have 500 to 2000 agent steps; all are compared up to 500']);
    for (const curve of groups[0]!.curves) expect(curve.at(-1)!.agentSteps).toBeLessThanOrEqual(500);
  });

  it('are as long as their last step, though a row at the end tells of an earlier one', () => {
    const path = makeRun({ length: 1000, isEvaluated: true, value: (step) => step });
    appendFileSync(join(path, 'metrics.jsonl'), '{"agentSteps":950,"router/saturation":1}\n');
    const { agentSteps, groups } = compareRuns([path]);
    expect(agentSteps).toBe(1000);
    expect(groups[0]!.statistics!.mean).toBe(1100);
  });

  it('keep the rows behind a damaged line, and say which it was', () => {
    const path = makeRun({ seed: 1, value: (step) => step });
    const file = join(path, 'metrics.jsonl');
    const rows = readFileSync(file, 'utf8').split('\n');
    rows[40] = rows[40]!.slice(0, 9);
    writeFileSync(file, rows.join('\n'));
    const { agentSteps, groups, notes } = compareRuns([path, makeRun({ seed: 2, value: (step) => step })]);
    expect(agentSteps).toBe(1000);
    expect(groups[0]!.statistics).toMatchObject({ mean: 955 });
    expect(notes.join()).toMatch(/metrics\.jsonl, line 41, is no row of metrics: it is left out/);
  });

  it('are compared by evaluations where all have them', () => {
    const evaluation = [['evaluation.periodAgentSteps', '200']] as const;
    const evaluated = [1, 2].map((seed) => makeRun({ seed, set: evaluation, isEvaluated: true }));
    const both = compareRuns(evaluated);
    expect(both.measure).toBe('return of the last evaluation');
    expect(both.groups[0]!.statistics!.mean).toBe(101.5);
    expect(both.groups[0]!.curves[0]!.map((point) => point.agentSteps)).toEqual([200, 400, 600, 800, 1000]);
    const mixed = compareRuns([...evaluated, makeRun({ seed: 3 })]);
    expect(mixed.measure).toMatch(/^return of the training episodes of the last 100 agent steps$/);
    expect(mixed.notes.join()).toContain('2 of 3 runs were evaluated during training');
    // Evaluation uses random streams of its own, but it is a setting: it is shown.
    expect(mixed.groups.map(({ label }) => label)).toEqual([
      'minatar/breakout, dqn-soft-moe, evaluation.periodAgentSteps=200',
      'minatar/breakout, dqn-soft-moe, evaluation.periodAgentSteps=null',
    ]);
  });
});
