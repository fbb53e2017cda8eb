// What theory says of mixtures of polynomial experts (Mendes and Jiang, 1110.2058): the bound on the divergence, and the approximation part measured.
import { NonFiniteError, requireFinite, requireInteger } from '@moe-rl/core';
import { monomialCount } from './data/polynomial.ts';

export interface BoundSettings {
  /** Bounded derivatives of the true predictor. */
  readonly alpha: number;
  /** s: covariates. */
  readonly columns: number;
  /** n */
  readonly samples: number;
}

/** How many observations of which noise, and experts of which degree, {@link expertsByApproximation} chooses among. */
export interface ApproximationSettings {
  /** n */
  readonly samples: number;
  /** k */
  readonly degree: number;
  readonly maxExperts: number;
  /** Of the noise. Default 1. */
  readonly variance?: number;
}

/**
 * m^(-2 min(alpha, k + 1) / s) + (m J_k + (m - 1)(s + 1)) ln(n) / n: approximation and estimation error, all constants 1.
 * @throws InvalidArgumentError for a number out of range
 */
export function convergenceBound(settings: BoundSettings, experts: number, degree: number): number {
  const { alpha, columns, samples } = settings;
  requireFinite('alpha', alpha, 0);
  requireInteger('columns', columns, 1);
  requireFinite('samples', samples, 2);
  requireInteger('experts', experts, 1);
  requireInteger('degree', degree, 0);
  const approximation = experts ** ((-2 * Math.min(alpha, degree + 1)) / columns);
  const parameters = experts * monomialCount(columns, degree) + (experts - 1) * (columns + 1);
  return approximation + (parameters * Math.log(samples)) / samples;
}

/**
 * The m and k with the lowest bound.
 * @param maxExperts m from 1 to this
 * @param maxDegree k from 0 to this; pass `minDegree` too to fix it
 */
export function bestByBound(
  settings: BoundSettings,
  maxExperts: number,
  maxDegree: number,
  minDegree = 0,
): { experts: number; degree: number; bound: number } {
  requireInteger('maxExperts', maxExperts, 1);
  requireInteger('minDegree', minDegree, 0);
  requireInteger('maxDegree', maxDegree, minDegree);
  let best = { experts: 0, degree: 0, bound: Number.POSITIVE_INFINITY };
  for (let degree = minDegree; degree <= maxDegree; degree++) {
    for (let experts = 1; experts <= maxExperts; experts++) {
      const bound = convergenceBound(settings, experts, degree);
      if (bound < best.bound) best = { experts, degree, bound };
    }
  }
  return best;
}

/**
 * The approximation part alone: KL = E[(h - h_m)^2] / (2 variance) for x uniform on [0, 1], with h_m the best polynomial of degree k in each of m equal
 * bins (the limit of steep gates). Least squares on midpoints, in Legendre-like coordinates of each bin.
 * @throws InvalidArgumentError for a number out of range; NonFiniteError where h gives no finite numbers
 */
export function approximationDivergence(
  h: (x: number) => number,
  experts: number,
  degree: number,
  variance = 1,
  pointsPerBin = 4000,
): number {
  requireInteger('experts', experts, 1);
  requireInteger('degree', degree, 0);
  requireFinite('variance', variance, Number.MIN_VALUE);
  requireInteger('pointsPerBin', pointsPerBin, degree + 1);
  let total = 0;
  for (let bin = 0; bin < experts; bin++) {
    const t = Float64Array.from({ length: pointsPerBin }, (_, k) => (2 * (k + 0.5)) / pointsPerBin - 1);
    let residual = t.map((value) => h((bin + (value + 1) / 2) / experts));
    // Gram-Schmidt: remove the part that lies along each orthogonalized power.
    const basis: Float64Array[] = [];
    for (let power = 0; power <= degree; power++) {
      let column = t.map((value) => value ** power);
      for (const earlier of basis) column = subtract(column, earlier, dot(column, earlier));
      const norm = Math.sqrt(dot(column, column));
      column = column.map((value) => value / norm);
      basis.push(column);
      residual = subtract(residual, column, dot(residual, column));
    }
    total += dot(residual, residual) / pointsPerBin / experts;
  }
  const divergence = total / (2 * variance);
  if (!Number.isFinite(divergence))
    throw new NonFiniteError(`the divergence is ${divergence}; expected a function that is finite on [0, 1]`);
  return divergence;
}

/**
 * The number of experts that BIC would choose if there were no noise but in its penalty: the m with the lowest n KL_m + p ln(n) / 2, KL_m the approximation part in
 * equal bins, p = m (k + 1) + 2 (m - 1) parameters. A whole number: where m is small, its growth is that of steps, not of a power.
 * @param maxExperts m from 1 to this
 */
export function expertsByApproximation(
  h: (x: number) => number,
  { samples, degree, maxExperts, variance = 1 }: ApproximationSettings,
): number {
  requireFinite('samples', samples, 2);
  requireInteger('degree', degree, 0);
  requireInteger('maxExperts', maxExperts, 1);
  let best = { experts: 0, value: Number.POSITIVE_INFINITY };
  for (let experts = 1; experts <= maxExperts; experts++) {
    const parameters = experts * (degree + 1) + 2 * (experts - 1);
    const divergence = approximationDivergence(h, experts, degree, variance, 200);
    const value = samples * divergence + (parameters * Math.log(samples)) / 2;
    if (value < best.value) best = { experts, value };
  }
  return best.experts;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function subtract(a: Float64Array, b: Float64Array, factor: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(a, (value, k) => value - factor * b[k]!);
}
