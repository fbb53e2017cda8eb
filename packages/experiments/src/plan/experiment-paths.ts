// Where an experiment keeps what.
import { join } from 'node:path';

export interface ExperimentPaths {
  readonly path: string;
  readonly experimentFile: string;
  /** Finished runs, each a run folder by the job's name. */
  readonly jobsFolder: string;
  /** Runs under way or paused, `<job>.<epoch>`. */
  readonly workFolder: string;
  readonly claimsFolder: string;
  readonly failuresFolder: string;
  readonly probeFile: string;
  readonly reportFolder: string;
}

/** What an experiment's files are called. */
export function experimentPaths(path: string): ExperimentPaths {
  return {
    path,
    experimentFile: join(path, 'experiment.json'),
    jobsFolder: join(path, 'jobs'),
    workFolder: join(path, 'work'),
    claimsFolder: join(path, 'claims'),
    failuresFolder: join(path, 'failures'),
    probeFile: join(path, 'probe.json'),
    reportFolder: join(path, 'report'),
  };
}
