// What the results say: aggregates with intervals, comparisons with the baseline, and which of them are decided.
import {
  type AggregateOutput,
  aggregateScores,
  type GameScores,
  type Interval,
  interquartileMean,
  probabilityOfImprovementInterval,
  stratifiedBootstrap,
} from '@moe-rl/evaluation';
import type { ExperimentResults, RunResult } from './results.ts';

export interface VariantScores {
  readonly variant: string;
  /** Games with reference points and at least one finished run. */
  readonly games: readonly string[];
  /** Normalized scores per game of `games`. */
  readonly scores: GameScores;
  readonly runs: number;
}

export interface VariantAggregates extends VariantScores {
  readonly aggregates: AggregateOutput;
}

/** `better`, `worse`: the interval of the difference lies on one side of 0. `open`: it does not. `unknown`: one seed says nothing about the spread. */
export type Verdict = 'better' | 'worse' | 'open' | 'unknown';

export interface Comparison {
  readonly variant: string;
  readonly baseline: string;
  /** Games that both have runs of. */
  readonly games: readonly string[];
  /** Probability that a run of the variant beats one of the baseline on the same game. */
  readonly probability: Interval;
  /** Difference of the interquartile means. */
  readonly difference: Interval;
  readonly verdict: Verdict;
  /** Jobs of the two that the plan still has coming. */
  readonly jobsToCome: number;
  /** Seeds per game at which the interval would leave 0 out if the difference stayed as it is; undefined when decided or not to be told. */
  readonly seedsNeeded: number | undefined;
}

export interface Analysis {
  readonly variants: readonly VariantAggregates[];
  readonly comparisons: readonly Comparison[];
  /** Games without reference points: in no aggregate. */
  readonly leftOut: readonly string[];
  /** What 1 stands for. */
  readonly normalization: 'human' | 'yardstick' | 'mixed' | 'none';
}

/** Normalized scores of a variant, game by game. */
export function variantScores(runs: readonly RunResult[], variant: string, games: readonly string[]): VariantScores {
  const scored = games
    .map((game) => ({
      game,
      scores: runs
        .filter(({ job }) => job.variant === variant && job.game === game)
        .flatMap(({ normalized }) => (normalized === undefined ? [] : [normalized])),
    }))
    .filter(({ scores }) => scores.length > 0);
  return {
    variant,
    games: scored.map(({ game }) => game),
    scores: scored.map(({ scores }) => Float64Array.from(scores)),
    runs: scored.reduce((sum, { scores }) => sum + scores.length, 0),
  };
}

/** False where no game has more than one run: then nothing is known of the spread, and an interval would have no width. */
export function hasSpread({ games, runs }: Pick<VariantScores, 'games' | 'runs'>): boolean {
  return runs > games.length;
}

/** Computes everything that is shown, from the runs that are finished. @param resamples of the bootstrap */
export function analyze(
  results: ExperimentResults,
  normalization: (game: string) => 'human' | 'yardstick' | undefined,
  resamples = 2000,
): Analysis {
  const { experiment, runs, states } = results;
  const { games, baseline } = experiment;
  const all = experiment.variants.map(({ name }) => variantScores(runs, name, games));
  const variants = all
    .filter(({ scores }) => scores.length > 0)
    .map((scores) => ({ ...scores, aggregates: aggregateScores(scores.scores, { resamples }) }));
  const base = variants.find(({ variant }) => variant === baseline);
  const toCome = (name: string): number =>
    states.filter(({ job, status }) => job.variant === name && (status === 'waiting' || status === 'running')).length;
  const comparisons = variants.flatMap((ours) =>
    base === undefined || ours.variant === baseline
      ? []
      : compare(ours, base, toCome(ours.variant) + toCome(baseline), resamples),
  );
  const sources = new Set(games.map(normalization));
  sources.delete(undefined);
  return {
    variants,
    comparisons,
    leftOut: games.filter((game) => normalization(game) === undefined),
    normalization: sources.size === 0 ? 'none' : sources.size > 1 ? 'mixed' : [...sources][0]!,
  };
}

function compare(ours: VariantScores, base: VariantScores, jobsToCome: number, resamples: number): Comparison[] {
  const games = ours.games.filter((game) => base.games.includes(game));
  if (games.length === 0) return [];
  const of = ({ games: names, scores }: VariantScores): GameScores => games.map((game) => scores[names.indexOf(game)]!);
  const [x, y] = [of(ours), of(base)];
  const [difference] = stratifiedBootstrap(
    [x, y],
    (drawnX, drawnY) => [interquartileMean(drawnX!) - interquartileMean(drawnY!)],
    { resamples },
  ) as [Interval];
  const seeds = Math.min(...x.map(({ length }) => length), ...y.map(({ length }) => length));
  const verdict = verdictOf(difference, seeds);
  return [
    {
      variant: ours.variant,
      baseline: base.variant,
      games,
      probability: probabilityOfImprovementInterval(x, y, { resamples }),
      difference,
      verdict,
      jobsToCome,
      seedsNeeded: verdict === 'open' ? seedsNeeded(difference, seeds) : undefined,
    },
  ];
}

function verdictOf({ low, high }: Interval, seeds: number): Verdict {
  if (seeds < 2) return 'unknown';
  if (low > 0) return 'better';
  return high < 0 ? 'worse' : 'open';
}

/** The width of an interval shrinks with the square root of the number of seeds. */
function seedsNeeded({ estimate, low, high }: Interval, seeds: number): number | undefined {
  const reach = estimate > 0 ? estimate - low : high - estimate;
  if (estimate === 0) return undefined;
  const needed = Math.ceil(seeds * (reach / Math.abs(estimate)) ** 2);
  return Number.isFinite(needed) ? Math.max(seeds + 1, needed) : undefined;
}
