// A random part of a large data set, on which starts are tried.
import { createRng } from '@moe-rl/core';
import type { CheckedSamples, Matrix } from './samples.ts';

/** From this many samples on, starts are chosen on a part of them. */
const LARGE = 20_000;
const PART = 5_000;

/** Rows of `x` (however mapped) and of the samples; null if there are too few to leave any out. */
export function pilotSamples(
  x: Matrix,
  samples: CheckedSamples,
  parameterCount: number,
  seed: number,
): { x: Matrix; samples: CheckedSamples } | null {
  const rows = Math.max(PART, 50 * parameterCount);
  if (x.rows <= LARGE || x.rows < 4 * rows) return null;
  const rng = createRng(seed, 'statistics/pilot');
  const order = Int32Array.from({ length: x.rows }, (_, row) => row);
  for (let k = 0; k < rows; k++) {
    const other = k + rng.nextInteger(x.rows - k);
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  const picked = order.subarray(0, rows);
  const values = new Float64Array(rows * x.columns);
  picked.forEach((row, k) => {
    values.set(x.values.subarray(row * x.columns, (row + 1) * x.columns), k * x.columns);
  });
  const weights = Float64Array.from(picked, (row) => samples.weights[row]!);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  if (totalWeight === 0) return null;
  const part = { ...x, values, rows };
  return {
    x: part,
    samples: { x: part, y: Float64Array.from(picked, (row) => samples.y[row]!), weights, totalWeight },
  };
}
