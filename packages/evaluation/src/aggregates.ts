// Aggregates over games and runs, as rliable computes them (Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical
// Precipice"). They take scores that were checked before: bootstrap calls them thousands of times.
import { ShapeError } from '@moe-rl/core';
import type { GameScores } from './game-scores.ts';

/**
 * Interquartile mean: the mean of the middle half of all scores of all games. `floor(n / 4)` scores are dropped at each end, none is weighted
 * fractionally (scipy's `trim_mean(scores, 0.25)`).
 */
export function interquartileMean(scores: GameScores): number {
  let count = 0;
  for (const runs of scores) count += runs.length;
  const all = new Float64Array(count);
  let position = 0;
  for (const runs of scores) {
    all.set(runs, position);
    position += runs.length;
  }
  all.sort();
  const dropped = Math.floor(0.25 * count);
  let sum = 0;
  for (let index = dropped; index < count - dropped; index++) sum += all[index]!;
  return sum / (count - 2 * dropped);
}

/** Median over games of each game's mean over runs. */
export function median(scores: GameScores): number {
  const means = gameMeans(scores).sort();
  const middle = means.length >> 1;
  return means.length % 2 === 1 ? means[middle]! : (means[middle - 1]! + means[middle]!) / 2;
}

/** Mean over games of each game's mean over runs. */
export function mean(scores: GameScores): number {
  return average(gameMeans(scores));
}

/** How far below `gamma` (1 = human level) scores stay on average; what is above counts as `gamma`. Less is better. */
export function optimalityGap(scores: GameScores, gamma = 1): number {
  let sum = 0;
  let count = 0;
  for (const runs of scores) {
    count += runs.length;
    for (let run = 0; run < runs.length; run++) sum += Math.min(runs[run]!, gamma);
  }
  return gamma - sum / count;
}

/**
 * Probability that a run of X beats a run of Y on a game drawn at random: per game the share of pairs with x > y, ties counting half (the Mann-Whitney
 * U statistic), then the mean over games.
 * @throws ShapeError when X and Y have different numbers of games
 */
export function probabilityOfImprovement(x: GameScores, y: GameScores): number {
  if (x.length !== y.length) throw new ShapeError(`X has ${x.length} games and Y ${y.length}; expected the same games`);
  let sum = 0;
  for (let game = 0; game < x.length; game++) {
    const ours = x[game]!;
    const theirs = y[game]!;
    let wins = 0;
    for (let i = 0; i < ours.length; i++) {
      for (let j = 0; j < theirs.length; j++) {
        if (ours[i]! > theirs[j]!) wins += 1;
        else if (ours[i] === theirs[j]) wins += 0.5;
      }
    }
    sum += wins / (ours.length * theirs.length);
  }
  return sum / x.length;
}

/**
 * Performance profile: per `tau` the share of scores strictly above it; of all runs of all games (`runs`, a run-score distribution), or of the games'
 * means (`means`).
 */
export function performanceProfile(
  scores: GameScores,
  taus: ArrayLike<number>,
  of: 'runs' | 'means' = 'runs',
): Float64Array {
  const groups: GameScores = of === 'means' ? [gameMeans(scores)] : scores;
  const profile = new Float64Array(taus.length);
  let count = 0;
  for (const group of groups) {
    count += group.length;
    for (let index = 0; index < group.length; index++) {
      for (let tau = 0; tau < taus.length; tau++) if (group[index]! > taus[tau]!) profile[tau]!++;
    }
  }
  return profile.map((above) => above / count);
}

function gameMeans(scores: GameScores): Float64Array {
  return Float64Array.from(scores, average);
}

function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum / values.length;
}
