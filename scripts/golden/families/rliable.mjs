// Evaluation against rliable: point estimates to 1e-12, intervals within the spread of rliable's own seeds.
import assert from 'node:assert/strict';
import { createRng } from '../../../packages/core/src/index.ts';
import {
  aggregateScores,
  fromRuns,
  interquartileMean,
  mean,
  median,
  optimalityGap,
  performanceProfile,
  probabilityOfImprovement,
  probabilityOfImprovementInterval,
} from '../../../packages/evaluation/src/index.ts';
import { expectKey } from '../honour.mjs';
import { materialize } from '../vectors.mjs';

export default {
  descriptions: ['layout', 'score_formula', 'formulas'],
  *checks({ vector }) {
    yield { name: 'point estimates', run: () => checkEstimates(vector) };
    yield { name: 'intervals', run: () => checkIntervals(vector) };
  },
};

function scores(array) {
  const { shape, data } = materialize(array);
  const [runs, games] = shape;
  return fromRuns(Array.from({ length: runs }, (_, run) => data.slice(run * games, (run + 1) * games)));
}

function within(actual, expected, tolerance, what) {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected} (+-${tolerance})`);
}

function checkEstimates({ config, outputs }) {
  expectKey('runs, games', [config.runs, config.games], outputs.X.shape);
  const x = scores(outputs.X);
  const y = scores(outputs.Y);
  const pairs = {
    iqm: interquartileMean(x),
    iqm_y: interquartileMean(y),
    median: median(x),
    mean: mean(x),
    optimality_gap: optimalityGap(x),
    optimality_gap_gamma2: optimalityGap(x, 2),
    probability_of_improvement: probabilityOfImprovement(x, y),
  };
  for (const [name, value] of Object.entries(pairs)) {
    const expected = outputs[name].data[0];
    within(value, expected, 1e-12 * Math.max(1, Math.abs(expected)), name);
  }
  const taus = outputs.taus.data;
  for (const of of ['runs', 'means']) {
    performanceProfile(x, taus, of).forEach((share, index) => {
      within(share, outputs[`performance_profile_${of}`].data[index], 1e-12, `profile of ${of} at ${taus[index]}`);
    });
  }
}

function checkIntervals({ outputs }) {
  const x = scores(outputs.X);
  const { order, reps, level, low, high, tolerance_abs: tolerance } = outputs.bootstrap;
  const result = aggregateScores(x, { resamples: reps, level, rng: createRng(4) });
  order.forEach((name, index) => {
    const interval = name === 'optimality_gap' ? result.optimalityGap : result[name];
    within(interval.low, low[index], tolerance[index], `${name} low`);
    within(interval.high, high[index], tolerance[index], `${name} high`);
  });
  const expected = outputs.bootstrap_poi;
  const interval = probabilityOfImprovementInterval(x, scores(outputs.Y), {
    resamples: expected.reps,
    rng: createRng(4),
  });
  within(interval.low, expected.low, expected.tolerance_abs, 'probability of improvement low');
  within(interval.high, expected.high, expected.tolerance_abs, 'probability of improvement high');
}
