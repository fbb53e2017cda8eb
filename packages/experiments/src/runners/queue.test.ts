// The queue over a real Redis: a worker killed with -9, Redis killed and started again empty, pause and drain; no job is lost, run twice or counted twice.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countJobs, jobStates } from '../jobs/job-state.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import { TOY_JOB, temporaryFolder, toyExperiment } from '../testing/toy-experiment.ts';
import { controlQueue, runQueueWorker, superviseQueue } from './queue.ts';

const root = temporaryFolder('queue');
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const children: ChildProcess[] = [];
let port = 0;
let redis: ChildProcess;
const url = (): string => `redis://127.0.0.1:${port}`;

/** Nothing is kept on the disk: a Redis that is started again has forgotten everything. */
async function startRedis(): Promise<void> {
  mkdirSync(join(root, 'redis'), { recursive: true });
  redis = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', join(root, 'redis')],
    { stdio: 'ignore' },
  );
  children.push(redis);
  for (let attempt = 0; attempt < 100; attempt++) {
    if (
      spawnSync('redis-cli', ['-p', String(port), 'ping'])
        .stdout?.toString()
        .trim() === 'PONG'
    )
      return;
    await sleep(50);
  }
  throw new Error('redis-server did not start');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { port: number };
      server.close(() => resolve(free));
    });
  });
}

function startWorker(folder: ExperimentFolder): ChildProcess {
  const program = fileURLToPath(new URL('../testing/toy-worker.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@moe-rl/source', program, folder.path, '600', url()], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', TOY_STEPS: process.env.TOY_STEPS },
  });
  children.push(child);
  return child;
}

const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', resolve));

async function until(isTrue: () => boolean, timeoutMs = 60_000): Promise<void> {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > timeoutMs) throw new Error('it did not happen in time');
    await sleep(20);
  }
}

const running = (folder: ExperimentFolder): string[] =>
  readdirSync(folder.workFolder).filter((name) => existsSync(join(folder.workFolder, name, 'checkpoint.txt')));

function expectAllDoneOnce(folder: ExperimentFolder): void {
  expect(countJobs(jobStates(folder))).toMatchObject({ total: folder.jobs.length, done: folder.jobs.length });
  expect(readdirSync(folder.jobsFolder).sort()).toEqual(folder.jobs.map(({ id }) => id).sort());
  for (const { id } of folder.jobs) {
    const steps = readFileSync(join(folder.jobsFolder, id, 'steps.txt'), 'utf8')
      .trim()
      .split('\n');
    expect(steps).toEqual(Array.from({ length: Number(process.env.TOY_STEPS) }, (_, step) => String(step + 1)));
  }
}

const never = (): AbortSignal => new AbortController().signal;

describe.runIf(hasRedis)('the queue', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    process.env.TOY_STEPS = '40';
    port = await freePort();
    await startRedis();
  });
  afterEach(() => {
    delete process.env.TOY_STEPS;
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('survives a worker killed with -9 and a Redis that comes back empty', async () => {
    const folder = toyExperiment(join(root, 'chaos'), 3);
    const supervised = superviseQueue({ folder, url: url(), signal: never(), pollMs: 100 });
    const [first, second] = [startWorker(folder), startWorker(folder)];
    await until(() => running(folder).length >= 1);
    first.kill('SIGKILL');
    await until(() => readdirSync(folder.jobsFolder).length >= 1);
    redis.kill('SIGKILL');
    await ended(redis);
    await sleep(500);
    await startRedis();
    await supervised;
    await ended(second);
    expectAllDoneOnce(folder);
    expect(readdirSync(folder.workFolder)).toEqual([]);
  });

  it('pauses, goes on and drains', async () => {
    process.env.TOY_STEPS = '10';
    const folder = toyExperiment(join(root, 'control'), 3);
    const supervised = superviseQueue({ folder, url: url(), signal: never(), pollMs: 50 });
    let waiting = 0;
    while (waiting < 6) waiting = (await controlQueue(folder, url(), 'status')).waiting;
    expect(await controlQueue(folder, url(), 'pause')).toMatchObject({ isPaused: true, waiting: 6, active: 0 });
    const work = runQueueWorker({
      folder,
      url: url(),
      slots: 1,
      signal: never(),
      jobProcess: TOY_JOB,
      pollMs: 50,
      leaseMs: 600,
    });
    await sleep(500);
    expect(readdirSync(folder.workFolder)).toEqual([]);
    await controlQueue(folder, url(), 'resume');
    await until(() => readdirSync(folder.jobsFolder).length >= 1);
    expect(await controlQueue(folder, url(), 'drain')).toMatchObject({ isDrained: true });
    await Promise.all([work, supervised]);
    // The job under way was finished, no other was begun.
    expect(countJobs(jobStates(folder))).toMatchObject({ running: 0 });
    expect(readdirSync(folder.jobsFolder).length).toBeLessThan(6);
    expect(readdirSync(folder.workFolder)).toEqual([]);
    // Handed in again, the rest is done; the first seed came first.
    const again = superviseQueue({ folder, url: url(), signal: never(), pollMs: 50 });
    await runQueueWorker({
      folder,
      url: url(),
      slots: 2,
      signal: never(),
      jobProcess: TOY_JOB,
      pollMs: 50,
      leaseMs: 600,
    });
    await again;
    expectAllDoneOnce(folder);
  });

  it('tries a machine fault again and a wrong configuration not', async () => {
    process.env.TOY_STEPS = '5';
    const folder = toyExperiment(join(root, 'failing'), 1);
    writeFileSync(join(folder.path, `fail-${folder.jobs[0]!.id}`), 'INVALID_ARGUMENT');
    const supervised = superviseQueue({ folder, url: url(), signal: never(), pollMs: 50 });
    await runQueueWorker({
      folder,
      url: url(),
      slots: 1,
      signal: never(),
      jobProcess: TOY_JOB,
      pollMs: 50,
      leaseMs: 600,
    });
    await supervised;
    expect(countJobs(jobStates(folder))).toMatchObject({ done: 1, failed: 1 });
    expect(readdirSync(join(folder.failuresFolder, folder.jobs[0]!.id))).toHaveLength(1);
  });

  it('ends when a job can’t be claimed, with those under way paused', async () => {
    const folder = toyExperiment(join(root, 'unclaimable'), 1);
    const [first, second] = folder.jobs.map(({ id }) => id) as [string, string];
    writeFileSync(join(folder.claimsFolder, second), '');
    const ending = new AbortController();
    const supervised = superviseQueue({ folder, url: url(), signal: ending.signal, pollMs: 50 });
    await expect(
      runQueueWorker({
        folder,
        url: url(),
        slots: 2,
        signal: AbortSignal.timeout(20_000),
        jobProcess: TOY_JOB,
        pollMs: 50,
        leaseMs: 600,
      }),
    ).rejects.toMatchObject({ code: 'STORAGE', message: expect.stringContaining(second) });
    ending.abort();
    await supervised;
    expect(existsSync(join(folder.claimsFolder, first, '1.released'))).toBe(true);
    expect(countJobs(jobStates(folder))).toMatchObject({ running: 0, waiting: 2 });
  });

  it('says that Redis does not answer, without the password', async () => {
    const folder = toyExperiment(join(root, 'nowhere'), 1);
    const nowhere = `redis://user:secret@127.0.0.1:${await freePort()}`;
    await expect(runQueueWorker({ folder, url: nowhere, slots: 1, signal: never() })).rejects.toThrow(
      /Redis at redis:\/\/127\.0\.0\.1:\d+ does not answer \(.*\); start it/,
    );
    await expect(superviseQueue({ folder, url: 'http://x', signal: never() })).rejects.toThrow(
      /expected redis:\/\/host:port/,
    );
  });
});
