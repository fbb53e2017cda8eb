// Runs a study repeat by repeat on worker threads, keeping every result at once: stopped or killed at any moment, the next call goes on with what is missing
// and ends with the same numbers as a call that was never stopped.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { MoeRlError, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { studyByName } from './registry.ts';
import { ResultFolder } from './result-folder.ts';
import { type StudyPlan, type StudyTask, studyTasks } from './study.ts';
import { type StudySummary, summarizeStudy } from './summary.ts';
import type { WorkerReply, WorkerSetup } from './worker.ts';

export interface RunStudyOptions {
  /** Where results are kept. */
  readonly folder: string;
  /** Default 0. */
  readonly seed?: number;
  /** Default: the study's own. */
  readonly plan?: StudyPlan;
  /** Threads. Default: as many as the machine runs at once, 4 at most. */
  readonly workers?: number;
  /** Called at the start and after every task. */
  readonly onProgress?: (done: number, total: number, task: StudyTask | null) => void;
  /** Stops the study after the results that are there; the promise then resolves with `isComplete` false. */
  readonly signal?: AbortSignal;
}

export interface StudyOutcome {
  readonly summary: StudySummary;
  readonly isComplete: boolean;
}

/**
 * @throws InvalidArgumentError for an unknown study or option or a folder of other results; AlreadyInUseError when another process runs it; the error of a task that fails
 */
export async function runStudy(name: string, options: RunStudyOptions): Promise<StudyOutcome> {
  const study = studyByName(name);
  requireKnownOptions('runStudy', options, ['folder', 'seed', 'plan', 'workers', 'onProgress', 'signal']);
  const seed = requireInteger('seed', options.seed ?? 0, 0);
  const workerCount = requireInteger('workers', options.workers ?? Math.min(4, availableParallelism()), 1, 256);
  const plan = options.plan ?? study.plan;
  const tasks = studyTasks(study, plan);
  const folder = new ResultFolder(options.folder, { study: name, seed, plan });
  try {
    const finished = new Set(folder.lines.map(({ key }) => key));
    const missing = tasks.filter(({ key }) => !finished.has(key));
    const report = (task: StudyTask | null): void =>
      options.onProgress?.(tasks.length - missing.length + done, tasks.length, task);
    let done = 0;
    report(null);
    await runOnWorkers(
      { isMoeRlStatisticsWorker: true, study: name, seed },
      missing,
      workerCount,
      options.signal,
      (reply) => {
        if ('error' in reply) throw new MoeRlError(reply.error.code, `${reply.task.key}: ${reply.error.message}`);
        folder.append({ ...reply.task, values: reply.values });
        done++;
        report(reply.task);
      },
    );
    return { summary: summarizeStudy(study, folder.lines), isComplete: done === missing.length };
  } finally {
    folder.close();
  }
}

/** Hands tasks out one by one; ends when all are answered, one fails, or the signal comes. */
async function runOnWorkers(
  setup: WorkerSetup,
  tasks: readonly StudyTask[],
  workerCount: number,
  signal: AbortSignal | undefined,
  onReply: (reply: WorkerReply) => void,
): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@moe-rl/moe-statistics/node');
  const workers: Worker[] = [];
  let next = 0;
  let open = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const hand = (worker: Worker): void => {
        if (next < tasks.length) {
          open++;
          worker.postMessage(tasks[next++]);
        } else if (open === 0) resolve();
      };
      if (signal?.aborted) {
        resolve();
        return;
      }
      signal?.addEventListener('abort', () => resolve(), { once: true });
      if (tasks.length === 0) resolve();
      for (let index = 0; index < Math.min(workerCount, tasks.length); index++) {
        const worker = new Worker(entry, { workerData: setup, name: `statistics ${index}` });
        workers.push(worker);
        worker.on('message', (reply: WorkerReply) => {
          if (signal?.aborted) return;
          open--;
          try {
            onReply(reply);
            hand(worker);
          } catch (error) {
            reject(error);
          }
        });
        worker.on('error', reject);
        worker.on('exit', () => reject(new MoeRlError('WORKER', 'a worker thread of the study has ended')));
        hand(worker);
      }
    });
  } finally {
    for (const worker of workers) {
      worker.removeAllListeners('exit');
      await worker.terminate();
    }
  }
}
