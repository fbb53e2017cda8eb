// Results and reports of synthetic runs: aggregates, verdicts, the status for scripts, overlays, and a page that stands alone.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { noteFailure } from '../jobs/job-state.ts';
import { readProgress } from '../jobs/progress.ts';
import { analyze, variantScores } from '../results/analysis.ts';
import { readOverlays } from '../results/overlays.ts';
import { curveOf, type RunResult, readResults, scoreOf } from '../results/results.ts';
import { experimentStatus } from '../results/status.ts';
import { resultsText } from '../results/texts.ts';
import { referencePoints } from '../suites/reference-scores.ts';
import { syntheticExperiment } from '../testing/synthetic-runs.ts';
import { temporaryFolder } from '../testing/toy-experiment.ts';
import { writeReport } from './report.ts';

const root = temporaryFolder('report');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const GAMES = ['AirRaid', 'asterix', 'breakout', 'pong', 'qbert'];
const overlayFile = new URL('../../../../testdata/results/dopamine_baselines.csv', import.meta.url).pathname;
const source = (game: string) => referencePoints(game)?.source;

it('refuses a score that there is not, before a report is written', async () => {
  const folder = syntheticExperiment(join(root, 'score'), GAMES, 1, { baseline: 0.5 });
  const scoreKind = 'finla' as 'final';
  expect(() => readResults(folder, scoreKind)).toThrow(/^scoreKind is "finla"; expected one of final, best, average/);
  await expect(writeReport({ folder, scoreKind })).rejects.toThrow(/^scoreKind is "finla"/);
  expect(existsSync(folder.reportFolder)).toBe(false);
});

it('refuses frames and games of overlays that would draw nothing, or one game as two runs', () => {
  const overlay = (content: object): (() => unknown) => {
    const file = join(root, 'overlay.json');
    writeFileSync(file, JSON.stringify(content));
    return () => readOverlays(file);
  };
  const scores = { DQN: [[[1, 2]]] };
  expect(overlay({ games: ['Pong'], scores, frames: [4, 'many'] })).toThrow(
    /frames is \[4,"many"\]; expected a list of/,
  );
  expect(overlay({ games: ['Pong'], scores: { DQN: [[1]] }, frames: 4 })).toThrow(/frames is 4; expected a list of/);
  expect(overlay({ games: ['Pong', 'pong'], scores: { DQN: [[1, 2]] } })).toThrow(/games has pong twice/);
  expect(overlay({ games: ['Pong'], scores, frames: [4, 8] })).not.toThrow();
});

describe('results', () => {
  it('are decided where the intervals are apart, open where they are not', () => {
    const folder = syntheticExperiment(join(root, 'decided'), GAMES, 4, {
      baseline: 0.5,
      soft: 0.8,
      gap: 0.49,
      top1: 0.2,
    });
    const analysis = analyze(readResults(folder), source, 500);
    expect(analysis.leftOut).toEqual(['AirRaid']);
    expect(analysis.normalization).toBe('human');
    const verdicts = Object.fromEntries(analysis.comparisons.map(({ variant, verdict }) => [variant, verdict]));
    expect(verdicts).toEqual({ soft: 'better', gap: 'open', top1: 'worse' });
    const gap = analysis.comparisons.find(({ variant }) => variant === 'gap')!;
    expect(gap.seedsNeeded).toBeGreaterThan(4);
    expect(gap.probability.low).toBeLessThan(0.5);
    const text = resultsText(readResults(folder));
    expect(text).toMatch(/decided: soft is better than baseline/);
    expect(text).toMatch(/open: (about \d+ seeds per game|more than 100 seeds)/);
    expect(text).toMatch(/left out, for want of a reference score: AirRaid/);
  });

  it('say nothing of the spread with one seed, and count what is to come', async () => {
    const folder = syntheticExperiment(join(root, 'single'), GAMES, 2, { baseline: 0.5, soft: 0.8 });
    for (const { id, seed } of folder.jobs) if (seed === 2) rmSync(join(folder.jobsFolder, id), { recursive: true });
    const [comparison] = analyze(readResults(folder), source, 200).comparisons;
    expect(comparison).toMatchObject({ verdict: 'unknown', jobsToCome: 10 });
    const text = resultsText(readResults(folder));
    expect(text).toMatch(/^soft +4 +4 +0\.\d+ +0\.\d+/m);
    expect(text).toMatch(/intervals: none, one run per game says nothing about the spread/);
    expect(text).not.toMatch(/\[|95 %/);
    const tables = readFileSync(await writeReport({ folder }), 'utf8').split('<h2>Scores</h2>')[0]!;
    expect(tables).toMatch(/<td>soft<\/td><td>4<\/td><td>4<\/td><td>0\.\d+<\/td>/);
    expect(tables).not.toMatch(/<td>[^<]*\[|95 %/);
    const figure = readFileSync(join(folder.reportFolder, 'figures', 'aggregate-iqm.svg'), 'utf8');
    expect(figure).toContain('soft');
    expect(figure).not.toContain('fill-opacity="0.35"');
    noteFailure(folder, folder.jobs.at(-1)!.id, 1, { kind: 'configuration', message: 'told to fail' });
    expect(experimentStatus(folder).jobs).toEqual({ total: 20, done: 10, failed: 1, running: 0, waiting: 9 });
    expect(resultsText(readResults(folder))).toMatch(/--soft--s2 failed, 1 attempt; the last on .*: told to fail/);
  });

  it('are as far as the last step, though a row at the end tells of an earlier one', () => {
    const folder = syntheticExperiment(join(root, 'progress'), ['breakout'], 1, { soft: 0.8 });
    const run = join(folder.jobsFolder, folder.jobs[0]!.id);
    const { agentSteps } = readProgress(run)!;
    appendFileSync(join(run, 'metrics.jsonl'), '{"agentSteps":500,"router/saturation":1}\n');
    expect(readProgress(run)!.agentSteps).toBe(agentSteps);
  });

  it('have the form that scripts read', () => {
    const folder = syntheticExperiment(join(root, 'form'), ['breakout'], 3, { baseline: 0.5, soft: 0.8 });
    const status = experimentStatus(folder);
    expect(Object.keys(status)).toEqual(['jobs', 'aggregates']);
    expect(status.jobs).toEqual({ total: 6, done: 6, failed: 0, running: 0, waiting: 0 });
    expect(Object.keys(status.aggregates)).toEqual(['baseline', 'soft']);
    const { iqm } = status.aggregates.soft!;
    expect(Object.keys(iqm)).toEqual(['value', 'low', 'high']);
    expect(iqm.low).toBeLessThanOrEqual(iqm.value);
    expect(Math.abs(iqm.value - 0.77)).toBeLessThan(0.1);
  });

  it('of a run are its last, its best or all evaluations, or its training episodes where it has none', () => {
    const rows = [1, 5, 3].map((value, index) => ({
      agentSteps: 100 * (index + 1),
      values: { 'evaluation/return': value },
    }));
    const curve = curveOf(rows, 100);
    expect(scoreOf(curve, 'final', 2)).toBe(4);
    expect(scoreOf(curve, 'best', 2)).toBe(5);
    expect(scoreOf(curve, 'average', 2)).toBe(3);
    const episodes = [
      [40, 1],
      [90, 3],
      [150, 10],
    ].map(([agentSteps, value]) => ({ agentSteps: agentSteps!, values: { 'episode/return': value! } }));
    expect(curveOf(episodes, 100)).toEqual([
      { agentSteps: 100, value: 2 },
      { agentSteps: 200, value: 10 },
    ]);
    expect(scoreOf([], 'final', 2)).toBeUndefined();
  });
});

describe('aggregates', () => {
  const folder = new URL('../../../../testdata/golden/rliable/', import.meta.url);
  it.each(readdirSync(folder))('equal rliable’s: %s', (name) => {
    const { outputs } = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    const [runs, games] = outputs.X.shape as [number, number];
    const names = Array.from({ length: games }, (_, game) => `game${game}`);
    const results = Array.from({ length: runs * games }, (_, index) => ({
      job: { id: '', game: `game${index % games}`, variant: 'x', seed: Math.floor(index / games) },
      normalized: outputs.X.data[index],
    })) as unknown as RunResult[];
    const experiment = { games: names, variants: [{ name: 'x' }], baseline: 'x' };
    const [x] = analyze({ experiment, runs: results, states: [] } as never, () => 'human', 2000).variants;
    expect(variantScores(results, 'x', names).runs).toBe(runs * games);
    const { iqm, median, mean, optimalityGap } = x!.aggregates;
    const expected = [outputs.iqm, outputs.median, outputs.mean, outputs.optimality_gap];
    [iqm, median, mean, optimalityGap].forEach((interval, index) => {
      expect(interval.estimate).toBeCloseTo(expected[index].data[0], 10);
      const { low, high, tolerance_abs: tolerance } = outputs.bootstrap;
      expect(Math.abs(interval.low - low[index])).toBeLessThanOrEqual(tolerance[index]);
      expect(Math.abs(interval.high - high[index])).toBeLessThanOrEqual(tolerance[index]);
    });
  });
});

describe('overlays', () => {
  it('are read from the table of Dopamine’s baselines', () => {
    const overlays = readOverlays(overlayFile);
    const dqn = overlays.find(({ label }) => label === 'DQN, Impala (Dopamine)')!;
    const pong = dqn.games.get('pong')![0]!;
    expect(pong[0]).toEqual({ agentSteps: 250_000, value: -19.31 });
    expect(pong.at(-1)!.agentSteps).toBe(50_000_000);
  });

  it('are read from Dopamine’s own files', () => {
    const file = join(root, 'pong_Impala.json');
    const row = (iteration: number, value: number) => ({ Iteration: iteration, Value: value, Agent: 'Rainbow' });
    writeFileSync(file, JSON.stringify([row(0, -20), row(0, -19), row(1, -17), row(1, -16)]));
    const [overlay] = readOverlays(file);
    expect(overlay!.label).toBe('Rainbow, Impala (Dopamine)');
    expect(overlay!.games.get('pong')).toEqual([
      [
        { agentSteps: 250_000, value: -20 },
        { agentSteps: 500_000, value: -17 },
      ],
      [
        { agentSteps: 250_000, value: -19 },
        { agentSteps: 500_000, value: -16 },
      ],
    ]);
  });

  it('are read from score matrices as rliable takes them', () => {
    const file = join(root, 'scores.json');
    writeFileSync(
      file,
      JSON.stringify({
        games: ['Pong', 'Breakout'],
        frames: [4000, 8000],
        scores: {
          DER: [
            [
              [1, 2],
              [3, 4],
            ],
          ],
        },
      }),
    );
    expect(readOverlays(file)[0]!.games.get('breakout')).toEqual([
      [
        { agentSteps: 1000, value: 3 },
        { agentSteps: 2000, value: 4 },
      ],
    ]);
  });

  it('of another form are refused', () => {
    const file = join(root, 'other.json');
    writeFileSync(file, '{"a": 1}');
    expect(() => readOverlays(file)).toThrow(/other\.json is neither a file of Dopamine/);
    writeFileSync(file, '[{"Agent": "DQN"}]');
    expect(() => readOverlays(file)).toThrow(/other\.json, entry 0: expected \{Agent, Iteration, Value\}/);
    writeFileSync(join(root, 'other.csv'), 'a,b\n1,2\n');
    expect(() => readOverlays(join(root, 'other.csv'))).toThrow(/expected the columns game, net, agent/);
    writeFileSync(join(root, 'other.csv'), 'game,net,agent,runs,ret@1M\nPong,Impala,DQN,5,high\n');
    expect(() => readOverlays(join(root, 'other.csv'))).toThrow(
      /other\.csv, line 2, ret@1M: "high"; expected a finite/,
    );
    for (const [scores, message] of [
      [{ DQN: 3 }, /DQN: expected a list of runs/],
      [{ DQN: [3] }, /DQN, run 0: expected a list of games/],
      [{ DQN: [['high']] }, /DQN, run 0, Pong: "high"; expected finite numbers/],
      [{ DQN: [[null]] }, /DQN, run 0, Pong: null; expected finite numbers/],
      [{ DQN: [[[1, 2]]] }, /DQN, run 0: 2 points; expected 1, or frames beside/],
    ] as const) {
      writeFileSync(file, JSON.stringify({ games: ['Pong'], scores }));
      expect(() => readOverlays(file)).toThrow(message);
    }
  });
});

describe('a report', () => {
  it('is one page that needs nothing else, with every figure beside it', async () => {
    const folder = syntheticExperiment(join(root, 'page'), GAMES, 3, { baseline: 0.5, soft: 0.8 });
    const page = await writeReport({ folder, overlays: readOverlays(overlayFile).slice(0, 1) });
    const html = readFileSync(page, 'utf8');
    expect(html).not.toMatch(/<script|src=|https?:\/\/(?!www\.w3\.org)/);
    const names = readdirSync(join(folder.reportFolder, 'figures'));
    const figures = [
      'iqm-curve',
      'performance-profile',
      'improvement-soft',
      'game-pong',
      'expert-utilisation',
      'router-entropy',
      'router-saturation',
      'router-change-rate',
      'dormant-units',
      'effective-rank',
      'parameters',
      'flops',
    ];
    for (const figure of figures) {
      for (const kind of ['svg', 'png', 'csv']) expect(names).toContain(`${figure}.${kind}`);
      expect(html).toContain(`id="${figure}"`);
    }
    expect(html).toMatch(/decided: soft is better than baseline/);
    expect(html).toMatch(/network\.moe\.router/);
    const lines = readFileSync(join(folder.reportFolder, 'figures', 'iqm-curve.csv'), 'utf8')
      .trim()
      .split('\n');
    expect(lines[0]).toBe('line,agentSteps,iqm,low,high');
    expect(lines.filter((line) => line.startsWith('soft,'))).toHaveLength(12);
  });

  it('draws scores without frames at the end', async () => {
    const folder = syntheticExperiment(join(root, 'scores'), ['pong'], 2, { soft: 0.8 });
    const file = join(root, 'der.json');
    writeFileSync(file, JSON.stringify({ games: ['Pong'], scores: { DER: [[1], [3]] } }));
    await writeReport({ folder, overlays: readOverlays(file) });
    const figure = (name: string) => readFileSync(join(folder.reportFolder, 'figures', `${name}.csv`), 'utf8');
    expect(figure('game-pong')).toMatch(/^soft \(2\),12000,/m);
    expect(figure('game-pong')).toMatch(/^DER,12000,2,/m);
    expect(figure('iqm-curve')).toMatch(/^"DER, 1 games",12000,0\.\d+,/m);
  });

  it('of nothing says so', async () => {
    const folder = syntheticExperiment(join(root, 'empty'), GAMES, 1, { baseline: 0.5, soft: 0.8 });
    rmSync(folder.jobsFolder, { recursive: true });
    const page = await writeReport({ folder });
    expect(readFileSync(page, 'utf8')).toMatch(/No run is finished yet/);
    expect(existsSync(join(folder.reportFolder, 'figures', 'iqm-curve.svg'))).toBe(false);
  });
});
