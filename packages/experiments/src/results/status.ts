// The state of an experiment for scripts: `experiment status FOLDER --json FILE`.
import type { Interval } from '@moe-rl/evaluation';
import { countJobs, type JobStatus } from '../jobs/job-state.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import { referencePoints } from '../suites/reference-scores.ts';
import { analyze } from './analysis.ts';
import { readResults, type ScoreKind } from './results.ts';

export interface StatusInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface ExperimentStatus {
  readonly jobs: Readonly<Record<'total' | JobStatus, number>>;
  /** By variant; a variant without a finished run that can be normalized is absent. */
  readonly aggregates: Readonly<
    Record<
      string,
      {
        readonly iqm: StatusInterval;
        readonly median: StatusInterval;
        readonly mean: StatusInterval;
        readonly optimalityGap: StatusInterval;
      }
    >
  >;
}

/** Jobs by state, and the aggregates of what is finished. */
export function experimentStatus(folder: ExperimentFolder, scoreKind: ScoreKind = 'final'): ExperimentStatus {
  const results = readResults(folder, scoreKind);
  const { variants } = analyze(results, (game) => referencePoints(game)?.source);
  return {
    jobs: countJobs(results.states),
    aggregates: Object.fromEntries(
      variants.map(({ variant, aggregates: { iqm, median, mean, optimalityGap } }) => [
        variant,
        { iqm: plain(iqm), median: plain(median), mean: plain(mean), optimalityGap: plain(optimalityGap) },
      ]),
    ),
  };
}

function plain({ estimate, low, high }: Interval): StatusInterval {
  return { value: estimate, low, high };
}
