// Slopes and intervals of a study from its result lines, whatever their order and however many there are yet.
import { createRng } from '@moe-rl/core';
import { quantile } from '../bootstrap.ts';
import type { ResultLine, SeriesDefinition, StudyAxis, StudyDefinition } from './study.ts';

export interface StudyInterval {
  readonly estimate: number;
  /** 95 % percentile bootstrap over the repeats. Of single repeats it is the estimate itself, and says nothing. */
  readonly low: number;
  readonly high: number;
}

export interface SeriesPoint extends StudyInterval {
  readonly size: number;
  readonly repeats: number;
}

export interface SeriesSummary extends SeriesDefinition {
  readonly points: readonly SeriesPoint[];
  /** Of ln average over ln axis by least squares; null with fewer than two sizes, or where no slope is meant. */
  readonly slope: StudyInterval | null;
}

export interface StudySummary {
  readonly study: string;
  readonly lines: number;
  readonly series: readonly SeriesSummary[];
}

const RESAMPLES = 1000;

/** Position of a size on an axis. */
export function axisValue(axis: StudyAxis, size: number): number {
  if (axis === 'log(n)/n') return Math.log(size) / size;
  if (axis === 'n/log(n)') return size / Math.log(size);
  return size;
}

/**
 * What a study's results say: mean or median at every size with a 95 % percentile bootstrap interval over repeats, and the least squares slope of their
 * logarithms over the axis with its own. The same for the same lines in any order.
 */
export function summarizeStudy(study: StudyDefinition, lines: readonly ResultLine[]): StudySummary {
  return {
    study: study.name,
    lines: lines.length,
    series: study.series.map((series) => summarizeSeries(series, lines)),
  };
}

function summarizeSeries(series: SeriesDefinition, lines: readonly ResultLine[]): SeriesSummary {
  const groups = new Map<number, { repeat: number; value: number }[]>();
  for (const { setting, size, repeat, values } of lines) {
    const value = values[series.value];
    if (setting !== series.setting || value === undefined || size < (series.from ?? 0)) continue;
    groups.set(size, [...(groups.get(size) ?? []), { repeat, value }]);
  }
  const sizes = [...groups.keys()].sort((a, b) => a - b);
  // In the order of the repeats: the bootstrap then gives the same numbers for the same lines in any order.
  const samples = sizes.map((size) =>
    groups
      .get(size)!
      .sort((a, b) => a.repeat - b.repeat)
      .map(({ value }) => value),
  );
  const center = series.average === 'median' ? median : average;
  const rng = createRng(0, `statistics/summary/${series.setting}/${series.value}`);
  const drawn = Array.from({ length: RESAMPLES }, () =>
    samples.map((values) => center(values.map(() => values[rng.nextInteger(values.length)]!))),
  );
  const interval = (estimate: number, values: readonly number[]): StudyInterval => {
    const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
    return { estimate, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  };
  const means = samples.map(center);
  const logAxis = sizes.map((size) => Math.log(axisValue(series.axis, size)));
  const slopeOf = (values: readonly number[]): number => leastSquaresSlope(logAxis, values.map(Math.log));
  return {
    ...series,
    points: sizes.map((size, k) => ({
      size,
      repeats: samples[k]!.length,
      ...interval(
        means[k]!,
        drawn.map((row) => row[k]!),
      ),
    })),
    slope:
      series.theory === null || sizes.length < 2
        ? null
        : interval(
            slopeOf(means),
            drawn.map((row) => slopeOf(row)),
          ),
  };
}

/** The slope of the least squares line. */
export function leastSquaresSlope(x: readonly number[], y: readonly number[]): number {
  const meanX = average(x);
  const meanY = average(y);
  let product = 0;
  let square = 0;
  for (let k = 0; k < x.length; k++) {
    product += (x[k]! - meanX) * (y[k]! - meanY);
    square += (x[k]! - meanX) ** 2;
  }
  return product / square;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
