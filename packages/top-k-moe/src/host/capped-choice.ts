// Expert choice with at most b experts per token, on host numbers: the exact optimum, and the paper's entropy-regularized relaxation of it. Rounded as the
// paper does, the relaxation often breaks the cap (with the paper's settings it is far from converged), so that routers use the optimum.
import { InvalidArgumentError, requireFinite, requireInteger } from '@moe-rl/core';
import { bestAssignment } from './best-assignment.ts';

/**
 * Chooses exactly `capacity` tokens for each expert, each token at most `cap` times, with the largest sum of scores.
 * @param scores [E, T], row-major; what is not finite counts as 0
 * @returns [E, C]: chosen tokens, ascending for each expert
 * @throws InvalidArgumentError when E * C > T * cap or C > T: no such choice exists
 */
export function cappedExpertChoice(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
): Int32Array {
  if (capacity > numTokens || numExperts * capacity > numTokens * cap) {
    throw new InvalidArgumentError(
      `maxExpertsPerToken is ${cap}: ${numTokens} tokens have ${numTokens * cap} places; expected at least ${numExperts} experts * capacity ${capacity} = ${numExperts * capacity}`,
    );
  }
  const finite = Float64Array.from(scores, (score) => (Number.isFinite(score) ? score : 0));
  const chosen: number[] = [];
  bestAssignment(finite, numExperts, numTokens, capacity, cap).forEach((flag, index) => {
    if (flag) chosen.push(index % numTokens);
  });
  return Int32Array.from(chosen);
}

/**
 * The same for a sample with few tokens: as many of the `capacity` places of each expert as the cap leaves, -1 in the others.
 * @param scores [E, T], row-major
 * @returns [E, C]
 */
export function cappedChoiceOfFew(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
): Int32Array {
  const [E, T] = [numExperts, numTokens];
  const chosen = new Int32Array(E * capacity).fill(-1);
  const fitting = Math.min(capacity, T, Math.floor((T * cap) / E));
  if (fitting > 0) {
    const tokens = cappedExpertChoice(scores, E, T, fitting, cap);
    for (let expert = 0; expert < E; expert++) {
      chosen.set(tokens.subarray(expert * fitting, (expert + 1) * fitting), expert * capacity);
    }
  } else if (T > 0) {
    // Fewer places than experts: every token takes its best experts instead, none twice.
    const byToken = Float64Array.from(
      { length: T * E },
      (_, index) => scores[(index % E) * T + Math.floor(index / E)]!,
    );
    const experts = cappedExpertChoice(byToken, T, E, cap, 1);
    for (const [index, expert] of experts.entries()) chosen[expert * capacity] = Math.floor(index / cap);
  }
  return chosen;
}

/** Settings of the relaxation. */
export interface RelaxationConfig {
  /** Weight of the entropy. Default 0.02: at the paper's 0.001, 100 iterations are far from converged. */
  readonly entropyWeight?: number;
  /** Iterations of Dykstra's method. Default 100. */
  readonly iterations?: number;
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

function logSumExp(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]!);
  let total = 0;
  for (let index = 0; index < values.length; index++) total += Math.exp(values[index]! - largest);
  return largest + Math.log(total);
}
