// Jobs that differ in their seeds alone, run by one process as one program. Which jobs belong together, and where each stands in the program, follows from the plan
// and the size asked for: a job that goes on after an interruption is at its place again, and its numbers are the same, whoever else is left.
import type { Claim } from '../jobs/claims.ts';
import { startBatch } from '../jobs/job-child.ts';
import type { Job } from '../plan/experiment.ts';
import { type Attempt, announce, releaseIfDone, settle, type WorkerOptions } from './claimed-job.ts';

/** Jobs of one game and variant; a job's index is its place. */
export type JobBatch = readonly Job[];

/** All jobs in batches of up to `size` seeds, in the order of the plan's first seeds. */
export function batchesOf(jobs: readonly Job[], size: number): readonly JobBatch[] {
  const batches: Job[][] = [];
  const newest = new Map<string, Job[]>();
  for (const job of jobs) {
    const key = `${job.game} ${job.variant}`;
    let batch = newest.get(key);
    if (batch === undefined || batch.length === size) {
      batch = [];
      newest.set(key, batch);
      batches.push(batch);
    }
    batch.push(job);
  }
  return batches;
}

/** A job of a batch that was claimed. */
export interface ClaimedMember {
  readonly job: Job;
  readonly claim: Claim;
  /** In the program. */
  readonly place: number;
}

/**
 * Runs the claimed jobs of a batch in one process; each is filed as soon as it ends, and one that fails leaves the others alone.
 * @param size places of the program; those of jobs that are done, or somebody else's, stay empty
 */
export async function runBatch(
  options: WorkerOptions,
  claimed: readonly ClaimedMember[],
  size: number,
  leaseMs: number,
): Promise<ReadonlyMap<string, Attempt>> {
  const { folder, signal } = options;
  const attempts = new Map<string, Attempt>();
  const members = claimed.filter(({ job, claim }) => {
    const isDone = releaseIfDone(folder, job, claim);
    if (isDone) attempts.set(job.id, 'done');
    return !isDone;
  });
  if (members.length === 0) return attempts;
  for (const { claim } of members) claim.beat();
  const child = startBatch(
    {
      experimentFolder: folder.path,
      size,
      members: members.map(({ job, claim, place }) => ({ jobId: job.id, epoch: claim.epoch, place })),
    },
    options.jobProcess,
  );
  const stop = (): void => child.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    await Promise.all(
      members.map(async ({ job, claim }) => {
        const outcome = child.outcomes.get(job.id)!;
        // A job that was lost ends by itself at its next step: the process is the others', too.
        announce(options, { job, claim, outcome, onLost: () => {} }, leaseMs);
        attempts.set(job.id, settle(options, job, claim, await outcome));
      }),
    );
    return attempts;
  } catch (error) {
    // The disk is full: what goes on can't be filed. All of them pause with checkpoints.
    stop();
    await Promise.all(child.outcomes.values());
    for (const { claim } of members) if (claim.isHeld()) claim.release();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
