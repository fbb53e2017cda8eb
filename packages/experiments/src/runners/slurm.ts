// A SLURM array of workers around a shared folder. Some minutes before the time limit SLURM signals the script, the worker pauses its jobs with checkpoints, and
// the task is queued again.
import { InvalidArgumentError, requireInteger } from '@moe-rl/core';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';

export interface SlurmOptions {
  /** Folder of the experiment as the compute nodes see it: absolute. */
  readonly path: string;
  /** How the program is called there, for instance `npx moe-rl`. */
  readonly program: string;
  /** Folder that the program is called in. */
  readonly workingFolder: string;
  /** Tasks of the array. */
  readonly workers: number;
  /** Time limit as SLURM writes it: minutes, `hours:minutes:seconds`, `days-hours`, ... */
  readonly time: string;
  /** Jobs of the experiment at a time in one task. */
  readonly jobsPerWorker: number;
  /** Memory of a task as SLURM writes it, for instance `8G`. */
  readonly memory?: string | undefined;
  readonly partition?: string | undefined;
  /** Seconds before the time limit at which the jobs are paused. */
  readonly warningSeconds: number;
}

const TIME = /^(\d+|\d+:\d{1,2}(:\d{1,2})?|\d+-\d{1,2}(:\d{1,2}){0,2})$/;

/**
 * The text of an sbatch script.
 * @throws InvalidArgumentError for a time or a name that SLURM would not take
 */
export function slurmScript({ experiment, jobs }: ExperimentFolder, options: SlurmOptions): string {
  const { path, program, workingFolder, time, memory, partition } = options;
  if (!TIME.test(time)) {
    throw new InvalidArgumentError(
      `--time is ${JSON.stringify(time)}; expected minutes, hours:minutes:seconds or days-hours`,
    );
  }
  for (const [name, value] of [
    ['--memory', memory],
    ['--partition', partition],
  ] as const) {
    if (value !== undefined && !/^[\w.,-]+$/.test(value)) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected a value as sbatch takes it`);
    }
  }
  const workers = requireInteger('--workers', options.workers, 1, 100_000);
  const slots = requireInteger('--jobs', options.jobsPerWorker, 1, 1024);
  const warning = requireInteger('--warning', options.warningSeconds, 10, 86_400);
  const name = experiment.plan.name ?? experiment.plan.suite;
  const directives = [
    `--job-name=moe-rl-${name.replace(/[^\w.-]/g, '_')}`,
    `--array=0-${workers - 1}`,
    '--nodes=1',
    '--ntasks=1',
    `--cpus-per-task=${slots * experiment.plan.threads}`,
    `--time=${time}`,
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    // B: to the script itself, which passes it on.
    `--signal=B:TERM@${warning}`,
    '--requeue',
    '--open-mode=append',
    // Quoted as sbatch reads its directives; % begins its own patterns.
    `--output="${path.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}/slurm-%A_%a.log"`,
  ];
  return `#!/bin/bash
${directives.map((directive) => `#SBATCH ${directive}`).join('\n')}
# ${jobs.length} jobs, shared by ${workers} workers. Start it with: sbatch FILE. A worker ends when no job is left.

cd ${quoted(workingFolder)} || exit 1
${program} experiment worker ${quoted(path)} --jobs ${slots} &
worker=$!

# ${warning} s before the time limit: checkpoints, then another turn in the queue.
requeue() {
  kill -TERM "$worker"
  wait "$worker"
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
  exit 0
}
trap requeue TERM

wait "$worker"
`;
}

/** A word for the shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
