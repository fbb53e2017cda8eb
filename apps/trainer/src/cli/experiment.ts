// `moe-rl experiment create`, `run`, `worker` and `status`.
import { existsSync } from 'node:fs';
import { InvalidArgumentError, requireFinite, requireOneOf } from '@moe-rl/core';
import {
  countJobs,
  createExperimentFolder,
  createJobTable,
  type Experiment,
  type ExperimentFolder,
  experimentPaths,
  experimentStatus,
  foreignJobs,
  forgetFailures,
  jobStates,
  openExperimentFolder,
  type Plan,
  readOverlays,
  readResults,
  requireBatchSeeds,
  resolvePlan,
  resultsText,
  runQueueWorker,
  runWorker,
  SCORE_KINDS,
  superviseQueue,
} from '@moe-rl/experiments';
import { createStatusLine } from '@moe-rl/runs';
import { defaultFolder, namesNoPlan, type PlanOptions, planOf, slotsFor } from './experiment-options.ts';
import { experimentReport } from './experiment-report.ts';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { interruptible, note, print, programName, stoppedExitCode } from './terminal.ts';

interface RunOptions extends PlanOptions {
  readonly folder?: string;
  readonly extend?: boolean;
  readonly retryFailed?: boolean;
  readonly queue?: string;
  readonly keepReplay?: boolean;
  readonly batchSeeds?: number;
  readonly overlay: readonly string[];
  readonly report: boolean;
}

/** Exit code when jobs failed for good. */
const FAILED_JOBS_EXIT_CODE = 3;

export async function experimentRun(file: string | undefined, options: RunOptions): Promise<void> {
  // A file that can't be read should be told now, not after days of training.
  for (const path of options.overlay) readOverlays(path);
  const folder = openFolder(file, options);
  for (const name of foreignJobs(folder))
    note(`${folder.jobsFolder} has ${name}, which is no job of this experiment; it is not counted`);
  if (options.retryFailed === true) forgetFailures(folder);
  note(`${folder.experiment.title}: ${folder.jobs.length} jobs in ${folder.path}`);
  if (options.queue === undefined) await workIn(folder, options);
  else await supervise(folder, options.queue);
  if (process.exitCode === stoppedExitCode()) return;
  print(resultsText(readResults(folder)));
  if (options.report) await experimentReport(folder.path, { score: 'final', overlay: options.overlay, png: true });
  const { failed } = countJobs(jobStates(folder));
  if (failed > 0) process.exitCode = FAILED_JOBS_EXIT_CODE;
}

/** Makes the folder, for workers that come later. */
export function experimentCreate(file: string | undefined, options: Omit<RunOptions, 'overlay' | 'report'>): void {
  const { path, jobs } = openFolder(file, options);
  print(`${jobs.length} jobs in ${path}; start workers with: ${programName()} experiment worker ${path}`);
}

export async function experimentWorker(
  path: string,
  options: {
    readonly jobs?: number;
    readonly lease?: number;
    readonly queue?: string;
    readonly keepReplay?: boolean;
    readonly batchSeeds?: number;
  },
): Promise<void> {
  const folder = openExperimentFolder(path);
  requireBatches(folder.experiment, options);
  if (options.lease !== undefined) requireFinite('--lease', options.lease, 1, 86_400);
  await workIn(folder, options);
}

export function experimentStatusCommand(
  path: string,
  options: { readonly score: string; readonly json?: string },
): void {
  const { score, json } = options;
  const scoreKind = requireOneOf('--score', score, SCORE_KINDS);
  const folder = openExperimentFolder(path);
  if (json !== undefined && json !== '-') requireOutputFile('--json', json);
  // JSON on standard output stands alone there.
  const tell = json === '-' ? note : print;
  tell(resultsText(readResults(folder, scoreKind)));
  if (json === undefined) return;
  const text = `${JSON.stringify(experimentStatus(folder, scoreKind), null, 2)}\n`;
  if (json === '-') process.stdout.write(text);
  else writeOutputFile(json, text);
}

/** The experiment of the folder, made first where a plan says so. */
function openFolder(file: string | undefined, options: Omit<RunOptions, 'overlay' | 'report'>): ExperimentFolder {
  const { folder } = options;
  if (folder !== undefined && namesNoPlan(file, options) && existsSync(experimentPaths(folder).experimentFile)) {
    const opened = openExperimentFolder(folder);
    requireBatches(opened.experiment, options);
    return opened;
  }
  const pathOf = (plan: Plan): string => folder ?? defaultFolder(plan);
  const plan = planOf(file, options, (made) =>
    existsSync(experimentPaths(pathOf(made)).experimentFile)
      ? openExperimentFolder(pathOf(made)).experiment.plan.threads
      : undefined,
  );
  const experiment = resolvePlan(plan);
  requireBatches(experiment, options);
  return createExperimentFolder(pathOf(plan), experiment, { extend: options.extend === true });
}

/** Told before anything is written: whether the seeds can be computed together as asked. */
function requireBatches(
  experiment: Experiment,
  { batchSeeds, queue }: { readonly batchSeeds?: number; readonly queue?: string },
): void {
  if (batchSeeds === undefined) return;
  if (queue !== undefined) {
    throw new InvalidArgumentError(
      `--batch-seeds is ${batchSeeds}, but --queue hands out jobs one by one; expected one of them`,
    );
  }
  requireBatchSeeds(experiment, batchSeeds);
}

/** Works until no job is left, or until Ctrl-C pauses those under way. */
async function workIn(
  folder: ExperimentFolder,
  { jobs, lease, queue: url, keepReplay = false, batchSeeds }: Parameters<typeof experimentWorker>[1],
): Promise<void> {
  const { backend, threads } = folder.experiment.plan;
  // A batch is there to fill the device: two at a time would only wait for each other.
  const isOnGpu = backend === 'pjrt-cuda' || backend === 'pjrt-rocm';
  const slots = slotsFor(batchSeeds !== undefined && isOnGpu ? (jobs ?? 1) : jobs, threads);
  const shown = createJobTable(folder, slots * (batchSeeds ?? 1), process.stderr);
  try {
    await interruptible(async (signal) => {
      const leaseMs = lease === undefined ? {} : { leaseMs: lease * 1000 };
      const options = {
        folder,
        slots,
        signal,
        onEvent: shown.onEvent,
        keepReplay,
        ...leaseMs,
        ...(batchSeeds === undefined ? {} : { batchSeeds }),
      };
      await (url === undefined ? runWorker(options) : runQueueWorker({ ...options, url, onConnection: note }));
      if (signal.aborted) tellPause(folder);
    }, 'saving the jobs under way');
  } finally {
    shown.end();
  }
}

/** Hands the jobs to Redis and waits until workers have done them. */
async function supervise(folder: ExperimentFolder, url: string): Promise<void> {
  note(
    `handing the jobs to Redis; start workers with: ${programName()} experiment worker ${folder.path} --queue ${url.replace(/\/\/[^@/]*@/, '//')}`,
  );
  const status = createStatusLine(process.stderr);
  try {
    await interruptible(async (signal) => {
      await superviseQueue({
        folder,
        url,
        signal,
        onPoll: (open) =>
          status.update(() => `${folder.jobs.length - open} of ${folder.jobs.length} jobs done or failed`),
      });
      if (signal.aborted) tellPause(folder);
    }, 'leaving the jobs to the workers');
  } finally {
    status.end();
  }
}

function tellPause(folder: ExperimentFolder): void {
  note(`go on with: ${programName()} experiment run --folder ${folder.path}`);
  process.exitCode = stoppedExitCode();
}
