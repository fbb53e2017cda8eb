// Expert choice with at most b experts per token, on host numbers: the paper's entropy-regularized relaxation and rounding. Where the rounded choice
// breaks the cap (with the paper's settings the relaxation is often far from feasible), the exact optimum takes its place, so that the cap always holds.
import { InvalidArgumentError, requireFinite, requireInteger } from '@moe-rl/core';
import { bestAssignment } from './best-assignment.ts';

/** Settings of the relaxation. */
export interface RelaxationConfig {
  /** Weight of the entropy. Default 0.02: at the paper's 0.001, 100 iterations are far from converged. */
  readonly entropyWeight?: number;
  /** Iterations of Dykstra's method. Default 100. */
  readonly iterations?: number;
}

/**
 * Chooses exactly `capacity` tokens for each expert, each token at most `cap` times.
 * @param scores [E, T], row-major
 * @returns [E, C]: chosen tokens, ascending for each expert
 * @throws InvalidArgumentError when E * C > T * cap or C > T: no such choice exists
 */
export function cappedExpertChoice(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
  config: RelaxationConfig = {},
): Int32Array {
  if (capacity > numTokens || numExperts * capacity > numTokens * cap) {
    throw new InvalidArgumentError(
      `maxExpertsPerToken is ${cap}: ${numTokens} tokens have ${numTokens * cap} places; expected at least ${numExperts} experts * capacity ${capacity} = ${numExperts * capacity}`,
    );
  }
  const relaxed = relaxedChoice(scores, numExperts, numTokens, capacity, cap, config);
  const rounded = roundToTop(relaxed, numExperts, numTokens, capacity);
  const uses = new Int32Array(numTokens);
  rounded.forEach((flag, index) => {
    uses[index % numTokens]! += flag;
  });
  const isWithinCap = uses.every((count) => count <= cap);
  const isChosen = isWithinCap ? rounded : bestAssignment(scores, numExperts, numTokens, capacity, cap);
  const chosen: number[] = [];
  isChosen.forEach((flag, index) => {
    if (flag) chosen.push(index % numTokens);
  });
  return Int32Array.from(chosen);
}

/**
 * Log of A maximizing <S, A> + lambda * H(A) with row sums C, column sums at most b and entries at most 1: Dykstra's method with KL projections,
 * in logarithms because exp(S / lambda) overflows (Zhou et al., 2022, section 3.3). Ends on the rows, so that their sums are exact.
 */
export function relaxedChoice(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
  config: RelaxationConfig = {},
): Float64Array {
  const lambda = requireFinite('entropyWeight', config.entropyWeight ?? 0.02, Number.MIN_VALUE);
  const iterations = requireInteger('iterations', config.iterations ?? 100, 1);
  const largest = Array.from(scores).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const logA = Float64Array.from(scores, (score) => (score - largest) / lambda);
  const columnCorrection = new Float64Array(logA.length);
  const entryCorrection = new Float64Array(logA.length);
  const projectRows = (): void => {
    for (let expert = 0; expert < numExperts; expert++) {
      const row = logA.subarray(expert * numTokens, (expert + 1) * numTokens);
      const shift = Math.log(capacity) - logSumExp(row);
      row.forEach((value, token) => {
        row[token] = value + shift;
      });
    }
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    projectRows();
    for (let token = 0; token < numTokens; token++) {
      const column: number[] = [];
      for (let expert = 0; expert < numExperts; expert++) {
        const index = expert * numTokens + token;
        column.push(logA[index]! + columnCorrection[index]!);
      }
      const shift = Math.min(0, Math.log(cap) - logSumExp(column));
      column.forEach((value, expert) => {
        const index = expert * numTokens + token;
        logA[index] = value + shift;
        columnCorrection[index] = -shift;
      });
    }
    for (let index = 0; index < logA.length; index++) {
      const value = logA[index]! + entryCorrection[index]!;
      logA[index] = Math.min(value, 0);
      entryCorrection[index] = value - logA[index]!;
    }
  }
  projectRows();
  return logA;
}

/** 1 for each expert's `capacity` largest entries; equal ones to the lower token. */
function roundToTop(values: Float64Array, numExperts: number, numTokens: number, capacity: number): Uint8Array {
  const isChosen = new Uint8Array(values.length);
  for (let expert = 0; expert < numExperts; expert++) {
    const at = (token: number): number => values[expert * numTokens + token]!;
    const order = Array.from({ length: numTokens }, (_, token) => token).sort((a, b) => at(b) - at(a) || a - b);
    for (const token of order.slice(0, capacity)) isChosen[expert * numTokens + token] = 1;
  }
  return isChosen;
}

function logSumExp(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]!);
  let total = 0;
  for (let index = 0; index < values.length; index++) total += Math.exp(values[index]! - largest);
  return largest + Math.log(total);
}
