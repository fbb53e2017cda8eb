// The process of one job, a child of a runner: gets its task as a message, trains, and says how it ended. Ends at once when its runner is gone.
import { isMoeRlError } from '@moe-rl/core';
import { loadModules, type RunConfig } from '@moe-rl/runs';
import { openAgentBatch, registry } from '@moe-rl/training';
import { claimOf } from './jobs/claims.ts';
import type { BatchTask, JobMessage, JobOutcome, JobTask, ProbeTask } from './jobs/job-child.ts';
import { LostClaimError, runJob } from './jobs/run-job.ts';
import { jobConfig } from './plan/experiment.ts';
import { openExperimentFolder } from './plan/experiment-folder.ts';

/** How often a process looks whether its job is still its own. */
const FENCE_PERIOD_MS = 1000;

/** Modules that register what the experiment names: the runner hands their paths on, as JSON. */
async function loadGivenModules(): Promise<RunConfig['modules']> {
  const files = JSON.parse(process.env.MOE_RL_MODULES ?? '[]') as readonly string[];
  // Absolute: the run's folder moves when the job is done.
  return (await loadModules(files, [], '.', registry, () => {})).map(({ path, sha256 }) => ({ path, sha256 }));
}

async function main(task: JobTask): Promise<void> {
  const modules = await loadGivenModules();
  const folder = openExperimentFolder(task.experimentFolder);
  const job = folder.jobs.find(({ id }) => id === task.jobId)!;
  const claim = claimOf(folder, task.jobId, task.epoch);
  const fence = (): void => {
    if (!claim.isHeld()) throw new LostClaimError(task.jobId);
  };
  const timer = setInterval(() => {
    if (!claim.isHeld()) end({ type: 'lost' });
  }, FENCE_PERIOD_MS);
  const controller = new AbortController();
  process.on('message', (message: { type: string }) => {
    if (message.type === 'stop') controller.abort();
  });
  fence();
  const isComplete = await runJob({
    runFolder: claim.runFolder,
    config: { ...jobConfig(folder.experiment, job), modules },
    signal: controller.signal,
    fence,
    say: (line) => process.send?.({ type: 'say', line } satisfies JobMessage),
  });
  clearInterval(timer);
  end({ type: isComplete ? 'complete' : 'paused' });
}

/** Jobs that differ in their seeds, as one program. Each says how it ended when it ends; one that was lost or fails leaves the others alone. */
async function batch({ experimentFolder, size, members }: BatchTask): Promise<void> {
  const modules = await loadGivenModules();
  const folder = openExperimentFolder(experimentFolder);
  const controller = new AbortController();
  process.on('message', (message: { type: string }) => {
    if (message.type === 'stop') controller.abort();
  });
  const say = (line: string): void => {
    process.send?.({ type: 'say', line } satisfies JobMessage);
  };
  const runs = members.map(({ jobId, epoch, place }) => {
    const job = folder.jobs.find(({ id }) => id === jobId)!;
    return {
      jobId,
      place,
      claim: claimOf(folder, jobId, epoch),
      config: { ...jobConfig(folder.experiment, job), modules },
    };
  });
  const seeds = runs.map(({ config }) => config.seed);
  const agents = await openAgentBatch({ config: runs[0]!.config, size, say });
  await Promise.all(
    runs.map(async ({ jobId, place, claim, config }) => {
      let outcome: JobOutcome;
      try {
        const isComplete = await runJob({
          runFolder: claim.runFolder,
          config,
          signal: controller.signal,
          fence: () => {
            if (!claim.isHeld()) throw new LostClaimError(jobId);
          },
          say,
          member: { batch: agents, place, seeds },
        });
        outcome = { type: isComplete ? 'complete' : 'paused' };
      } catch (error) {
        outcome = outcomeOf(error);
      }
      await new Promise<void>((sent) => process.send?.({ ...outcome, jobId } satisfies JobMessage, () => sent()));
    }),
  );
  process.exit(0);
}

/** A run of some seconds, to be measured: no claim, no result. */
async function probe({ probe: { runFolder, config } }: ProbeTask): Promise<void> {
  await loadGivenModules();
  await runJob({ runFolder, config, signal: new AbortController().signal });
  end({ type: 'complete' });
}

function end(message: JobMessage): void {
  // Exits even when the runner no longer listens.
  process.send?.(message, () => process.exit(0));
}

/** How a job ended that threw this. */
function outcomeOf(error: unknown): JobOutcome {
  if (error instanceof LostClaimError) return { type: 'lost' };
  if (error instanceof DOMException && error.name === 'AbortError') return { type: 'paused' };
  if (isMoeRlError(error)) {
    return { type: 'failed', code: isDiskFull(error) ? 'DISK_FULL' : error.code, message: error.message };
  }
  return { type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || isDiskFull(error.cause);
}

if (process.send !== undefined) {
  // Ctrl-C or a closed terminal reaches the whole group of processes; the runner decides what it means.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  process.once('message', (task: JobTask | ProbeTask | BatchTask) => {
    const work = 'probe' in task ? probe(task) : 'members' in task ? batch(task) : main(task);
    work.catch((error: unknown) => end(outcomeOf(error)));
  });
}
