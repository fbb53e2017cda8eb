// A job that was claimed: its process, its claim while the process works, and where the result goes.
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { requireBoolean, requireFinite, requireInteger, requireKnownOptions, StorageError } from '@moe-rl/core';
import { removeQuietly, storageError } from '@moe-rl/core/node';
import { runFolderPaths } from '@moe-rl/runs';
import type { Claim } from '../jobs/claims.ts';
import { type JobOutcome, startJob } from '../jobs/job-child.ts';
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

/** How jobs are claimed and run. */
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
  /** Seeds of one game and variant that one process runs as one program; `slots` counts such processes. Default: each job has a process of its own. */
  readonly batchSeeds?: number;
  /** File that a job's process runs instead of the usual one. */
  readonly jobProcess?: string;
}

const OPTIONS: readonly (keyof WorkerOptions)[] = [
  'folder',
  'slots',
  'signal',
  'onEvent',
  'leaseMs',
  'backoffMs',
  'pollMs',
  'keepReplay',
  'batchSeeds',
  'jobProcess',
];

/**
 * Refuses options with which a worker would wait for ever, take jobs from those who are at them, or do other than asked.
 * @param further names that the caller takes beside
 * @throws InvalidArgumentError naming the option, its value and the bound
 */
export function requireWorkerOptions(options: WorkerOptions, further: readonly string[] = []): void {
  requireKnownOptions('a worker', options, [...OPTIONS, ...further]);
  const { slots, leaseMs = 1, backoffMs = 0, pollMs = 1, batchSeeds = 1, keepReplay = false } = options;
  requireInteger('slots', slots, 1);
  requireFinite('leaseMs', leaseMs, 1);
  requireFinite('backoffMs', backoffMs, 0);
  requireFinite('pollMs', pollMs, 1);
  requireInteger('batchSeeds', batchSeeds, 1);
  requireBoolean('keepReplay', keepReplay);
}

/** A job that a process of ours is at. */
interface Running {
  readonly job: Job;
  readonly claim: Claim;
  readonly outcome: Promise<JobOutcome>;
  /** The job was taken over by somebody else. */
  readonly onLost: () => void;
}

/** How one attempt at a job ended. */
export type Attempt = 'done' | 'paused' | 'lost' | 'failed' | 'failed-for-good';

/** Runs a job that was claimed, keeps the claim alive meanwhile, and files the result. */
export async function runClaimed(
  options: WorkerOptions,
  job: Job,
  claim: Claim,
  leaseMs: number = DEFAULT_LEASE_MS,
): Promise<Attempt> {
  const { folder, signal } = options;
  if (releaseIfDone(folder, job, claim)) return 'done';
  claim.beat();
  const task = { experimentFolder: folder.path, jobId: job.id, epoch: claim.epoch };
  const child = startJob(task, options.jobProcess);
  announce(options, { job, claim, outcome: child.outcome, onLost: () => child.kill() }, leaseMs);
  const stop = (): void => child.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await settle(options, job, claim, await child.outcome);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Gives a claim back whose job is done: the one before published it in the moment of the take-over. */
export function releaseIfDone(folder: ExperimentFolder, job: Job, claim: Claim): boolean {
  if (!isDone(folder, job.id)) return false;
  claim.release();
  return true;
}

/** Tells that a job's process was started, and keeps its claim alive until the job ends. */
export function announce({ onEvent = () => {} }: WorkerOptions, running: Running, leaseMs: number): void {
  const { job, claim } = running;
  onEvent({ type: 'started', job, runFolder: claim.runFolder, epoch: claim.epoch });
  keepAlive(running, leaseMs);
}

/**
 * Files how a job ended.
 * @throws StorageError when the disk is full
 */
export function settle(options: WorkerOptions, job: Job, claim: Claim, outcome: JobOutcome): Attempt {
  const { folder, signal, onEvent = () => {} } = options;
  if (!claim.isHeld() || outcome.type === 'lost') {
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

/** Beats until the job ends. */
function keepAlive({ claim, outcome, onLost }: Running, leaseMs: number): void {
  const timer = setInterval(
    () => {
      try {
        if (claim.isHeld()) claim.beat();
        else onLost();
      } catch {
        // A folder that can't be reached for a moment; the job's process tells if it stays so.
      }
    },
    Math.max(50, leaseMs / 6),
  );
  void outcome.then(() => clearInterval(timer));
}

/** Moves a finished run to its final name: only one can, so a job is never counted twice. */
function publish({ folder, keepReplay, onEvent = () => {} }: WorkerOptions, job: Job, claim: Claim): Attempt {
  const target = join(folder.jobsFolder, job.id);
  try {
    renameSync(claim.runFolder, target);
  } catch (cause) {
    // Something else of that name would be in the way of each attempt.
    if (!existsSync(claim.runFolder) || isDone(folder, job.id)) {
      onEvent({ type: 'lost', job });
      return 'lost';
    }
    claim.release();
    throw storageError('move', claim.runFolder, cause);
  }
  // Gigabytes a run, and nothing but further training needs them.
  if (keepReplay !== true) removeQuietly(runFolderPaths(target).replayFolder);
  claim.release();
  onEvent({ type: 'done', job });
  return 'done';
}
