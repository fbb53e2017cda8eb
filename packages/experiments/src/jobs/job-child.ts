// The runner's side of a job's process: starts it, stops it, and tells how it ended.
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import type { RunConfig } from '@moe-rl/runs';

/** What the process of a probe is told. */
export interface ProbeTask {
  readonly probe: { readonly runFolder: string; readonly config: RunConfig };
}

/** What a job's process is told. */
export interface JobTask {
  readonly experimentFolder: string;
  readonly jobId: string;
  readonly epoch: number;
}

/** What it answers. */
export type JobMessage =
  | { readonly type: 'say'; readonly line: string }
  | { readonly type: 'complete' }
  | { readonly type: 'paused' }
  | { readonly type: 'lost' }
  | { readonly type: 'failed'; readonly message: string; readonly code?: string };

/** How a job's process ended. */
export type JobOutcome = Exclude<JobMessage, { type: 'say' }>;

export interface JobChild {
  readonly outcome: Promise<JobOutcome>;
  readonly pid: number | undefined;
  /** Asks for a checkpoint and an end. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

/** File that a job's process runs; tests put another in its place. */
export function jobProcessFile(): string {
  return createRequire(import.meta.url).resolve('@moe-rl/experiments/job-process');
}

/** Starts the process of a job, or of a probe. */
export function startJob(task: JobTask | ProbeTask, entry: string = jobProcessFile()): JobChild {
  // Text output of the tensor library would garble the table; errors come as messages.
  const child: ChildProcess = fork(entry, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let last: JobOutcome | undefined;
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  child.on('message', (message: JobMessage) => {
    if (message.type !== 'say') last = message;
  });
  const outcome = new Promise<JobOutcome>((resolve) => {
    child.on('error', (error) => resolve({ type: 'failed', message: `cannot start a process: ${error.message}` }));
    child.on('close', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      const detail = errors.trim() === '' ? '' : `: ${errors.trim().split('\n').slice(-5).join(' | ')}`;
      resolve(last ?? { type: 'failed', message: `the process ended ${how}${detail}` });
    });
  });
  child.send(task, () => {
    // A process that could not be started is told by 'error' or 'close'.
  });
  return {
    outcome,
    pid: child.pid,
    stop: () => {
      if (child.connected) child.send({ type: 'stop' });
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
