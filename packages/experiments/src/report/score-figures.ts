// Figures of scores: IQM over training, aggregates, probability of improvement, profiles, each game's curves and improvement.
import { canonicalGameName, performanceProfileIntervals, sampleEfficiencyCurve } from '@moe-rl/evaluation';
import { meanCurve } from '@moe-rl/figures';
import type { Analysis } from '../results/analysis.ts';
import type { Overlay } from '../results/overlays.ts';
import type { ExperimentResults, RunResult, ScorePoint } from '../results/results.ts';
import { normalizedScore } from '../suites/reference-scores.ts';
import {
  type BandedLine,
  barsSvg,
  colorOf,
  csv,
  intervalsSvg,
  linesCsv,
  linesSvg,
  type ReportFigure,
} from './marks.ts';

/** More points than this help nobody, and each costs a bootstrap. */
const CURVE_POINTS = 40;
const CURVE_RESAMPLES = 400;
const PROFILE_POINTS = 60;

export function scoreFigures(
  results: ExperimentResults,
  analysis: Analysis,
  overlays: readonly Overlay[],
): readonly ReportFigure[] {
  return [
    iqmCurve(results, analysis, overlays),
    ...aggregateFigures(results, analysis),
    ...improvementFigures(results, analysis),
    profile(results, analysis),
    ...gameImprovement(results, analysis),
    ...results.experiment.games.map((game) => gameCurves(results, game, overlays)),
  ].filter((figure) => figure !== undefined);
}

const variantColor = ({ experiment }: ExperimentResults, variant: string): string =>
  colorOf(experiment.variants.findIndex(({ name }) => name === variant));

function iqmCurve(
  results: ExperimentResults,
  analysis: Analysis,
  overlays: readonly Overlay[],
): ReportFigure | undefined {
  const lines = analysis.variants.flatMap(({ variant, games }): BandedLine[] => {
    const runs = results.runs.filter(({ job }) => job.variant === variant && games.includes(job.game));
    const steps = thin(commonSteps(runs));
    if (steps.length === 0) return [];
    const scoresAt = steps.map((agentSteps) =>
      games.map((game) =>
        runs
          .filter(({ job }) => job.game === game)
          .map(({ curve }) => normalizedScore(game, curve.find((point) => point.agentSteps === agentSteps)!.value)!),
      ),
    );
    const intervals = sampleEfficiencyCurve(scoresAt, { resamples: CURVE_RESAMPLES });
    const points = intervals.map(({ estimate, low, high }, index) => ({ x: steps[index]!, y: estimate, low, high }));
    return [{ label: variant, color: variantColor(results, variant), points }];
  });
  if (lines.length === 0) return undefined;
  const last = Math.max(...lines.flatMap(({ points }) => points.map(({ x }) => x)));
  lines.push(...overlayIqms(results.experiment.games, overlays, last, lines.length));
  return {
    name: 'iqm-curve',
    title: 'IQM over training',
    caption: 'Interquartile mean of the normalized scores of all games and seeds; bands: 95 % stratified bootstrap.',
    svg: linesSvg({ title: 'IQM of normalized scores', xLabel: 'agent steps', yLabel: 'IQM', lines }),
    csv: linesCsv(lines, 'agentSteps', 'iqm'),
  };
}

/** Others' curves on the same games, as far as our runs go. */
function overlayIqms(
  games: readonly string[],
  overlays: readonly Overlay[],
  last: number,
  offset: number,
): BandedLine[] {
  return overlays.flatMap(({ label, games: published }, index) => {
    const named = games.filter(
      (game) => published.has(canonicalGameName(game)) && normalizedScore(game, 0) !== undefined,
    );
    const curves = named.map((game) => published.get(canonicalGameName(game))!.map((run) => upTo(run, last)));
    const means = curves.map(meanCurve);
    const steps = (means[0] ?? [])
      .map(({ agentSteps }) => agentSteps)
      .filter((step) => means.every((curve) => curve.some(({ agentSteps }) => agentSteps === step)));
    if (steps.length === 0) return [];
    const points = steps.map((step) => {
      const scores = named
        .map((game, g) => normalizedScore(game, means[g]!.find(({ agentSteps }) => agentSteps === step)!.value)!)
        .sort((a, b) => a - b);
      const dropped = Math.floor(scores.length / 4);
      const kept = scores.slice(dropped, scores.length - dropped);
      return { x: step, y: kept.reduce((sum, value) => sum + value, 0) / kept.length };
    });
    return [{ label: `${label}, ${named.length} games`, color: colorOf(offset + index), points, isReference: true }];
  });
}

function aggregateFigures(results: ExperimentResults, { variants }: Analysis): ReportFigure[] {
  if (variants.length === 0) return [];
  const kinds = [
    ['iqm', 'IQM (higher is better)'],
    ['median', 'Median (higher is better)'],
    ['mean', 'Mean (higher is better)'],
    ['optimalityGap', 'Optimality gap (lower is better)'],
  ] as const;
  return kinds.map(([kind, title]) => {
    const rows = variants.map(({ variant, aggregates }) => ({
      label: variant,
      color: variantColor(results, variant),
      interval: aggregates[kind],
    }));
    return {
      name: `aggregate-${kind === 'optimalityGap' ? 'optimality-gap' : kind}`,
      title,
      caption: 'Bars: 95 % stratified bootstrap interval (none with a single seed), line: estimate.',
      svg: intervalsSvg(title, 'normalized score', rows),
      csv: csv(
        ['variant', 'value', 'low', 'high'],
        rows.map(({ label, interval: { estimate, low, high } }) => [label, estimate, low, high]),
      ),
    };
  });
}

function improvementFigures(results: ExperimentResults, { comparisons }: Analysis): ReportFigure[] {
  if (comparisons.length === 0) return [];
  const rows = comparisons.map(({ variant, probability }) => ({
    label: variant,
    color: variantColor(results, variant),
    interval: probability,
  }));
  const title = `Probability of improvement over ${comparisons[0]!.baseline}`;
  return [
    {
      name: 'probability-of-improvement',
      title,
      caption:
        'That a run of the variant beats one of the baseline on a game drawn at random; one half: no difference.',
      svg: intervalsSvg(title, 'P(variant > baseline)', rows, 0.5),
      csv: csv(
        ['variant', 'probability', 'low', 'high'],
        rows.map(({ label, interval: { estimate, low, high } }) => [label, estimate, low, high]),
      ),
    },
  ];
}

function profile(results: ExperimentResults, { variants }: Analysis): ReportFigure | undefined {
  if (variants.length === 0) return undefined;
  const best = Math.max(0.1, ...variants.flatMap(({ scores }) => scores.flatMap((runs) => [...Array.from(runs)])));
  const limit = Math.min(best * 1.05, 8);
  const taus = Array.from({ length: PROFILE_POINTS }, (_, index) => (index / (PROFILE_POINTS - 1)) * limit);
  const lines = variants.map(({ variant, scores }): BandedLine => {
    const intervals = performanceProfileIntervals(scores, taus, { resamples: CURVE_RESAMPLES });
    return {
      label: variant,
      color: variantColor(results, variant),
      points: intervals.map(({ estimate, low, high }, index) => ({ x: taus[index]!, y: estimate, low, high })),
    };
  });
  return {
    name: 'performance-profile',
    title: 'Performance profile',
    caption: 'Share of runs with a normalized score above tau; higher is better.',
    svg: linesSvg({
      title: 'Performance profile',
      xLabel: 'normalized score tau',
      yLabel: 'share of runs above tau',
      lines,
    }),
    csv: linesCsv(lines, 'tau', 'share'),
  };
}

/** Per variant: by how much each game got better, in normalized points. */
function gameImprovement(results: ExperimentResults, { comparisons }: Analysis): ReportFigure[] {
  return comparisons.map(({ variant, baseline, games }) => {
    const mean = (name: string, game: string): number => {
      const scores = results.runs.flatMap(({ job, normalized }) =>
        job.variant === name && job.game === game ? [normalized!] : [],
      );
      return scores.reduce((sum, score) => sum + score, 0) / scores.length;
    };
    const rows = games
      .map((game) => ({ game, gain: mean(variant, game) - mean(baseline, game) }))
      .sort((left, right) => right.gain - left.gain);
    const title = `${variant}: improvement per game over ${baseline}`;
    return {
      name: `improvement-${variant}`,
      title,
      caption: 'Difference of the mean normalized scores; 1 is the distance from a random agent to the reference.',
      svg: barsSvg(
        title,
        'difference of normalized scores',
        rows.map(({ game, gain }) => ({
          label: game,
          parts: [{ value: gain, color: gain >= 0 ? '#009e73' : '#d55e00' }],
        })),
      ),
      csv: csv(
        ['game', 'difference'],
        rows.map(({ game, gain }) => [game, gain]),
      ),
    };
  });
}

function gameCurves(results: ExperimentResults, game: string, overlays: readonly Overlay[]): ReportFigure | undefined {
  const lines: BandedLine[] = [];
  for (const { name } of results.experiment.variants) {
    const runs = results.runs.filter(({ job }) => job.game === game && job.variant === name);
    const points = thin(commonSteps(runs)).map((x) => {
      const values = runs.map(({ curve }) => curve.find(({ agentSteps }) => agentSteps === x)!.value);
      const y = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.length > 1 ? { x, y, low: Math.min(...values), high: Math.max(...values) } : { x, y };
    });
    if (points.length > 0)
      lines.push({ label: `${name} (${runs.length})`, color: variantColor(results, name), points });
  }
  if (lines.length === 0) return undefined;
  const last = Math.max(...lines.flatMap(({ points }) => points.map(({ x }) => x)));
  overlays.forEach(({ label, games }, index) => {
    const published = games.get(canonicalGameName(game)) ?? [];
    const points = meanCurve(published.map((run) => upTo(run, last))).map(({ agentSteps, value }) => ({
      x: agentSteps,
      y: value,
    }));
    const color = colorOf(results.experiment.variants.length + index);
    if (points.length > 0) lines.push({ label, color, points, isReference: true });
  });
  return {
    name: `game-${game.replace(/[^\w-]/g, '_')}`,
    title: game,
    caption: 'Mean return over seeds; band: from the worst to the best seed.',
    svg: linesSvg({ title: game, xLabel: 'agent steps', yLabel: 'return', lines, width: 560, height: 360 }),
    csv: linesCsv(lines, 'agentSteps', 'return'),
  };
}

/** A published curve as far as ours go; a score without a place stands at our end. */
function upTo(curve: readonly ScorePoint[], last: number): readonly ScorePoint[] {
  return curve
    .map(({ agentSteps, value }) => ({
      agentSteps: agentSteps === Number.POSITIVE_INFINITY ? last : agentSteps,
      value,
    }))
    .filter(({ agentSteps }) => agentSteps <= last);
}

/** The points that all curves have. */
function commonSteps(runs: readonly Pick<RunResult, 'curve'>[]): number[] {
  const [first, ...others] = runs.map(({ curve }) => curve.map(({ agentSteps }) => agentSteps));
  if (first === undefined) return [];
  const sets = others.map((steps) => new Set(steps));
  return first.filter((step) => sets.every((steps) => steps.has(step)));
}

/** At most `CURVE_POINTS` of them, the last one included. */
function thin(steps: readonly number[]): number[] {
  const stride = Math.max(1, Math.ceil(steps.length / CURVE_POINTS));
  return steps.filter((_, index) => (steps.length - 1 - index) % stride === 0);
}
