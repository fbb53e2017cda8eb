// From the rows of a run to the points of its curve.
import type { MetricRow } from '@moe-rl/core';

export interface CurvePoint {
  readonly agentSteps: number;
  readonly value: number;
  /** Standard error of an evaluation's mean, where it had more than one episode. */
  readonly standardError?: number;
}

/** True when the run was evaluated while it trained: then its curve is made of evaluations, not of training episodes. */
export function isEvaluated(rows: readonly MetricRow[]): boolean {
  return rows.some((row) => 'evaluation/return' in row.values);
}

/** Agent steps of a run so far: rows at its end may tell of earlier steps (the saturation of routers, known only when training is over). 0: no row yet. */
export function lastAgentSteps(rows: readonly Pick<MetricRow, 'agentSteps'>[]): number {
  return rows.reduce((last, { agentSteps }) => Math.max(last, agentSteps), 0);
}

/** A point per evaluation whose return is a number. */
export function evaluationPoints(rows: readonly MetricRow[]): CurvePoint[] {
  return rows.flatMap(({ agentSteps, values }) => {
    const value = values['evaluation/return'];
    if (!Number.isFinite(value)) return [];
    const standardError = values['evaluation/standardError'] ?? Number.NaN;
    return [{ agentSteps, value: value!, ...(Number.isFinite(standardError) ? { standardError } : {}) }];
  });
}

/** A point per training episode whose return is a number. */
export function trainingPoints(rows: readonly MetricRow[]): CurvePoint[] {
  return rows.flatMap(({ agentSteps, values }) => {
    const value = values['episode/return'];
    return Number.isFinite(value) ? [{ agentSteps, value: value! }] : [];
  });
}

/**
 * At each of `at` (default: at each point) the mean of all points at most half a window of agent steps away, before or after: unlike a mean of the last ones it
 * doesn't lag. Where there are none, there is no value.
 * @param at agent steps, rising
 */
export function windowedMeans(
  points: readonly CurvePoint[],
  windowAgentSteps: number,
  at: readonly number[] = points.map(({ agentSteps }) => agentSteps),
): CurvePoint[] {
  const half = windowAgentSteps / 2;
  let first = 0;
  let end = 0;
  let sum = 0;
  return at.flatMap((agentSteps) => {
    while (end < points.length && points[end]!.agentSteps <= agentSteps + half) sum += points[end++]!.value;
    while (first < end && points[first]!.agentSteps < agentSteps - half) sum -= points[first++]!.value;
    return first === end ? [] : [{ agentSteps, value: sum / (end - first) }];
  });
}

/** The mean of several runs' curves at every agent step where all of them have a value; rising. Several values of a curve at one step count as their mean. */
export function meanCurve(curves: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const [agentSteps, value] of curves.flatMap((curve) => [...meansByStep(curve)])) {
    const { sum, count } = sums.get(agentSteps) ?? { sum: 0, count: 0 };
    sums.set(agentSteps, { sum: sum + value, count: count + 1 });
  }
  return [...sums]
    .filter(([, { count }]) => count === curves.length)
    .map(([agentSteps, { sum, count }]) => ({ agentSteps, value: sum / count }))
    .sort((left, right) => left.agentSteps - right.agentSteps);
}

function meansByStep(curve: readonly CurvePoint[]): Map<number, number> {
  const values = new Map<number, number[]>();
  for (const { agentSteps, value } of curve) values.set(agentSteps, [...(values.get(agentSteps) ?? []), value]);
  return new Map(
    [...values].map(([agentSteps, all]) => [agentSteps, all.reduce((sum, one) => sum + one, 0) / all.length]),
  );
}
