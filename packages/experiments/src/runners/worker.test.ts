// Runners over one folder, with toy jobs: nothing is lost, run twice or counted twice, whoever is killed or stopped when.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { claimJob, claimState, newestEpoch } from '../jobs/claims.ts';
import { countJobs, jobStates } from '../jobs/job-state.ts';
import { type ExperimentFolder, openExperimentFolder } from '../plan/experiment-folder.ts';
import { TOY_JOB, temporaryFolder, toyExperiment } from '../testing/toy-experiment.ts';
import type { WorkerEvent } from './claimed-job.ts';
import { runQueueWorker } from './queue.ts';
import { runWorker } from './worker.ts';

const root = temporaryFolder('worker');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const STEPS = 15;

/** Every job is there once, and each of its steps is in its file once, in order. */
function expectAllDoneOnce(folder: ExperimentFolder): void {
  expect(countJobs(jobStates(folder))).toMatchObject({ total: folder.jobs.length, done: folder.jobs.length });
  expect(readdirSync(folder.jobsFolder).sort()).toEqual(folder.jobs.map(({ id }) => id).sort());
  for (const { id } of folder.jobs) {
    const steps = readFileSync(join(folder.jobsFolder, id, 'steps.txt'), 'utf8')
      .trim()
      .split('\n');
    expect(steps).toEqual(Array.from({ length: STEPS }, (_, step) => String(step + 1)));
  }
}

const startsOf = (folder: ExperimentFolder, jobId: string): string[] =>
  readFileSync(join(folder.jobsFolder, jobId, 'starts.txt'), 'utf8')
    .trim()
    .split('\n');

const never = (): AbortSignal => new AbortController().signal;
const work = (folder: ExperimentFolder, more: Partial<Parameters<typeof runWorker>[0]> = {}): Promise<void> =>
  runWorker({ folder, slots: 2, signal: never(), jobProcess: TOY_JOB, pollMs: 30, leaseMs: 600, ...more });

/** A worker in a process of its own, to be killed or stopped. */
function startWorker(folder: ExperimentFolder, leaseMs = 600): ChildProcess {
  const program = fileURLToPath(new URL('../testing/toy-worker.ts', import.meta.url));
  return spawn(process.execPath, ['--conditions=@moe-rl/source', program, folder.path, String(leaseMs)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

async function until(isTrue: () => boolean, timeoutMs = 60_000): Promise<void> {
  const start = performance.now();
  while (!isTrue()) {
    if (performance.now() - start > timeoutMs) throw new Error('it did not happen in time');
    await sleep(10);
  }
}

const hasStepsIn = (folder: ExperimentFolder, steps: number): boolean =>
  readdirSync(folder.workFolder).some((name) => {
    const file = join(folder.workFolder, name, 'checkpoint.txt');
    return existsSync(file) && Number(readFileSync(file, 'utf8')) >= steps;
  });

describe('a worker', () => {
  it('runs every job once, several at a time', async () => {
    const folder = toyExperiment(join(root, 'plain'));
    let running = 0;
    let most = 0;
    await work(folder, {
      onEvent({ type }: WorkerEvent) {
        if (type === 'started') most = Math.max(most, ++running);
        if (type === 'done') running--;
      },
    });
    expectAllDoneOnce(folder);
    expect(most).toBe(2);
    expect(readdirSync(folder.workFolder)).toEqual([]);
  });

  it.each([
    [{ slots: 0 }, /^slots is 0; expected an integer of at least 1/],
    [{ slots: Number.NaN }, /^slots is NaN/],
    [{ leaseMs: 0 }, /^leaseMs is 0; expected a finite number/],
    [{ leaseMs: Number.NaN }, /^leaseMs is NaN/],
    [{ pollMs: -1 }, /^pollMs is -1/],
    [{ backoffMs: Number.POSITIVE_INFINITY }, /^backoffMs is Infinity/],
    [{ batchSeeds: 0 }, /^batchSeeds is 0/],
    [{ slot: 3 }, /^a worker has no option "slot".*did you mean slots/],
  ])('refuses %j before a job is claimed', async (options, message) => {
    const folder = toyExperiment(join(root, `refused-${JSON.stringify(options).replace(/\W/g, '')}`), 1);
    const signal = AbortSignal.timeout(1000);
    await expect(work(folder, { signal, ...options } as object)).rejects.toThrow(message);
    expect(readdirSync(folder.claimsFolder)).toEqual([]);
    if ('slot' in options) return;
    const queued = { folder, url: 'redis://127.0.0.1:1', slots: 1, signal, ...options };
    await expect(runQueueWorker(queued)).rejects.toThrow(message);
  });

  it('says what is in the way of a finished run, instead of running it for ever', async () => {
    const folder = toyExperiment(join(root, 'in-the-way'), 1);
    const { id } = folder.jobs[0]!;
    mkdirSync(join(folder.jobsFolder, id));
    writeFileSync(join(folder.jobsFolder, id, 'notes.txt'), 'not a run');
    await expect(work(folder, { signal: AbortSignal.timeout(20_000) })).rejects.toThrow(/cannot move/);
    expect(readdirSync(folder.workFolder).some((name) => name.startsWith(`${id}.`))).toBe(true);
  });

  it('pauses with checkpoints when asked to, and goes on from them', async () => {
    const folder = toyExperiment(join(root, 'paused'), 1);
    const controller = new AbortController();
    const events: string[] = [];
    const first = work(folder, { signal: controller.signal, onEvent: ({ type }) => events.push(type) });
    await until(() => hasStepsIn(folder, 5));
    controller.abort();
    await first;
    expect(events.filter((type) => type === 'paused').length).toBeGreaterThan(0);
    expect(countJobs(jobStates(folder)).running).toBe(0);
    await work(folder);
    expectAllDoneOnce(folder);
    expect(startsOf(folder, folder.jobs[0]!.id)[1]).toMatch(/^2 from [1-9]/);
  });

  it('shares the jobs with others', async () => {
    const folder = toyExperiment(join(root, 'shared'), 4);
    await Promise.all([work(folder), work(openExperimentFolder(folder.path))]);
    expectAllDoneOnce(folder);
    for (const { id } of folder.jobs) expect(startsOf(folder, id)).toEqual(['1 from 0']);
  });

  it('takes over from one that was killed with -9, from the last checkpoint', async () => {
    const folder = toyExperiment(join(root, 'killed'));
    const other = startWorker(folder, 60_000);
    await until(() => hasStepsIn(folder, 5));
    other.kill('SIGKILL');
    // The lease is long: that the process is gone is known at once on its own machine.
    await work(folder, { leaseMs: 60_000 });
    expectAllDoneOnce(folder);
    const starts = folder.jobs.flatMap(({ id }) => startsOf(folder, id));
    expect(starts.some((line) => /^2 from ([5-9]|1\d)/.test(line))).toBe(true);
  });

  it('takes over from one that was stopped beyond its lease, which writes nothing more when it wakes up', async () => {
    const folder = toyExperiment(join(root, 'stopped'), 1);
    const other = startWorker(folder);
    await until(() => hasStepsIn(folder, 5));
    const jobPids = childrenOf(other.pid!);
    for (const pid of [other.pid!, ...jobPids]) process.kill(pid, 'SIGSTOP');
    const taken = work(folder);
    await until(() =>
      readdirSync(folder.claimsFolder).some((id) => existsSync(join(folder.claimsFolder, id, '2.json'))),
    );
    for (const pid of [...jobPids, other.pid!]) process.kill(pid, 'SIGCONT');
    await taken;
    await new Promise((resolve) => (other.exitCode === null ? other.once('exit', resolve) : resolve(undefined)));
    expectAllDoneOnce(folder);
    expect(readdirSync(folder.workFolder)).toEqual([]);
  });

  it('tries a machine fault again, a wrong configuration not', async () => {
    const folder = toyExperiment(join(root, 'failing'), 1);
    const [machine, configuration] = folder.jobs.map(({ id }) => id) as [string, string];
    writeFileSync(join(folder.path, `fail-${machine}`), '');
    writeFileSync(join(folder.path, `fail-${configuration}`), 'INVALID_ARGUMENT');
    const failures: string[] = [];
    await work(folder, {
      backoffMs: 10,
      onEvent: (event) => event.type === 'failed' && failures.push(`${event.job.id} ${event.isFinal}`),
    });
    expect(failures.filter((line) => line.startsWith(configuration))).toEqual([`${configuration} true`]);
    expect(failures.filter((line) => line.startsWith(machine))).toEqual([
      `${machine} false`,
      `${machine} false`,
      `${machine} true`,
    ]);
    expect(countJobs(jobStates(folder))).toMatchObject({ done: 0, failed: 2, waiting: 0 });
  });

  it('stops at a full disk without counting it against the job', async () => {
    const folder = toyExperiment(join(root, 'full'), 1);
    for (const { id } of folder.jobs) writeFileSync(join(folder.path, `fail-${id}`), 'DISK_FULL');
    await expect(work(folder)).rejects.toThrow(/experiment is paused, free some space/);
    expect(countJobs(jobStates(folder))).toMatchObject({ failed: 0, waiting: 2 });
    for (const { id } of folder.jobs) rmSync(join(folder.path, `fail-${id}`));
    await work(folder);
    expectAllDoneOnce(folder);
  });

  it('pauses its jobs when one can’t be claimed, and tells why', async () => {
    const folder = toyExperiment(join(root, 'unclaimable'), 1);
    const [first, second] = folder.jobs.map(({ id }) => id) as [string, string];
    writeFileSync(join(folder.claimsFolder, second), '');
    const events: string[] = [];
    await expect(
      work(folder, { onEvent: (event) => 'job' in event && events.push(`${event.type} ${event.job.id}`) }),
    ).rejects.toMatchObject({ code: 'STORAGE', message: expect.stringContaining(second) });
    expect(events).toEqual([`started ${first}`, `paused ${first}`]);
    expect(existsSync(join(folder.claimsFolder, first, '1.released'))).toBe(true);
    expect(jobStates(folder).map(({ status }) => status)).toEqual(['waiting', 'waiting']);
  });

  it('lets go what it claimed of a batch when the rest can’t be', async () => {
    const folder = toyExperiment(join(root, 'unclaimable-batch'), 2);
    const batch = folder.jobs.filter(({ variant }) => variant === 'baseline');
    writeFileSync(join(folder.claimsFolder, batch[1]!.id), '');
    await expect(work(folder, { batchSeeds: 2 })).rejects.toMatchObject({ code: 'STORAGE' });
    expect(existsSync(join(folder.claimsFolder, batch[0]!.id, '1.released'))).toBe(true);
  });
});

describe('claims', () => {
  it('let only one of many take an epoch', () => {
    const folder = toyExperiment(join(root, 'race'), 1);
    const { id } = folder.jobs[0]!;
    const claim = claimJob(folder, id)!;
    expect(claim.epoch).toBe(1);
    // Somebody else looked when there was no claim yet, and is too late.
    mkdirSync(join(folder.claimsFolder, 'x'), { recursive: true });
    expect(claim.isHeld()).toBe(true);
    const next = claimJob(folder, id)!;
    expect(next.epoch).toBe(2);
    expect(claim.isHeld()).toBe(false);
    expect(next.isHeld()).toBe(true);
  });

  it('count as abandoned by the observer’s steady clock, whatever the clocks say', async () => {
    const folder = toyExperiment(join(root, 'clock'), 1);
    const { id } = folder.jobs[0]!;
    const claim = claimJob(folder, id)!;
    claim.beat();
    const observations = new Map();
    const realNow = Date.now;
    try {
      expect(claimState(folder, id, observations, 100)).toBe('held');
      // A jump of the wall clock by a year changes nothing.
      Date.now = () => realNow() + 365 * 86_400_000;
      expect(claimState(folder, id, observations, 100)).toBe('held');
      await sleep(60);
      claim.beat();
      expect(claimState(folder, id, observations, 100)).toBe('held');
      await sleep(60);
      expect(claimState(folder, id, observations, 100)).toBe('held');
      await sleep(60);
      expect(claimState(folder, id, observations, 100)).toBe('abandoned');
    } finally {
      Date.now = realNow;
    }
  });

  it('give the new owner files that the old one cannot reach', () => {
    const folder = toyExperiment(join(root, 'inode'), 1);
    const { id } = folder.jobs[0]!;
    const first = claimJob(folder, id)!;
    mkdirSync(first.runFolder);
    writeFileSync(join(first.runFolder, 'metrics.jsonl'), 'row\n');
    const second = claimJob(folder, id)!;
    expect(existsSync(first.runFolder)).toBe(false);
    expect(readFileSync(join(second.runFolder, 'metrics.jsonl'), 'utf8')).toBe('row\n');
  });

  it('leave a job to who took it after it was judged', () => {
    const folder = toyExperiment(join(root, 'judged'), 1);
    const { id } = folder.jobs[0]!;
    claimJob(folder, id)!.release();
    // Two workers find it released; the first takes it.
    const before = newestEpoch(folder, id);
    expect(claimState(folder, id, new Map(), 100, before)).toBe('released');
    const first = claimJob(folder, id, 100, before)!;
    expect(first.epoch).toBe(2);
    expect(claimState(folder, id, new Map(), 100, before)).toBe('released');
    expect(claimJob(folder, id, 100, before)).toBeUndefined();
    expect(first.isHeld()).toBe(true);
  });

  it('leave the run folder to a later owner', () => {
    const folder = toyExperiment(join(root, 'later'), 1);
    const { id } = folder.jobs[0]!;
    claimJob(folder, id);
    for (const epoch of [1, 3]) mkdirSync(join(folder.workFolder, `${id}.${epoch}`));
    expect(claimJob(folder, id, 100, 1)!.epoch).toBe(2);
    expect(readdirSync(folder.workFolder).sort()).toEqual([`${id}.2`, `${id}.3`]);
  });

  it('are given back, with a typed error, where the files of a run can’t be taken over', () => {
    const folder = toyExperiment(join(root, 'copies'), 1);
    const { id } = folder.jobs[0]!;
    const { runFolder, release } = claimJob(folder, id)!;
    mkdirSync(runFolder);
    writeFileSync(join(runFolder, 'metrics.jsonl'), 'row\n');
    // What a take-over left that was killed.
    writeFileSync(join(runFolder, 'config.json.copy'), '{');
    release();
    mkdirSync(join(runFolder, 'metrics.jsonl.copy'));
    expect(() => claimJob(folder, id)).toThrow(
      expect.objectContaining({ code: 'STORAGE', message: expect.stringContaining('metrics.jsonl') }),
    );
    expect(claimState(folder, id, new Map(), 100)).toBe('released');
    const next = join(folder.workFolder, `${id}.2`);
    expect(readdirSync(next).sort()).toEqual(['metrics.jsonl', 'metrics.jsonl.copy']);
    rmSync(join(next, 'metrics.jsonl.copy'), { recursive: true });
    const third = claimJob(folder, id)!;
    expect(readdirSync(third.runFolder)).toEqual(['metrics.jsonl']);
    expect(third.isHeld()).toBe(true);
  });
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
