// What the EM maps of all mixtures share about an expert that loses its samples: when it is empty, and which sample it is put on.
import { EmptyExpertError } from '../errors.ts';

/** Below this sum of responsibilities an expert is empty; in samples of mean weight. */
const EMPTY = 1e-8;

/** Tries for each expert before its mixture is given up. */
const RESEEDS_PER_EXPERT = 20;

/** Sums of the columns of weighted responsibilities [n, m], row-major: how many samples each expert has. */
export function massesOf(responsibilities: Float64Array, experts: number): Float64Array {
  const masses = new Float64Array(experts);
  responsibilities.forEach((share, index) => {
    masses[index % experts]! += share;
  });
  return masses;
}

/** The first of the experts without samples (or with NaN of them) among `rows` of them; -1: there is none. */
export function emptyExpert(masses: Float64Array, rows: number): number {
  const meanWeight = masses.reduce((sum, mass) => sum + mass, 0) / rows;
  return masses.findIndex((mass) => !(mass > EMPTY * meanWeight));
}

/** @throws EmptyExpertError naming the expert when a fit has re-seeded too often to come to an end */
export function requireReseedsLeft(reseedCount: number, experts: number, name: string): void {
  if (reseedCount > RESEEDS_PER_EXPERT * experts) {
    throw new EmptyExpertError(
      `${name} lost all its samples, and was re-seeded in vain; expected fewer experts, or more starts`,
    );
  }
}

/** The row of positive weight that the mixture fits worst: the first of those with the least log density. */
export function worstFittedRow(weights: ArrayLike<number>, logDensity: Float64Array): number {
  let worst = -1;
  for (let row = 0; row < logDensity.length; row++) {
    if (weights[row]! > 0 && (worst < 0 || logDensity[row]! < logDensity[worst]!)) worst = row;
  }
  return worst;
}
