// Runs side by side: curves and results of each group at a length that all have, with the uncertainty that the number of seeds allows.
import { existsSync } from 'node:fs';
import type { MetricRow } from '@moe-rl/core';
import { aggregateScores, type Interval } from '@moe-rl/evaluation';
import {
  type CurveGroup,
  type CurvePoint,
  evaluationPoints,
  isEvaluated,
  lastAgentSteps,
  trainingPoints,
  windowedMeans,
} from '@moe-rl/figures';
import { type ReturnStatistics, readMetricRows, returnStatistics, runFolderPaths } from '@moe-rl/runs';
import { groupRuns } from './group-runs.ts';

export interface GroupResult extends CurveGroup {
  readonly seeds: readonly number[];
  /** Of the runs' results; undefined when no run has one. */
  readonly statistics: ReturnStatistics | undefined;
  /** Interquartile mean with its 95 % bootstrap interval; undefined for fewer than four runs, where it is no other number than the mean. */
  readonly iqm: Interval | undefined;
}

export interface RunComparison {
  readonly groups: readonly GroupResult[];
  /** Agent steps up to which the runs are compared. */
  readonly agentSteps: number;
  /** What the numbers are. */
  readonly measure: string;
  /** What was left out or cut, and why. */
  readonly notes: readonly string[];
}

/** Points of a training curve: enough for a picture. */
const GRID_POINTS = 200;
/** Share of the common length at its end that the result of a run without evaluations is the mean of. */
const FINAL_FRACTION = 0.1;
const MIN_IQM_RUNS = 4;

/**
 * Compares the runs in these folders.
 * @throws NotFoundError for a folder that holds no run
 */
export function compareRuns(paths: readonly string[]): RunComparison {
  const { groups, notes } = groupRuns(paths);
  const moreNotes: string[] = [];
  const all = groups.map(({ label, runs }) => ({
    label,
    runs: runs.map(({ path, config }) => ({ config, rows: rowsOf(path, moreNotes) })),
  }));
  const rowSets = all.flatMap(({ runs }) => runs.map(({ rows }) => rows));
  const lengths = rowSets.map(lastAgentSteps);
  const agentSteps = Math.min(...lengths);
  if (Math.max(...lengths) > agentSteps) {
    moreNotes.push(
      `the runs have ${agentSteps} to ${Math.max(...lengths)} agent steps; all are compared up to ${agentSteps}`,
    );
  }
  const evaluated = rowSets.filter(isEvaluated).length;
  const byEvaluation = evaluated === rowSets.length && evaluated > 0;
  if (evaluated > 0 && !byEvaluation) {
    moreNotes.push(
      `${evaluated} of ${rowSets.length} runs were evaluated during training; training episodes, which all have, are compared`,
    );
  }
  const results = all.map(({ label, runs }): GroupResult => {
    const points = runs.map(({ rows }) => {
      const own = byEvaluation ? evaluationPoints(rows) : trainingPoints(rows);
      return own.filter((point) => point.agentSteps <= agentSteps);
    });
    const finals = points.flatMap((own) => resultOf(own, byEvaluation, agentSteps));
    if (finals.length < runs.length) {
      const result = byEvaluation ? 'evaluation' : 'ended episode';
      moreNotes.push(
        `${label}: ${runs.length - finals.length} of ${runs.length} runs have no ${result} up to ${agentSteps} agent steps; its numbers are those of ${finals.length}`,
      );
    }
    return {
      label,
      seeds: runs.map(({ config }) => config.seed),
      curves: byEvaluation ? points : points.map((own) => windowedMeans(own, agentSteps * 0.05, gridOf(agentSteps))),
      statistics: finals.length === 0 ? undefined : returnStatistics(finals),
      iqm: finals.length < MIN_IQM_RUNS ? undefined : aggregateScores([Float64Array.from(finals)]).iqm,
    };
  });
  return {
    groups: results,
    agentSteps,
    measure: byEvaluation
      ? 'return of the last evaluation'
      : `return of the training episodes of the last ${Math.round(agentSteps * FINAL_FRACTION)} agent steps`,
    notes: [...notes, ...moreNotes],
  };
}

function rowsOf(path: string, notes: string[]): readonly MetricRow[] {
  const { metricsFile } = runFolderPaths(path);
  const tell = (line: number): void =>
    void notes.push(`${metricsFile}, line ${line}, is no row of metrics: it is left out`);
  return existsSync(metricsFile) ? readMetricRows(metricsFile, tell) : [];
}

/** One number per run, or none where the run has no episode yet. */
function resultOf(points: readonly CurvePoint[], byEvaluation: boolean, agentSteps: number): number[] {
  const last = points.at(-1);
  if (last === undefined) return [];
  if (byEvaluation) return [last.value];
  const final = points.filter((point) => point.agentSteps > agentSteps * (1 - FINAL_FRACTION));
  const counted = final.length === 0 ? [last] : final;
  return [counted.reduce((sum, { value }) => sum + value, 0) / counted.length];
}

function gridOf(agentSteps: number): readonly number[] {
  return Array.from({ length: GRID_POINTS }, (_, index) => Math.round(((index + 1) * agentSteps) / GRID_POINTS));
}
