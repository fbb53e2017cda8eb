// The queue: jobs handed out by Redis (BullMQ), for teams that schedule with it. Redis only says who should try what next; what is done, failed or claimed stands
// in the experiment's folder, which every worker sees. So a job that Redis gives to two workers (a stalled one, a lost lock, a Redis that forgot) is still run by
// one: the second finds it claimed and asks again later, or finds it done.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, MissingDependencyError, requireFinite } from '@moe-rl/core';
import { replaceFile } from '@moe-rl/core/node';
import { DelayedError, Queue, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Claim, claimJob, claimState, newestEpoch, type Observations } from '../jobs/claims.ts';
import { DEFAULT_LEASE_MS, hasFailed, isDone, jobFailures, MAXIMUM_ATTEMPTS } from '../jobs/job-state.ts';
import { fingerprintOf, type Job } from '../plan/experiment.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import { requireWorkerOptions, runClaimed, type WorkerOptions } from './claimed-job.ts';

export interface QueueWorkerOptions extends WorkerOptions {
  /** `redis://host:port`, with user, password and database where needed. */
  readonly url: string;
  /** Told once each time that Redis is lost, and once when it is back. */
  readonly onConnection?: (message: string) => void;
  /** Without a sign of life for so long, Redis gives a job to another worker. Default 30 s. */
  readonly lockMs?: number;
}

/** Jobs in Redis by state. */
export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly isPaused: boolean;
  readonly isDrained: boolean;
}

/** How long a first answer of Redis may take. */
const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_MS = 1000;
/** How long a Redis that is gone may delay the end. */
const CLOSE_TIMEOUT_MS = 3000;

interface JobData {
  readonly jobId: string;
}

/** One queue per experiment: a worker can't get jobs of a folder that it does not have. */
function queueName(folder: ExperimentFolder): string {
  return `moe-rl-${fingerprintOf(folder.experiment).slice(0, 16)}`;
}

/** @param closing aborted, a lost Redis is not waited for any more */
function connectionOf(url: string, closing?: AbortSignal) {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new InvalidArgumentError(`the queue is ${JSON.stringify(url)}; expected redis://host:port`);
  }
  if (!['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new InvalidArgumentError(`the queue is ${JSON.stringify(shownUrl(url))}; expected redis://host:port`);
  }
  const { hostname, port, username, password, pathname, protocol } = parsed;
  const db = pathname === '' || pathname === '/' ? 0 : Number(pathname.slice(1));
  if (!Number.isInteger(db))
    throw new InvalidArgumentError(`the queue's database is "${pathname.slice(1)}"; expected a number`);
  return {
    host: hostname || '127.0.0.1',
    port: port === '' ? 6379 : Number(port),
    db,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    // Waits for a Redis that is gone instead of giving up: training goes on meanwhile.
    maxRetriesPerRequest: null,
    retryStrategy: () => (closing?.aborted === true ? null : RECONNECT_MS),
  };
}

/** A URL without its password, for messages. */
function shownUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

/** @throws MissingDependencyError when Redis does not answer, with its reason */
async function requireRedis(url: string): Promise<void> {
  const redis = new Redis({
    ...connectionOf(url),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let reason = 'no answer';
  redis.on('error', (error: NodeJS.ErrnoException) => {
    reason = error.message || error.code || reason;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    // The event carries the cause, the rejection often only that the connection is closed.
    if (reason === 'no answer' && error instanceof Error) reason = error.message;
    throw new MissingDependencyError(
      `Redis at ${shownUrl(url)} does not answer (${reason}); start it, name another one, or run without --queue`,
    );
  } finally {
    redis.disconnect();
  }
}

interface OpenQueue {
  readonly queue: Queue<JobData>;
  close(): Promise<void>;
}

/** Opens the queue. @throws MissingDependencyError when Redis does not answer */
async function openQueue(folder: ExperimentFolder, url: string): Promise<OpenQueue> {
  await requireRedis(url);
  const closing = new AbortController();
  const queue = new Queue<JobData>(queueName(folder), { connection: connectionOf(url, closing.signal) });
  // Connections come back by themselves; an event without a listener would end the process.
  queue.on('error', () => {});
  return {
    queue,
    async close() {
      closing.abort();
      await Promise.race([queue.disconnect().catch(() => {}), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

function drainedFile({ path }: ExperimentFolder): string {
  return join(path, 'drained');
}

/** True from a drain until jobs are handed in again. */
export function isDrained(folder: ExperimentFolder): boolean {
  return existsSync(drainedFile(folder));
}

const openJobs = (folder: ExperimentFolder) =>
  folder.jobs.filter(({ id }) => !isDone(folder, id) && !hasFailed(jobFailures(folder, id)));

/**
 * Hands every job that is neither done nor failed to the queue, as often as needed: a Redis that comes back empty gets them again. Returns when all are done or
 * failed, when the queue is drained, or when `signal` aborts.
 * @throws MissingDependencyError when Redis does not answer at the start
 */
export async function superviseQueue(options: {
  readonly folder: ExperimentFolder;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  /** Called at each look, with the number of jobs that are not done yet. */
  readonly onPoll?: (open: number) => void;
}): Promise<void> {
  const { folder, url, signal, pollMs = 2000, onPoll } = options;
  // Before anything is waited for: a worker that starts at the same moment must not take the drain of the last time for its own.
  rmSync(drainedFile(folder), { force: true });
  const { queue, close } = await openQueue(folder, url);
  try {
    while (!signal.aborted && !isDrained(folder)) {
      const open = openJobs(folder);
      onPoll?.(open.length);
      if (open.length === 0) return;
      await Promise.race([handIn(queue, folder), aborted(signal)]);
      await sleep(pollMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    await close();
  }
}

/** Adds what Redis does not have. Seeds come one after the other, so that a first answer over all games and variants comes early. */
async function handIn(queue: Queue<JobData>, folder: ExperimentFolder): Promise<void> {
  for (const { id, seed } of openJobs(folder)) {
    if (isDrained(folder)) return;
    const known = await queue.getJob(id);
    const state = known === undefined ? 'unknown' : await known.getState();
    // Over for Redis but not in the folder: it is tried again.
    if (state === 'completed' || state === 'failed') await known!.remove();
    else if (state !== 'unknown') continue;
    await queue.add(
      'run',
      { jobId: id },
      {
        jobId: id,
        priority: folder.experiment.seeds.indexOf(seed) + 1,
        attempts: MAXIMUM_ATTEMPTS,
        backoff: { type: 'exponential', delay: 10_000 },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
  }
}

/**
 * Takes jobs from the queue until every job of the experiment is done or failed, the queue is drained, or `signal` aborts. Training runs in a child process while
 * this one renews the lock in Redis and the claim in the folder.
 * @throws InvalidArgumentError for an option that is unknown or out of range; MissingDependencyError when Redis does not answer at the start; StorageError when the disk is full or the folder can't be written: jobs under way are paused
 */
export async function runQueueWorker(options: QueueWorkerOptions): Promise<void> {
  const { folder, url, slots, signal, leaseMs = DEFAULT_LEASE_MS, pollMs = 2000, lockMs = 30_000 } = options;
  const { onConnection = () => {} } = options;
  requireWorkerOptions(options, ['url', 'onConnection', 'lockMs']);
  requireFinite('lockMs', lockMs, 1);
  if ((options.batchSeeds ?? 1) > 1) {
    throw new InvalidArgumentError(
      `batchSeeds is ${options.batchSeeds}, but a queue hands out jobs one by one; expected 1, or runWorker`,
    );
  }
  await requireRedis(url);
  const closing = new AbortController();
  const observations: Observations = new Map();
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let failure: unknown;
  const endWith = (error: unknown): void => {
    failure ??= error;
    stop();
  };
  let isLost = false;
  let active = 0;
  /** The claim on a job, or how the job ended, or the milliseconds to wait before it is asked for again. */
  const take = ({ id }: Job): Claim | 'done' | 'failed' | number => {
    if (isDone(folder, id)) return 'done';
    if (hasFailed(jobFailures(folder, id))) return 'failed';
    // Handed in while the queue was being drained: left for the next time.
    if (isDrained(folder)) return pollMs;
    const before = newestEpoch(folder, id);
    // Another worker is at it, or seems to be: Redis lost the lock, the folder did not.
    if (claimState(folder, id, observations, leaseMs, before) === 'held') return Math.min(pollMs, leaseMs / 2);
    return claimJob(folder, id, leaseMs, before) ?? pollMs;
  };
  const worker = new Worker<JobData>(
    queueName(folder),
    async (queued, token) => {
      const job = folder.jobs.find(({ id }) => id === queued.data.jobId);
      if (job === undefined) throw new UnrecoverableError(`there is no job ${queued.data.jobId} in ${folder.path}`);
      const later = async (ms: number): Promise<never> => {
        await queued.moveToDelayed(Date.now() + ms, token);
        throw new DelayedError();
      };
      let taken: ReturnType<typeof take>;
      try {
        taken = take(job);
      } catch (error) {
        // The folder is at fault, not the job: the worker ends, and those under way pause with checkpoints.
        endWith(error);
        return later(pollMs);
      }
      if (taken === 'done') return;
      if (taken === 'failed') throw new UnrecoverableError('failed for good');
      if (typeof taken === 'number') return later(taken);
      active++;
      const attempt = await runClaimed({ ...options, signal: controller.signal }, job, taken, leaseMs)
        .catch((error: unknown) => {
          endWith(error);
          return 'paused' as const;
        })
        .finally(() => active--);
      if (attempt === 'done') return;
      if (attempt === 'failed-for-good') throw new UnrecoverableError(`${job.id} failed`);
      if (attempt === 'failed') throw new Error(`${job.id} failed`);
      return later(100);
    },
    {
      connection: connectionOf(url, closing.signal),
      concurrency: slots,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      // A job whose worker died is no worse for it; how often a job is tried is counted in the folder.
      maxStalledCount: 1_000_000,
    },
  );
  worker.on('error', (error) => {
    if (isLost || !isConnectionError(error)) return;
    isLost = true;
    onConnection(
      `Redis at ${shownUrl(url)} is lost (${error.message || 'no answer'}); jobs under way go on, new ones wait for it`,
    );
  });
  worker.on('ready', () => {
    if (isLost) onConnection(`Redis at ${shownUrl(url)} is back`);
    isLost = false;
  });
  try {
    try {
      while (!controller.signal.aborted && !isDrained(folder) && openJobs(folder).length > 0) {
        await sleep(pollMs, undefined, { signal: controller.signal }).catch(() => {});
      }
    } catch (error) {
      endWith(error);
    }
    // Jobs under way are waited for, as long as they take; Redis is not: the folder knows what it can't be told.
    const closed = worker.close();
    const rest = async (): Promise<void> => {
      while (active > 0) await sleep(100);
      await sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false });
    };
    await Promise.race([closed, rest()]);
  } finally {
    signal.removeEventListener('abort', stop);
    closing.abort();
    await Promise.race([worker.disconnect().catch(() => {}), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }
  if (failure !== undefined) throw failure;
}

function isConnectionError(error: Error): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /^E(CONN|PIPE|HOST|NET|AI)|NOTFOUND|TIMEDOUT/.test(code) || /connect|closed|ECONN/i.test(error.message);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** `pause`: no new job is started until `resume`. `drain`: what waits is taken out, workers end after the jobs under way. `status`: nothing is changed. */
export const QUEUE_ACTIONS = ['pause', 'resume', 'drain', 'status'] as const;
export type QueueAction = (typeof QUEUE_ACTIONS)[number];

/**
 * Acts on an experiment's queue, and counts what is in it then.
 * @throws MissingDependencyError when Redis does not answer
 */
export async function controlQueue(folder: ExperimentFolder, url: string, action: QueueAction): Promise<QueueCounts> {
  const { queue, close } = await openQueue(folder, url);
  try {
    if (action === 'pause') await queue.pause();
    if (action === 'resume') await queue.resume();
    if (action === 'drain') {
      replaceFile(drainedFile(folder), '');
      await queue.drain(true);
    }
    const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed');
    return {
      waiting: (counts.wait ?? 0) + (counts.prioritized ?? 0),
      active: counts.active ?? 0,
      delayed: counts.delayed ?? 0,
      isPaused: await queue.isPaused(),
      isDrained: isDrained(folder),
    };
  } finally {
    await close();
  }
}
