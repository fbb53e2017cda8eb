// What has become of each job, read from the experiment's folder alone.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder, readJsonObject, replaceFile } from '@moe-rl/core/node';
import type { Job } from '../plan/experiment.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import type { ExperimentPaths } from '../plan/experiment-paths.ts';
import { seemsHeld } from './claims.ts';

/** `machine`: may go well another time or elsewhere. `configuration`: goes wrong each time. */
export type FailureKind = 'machine' | 'configuration';

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly host: string;
  readonly at: string;
}

export type JobStatus = 'done' | 'failed' | 'running' | 'waiting';

export interface JobState {
  readonly job: Job;
  readonly status: JobStatus;
  readonly failures: readonly Failure[];
  /** Folder of the run, finished or not; undefined before it began. */
  readonly runFolder: string | undefined;
}

/** How often a job that fails through no fault of its own is tried. */
export const MAXIMUM_ATTEMPTS = 3;
/** A claim without a heartbeat for so long counts as abandoned. */
export const DEFAULT_LEASE_MS = 60_000;

export function isDone({ jobsFolder }: ExperimentPaths, jobId: string): boolean {
  return existsSync(join(jobsFolder, jobId, 'summary.json'));
}

/** The failures of a job so far, oldest first. */
export function jobFailures({ failuresFolder }: ExperimentPaths, jobId: string): readonly Failure[] {
  const folder = join(failuresFolder, jobId);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10))
    .map((name) => readJsonObject(join(folder, name)) as unknown as Failure);
}

/** Notes a failure of the claim of `epoch`: noted twice it is still one. */
export function noteFailure(
  { failuresFolder }: ExperimentPaths,
  jobId: string,
  epoch: number,
  failure: { readonly kind: FailureKind; readonly message: string },
): void {
  const folder = join(failuresFolder, jobId);
  makeFolder(folder);
  const content: Failure = { ...failure, host: hostname(), at: new Date().toISOString() };
  replaceFile(join(folder, `${epoch}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

/** Lets failed jobs be tried again. */
export function forgetFailures({ failuresFolder }: ExperimentPaths): void {
  rmSync(failuresFolder, { recursive: true, force: true });
  makeFolder(failuresFolder);
}

/** True when a job is not tried any more. */
export function hasFailed(failures: readonly Failure[]): boolean {
  return failures.some(({ kind }) => kind === 'configuration') || failures.length >= MAXIMUM_ATTEMPTS;
}

/** The state of every job. */
export function jobStates(folder: ExperimentFolder, leaseMs: number = DEFAULT_LEASE_MS): readonly JobState[] {
  const work = new Map<string, { epoch: number; path: string }>();
  for (const name of existsSync(folder.workFolder) ? readdirSync(folder.workFolder) : []) {
    const dot = name.lastIndexOf('.');
    const [jobId, epoch] = [name.slice(0, dot), Number(name.slice(dot + 1))];
    if (epoch > (work.get(jobId)?.epoch ?? 0)) work.set(jobId, { epoch, path: join(folder.workFolder, name) });
  }
  return folder.jobs.map((job): JobState => {
    const failures = jobFailures(folder, job.id);
    if (isDone(folder, job.id)) return { job, status: 'done', failures, runFolder: join(folder.jobsFolder, job.id) };
    const runFolder = work.get(job.id)?.path;
    if (hasFailed(failures)) return { job, status: 'failed', failures, runFolder };
    const status = seemsHeld(folder, job.id, leaseMs) ? 'running' : 'waiting';
    return { job, status, failures, runFolder };
  });
}

/** Jobs by status. */
export function countJobs(states: readonly JobState[]): Record<'total' | JobStatus, number> {
  const counts = { total: states.length, done: 0, failed: 0, running: 0, waiting: 0 };
  for (const { status } of states) counts[status]++;
  return counts;
}
