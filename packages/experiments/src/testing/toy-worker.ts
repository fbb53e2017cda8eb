// A worker over toy jobs in a process of its own, for tests that kill or stop it: `toy-worker.ts FOLDER LEASE_MS [REDIS_URL]`.
import { openExperimentFolder } from '../plan/experiment-folder.ts';
import { runWorker } from '../runners/worker.ts';
import { TOY_JOB } from './toy-experiment.ts';

const [folder = '', leaseMs = '600', url] = process.argv.slice(2);
const options = {
  folder: openExperimentFolder(folder),
  slots: 2,
  signal: new AbortController().signal,
  jobProcess: TOY_JOB,
  pollMs: 30,
  leaseMs: Number(leaseMs),
};
if (url === undefined) await runWorker(options);
else await (await import('../runners/queue.ts')).runQueueWorker({ ...options, url, lockMs: 2000 });
