// The `experiment` commands, spawned: a whole experiment killed with -9 and resumed by the same line, its status and report, and bad input.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { type CliResult, runCli, startCli } from '../testing/spawn-cli.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-experiment-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Catch, a tiny network, plain JavaScript. */
const TINY = [
  ...['--suite', 'classic', '--games', 'bsuite/catch', '--variants', 'baseline,soft', '--seeds', '1'],
  ...['--iterations', '3', '--scale', '0.2', '--backend', 'cpu', '--set', 'agent.batchSize=8'],
  ...['--set', 'network.hiddenUnits=16', '--set', 'network.encoder.hiddenUnits=16'],
];

function expectRefusal(result: CliResult, message: RegExp): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.code).toBe(2);
}

describe('an experiment', { timeout: 240_000 }, () => {
  it('is resumed by the same line after kill -9, and ends with a report', async () => {
    const folder = join(root, 'killed');
    const line = ['experiment', 'run', ...TINY, '--folder', folder];
    const first = startCli(line);
    const hasProgress = (): boolean =>
      existsSync(join(folder, 'work')) &&
      readdirSync(join(folder, 'work')).some((name) => existsSync(join(folder, 'work', name, 'checkpoints', 'replay')));
    while (!hasProgress()) await sleep(20);
    first.child.kill('SIGKILL');
    await first.result;

    // Ctrl-C pauses: the jobs under way are saved and let go.
    const paused = startCli(line);
    await new Promise<void>((resolve) => {
      paused.child.stderr!.on('data', (chunk: Buffer) => chunk.toString().includes('started') && resolve());
    });
    paused.child.kill('SIGINT');
    const { code, stderr } = await paused.result;
    expect(code).toBe(130);
    expect(stderr).toMatch(/saving the jobs under way[\s\S]*go on with: moe-rl experiment run --folder/);

    const second = await runCli(line);
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/started bsuite_catch--(baseline|soft)--s1 \(goes on, epoch 3\)/);
    expect(second.stderr).toMatch(/2 of 2 jobs done/);
    expect(second.stdout).toMatch(/soft against baseline/);
    expect(existsSync(join(folder, 'report', 'index.html'))).toBe(true);
    expect(readdirSync(join(folder, 'work'))).toEqual([]);

    const json = join(root, 'new/status.json');
    const status = await runCli(['experiment', 'status', folder, '--json', json]);
    expect(status.code).toBe(0);
    const { jobs, aggregates } = JSON.parse(readFileSync(json, 'utf8'));
    expect(jobs).toEqual({ total: 2, done: 2, failed: 0, running: 0, waiting: 0 });
    for (const variant of ['baseline', 'soft']) {
      expect(aggregates[variant].iqm).toEqual({
        value: expect.any(Number),
        low: expect.any(Number),
        high: expect.any(Number),
      });
    }
    const piped = await runMain(['experiment', 'status', folder, '--json', '-'], root);
    expect(JSON.parse(piped.stdout).jobs).toEqual(jobs);
    expect(piped.stderr).toContain('baseline');
    expect(existsSync(join(root, '-'))).toBe(false);
    // Nothing is left to do: the same line only reports. Other jobs at a time would be other threads in a new experiment; this one keeps its own.
    const again = await runCli([...line, '--no-report', '--jobs', '1']);
    expect(again.stderr).not.toMatch(/started|another plan/);
    expect(again.code).toBe(0);
    expectRefusal(
      await runCli(['experiment', 'run', ...TINY, '--folder', folder, '--scale', '0.5']),
      /holds the experiment of another plan: scale is 0\.2 there and 0\.5 now/,
    );
  });

  it('is described before anything runs, and made for workers and clusters', async () => {
    const folder = join(root, 'created');
    const plan = await runCli(['experiment', 'plan', ...TINY, '--no-probe', '--list']);
    expect(plan.stdout).toMatch(/jobs\s+2\n/);
    expect(plan.stdout).toMatch(/bsuite_catch--soft--s1/);
    expect(existsSync(folder)).toBe(false);
    expect((await runCli(['experiment', 'create', ...TINY, '--folder', folder])).stdout).toMatch(/2 jobs in .*worker/);
    const script = await runCli(['experiment', 'emit', 'slurm', folder, '--workers', '3']);
    expect(script.stdout).toMatch(/#SBATCH --array=0-2\n/);
    expect(script.stdout).toContain(`experiment worker '${folder}' --jobs 1 &`);
  });
});

describe('bad input', () => {
  const cases: [name: string, args: string[], message: RegExp][] = [
    ['no plan', ['run'], /there is no plan: name a plan file, or --suite and --variants/],
    [
      'unknown variant',
      ['run', '--suite', 'demo', '--variants', 'soff'],
      /there is no variant "soff" .*; did you mean soft/,
    ],
    ['missing plan file', ['run', '/nowhere/plan.yaml'], /cannot read \/nowhere\/plan\.yaml: there is no such file/],
    [
      'overlay that is none',
      ['run', '--suite', 'demo', '--variants', 'soft', '--overlay', '/nowhere/x.csv'],
      /cannot read \/nowhere\/x\.csv/,
    ],
    ['status of nothing', ['status', '/nowhere'], /\/nowhere holds no experiment/],
    ['unknown kind of score', ['report', '/nowhere', '--score', 'last'], /--score is "last"; expected one of final/],
  ];
  it.concurrent.each(cases)('%s', async (_, args, message) => {
    expectRefusal(await runCli(['experiment', ...args], { cwd: root }), message);
    expect(existsSync(join(root, 'experiments'))).toBe(false);
  });

  it('plan file with a wrong key', async () => {
    const file = join(root, 'plan.yaml');
    writeFileSync(file, 'suite: demo\nvariants: [soft]\nseed: 3\n');
    expectRefusal(await runCli(['experiment', 'run', file]), /plan\.yaml: there is no key "seed"; did you mean seeds/);
  });

  it('plan file that options complete, and one that they do not', async () => {
    const file = join(root, 'part.yaml');
    writeFileSync(file, 'suite: demo\nseeds: [3]\n');
    expectRefusal(await runCli(['experiment', 'plan', file, '--no-probe']), /part\.yaml: variants is missing/);
    const { code, stdout } = await runCli(['experiment', 'plan', file, '--no-probe', '--variants', 'soft']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/variants +\S? *soft/)]);
  });

  it('ROMs that are not here', async () => {
    const env = { MOE_RL_CACHE: join(root, 'no-cache'), MOE_RL_ROMS: '', PATH: '' };
    expectRefusal(
      await runCli(['experiment', 'run', '--suite', 'atari5', '--variants', 'soft'], { env, cwd: root }),
      /the ROMs of 5 of atari5's 5 games are not on this machine: .*roms --fetch/,
    );
  });
});
