// Vectors made by rliable 1.2.0: point estimates to 1e-12, intervals within the tolerance that two seeds of rliable differ by.
import { readdirSync, readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import {
  ATARI_REFERENCE_SCORES,
  aggregateScores,
  fromRuns,
  interquartileMean,
  mean,
  median,
  optimalityGap,
  PAPER_GAMES,
  performanceProfile,
  probabilityOfImprovement,
  probabilityOfImprovementInterval,
} from './index.ts';

const folder = new URL('../../../testdata/golden/rliable/', import.meta.url);

describe.each(readdirSync(folder))('%s', (name) => {
  const { outputs } = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
  const matrix = (array: { shape: number[]; data: number[] }) => {
    const [runs, games] = array.shape as [number, number];
    return fromRuns(Array.from({ length: runs }, (_, run) => array.data.slice(run * games, (run + 1) * games)));
  };
  const x = matrix(outputs.X);
  const y = matrix(outputs.Y);
  const close = (actual: number, expected: number) =>
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)));

  it('gives the same point estimates', () => {
    close(interquartileMean(x), outputs.iqm.data[0]);
    close(interquartileMean(y), outputs.iqm_y.data[0]);
    close(median(x), outputs.median.data[0]);
    close(mean(x), outputs.mean.data[0]);
    close(optimalityGap(x), outputs.optimality_gap.data[0]);
    close(optimalityGap(x, 2), outputs.optimality_gap_gamma2.data[0]);
    close(probabilityOfImprovement(x, y), outputs.probability_of_improvement.data[0]);
  });

  it('gives the same performance profiles', () => {
    const taus = outputs.taus.data as number[];
    const runs = performanceProfile(x, taus);
    const means = performanceProfile(x, taus, 'means');
    taus.forEach((_, index) => {
      close(runs[index]!, outputs.performance_profile_runs.data[index]);
      close(means[index]!, outputs.performance_profile_means.data[index]);
    });
  });

  it('gives intervals within the spread of rliable’s own seeds', () => {
    const { reps, low, high, tolerance_abs } = outputs.bootstrap;
    const result = aggregateScores(x, { resamples: reps, rng: createRng(4) });
    [result.iqm, result.median, result.mean, result.optimalityGap].forEach((interval, index) => {
      expect(Math.abs(interval.low - low[index])).toBeLessThanOrEqual(tolerance_abs[index]);
      expect(Math.abs(interval.high - high[index])).toBeLessThanOrEqual(tolerance_abs[index]);
    });
    const improvement = outputs.bootstrap_poi;
    const interval = probabilityOfImprovementInterval(x, y, { resamples: improvement.reps, rng: createRng(4) });
    expect(Math.abs(interval.low - improvement.low)).toBeLessThanOrEqual(improvement.tolerance_abs);
    expect(Math.abs(interval.high - improvement.high)).toBeLessThanOrEqual(improvement.tolerance_abs);
  });
});

it('holds the table of reference scores and the list of games as published', () => {
  const { all, paper20 } = JSON.parse(readFileSync(new URL('../atari_scores.json', folder), 'utf8'));
  for (const entry of Object.values<{ human?: number | null }>(all)) entry.human ??= undefined as never;
  expect(ATARI_REFERENCE_SCORES).toEqual(all);
  expect(PAPER_GAMES).toEqual(paper20);
});
