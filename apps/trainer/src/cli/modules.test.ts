// Things of people's own through the real program: the examples of docs/extending train, survive kill -9, resume, are evaluated, filmed no worse than refused,
// and compared; files that can't be used are told in one sentence.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCheckpoint, readMetricRows } from '@moe-rl/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli } from '../testing/spawn-cli.ts';
import { expectRefusal, reproducibleRows, set, TINY, TINY_NETWORK, until } from '../testing/tiny-runs.ts';

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../../../docs/extending');
const example = (name: string): string[] => ['--module', join(examples, name)];

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-modules-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('an environment, a logger and a reward design of one’s own', { timeout: 120_000 }, () => {
  it('train, survive kill -9, resume exactly, are evaluated and compared', async () => {
    // The files lie beside the runs, and move with them.
    const project = join(root, 'project');
    mkdirSync(project);
    for (const name of ['corridor.mjs', 'csv-logger.mjs', 'count-bonus.mjs'])
      cpSync(join(examples, name), join(project, name));
    const train = [
      ...['train', '--module', 'corridor.mjs', '--module', 'csv-logger.mjs', '--module', 'count-bonus.mjs'],
      ...['--agent-steps', '600', '--reward', 'count-bonus'],
      ...['--game', 'my/corridor', '--preset', 'classic-control-soft-moe', '--backend', 'cpu', ...TINY_NETWORK],
      ...set('environment.length=4', 'sinks.csv.isOn=true', 'agent.minReplayHistoryAgentSteps=60', 'agent.batchSize=8'),
      ...set('checkpointPeriodAgentSteps=100', 'logPeriodAgentSteps=50', 'evaluationEpisodes=2'),
      ...set('evaluation.periodAgentSteps=150', 'evaluation.episodes=2'),
    ];
    const inProject = { cwd: project };
    const straight = await runCli([...train, '--run-folder', 'runs/straight'], inProject);
    expect(straight.stderr).not.toContain('this is a bug');
    expect(straight.code).toBe(0);
    const { child, result } = startCli([...train, '--run-folder', 'runs/killed'], inProject);
    const checkpoints = join(project, 'runs/killed/checkpoints');
    await until(
      () => existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^checkpoint-0*[3-4]00$/.test(name)),
    );
    child.kill('SIGKILL');
    await result;
    // The whole project moves; no module is named.
    const moved = join(root, 'moved');
    renameSync(project, moved);
    const resumed = await runCli(['train', '--resume', '--run-folder', 'runs/killed'], { cwd: moved });
    expect(resumed.stderr).toContain('resumed from');
    expect(resumed.code).toBe(0);
    const [left, right] = ['straight', 'killed'].map((name) => join(moved, 'runs', name)) as [string, string];
    expect(reproducibleRows(right)).toEqual(reproducibleRows(left));
    expect(reproducibleRows(right).filter((row) => 'evaluation/return' in row)).toHaveLength(4);
    const designed = reproducibleRows(right).findLast((row) => 'reward/places' in row)!;
    expect(designed['reward/places']).toBeGreaterThan(4);
    expect(designed).toHaveProperty('train/designedReward');
    const agentOf = (folder: string) => readCheckpoint(join(folder, 'checkpoints/checkpoint-000000000600')).parts.agent;
    expect(agentOf(right)).toEqual(agentOf(left));
    expect(readFileSync(join(right, 'metric.csv'), 'utf8')).toBe(readFileSync(join(left, 'metric.csv'), 'utf8'));
    expect(readFileSync(join(left, 'metric.csv'), 'utf8')).toMatch(/^agentSteps,episode\/return\n\d+,-?[\d.]+\n/);

    // A log that was cut or deleted is gone on with, and that is told.
    const cut = join(moved, 'runs/cut');
    cpSync(right, cut, { recursive: true });
    const csv = join(cut, 'metric.csv');
    const whole = readFileSync(csv, 'utf8');
    const lengthen = (agentSteps: string) =>
      runCli(['train', '--resume', '--run-folder', cut, '--agent-steps', agentSteps], { cwd: root });
    for (const [agentSteps, change] of [
      ['620', () => writeFileSync(csv, whole.slice(0, 40))],
      ['640', () => rmSync(csv)],
    ] as const) {
      change();
      const longer = await lengthen(agentSteps);
      expect(longer.stderr).toMatch(/metric\.csv lacks \d+ bytes that it had at the checkpoint: these rows are lost/);
      expect(longer.code).toBe(0);
      expect(readFileSync(csv, 'utf8')).toMatch(/^agentSteps,episode\/return\n(\d+,-?[\d.]+\n)*$/);
    }

    const evaluated = await runCli(['evaluate', right, '--episodes', '2'], { cwd: root });
    expect(evaluated.stdout).toMatch(/^trained +-?[\d.]+ ± [\d.]+/m);
    expect(evaluated.code).toBe(0);
    expectRefusal(await runCli(['play', right], { cwd: root }), /my\/corridor can't draw itself/);
    const other = await runCli([...train, '--seed', '2', '--run-folder', 'runs/other'], { cwd: moved });
    expect(other.code).toBe(0);
    const compared = await runCli(['compare', left, join(moved, 'runs/other')], { cwd: root });
    expect(compared.stdout).toMatch(/^my\/corridor, classic-control-soft-moe +2 +-?[\d.]+ ± [\d.]+/m);

    // A change of the file is told; a file that is gone is asked for, and taken from where it is now.
    writeFileSync(join(moved, 'corridor.mjs'), '\n// changed\n', { flag: 'a' });
    const changed = await runCli(['evaluate', right, '--episodes', '1', '--no-random'], { cwd: root });
    expect(changed.stderr).toMatch(/the module .*corridor\.mjs has changed since the run began/);
    expect(changed.code).toBe(0);
    rmSync(join(moved, 'corridor.mjs'));
    expectRefusal(
      await runCli(['evaluate', right, '--episodes', '1']),
      /the module .*corridor\.mjs, which the run in .*killed was made with, is not there; name it with --module/,
    );
    const named = await runCli(['evaluate', right, '--episodes', '1', '--no-random', ...example('corridor.mjs')]);
    expect(named.code).toBe(0);
  });
});

describe('a router and a learning rule of one’s own', { timeout: 120_000 }, () => {
  const train = (name: string, ...settings: string[]) =>
    runCli([
      ...[
        'train',
        ...example(name),
        ...TINY,
        ...set(...settings, 'statistics.periodUpdates=20', 'evaluationEpisodes=0'),
      ],
      ...['--agent-steps', '150', '--run-folder', join(root, name)],
    ]);

  it('train in any agent, and go on', async () => {
    const router = await train('sigmoid-router.mjs', 'network.moe.router.type=sigmoid-top-k', 'network.moe.router.k=2');
    expect(router.stderr).not.toContain('this is a bug');
    expect(router.code).toBe(0);
    const loads = readMetricRows(join(root, 'sigmoid-router.mjs/metrics.jsonl')).findLast(
      ({ values }) => 'expert/load/0' in values,
    )!.values;
    expect(loads['expert/load/0']! + loads['expert/load/1']!).toBeCloseTo(1, 5);
    const longer = ['train', '--resume', '--run-folder', join(root, 'sigmoid-router.mjs'), '--agent-steps', '200'];
    expect((await runCli(longer)).code).toBe(0);

    const rule = await train('munchausen-dqn.mjs', 'agent.variant=munchausen-dqn');
    expect(rule.stderr).not.toContain('this is a bug');
    expect(rule.code).toBe(0);
    const listed = await runCli(['presets', 'dqn-soft-moe', ...example('munchausen-dqn.mjs')]);
    expect(listed.stdout).toMatch(/agent\.variant .*munchausen-dqn/);
  });
});

describe('an agent, an encoder with a preset and a mixture of one’s own', { timeout: 120_000 }, () => {
  const folder = (name: string) => ['--run-folder', join(root, name)];
  const small = [...['--backend', 'cpu'], ...set('evaluationEpisodes=0', 'checkpointPeriodAgentSteps=200')];

  it('an agent goes on exactly where it was, and its preset and settings are known', async () => {
    const train = ['train', ...example('grid-q.mjs'), '--game', 'bsuite/catch', '--preset', 'grid-q', ...small];
    const settings = set('grid.cellSize=0.5', 'logPeriodAgentSteps=50');
    const straight = await runCli([...train, ...settings, '--agent-steps', '400', ...folder('grid')]);
    expect(straight.stderr).not.toContain('this is a bug');
    expect(straight.code).toBe(0);
    expect((await runCli([...train, ...settings, '--agent-steps', '200', ...folder('grid-2')])).code).toBe(0);
    expect((await runCli(['train', '--resume', '--agent-steps', '400', ...folder('grid-2')])).code).toBe(0);
    expect(reproducibleRows(join(root, 'grid-2'))).toEqual(reproducibleRows(join(root, 'grid')));
    const cells = readMetricRows(join(root, 'grid/metrics.jsonl')).findLast(({ values }) => 'grid/cells' in values)!;
    expect(cells.values['grid/cells']).toBeGreaterThan(10);
    expectRefusal(
      await runCli([...train, ...set('grid.learningRate=2'), ...folder('none')]),
      /grid\.learningRate is 2; expected .*1/,
    );
  });

  it('an encoder of normalised layers, by a preset made from another one', async () => {
    const run = await runCli([
      ...['train', ...example('layer-norm-encoder.mjs'), '--game', 'classic-control/cart-pole'],
      ...['--preset', 'classic-control-layer-norm', '--agent-steps', '100', ...small, ...folder('layer-norm')],
      ...set('network.encoder.hiddenUnits=16,8', 'network.hiddenUnits=8', 'agent.minReplayHistoryAgentSteps=60'),
    ]);
    expect(run.stderr).not.toContain('this is a bug');
    expect(run.code).toBe(0);
    // 4 x 16 + 16, 16 x 8 + 8, 8 x 8 + 8, 8 x 2 + 2.
    expect(run.stderr).toContain('agent: 306 parameters');
  });

  it('a mixture around another one, which keeps its router’s statistics', async () => {
    const router = set('network.moe.router.type=shared-expert', 'network.moe.router.routed=switch');
    const run = await runCli([
      ...['train', ...example('shared-expert.mjs'), ...TINY, ...router, '--agent-steps', '150'],
      ...[...set('statistics.periodUpdates=20', 'evaluationEpisodes=0'), ...folder('shared-expert')],
    ]);
    expect(run.stderr).not.toContain('this is a bug');
    expect(run.code).toBe(0);
    const rows = readMetricRows(join(root, 'shared-expert/metrics.jsonl'));
    const loads = rows.findLast(({ values }) => 'expert/load/0' in values)!.values;
    expect(loads['expert/load/0']! + loads['expert/load/1']!).toBeCloseTo(1, 5);
  });
});

it('an error inside a module says whose it is, with its stack', { timeout: 60_000 }, async () => {
  const file = join(root, 'broken.mjs');
  const text = readFileSync(join(examples, 'corridor.mjs'), 'utf8');
  writeFileSync(file, text.replace('step(action) {', "step(action) {\n      throw new TypeError('no floor');"));
  const run = await runCli([
    ...['train', '--module', file, '--game', 'my/corridor', '--preset', 'classic-control', '--backend', 'cpu'],
    ...['--agent-steps', '900', ...TINY_NETWORK.slice(0, 4), '--run-folder', join(root, 'broken')],
  ]);
  expect(run.stderr).toContain(`moe-rl: an error in the module ${realpathSync(file)}\nTypeError: no floor\n    at `);
  expect(run.stderr).not.toContain('this is a bug');
  expect(run.code).toBe(1);
});

describe('an experiment over a game of one’s own', { timeout: 120_000 }, () => {
  it('runs its jobs with the module', async () => {
    const folder = join(root, 'experiment');
    const run = await runCli([
      ...['experiment', 'run', ...example('corridor.mjs'), '--suite', 'classic', '--games', 'my/corridor'],
      ...['--variants', 'baseline,soft', '--seeds', '1', '--iterations', '1', '--scale', '0.1', '--backend', 'cpu'],
      ...set('agent.batchSize=8', 'network.hiddenUnits=16', 'network.encoder.hiddenUnits=16'),
      ...['--folder', folder, '--no-report'],
    ]);
    expect(run.stderr).toContain('2 of 2 jobs done');
    expect(run.stdout).toMatch(/^my\/corridor +-?[\d.]+ +-?[\d.]+$/m);
    expect(run.code).toBe(0);
  });
});
