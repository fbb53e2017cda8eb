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

/** What the process of a batch is told: jobs that differ in their seeds, to be run as one program. */
export interface BatchTask {
  readonly experimentFolder: string;
  /** Places of the program. */
  readonly size: number;
  readonly members: readonly { readonly jobId: string; readonly epoch: number; readonly place: number }[];
}

/** What it answers; of a batch, `jobId` says which job. */
export type JobMessage = { readonly jobId?: string } & JobAnswer;
type JobAnswer =
  | { readonly type: 'say'; readonly line: string }
  | { readonly type: 'complete' }
  | { readonly type: 'paused' }
  | { readonly type: 'lost' }
  | { readonly type: 'failed'; readonly message: string; readonly code?: string };

/** How a job's process ended. */
export type JobOutcome = Exclude<JobAnswer, { type: 'say' }>;

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
  let last: JobOutcome | undefined;
  const { child, end } = startProcess(task, entry, (message) => {
    last = message;
  });
  return {
    outcome: end.then((failure) => last ?? failure),
    pid: child.pid,
    stop: () => askToStop(child),
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** A process that runs the jobs of a batch. */
export interface BatchChild extends Pick<JobChild, 'pid' | 'stop'> {
  /** How each job ended, by its id; known as soon as the job ends, while others may go on. */
  readonly outcomes: ReadonlyMap<string, Promise<JobOutcome>>;
}

/** Starts the process of a batch. */
export function startBatch(task: BatchTask, entry: string = jobProcessFile()): BatchChild {
  const tell = new Map<string, (outcome: JobOutcome) => void>();
  const outcomes = new Map(
    task.members.map(({ jobId }) => [jobId, new Promise<JobOutcome>((resolve) => tell.set(jobId, resolve))] as const),
  );
  const { child, end } = startProcess(task, entry, (message) => {
    // Without a name: what befell all of them.
    const named = message.jobId === undefined ? [...tell.values()] : [tell.get(message.jobId)!];
    for (const resolve of named) resolve(message);
  });
  void end.then((failure) => {
    for (const resolve of tell.values()) resolve(failure);
  });
  return { outcomes, pid: child.pid, stop: () => askToStop(child) };
}

function startProcess(
  task: JobTask | ProbeTask | BatchTask,
  entry: string,
  onOutcome: (message: JobOutcome & { readonly jobId?: string }) => void,
): { readonly child: ChildProcess; readonly end: Promise<JobOutcome> } {
  // Text output of the tensor library would garble the table; errors come as messages.
  const child: ChildProcess = fork(entry, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  child.on('message', (message: JobMessage) => {
    if (message.type !== 'say') onOutcome(message);
  });
  const end = new Promise<JobOutcome>((resolve) => {
    child.on('error', (error) => resolve({ type: 'failed', message: `cannot start a process: ${error.message}` }));
    child.on('close', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      const detail = errors.trim() === '' ? '' : `: ${errors.trim().split('\n').slice(-5).join(' | ')}`;
      resolve({ type: 'failed', message: `the process ended ${how}${detail}` });
    });
  });
  child.send(task, () => {
    // A process that could not be started is told by 'error' or 'close'.
  });
  return { child, end };
}

function askToStop(child: ChildProcess): void {
  if (child.connected) child.send({ type: 'stop' });
}
