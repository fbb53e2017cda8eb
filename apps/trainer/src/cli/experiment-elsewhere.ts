// `moe-rl experiment queue` and `emit`: jobs handed out by Redis, and scripts for SLURM.
import { resolve } from 'node:path';
import { requireOneOf } from '@moe-rl/core';
import { controlQueue, openExperimentFolder, QUEUE_ACTIONS, slurmScript } from '@moe-rl/experiments';
import { table } from '@moe-rl/runs';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { note, print, programName } from './terminal.ts';

export async function experimentQueue(
  action: string,
  path: string,
  options: { readonly queue: string },
): Promise<void> {
  const chosen = requireOneOf('action', action, QUEUE_ACTIONS);
  const counts = await controlQueue(openExperimentFolder(path), options.queue, chosen);
  print(
    table(
      ['waiting', 'active', 'delayed', 'paused', 'drained'],
      [
        [
          String(counts.waiting),
          String(counts.active),
          String(counts.delayed),
          counts.isPaused ? 'yes' : 'no',
          counts.isDrained ? 'yes' : 'no',
        ],
      ],
    ),
  );
}

interface EmitOptions {
  readonly time: string;
  readonly workers: number;
  readonly jobs: number;
  readonly memory?: string;
  readonly partition?: string;
  readonly warning: number;
  readonly program?: string;
  readonly output?: string;
}

export function experimentEmit(scheduler: string, path: string, options: EmitOptions): void {
  requireOneOf('scheduler', scheduler, ['slurm']);
  const folder = openExperimentFolder(path);
  if (options.output !== undefined) requireOutputFile('--output', options.output);
  const script = slurmScript(folder, {
    path: resolve(path),
    program: options.program ?? programName(),
    workingFolder: process.cwd(),
    workers: options.workers,
    time: options.time,
    jobsPerWorker: options.jobs,
    memory: options.memory,
    partition: options.partition,
    warningSeconds: options.warning,
  });
  if (options.output === undefined) {
    process.stdout.write(script);
    return;
  }
  writeOutputFile(options.output, script);
  note(`start it with: sbatch ${options.output}`);
}
