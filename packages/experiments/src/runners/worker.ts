// Takes jobs of an experiment one after the other and runs them in processes of their own, several at a time, until every job is done or failed for good. Any
// number of workers may do this over one folder, on any machines that see it; `experiment run` is one of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Claim, claimJob, claimState, newestEpoch, type Observations, releaseQuietly } from '../jobs/claims.ts';
import { DEFAULT_LEASE_MS, hasFailed, isDone, jobFailures } from '../jobs/job-state.ts';
import type { Job } from '../plan/experiment.ts';
import { batchesOf, type ClaimedMember, type JobBatch, runBatch } from './batches.ts';
import { type Attempt, requireWorkerOptions, runClaimed, type WorkerOptions } from './claimed-job.ts';

/**
 * Runs jobs until none is left, or until `signal` aborts.
 * @throws InvalidArgumentError for an option that is unknown or out of range; StorageError when the disk is full or the folder can't be written: jobs under way are paused, nothing is lost
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  requireWorkerOptions(options);
  const { folder, slots, signal, onEvent = () => {}, leaseMs = DEFAULT_LEASE_MS, pollMs = 2000 } = options;
  const batches = batchesOf(folder.jobs, options.batchSeeds ?? 1);
  const observations: Observations = new Map();
  const running = new Map<JobBatch, Promise<void>>();
  const notBefore = new Map<string, number>();
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const isOpen = ({ id }: Job): boolean => !isDone(folder, id) && !hasFailed(jobFailures(folder, id));
  const claimIfFree = ({ id }: Job): Claim | undefined => {
    const before = newestEpoch(folder, id);
    if (claimState(folder, id, observations, leaseMs, before) === 'held') return undefined;
    return claimJob(folder, id, leaseMs, before);
  };
  const claimOpen = (batch: JobBatch): ClaimedMember[] => {
    const claimed: ClaimedMember[] = [];
    try {
      for (const [place, job] of batch.entries()) {
        if (!isOpen(job) || performance.now() < (notBefore.get(job.id) ?? 0)) continue;
        const claim = claimIfFree(job);
        if (claim !== undefined) claimed.push({ job, claim, place });
      }
    } catch (error) {
      for (const { claim } of claimed) releaseQuietly(claim);
      throw error;
    }
    return claimed;
  };
  const note = (job: Job, attempt: Attempt): void => {
    if (attempt !== 'failed') return;
    const failures = jobFailures(folder, job.id).length;
    notBefore.set(job.id, performance.now() + (options.backoffMs ?? 10_000) * 2 ** (failures - 1));
  };
  const start = async (batch: JobBatch, claimed: readonly ClaimedMember[]): Promise<void> => {
    const own = { ...options, signal: controller.signal };
    if (batch.length === 1) {
      const { job, claim } = claimed[0]!;
      note(job, await runClaimed(own, job, claim, leaseMs));
      return;
    }
    const attempts = await runBatch(own, claimed, batch.length, leaseMs);
    for (const { job } of claimed) note(job, attempts.get(job.id)!);
  };
  let failure: unknown;
  const endWith = (error: unknown): void => {
    failure ??= error;
    stop();
  };
  let announcedWaiting = false;
  try {
    while (!controller.signal.aborted) {
      const open = folder.jobs.filter(isOpen);
      if (open.length === 0 && running.size === 0) break;
      for (const batch of batches) {
        if (running.size >= slots) break;
        if (running.has(batch)) continue;
        const claimed = claimOpen(batch);
        if (claimed.length === 0) continue;
        const attempt = start(batch, claimed).catch(endWith);
        running.set(
          batch,
          attempt.finally(() => running.delete(batch)),
        );
      }
      if (running.size === 0 && !announcedWaiting) {
        onEvent({ type: 'waiting', jobs: open.length });
        announcedWaiting = true;
      }
      if (running.size > 0) announcedWaiting = false;
      await Promise.race([...running.values(), pause(pollMs, controller.signal)]);
    }
  } catch (error) {
    // A job that can't be claimed: those under way pause with checkpoints.
    endWith(error);
  }
  await Promise.all(running.values());
  signal.removeEventListener('abort', stop);
  if (failure !== undefined) throw failure;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // woken to stop
  }
}
