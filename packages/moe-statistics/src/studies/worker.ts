// The worker side of a study: runs one task after the other and posts its values. Started by run-study.ts with the package's own ./node entry.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createRng, isMoeRlError } from '@moe-rl/core';
import { studyByName } from './registry.ts';
import type { StudyTask, StudyValues } from './study.ts';

export interface WorkerSetup {
  readonly isMoeRlStatisticsWorker: true;
  readonly study: string;
  readonly seed: number;
}

export type WorkerReply =
  | { readonly task: StudyTask; readonly values: StudyValues }
  | { readonly task: StudyTask; readonly error: { readonly code: string; readonly message: string } };

/** Runs a task on its own random stream: the same values on any thread, in any order. */
export function runStudyTask(study: string, seed: number, task: StudyTask): StudyValues {
  return studyByName(study).run(task, createRng(seed, `statistics/${study}/${task.key}`));
}

/** Begins to listen if this thread was started as a worker of a study. */
export function listenAsWorker(): void {
  const setup = workerData as WorkerSetup | null;
  if (isMainThread || setup?.isMoeRlStatisticsWorker !== true) return;
  parentPort!.on('message', (task: StudyTask) => {
    let reply: WorkerReply;
    try {
      reply = { task, values: runStudyTask(setup.study, setup.seed, task) };
    } catch (error) {
      const code = isMoeRlError(error) ? error.code : 'STUDY';
      reply = { task, error: { code, message: (error as Error).message } };
    }
    parentPort!.postMessage(reply);
  });
}
