// Workers by the command line on the demo suite, with real training: two on one folder, and two over a real Redis. One is killed with -9 each time, Redis once.
// Both folders end with the same jobs, each done once, and with the same numbers.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metricDefinition, readMetricRows, runFolderPaths } from '@moe-rl/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, runCli, startCli } from '../testing/spawn-cli.ts';

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const PLAN = [
  ...['--suite', 'demo', '--variants', 'baseline,soft', '--seeds', '2', '--scale', '0.04'],
  ...['--iterations', '3', '--threads', '1', '--set', 'agent.batchSize=4'],
];
const JOBS = ['baseline--s1', 'baseline--s2', 'soft--s1', 'soft--s2'].map((job) => `windfall--${job}`);

let root = '';
const redisServers: ChildProcess[] = [];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-workers-'));
});
afterAll(() => {
  for (const server of redisServers) server.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

const startWorker = (folder: string, more: string[] = []): { child: ChildProcess; result: Promise<CliResult> } =>
  startCli(['experiment', 'worker', folder, '--jobs', '1', ...more]);

/** Jobs that somebody is at and has begun to write down. */
const underWay = (folder: string): string[] =>
  existsSync(join(folder, 'work'))
    ? readdirSync(join(folder, 'work')).filter((name) => existsSync(join(folder, 'work', name, 'metrics.jsonl')))
    : [];
const finished = (folder: string): string[] =>
  existsSync(join(folder, 'jobs')) ? readdirSync(join(folder, 'jobs')).sort() : [];

async function until(isTrue: () => boolean): Promise<void> {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > 120_000) throw new Error('it did not happen in time');
    await sleep(20);
  }
}

async function expectAllDoneOnce(folder: string): Promise<void> {
  const json = join(root, 'status.json');
  expect((await runCli(['experiment', 'status', folder, '--json', json])).code).toBe(0);
  const { jobs, aggregates } = JSON.parse(readFileSync(json, 'utf8'));
  expect(jobs).toEqual({ total: 4, done: 4, failed: 0, running: 0, waiting: 0 });
  expect(Object.keys(aggregates)).toEqual(['baseline', 'soft']);
  expect(finished(folder)).toEqual(JOBS);
  expect(readdirSync(join(folder, 'work'))).toEqual([]);
}

/** Every value of a job that does not depend on the machine and the hour. */
function stableRows(folder: string, job: string): unknown[] {
  return readMetricRows(runFolderPaths(join(folder, 'jobs', job)).metricsFile).map(({ agentSteps, values }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(values).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
  }));
}

describe('two workers', { timeout: 300_000 }, () => {
  it('on one folder finish every job once when one of them is killed with -9', async () => {
    const folder = join(root, 'shared');
    expect((await runCli(['experiment', 'create', ...PLAN, '--folder', folder])).code).toBe(0);
    const [first, second] = [startWorker(folder), startWorker(folder)];
    await until(() => underWay(folder).length === 2);
    first.child.kill('SIGKILL');
    await first.result;
    const { code, stderr } = await second.result;
    expect(code).toBe(0);
    expect(stderr).toMatch(/started windfall--\w+--s\d \(goes on, epoch 2\)/);
    await expectAllDoneOnce(folder);
  });

  it.runIf(hasRedis)('over Redis too, when Redis is killed as well and comes back empty', async () => {
    const folder = join(root, 'queue');
    const port = await freePort();
    const queue = ['--queue', `redis://127.0.0.1:${port}`];
    const redis = await startRedis(port);
    const supervisor = startCli(['experiment', 'run', ...PLAN, '--folder', folder, '--no-report', ...queue]);
    await until(() => existsSync(join(folder, 'experiment.json')));
    const [first, second] = [startWorker(folder, queue), startWorker(folder, queue)];
    await until(() => underWay(folder).length === 2);
    first.child.kill('SIGKILL');
    await until(() => finished(folder).length > 0);
    redis.kill('SIGKILL');
    await new Promise((resolve) => redis.once('exit', resolve));
    await sleep(300);
    await startRedis(port);
    expect(await supervisor.result).toMatchObject({ code: 0 });
    expect(await second.result).toMatchObject({ code: 0 });
    await expectAllDoneOnce(folder);
    for (const job of JOBS) {
      expect(stableRows(folder, job).length).toBeGreaterThan(2);
      expect(stableRows(folder, job)).toEqual(stableRows(join(root, 'shared'), job));
    }
  });
});

/** Keeps nothing on the disk: a Redis that is started again has forgotten everything. */
async function startRedis(port: number): Promise<ChildProcess> {
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', root], {
    stdio: 'ignore',
  });
  redisServers.push(server);
  const isUp = (): boolean =>
    spawnSync('redis-cli', ['-p', String(port), 'ping'])
      .stdout.toString()
      .trim() === 'PONG';
  await until(isUp);
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
