// Random partitions of the samples by their covariates: where EM starts.
import type { Rng } from '@moe-rl/core';
import type { CheckedSamples, Matrix } from './samples.ts';

/** The nearest of m distinct samples' covariates, drawn far from each other (k-means++, Arthur and Vassilvitskii 2007). */
export function regions(x: Matrix, samples: CheckedSamples, experts: number, rng: Rng): Int32Array {
  const distances = new Float64Array(x.rows).fill(Number.POSITIVE_INFINITY);
  const nearest = new Int32Array(x.rows);
  let center = drawRow(samples.weights, rng);
  for (let j = 0; j < experts; j++) {
    for (let row = 0; row < x.rows; row++) {
      let square = 0;
      for (let k = 0; k < x.columns; k++)
        square += (x.values[row * x.columns + k]! - x.values[center * x.columns + k]!) ** 2;
      if (square < distances[row]!) {
        distances[row] = square;
        nearest[row] = j;
      }
    }
    center = drawRow(
      distances.map((square, row) => square * samples.weights[row]!),
      rng,
    );
  }
  return nearest;
}

/** A row with probability proportional to its weight; any row with a positive weight when all are 0. */
export function drawRow(weights: Float64Array, rng: Rng): number {
  let total = 0;
  for (const weight of weights) total += weight;
  if (!(total > 0)) return rng.nextInteger(weights.length);
  let left = rng.nextFloat() * total;
  for (let row = 0; row < weights.length; row++) {
    left -= weights[row]!;
    if (left < 0) return row;
  }
  return weights.length - 1;
}
