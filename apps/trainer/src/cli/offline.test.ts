// Learning from a dataset through the real program: a run records one, CQL and CQL + C51 learn from it without a step in the game, and go on exactly.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplayStep } from '@moe-rl/replay';
import { readTransitionFile } from '@moe-rl/replay/node';
import { readCheckpoint, readMetricRows } from '@moe-rl/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli } from '../testing/spawn-cli.ts';
import { expectRefusal, reproducibleRows, set, TINY, until } from '../testing/tiny-runs.ts';

let root = '';
let dataset = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-offline-'));
  dataset = join(root, 'dataset');
  const record = [
    'train',
    ...TINY,
    ...set('evaluationEpisodes=0'),
    '--agent-steps',
    '500',
    '--record-dataset',
    dataset,
  ];
  const straight = await runCli([...record, '--run-folder', join(root, 'recorded')]);
  expect(straight.stderr).not.toContain('this is a bug');
  expect(straight.code).toBe(0);
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function stepsOf(folder: string): Promise<ReplayStep[]> {
  const steps: ReplayStep[] = [];
  for (const name of readdirSync(folder).sort()) {
    for await (const step of readTransitionFile(join(folder, name))) steps.push(step);
  }
  return steps;
}

function runOf(folder: string) {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  return { config, metrics: readMetricRows(join(folder, 'metrics.jsonl')) };
}

const OFFLINE = [
  ...['--game', 'bsuite/catch', '--backend', 'cpu', '--seed', '5'],
  ...set('network.encoder.type=minatar', 'agent.batchSize=8', 'replay.capacity=2000', 'evaluationEpisodes=2'),
  ...set('checkpointPeriodAgentSteps=20', 'logPeriodAgentSteps=10', 'evaluation.periodAgentSteps=30'),
  ...set('evaluation.episodes=2', 'agent.targetUpdatePeriodAgentSteps=10'),
];
const NETWORK = {
  cql: ['network.hiddenUnits=16'],
  'cql-c51-soft-moe': ['network.moe.expertHiddenUnits=8', 'network.moe.experts=2', 'agent.atoms=11'],
};

describe('a dataset', { timeout: 120_000 }, () => {
  it('is recorded from any run, and is the same when the run was killed and went on', async () => {
    const folder = join(root, 'killed');
    const other = join(root, 'dataset-of-killed');
    const record = [
      'train',
      ...TINY,
      ...set('evaluationEpisodes=0'),
      '--run-folder',
      folder,
      '--record-dataset',
      other,
    ];
    const { child, result } = startCli([...record, '--agent-steps', '500']);
    const checkpoints = join(folder, 'checkpoints');
    await until(
      () => existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^checkpoint-0*[23]00$/.test(name)),
    );
    child.kill('SIGKILL');
    await result;
    expect((await runCli(['train', '--resume', '--run-folder', folder])).code).toBe(0);
    const steps = await stepsOf(dataset);
    expect(steps).toHaveLength(500);
    expect(steps.filter(({ terminated }) => terminated).length).toBeGreaterThan(50);
    expect(await stepsOf(other)).toEqual(steps);
  });

  it('is what an offline experiment learns from', async () => {
    const folder = join(root, 'experiment');
    cpSync(dataset, join(root, 'datasets', 'bsuite_catch'), { recursive: true });
    const { code, stderr } = await runCli([
      ...['experiment', 'run', '--suite', 'classic', '--games', 'bsuite/catch', '--protocol', 'offline'],
      ...['--datasets', join(root, 'datasets'), '--variants', 'baseline,soft', '--seeds', '1', '--scale', '0.0005'],
      ...['--iterations', '2', '--backend', 'cpu', '--folder', folder],
      ...set('network.encoder.type=minatar', 'agent.batchSize=8', 'network.hiddenUnits=16', 'replay.capacity=2000'),
    ]);
    expect(stderr).toMatch(/2 of 2 jobs done/);
    expect(code).toBe(0);
    const { config, metrics } = runOf(join(folder, 'jobs', 'bsuite_catch--soft--s1'));
    expect(config).toMatchObject({ preset: 'cql', dataset: { folder: join(root, 'datasets', 'bsuite_catch') } });
    expect(metrics.filter(({ values }) => values['evaluation/return'] !== undefined)).toHaveLength(2);
  });

  it.each(['cql', 'cql-c51-soft-moe'] as const)(
    'teaches %s without a step in the game, and exactly across an interruption',
    async (preset) => {
      const train = ['train', '--preset', preset, ...OFFLINE, ...set(...NETWORK[preset]), '--dataset', dataset];
      const straight = join(root, `${preset}-straight`);
      const whole = await runCli([...train, '--agent-steps', '70', '--run-folder', straight]);
      expect(whole.stderr).not.toContain('this is a bug');
      expect(whole.stderr).toContain(`dataset: 500 transitions of ${dataset}`);
      expect(whole.code).toBe(0);
      expect(whole.stdout).toMatch(/70 agent steps, 70 updates, 0 episodes/);
      const rows = readMetricRows(join(straight, 'metrics.jsonl'));
      expect(rows.filter(({ values }) => 'episode/return' in values)).toEqual([]);
      expect(rows.filter(({ values }) => 'evaluation/return' in values).map((row) => row.agentSteps)).toEqual([30, 60]);
      expect(rows.findLast(({ values }) => 'train/loss' in values)!.values['train/loss']).toBeGreaterThan(0);

      const broken = join(root, `${preset}-broken`);
      expect((await runCli([...train, '--agent-steps', '47', '--run-folder', broken])).code).toBe(0);
      expect((await runCli(['train', '--resume', '--agent-steps', '70', '--run-folder', broken])).code).toBe(0);
      const agentOf = (folder: string) =>
        readCheckpoint(join(folder, 'checkpoints/checkpoint-000000000070')).parts.agent;
      expect(agentOf(broken)).toEqual(agentOf(straight));
      // The shorter run ended with a row of its own evaluation; the training's rows are the same.
      expect(reproducibleRows(broken)).toEqual(reproducibleRows(straight));
      const summary = JSON.parse(readFileSync(join(straight, 'summary.json'), 'utf8'));
      expect(summary.evaluation.trained.episodes).toBe(2);
    },
  );

  it('is refused, or asked for, in one sentence', async () => {
    const train = (...args: string[]) =>
      runCli(['train', '--game', 'bsuite/catch', '--run-folder', join(root, 'never'), ...args]);
    expectRefusal(
      await train('--preset', 'cql'),
      /the preset cql learns from a dataset, and dataset\.folder is null: name one with --dataset FOLDER/,
    );
    expectRefusal(
      await train('--preset', 'cql', '--dataset', join(root, 'nowhere')),
      /nowhere: there is no such file or folder/,
    );
    expectRefusal(
      await train('--preset', 'cql', '--dataset', join(root, 'recorded')),
      /recorded holds no dataset: expected \*\.parquet files/,
    );
    expectRefusal(
      await train('--preset', 'cql', '--game', 'minatar/breakout', '--dataset', dataset),
      /dataset holds frames of float32 .*; the environment has uint8/,
    );
    expectRefusal(
      await train('--preset', 'cql', '--dataset', dataset, '--record-dataset', join(root, 'x')),
      /has no transitions of its own/,
    );
    expectRefusal(
      await train(...TINY, '--record-dataset', dataset),
      /dataset\.recordFolder is .*dataset, which is not empty/,
    );
    expect(existsSync(join(root, 'never'))).toBe(false);
  });
});
