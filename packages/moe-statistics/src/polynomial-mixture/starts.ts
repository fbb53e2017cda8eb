// Random starts of a mixture of polynomial experts. Even ones cut the covariates into regions (for experts that share the work by x), odd ones fit
// polynomials to a few samples each and give every sample to the one that explains it best (for experts that overlap in x).
import type { Rng } from '@moe-rl/core';
import { drawRow, regions } from '../data/regions.ts';
import type { CheckedSamples, Matrix } from '../data/samples.ts';
import type { PolynomialEm } from './em-problem.ts';

/** Packed parameters of start number `start`. */
export function partitionStart(
  problem: PolynomialEm,
  x: Matrix,
  samples: CheckedSamples,
  rng: Rng,
  start: number,
): Float64Array {
  const { experts } = problem.settings;
  const tau = problem.responsibilities;
  const assignment = start % 2 === 0 ? regions(x, samples, experts, rng) : seedLines(problem, samples, rng);
  // Softened, so that no gate starts as a cliff and no expert without samples.
  for (let row = 0; row < x.rows; row++) {
    for (let j = 0; j < experts; j++) {
      const share = assignment[row] === j ? 0.9 + 0.1 / experts : 0.1 / experts;
      tau[row * experts + j] = samples.weights[row]! * share;
    }
  }
  const zero = new Float64Array(problem.size);
  const parameters = new Float64Array(problem.size);
  problem.maximization(zero, parameters, 5, false);
  return parameters;
}

/** Every expert starts from the polynomial through a few random samples; each sample goes to the expert with the smallest residual. */
function seedLines(problem: PolynomialEm, samples: CheckedSamples, rng: Rng): Int32Array {
  const { experts } = problem.settings;
  const tau = problem.responsibilities;
  const rows = samples.y.length;
  tau.fill(0);
  for (let j = 0; j < experts; j++) {
    for (let k = 0; k < problem.terms + 2; k++) tau[drawRow(samples.weights, rng) * experts + j]! += 1;
  }
  const zero = new Float64Array(problem.size);
  const parameters = new Float64Array(problem.size);
  problem.maximization(zero, parameters, 3, false);
  // Equal gates and variances: the responsibilities then follow the residuals.
  parameters.fill(0, 0, problem.expertsAt);
  if (problem.isVarianceFree) parameters.fill(0, problem.variancesAt);
  problem.expectation(parameters);
  const best = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let j = 1; j < experts; j++) if (tau[row * experts + j]! > tau[row * experts + best[row]!]!) best[row] = j;
  }
  return best;
}
