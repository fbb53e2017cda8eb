// The results of an experiment as far as they have come: each finished run with its score and its curve.

import { existsSync } from 'node:fs';
import { type MetricRow, requireOneOf } from '@moe-rl/core';
import { readJsonObject } from '@moe-rl/core/node';
import { evaluationPoints, isEvaluated, trainingPoints } from '@moe-rl/figures';
import { readMetricRows, runFolderPaths } from '@moe-rl/runs';
import { type JobState, jobStates } from '../jobs/job-state.ts';
import { type JobRecord, readJobRecord } from '../jobs/run-job.ts';
import type { Experiment, Job } from '../plan/experiment.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import { normalizedScore } from '../suites/reference-scores.ts';

/** Which number of a run counts: its last evaluations, its best one, or all. */
export const SCORE_KINDS = ['final', 'best', 'average'] as const;
export type ScoreKind = (typeof SCORE_KINDS)[number];

export interface ScorePoint {
  readonly agentSteps: number;
  readonly value: number;
}

export interface RunResult {
  readonly job: Job;
  /** Mean return at each evaluation, or of the training episodes of each iteration where the run was not evaluated. */
  readonly curve: readonly ScorePoint[];
  /** In points of the game. */
  readonly score: number;
  /** 0: random, 1: human (or the yardstick); undefined where the game has no reference. */
  readonly normalized: number | undefined;
  /** Training time in seconds. */
  readonly trainingSeconds: number | undefined;
  readonly record: JobRecord | undefined;
  /** All metric rows, for figures of what happens inside. */
  readonly rows: readonly MetricRow[];
}

export interface ExperimentResults {
  readonly experiment: Experiment;
  readonly states: readonly JobState[];
  readonly runs: readonly RunResult[];
  readonly scoreKind: ScoreKind;
  /** Finished runs without a score: no evaluation and no episode ended. */
  readonly withoutScore: readonly Job[];
}

/**
 * Reads every finished run.
 * @throws InvalidArgumentError for a score that there is not
 */
export function readResults(folder: ExperimentFolder, scoreKind: ScoreKind = 'final'): ExperimentResults {
  requireOneOf('scoreKind', scoreKind, SCORE_KINDS);
  const { experiment } = folder;
  const states = jobStates(folder);
  const runs: RunResult[] = [];
  const withoutScore: Job[] = [];
  for (const { job, status, runFolder } of states) {
    if (status !== 'done' || runFolder === undefined) continue;
    const paths = runFolderPaths(runFolder);
    const rows = readMetricRows(paths.metricsFile);
    const variant = experiment.variants.find(({ name }) => name === job.variant)!;
    const period = variant.config.evaluation.periodAgentSteps ?? 1;
    const curve = curveOf(rows, period);
    const score = scoreOf(curve, scoreKind, experiment.protocol.scoredEvaluations);
    if (score === undefined) {
      withoutScore.push(job);
      continue;
    }
    const summary = existsSync(paths.summaryFile)
      ? (readJsonObject(paths.summaryFile) as { training?: { elapsedSeconds?: number } })
      : undefined;
    runs.push({
      job,
      curve,
      score,
      normalized: normalizedScore(job.game, score),
      trainingSeconds: summary?.training?.elapsedSeconds,
      record: readJobRecord(runFolder),
      rows,
    });
  }
  return { experiment, states, runs, scoreKind, withoutScore };
}

/** The evaluations of a run, or where it has none the mean return of the training episodes that ended in each iteration. */
export function curveOf(rows: readonly MetricRow[], periodAgentSteps: number): ScorePoint[] {
  if (isEvaluated(rows)) return evaluationPoints(rows).map(({ agentSteps, value }) => ({ agentSteps, value }));
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { agentSteps, value } of trainingPoints(rows)) {
    const point = Math.ceil(agentSteps / periodAgentSteps) * periodAgentSteps;
    const { sum, count } = sums.get(point) ?? { sum: 0, count: 0 };
    sums.set(point, { sum: sum + value, count: count + 1 });
  }
  return [...sums].map(([agentSteps, { sum, count }]) => ({ agentSteps, value: sum / count }));
}

/** The number of a run that counts; undefined for an empty curve. */
export function scoreOf(curve: readonly ScorePoint[], kind: ScoreKind, scoredEvaluations: number): number | undefined {
  if (curve.length === 0) return undefined;
  const values = curve.map(({ value }) => value);
  if (kind === 'best') return Math.max(...values);
  const counted = kind === 'average' ? values : values.slice(-scoredEvaluations);
  return counted.reduce((sum, value) => sum + value, 0) / counted.length;
}
