// Stratified bootstrap intervals: how uncertain a statistic is, given that only a few runs of each game were made.
import {
  createRng,
  InvalidArgumentError,
  NonFiniteError,
  type Rng,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
  ShapeError,
} from '@moe-rl/core';
import {
  interquartileMean,
  mean,
  median,
  optimalityGap,
  performanceProfile,
  probabilityOfImprovement,
} from './aggregates.ts';
import { type GameScores, requireGameScores } from './game-scores.ts';

/** A point estimate and the ends of its interval. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export interface BootstrapConfig {
  /** How often the runs are resampled. Default 2,000. */
  readonly resamples?: number;
  /** Confidence level. Default 0.95. */
  readonly level?: number;
  /** Where the resampling draws from. Default: a stream of its own with seed 0, so that a report is the same each time. */
  readonly rng?: Rng;
}

const CONFIG_NAMES = ['resamples', 'level', 'rng'];

/**
 * Percentile intervals of the values that `statistic` computes from one or several score sets. Within each game (stratum) of each set, runs are drawn
 * with replacement, as many as there are. The estimate is the statistic of the scores as they are.
 * @param statistic called with as many score sets as `sets` has; always returns equally many values
 * @throws InvalidArgumentError, NonFiniteError when scores or settings are bad, NonFiniteError or ShapeError when the statistic gives other than as many numbers each time
 */
export function stratifiedBootstrap(
  sets: readonly GameScores[],
  statistic: (...sets: GameScores[]) => ArrayLike<number>,
  config: BootstrapConfig = {},
): Interval[] {
  requireKnownOptions('the bootstrap', config, CONFIG_NAMES);
  const resamples = requireInteger('resamples', config.resamples ?? 2000, 1);
  const level = requireFinite('level', config.level ?? 0.95, 0, 1);
  const rng = config.rng ?? createRng(0, 'bootstrap');
  if (sets.length === 0) throw new InvalidArgumentError('stratifiedBootstrap: no score sets; expected at least one');
  sets.forEach((scores, index) => {
    requireGameScores(`scores ${index}`, scores);
  });
  const estimate = Array.from(statistic(...sets));
  requireNumbers(estimate, estimate.length);
  const drawn = sets.map((scores) => scores.map((runs) => new Float64Array(runs.length)));
  const values = estimate.map(() => new Float64Array(resamples));
  for (let resample = 0; resample < resamples; resample++) {
    for (let set = 0; set < sets.length; set++) {
      for (let game = 0; game < drawn[set]!.length; game++) {
        const target = drawn[set]![game]!;
        const source = sets[set]![game]!;
        for (let run = 0; run < target.length; run++) target[run] = source[rng.nextInteger(source.length)]!;
      }
    }
    const result = statistic(...drawn);
    requireNumbers(result, values.length);
    for (let index = 0; index < values.length; index++) values[index]![resample] = result[index]!;
  }
  const tail = (1 - level) / 2;
  return values.map((drawnValues, index) => {
    drawnValues.sort();
    return { estimate: estimate[index]!, low: percentile(drawnValues, tail), high: percentile(drawnValues, 1 - tail) };
  });
}

/** An interval of what is no number would be none. */
function requireNumbers(values: ArrayLike<number>, count: number): void {
  if (values.length !== count)
    throw new ShapeError(`the statistic gave ${values.length} values; expected ${count}, as before`);
  for (let index = 0; index < count; index++) {
    if (!Number.isFinite(values[index]))
      throw new NonFiniteError(`value ${index} of the statistic is ${values[index]}; expected a finite number`);
  }
}

export interface AggregateOutput {
  readonly iqm: Interval;
  readonly median: Interval;
  readonly mean: Interval;
  readonly optimalityGap: Interval;
}

/** The four aggregates with their intervals, from one set of resamples. */
export function aggregateScores(scores: GameScores, config: BootstrapConfig = {}): AggregateOutput {
  const [iqm, middle, average, gap] = stratifiedBootstrap(
    [scores],
    (drawn) => [interquartileMean(drawn!), median(drawn!), mean(drawn!), optimalityGap(drawn!)],
    config,
  ) as [Interval, Interval, Interval, Interval];
  return { iqm, median: middle, mean: average, optimalityGap: gap };
}

/**
 * Probability that X improves over Y, with its interval; X and Y are resampled independently.
 * @throws ShapeError when X and Y have different numbers of games
 */
export function probabilityOfImprovementInterval(x: GameScores, y: GameScores, config: BootstrapConfig = {}): Interval {
  if (x.length !== y.length) throw new ShapeError(`X has ${x.length} games and Y ${y.length}; expected the same games`);
  return stratifiedBootstrap([x, y], (ours, theirs) => [probabilityOfImprovement(ours!, theirs!)], config)[0]!;
}

/**
 * Performance profile with pointwise intervals, one per tau.
 * @throws as `stratifiedBootstrap`, and InvalidArgumentError for a tau that is no finite number
 */
export function performanceProfileIntervals(
  scores: GameScores,
  taus: ArrayLike<number>,
  config: BootstrapConfig & { readonly of?: 'runs' | 'means' } = {},
): Interval[] {
  const { of = 'runs', ...bootstrap } = config;
  requireOneOf('of', of, ['runs', 'means']);
  for (let index = 0; index < taus.length; index++) requireFinite(`taus[${index}]`, taus[index]);
  return stratifiedBootstrap([scores], (drawn) => performanceProfile(drawn!, taus, of), bootstrap);
}

/**
 * Sample-efficiency curve: an aggregate (default IQM) at each of several points of training, with pointwise intervals.
 * @param scoresAt per point of training the scores of all games and runs; each run is the same run at every point, and is drawn or left out as a whole
 * @throws ShapeError when the points differ in games or runs
 */
export function sampleEfficiencyCurve(
  scoresAt: readonly GameScores[],
  config: BootstrapConfig & { readonly aggregate?: (scores: GameScores) => number } = {},
): Interval[] {
  const { aggregate = interquartileMean, ...bootstrap } = config;
  const first = scoresAt[0];
  if (first === undefined) throw new InvalidArgumentError('sampleEfficiencyCurve: no points; expected at least one');
  scoresAt.forEach((scores, point) => {
    requireGameScores(`scores at point ${point}`, scores);
    if (scores.length !== first.length || scores.some((runs, game) => runs.length !== first[game]!.length)) {
      throw new ShapeError(`scores at point ${point} have other games or runs than at point 0`);
    }
  });
  // Run numbers are resampled in place of scores, so that a drawn run brings its whole curve.
  const runNumbers = first.map((runs) => Array.from({ length: runs.length }, (_, run) => run));
  return stratifiedBootstrap(
    [runNumbers],
    (drawn) =>
      scoresAt.map((scores) =>
        aggregate(scores.map((runs, game) => Float64Array.from(drawn![game]!, (run) => runs[run]!))),
      ),
    bootstrap,
  );
}

/** Linear interpolation between the two nearest ranks, as NumPy's default. */
function percentile(sorted: Float64Array, share: number): number {
  const rank = share * (sorted.length - 1);
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (rank - below);
}
