// The log-log plot of a rate study: for `moe-rl statistics` and for docs/statistics.md.
import { logLogSvg } from '@moe-rl/figures';
import { axisValue, type SeriesSummary, type StudyDefinition } from '@moe-rl/moe-statistics/node';

/** The series that have a slope, over their axis. */
export function studySvg(study: StudyDefinition, series: readonly SeriesSummary[]): string {
  const drawn = series.filter(
    ({ theory, average, from }) => theory !== null && average !== 'mean' && from === undefined,
  );
  return logLogSvg(
    drawn.map(({ label, axis, points, slope }) => ({
      label: slope === null ? label : `${label}: slope ${slope.estimate.toFixed(2)}`,
      slope: slope?.estimate ?? null,
      points: points.map(({ size, estimate, low, high }) => ({ x: axisValue(axis, size), y: estimate, low, high })),
    })),
    { title: study.title, xLabel: drawn[0]?.axis ?? 'n', yLabel: drawn[0]?.value ?? '' },
  );
}
