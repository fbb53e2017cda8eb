// Results as text, for terminals.
import type { Interval } from '@moe-rl/evaluation';
import { number, table } from '@moe-rl/runs';
import { countJobs } from '../jobs/job-state.ts';
import { referencePoints } from '../suites/reference-scores.ts';
import { type Analysis, analyze, type Comparison, hasSpread } from './analysis.ts';
import type { ExperimentResults } from './results.ts';

/** Jobs, aggregates, comparisons, scores per game and failures. */
export function resultsText(results: ExperimentResults): string {
  const analysis = analyze(results, (game) => referencePoints(game)?.source);
  return [
    jobsText(results),
    aggregatesText(analysis),
    comparisonsText(analysis),
    gamesText(results),
    failuresText(results),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** `0.42 [0.31, 0.55]`; the estimate alone where nothing is known of the spread. */
export function intervalText({ estimate, low, high }: Interval, isSpreadKnown = true): string {
  return isSpreadKnown ? `${number(estimate)} [${number(low)}, ${number(high)}]` : number(estimate);
}

/** What the intervals are, if there are any. */
export function intervalsNote(variants: Analysis['variants']): string {
  return variants.some(hasSpread)
    ? '95 %, stratified bootstrap over seeds'
    : 'none, one run per game says nothing about the spread';
}

/** What has been decided, in a sentence. */
export function verdictText({ variant, baseline, verdict, jobsToCome, seedsNeeded }: Comparison): string {
  const more = jobsToCome > 0 ? `; ${jobsToCome} jobs of the two are still to come` : '';
  if (verdict === 'better' || verdict === 'worse') return `decided: ${variant} is ${verdict} than ${baseline}${more}`;
  if (verdict === 'unknown') return `not to be told: one seed says nothing about the spread${more}`;
  const needed =
    seedsNeeded === undefined
      ? 'the two are equal so far'
      : seedsNeeded > 100
        ? 'more than 100 seeds would be needed at this difference'
        : `about ${seedsNeeded} seeds per game would decide it at this difference`;
  return `open: ${needed}${more}`;
}

function jobsText({ states, experiment }: ExperimentResults): string {
  const { total, done, failed, running, waiting } = countJobs(states);
  return `${experiment.title}\n${total} jobs: ${done} done, ${running} running, ${waiting} waiting, ${failed} failed`;
}

function aggregatesText({ variants, leftOut, normalization }: Analysis): string {
  if (variants.length === 0) return '';
  const body = variants.map(({ variant, games, runs, aggregates }) => {
    const text = (interval: Interval): string => intervalText(interval, hasSpread({ games, runs }));
    return [
      variant,
      String(games.length),
      String(runs),
      text(aggregates.iqm),
      text(aggregates.median),
      text(aggregates.mean),
      text(aggregates.optimalityGap),
    ];
  });
  const one = normalization === 'human' ? 'a human tester' : 'the yardstick of each game';
  const without = leftOut.length === 0 ? '' : `; left out, for want of a reference score: ${leftOut.join(', ')}`;
  return `${table(['variant', 'games', 'runs', 'IQM', 'median', 'mean', 'optimality gap'], body)}\nscores are normalized: 0 is a random agent, 1 ${one}; intervals: ${intervalsNote(variants)}${without}`;
}

function comparisonsText({ comparisons }: Analysis): string {
  if (comparisons.length === 0) return '';
  const body = comparisons.map((comparison) => [
    `${comparison.variant} against ${comparison.baseline}`,
    intervalText(comparison.difference, comparison.verdict !== 'unknown'),
    intervalText(comparison.probability, comparison.verdict !== 'unknown'),
    verdictText(comparison),
  ]);
  return table(['comparison', 'difference of IQMs', 'probability of improvement', 'verdict'], body);
}

function gamesText({ experiment, runs }: ExperimentResults): string {
  if (runs.length === 0) return '';
  const names = experiment.variants.map(({ name }) => name);
  const body = experiment.games.map((game) => [
    game,
    ...names.map((variant) => {
      const scores = runs.filter(({ job }) => job.game === game && job.variant === variant).map(({ score }) => score);
      return scores.length === 0 ? '-' : number(scores.reduce((sum, score) => sum + score, 0) / scores.length);
    }),
  ]);
  return table(['mean score', ...names], body);
}

function failuresText({ states, withoutScore }: ExperimentResults): string {
  const lines = states.flatMap(({ job, status, failures }) => {
    const last = failures.at(-1);
    if (status === 'done' || last === undefined) return [];
    const what = status === 'failed' ? 'failed' : 'failed so far';
    return [
      `${job.id} ${what}, ${failures.length} attempt${failures.length === 1 ? '' : 's'}; the last on ${last.host}: ${last.message}`,
    ];
  });
  for (const { id } of withoutScore) lines.push(`${id} has no score: no evaluation ended`);
  return lines.join('\n');
}
