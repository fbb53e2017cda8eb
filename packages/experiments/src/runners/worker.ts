// Takes jobs of an experiment one after the other and runs them in processes of their own, several at a time, until every job is done or failed for good. Any
// number of workers may do this over one folder, on any machines that see it; `experiment run` is one of them.
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError } from '@moe-rl/core';
import { removeQuietly, storageError } from '@moe-rl/core/node';
import { runFolderPaths } from '@moe-rl/runs';
import { type Claim, claimJob, claimState, type Observations } from '../jobs/claims.ts';
import { type JobChild, type JobOutcome, startJob } from '../jobs/job-child.ts';
import { DEFAULT_LEASE_MS, hasFailed, isDone, jobFailures, noteFailure } from '../jobs/job-state.ts';
import { failureKindOf } from '../jobs/run-job.ts';
import type { Job } from '../plan/experiment.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';

/** What happens while a worker works, for whoever shows it. */
export type WorkerEvent =
  | { readonly type: 'started'; readonly job: Job; readonly runFolder: string; readonly epoch: number }
  | { readonly type: 'done'; readonly job: Job }
  | { readonly type: 'paused'; readonly job: Job }
  | { readonly type: 'lost'; readonly job: Job }
  | { readonly type: 'failed'; readonly job: Job; readonly message: string; readonly isFinal: boolean }
  | { readonly type: 'waiting'; readonly jobs: number };

export interface WorkerOptions {
  readonly folder: ExperimentFolder;
  /** Jobs at a time. */
  readonly slots: number;
  /** Aborting pauses the jobs under way, each with a checkpoint. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: WorkerEvent) => void;
  /** A claim without a heartbeat for so long is taken over. */
  readonly leaseMs?: number;
  /** Wait before a job that failed is tried again; doubles each time. */
  readonly backoffMs?: number;
  /** How often to look for jobs while there are none to take. */
  readonly pollMs?: number;
  /** Keeps the replay memory of finished runs; without it they can be evaluated and filmed, not trained further. Default false. */
  readonly keepReplay?: boolean;
  /** File that a job's process runs instead of the usual one. */
  readonly jobProcess?: string;
}

interface Running {
  readonly job: Job;
  readonly claim: Claim;
  readonly child: JobChild;
}

/** How one attempt at a job ended. */
export type Attempt = 'done' | 'paused' | 'lost' | 'failed' | 'failed-for-good';

/**
 * Runs jobs until none is left, or until `signal` aborts.
 * @throws StorageError when the disk is full or the folder can't be written: jobs under way are paused, nothing is lost
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { folder, slots, signal, onEvent = () => {}, leaseMs = DEFAULT_LEASE_MS, pollMs = 2000 } = options;
  const observations: Observations = new Map();
  const running = new Map<string, Promise<void>>();
  const notBefore = new Map<string, number>();
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let failure: unknown;
  let announcedWaiting = false;
  try {
    while (!controller.signal.aborted) {
      const open = folder.jobs.filter(({ id }) => !isDone(folder, id) && !hasFailed(jobFailures(folder, id)));
      if (open.length === 0 && running.size === 0) break;
      for (const job of open) {
        if (running.size >= slots) break;
        if (running.has(job.id) || performance.now() < (notBefore.get(job.id) ?? 0)) continue;
        if (claimState(folder, job.id, observations, leaseMs) === 'held') continue;
        const claim = claimJob(folder, job.id, leaseMs);
        if (claim === undefined) continue;
        const attempt = runClaimed({ ...options, signal: controller.signal }, job, claim, leaseMs).then(
          (outcome) => {
            const failures = jobFailures(folder, job.id).length;
            if (outcome === 'failed') {
              notBefore.set(job.id, performance.now() + (options.backoffMs ?? 10_000) * 2 ** (failures - 1));
            }
          },
          (error: unknown) => {
            failure ??= error;
            controller.abort();
          },
        );
        running.set(
          job.id,
          attempt.finally(() => running.delete(job.id)),
        );
      }
      if (running.size === 0 && !announcedWaiting) {
        onEvent({ type: 'waiting', jobs: open.length });
        announcedWaiting = true;
      }
      if (running.size > 0) announcedWaiting = false;
      await Promise.race([...running.values(), pause(pollMs, controller.signal)]);
    }
    await Promise.all(running.values());
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (failure !== undefined) throw failure;
}

/** Runs a job that was claimed, keeps the claim alive meanwhile, and files the result. */
export async function runClaimed(
  options: WorkerOptions,
  job: Job,
  claim: Claim,
  leaseMs: number = DEFAULT_LEASE_MS,
): Promise<Attempt> {
  const { folder, signal, onEvent = () => {} } = options;
  // Done meanwhile: the one before published it in the moment of the take-over.
  if (isDone(folder, job.id)) {
    claim.release();
    return 'done';
  }
  claim.beat();
  const task = { experimentFolder: folder.path, jobId: job.id, epoch: claim.epoch };
  const child = startJob(task, options.jobProcess);
  onEvent({ type: 'started', job, runFolder: claim.runFolder, epoch: claim.epoch });
  const isStillOurs = keepAlive({ job, claim, child }, leaseMs);
  const stop = (): void => child.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  let outcome: JobOutcome;
  try {
    outcome = await child.outcome;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (!isStillOurs() || outcome.type === 'lost') {
    onEvent({ type: 'lost', job });
    return 'lost';
  }
  if (outcome.type === 'complete') return publish(options, job, claim);
  if (outcome.type === 'paused' || signal.aborted) {
    claim.release();
    onEvent({ type: 'paused', job });
    return 'paused';
  }
  if (outcome.code === 'DISK_FULL') {
    claim.release();
    throw new StorageError(`${outcome.message}; the experiment is paused, free some space and start it again`);
  }
  noteFailure(folder, job.id, claim.epoch, { kind: failureKindOf(outcome.code), message: outcome.message });
  claim.release();
  const isFinal = hasFailed(jobFailures(folder, job.id));
  onEvent({ type: 'failed', job, message: outcome.message, isFinal });
  return isFinal ? 'failed-for-good' : 'failed';
}

/** Beats until the job's process ends; a claim that was lost ends it at once. Returns whether the claim is still ours. */
function keepAlive({ claim, child }: Running, leaseMs: number): () => boolean {
  const timer = setInterval(
    () => {
      try {
        if (claim.isHeld()) claim.beat();
        else child.kill();
      } catch {
        // A folder that can't be reached for a moment; the job's process tells if it stays so.
      }
    },
    Math.max(50, leaseMs / 6),
  );
  void child.outcome.then(() => clearInterval(timer));
  return () => claim.isHeld();
}

/** Moves a finished run to its final name: only one can, so a job is never counted twice. */
function publish({ folder, keepReplay, onEvent = () => {} }: WorkerOptions, job: Job, claim: Claim): Attempt {
  const target = join(folder.jobsFolder, job.id);
  try {
    renameSync(claim.runFolder, target);
  } catch (cause) {
    if (!existsSync(claim.runFolder) || existsSync(target)) {
      onEvent({ type: 'lost', job });
      return 'lost';
    }
    throw storageError('move', claim.runFolder, cause);
  }
  // Gigabytes a run, and nothing but further training needs them.
  if (keepReplay !== true) removeQuietly(runFolderPaths(target).replayFolder);
  claim.release();
  onEvent({ type: 'done', job });
  return 'done';
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // woken to stop
  }
}
