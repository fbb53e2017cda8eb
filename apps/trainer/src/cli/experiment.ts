// `moe-rl experiment run`, `worker` and `status`.
import { existsSync } from 'node:fs';
import { requireFinite, requireOneOf } from '@moe-rl/core';
import { replaceFile } from '@moe-rl/core/node';
import {
  countJobs,
  createExperimentFolder,
  createJobTable,
  type ExperimentFolder,
  experimentPaths,
  experimentStatus,
  foreignJobs,
  forgetFailures,
  jobStates,
  openExperimentFolder,
  readOverlays,
  readResults,
  resolvePlan,
  resultsText,
  runWorker,
  SCORE_KINDS,
} from '@moe-rl/experiments';
import { defaultFolder, namesNoPlan, type PlanOptions, planOf, slotsFor } from './experiment-options.ts';
import { experimentReport } from './experiment-report.ts';
import { interruptible, note, print, programName, stoppedExitCode } from './terminal.ts';

interface RunOptions extends PlanOptions {
  readonly folder?: string;
  readonly extend?: boolean;
  readonly retryFailed?: boolean;
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
  await workIn(folder, options.jobs);
  if (process.exitCode === stoppedExitCode()) return;
  print(resultsText(readResults(folder)));
  if (options.report) await experimentReport(folder.path, { score: 'final', overlay: options.overlay, png: true });
  const { failed } = countJobs(jobStates(folder));
  if (failed > 0) process.exitCode = FAILED_JOBS_EXIT_CODE;
}

export async function experimentWorker(
  path: string,
  options: { readonly jobs?: number; readonly lease?: number },
): Promise<void> {
  const folder = openExperimentFolder(path);
  const leaseMs = options.lease === undefined ? undefined : requireFinite('--lease', options.lease, 1, 86_400) * 1000;
  await workIn(folder, options.jobs, leaseMs);
}

export function experimentStatusCommand(
  path: string,
  options: { readonly score: string; readonly json?: string },
): void {
  const scoreKind = requireOneOf('--score', options.score, SCORE_KINDS);
  const folder = openExperimentFolder(path);
  print(resultsText(readResults(folder, scoreKind)));
  if (options.json === undefined) return;
  replaceFile(options.json, `${JSON.stringify(experimentStatus(folder, scoreKind), null, 2)}\n`);
}

/** The experiment of the folder, made first where a plan says so. */
function openFolder(file: string | undefined, options: RunOptions): ExperimentFolder {
  const { folder } = options;
  if (folder !== undefined && namesNoPlan(file, options) && existsSync(experimentPaths(folder).experimentFile)) {
    return openExperimentFolder(folder);
  }
  const plan = planOf(file, options);
  return createExperimentFolder(folder ?? defaultFolder(plan), resolvePlan(plan), { extend: options.extend === true });
}

/** Works until no job is left, or until Ctrl-C pauses those under way. */
async function workIn(folder: ExperimentFolder, jobs: number | undefined, leaseMs?: number): Promise<void> {
  const slots = slotsFor(jobs, folder.experiment.plan.threads);
  const shown = createJobTable(folder, slots, process.stderr);
  try {
    await interruptible(async (signal) => {
      await runWorker({
        folder,
        slots,
        signal,
        onEvent: shown.onEvent,
        ...(leaseMs === undefined ? {} : { leaseMs }),
      });
      if (!signal.aborted) return;
      note(`paused; go on with: ${programName()} experiment run --folder ${folder.path}`);
      process.exitCode = stoppedExitCode();
    }, 'saving the jobs under way');
  } finally {
    shown.end();
  }
}
