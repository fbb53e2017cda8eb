// Total variation, Hellinger distance and Kullback-Leibler divergence: of probability vectors, and of conditional densities on a grid.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';

function requireDistributions(p: ArrayLike<number>, q: ArrayLike<number>): void {
  if (p.length !== q.length || p.length === 0)
    throw new ShapeError(`distributions have ${p.length} and ${q.length} entries; expected equally many, and some`);
  for (const [name, values] of [
    ['p', p],
    ['q', q],
  ] as const) {
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (!Number.isFinite(value)) throw new NonFiniteError(`${name}[${index}] is ${value}; expected a finite number`);
      if (value < 0) throw new InvalidArgumentError(`${name}[${index}] is ${value}; expected at least 0`);
    }
  }
}

/**
 * Half the sum of |p - q|: from 0 to 1. With `weights`, p and q are densities at the nodes of a quadrature.
 * @throws ShapeError, NonFiniteError, InvalidArgumentError for what is no distribution
 */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  requireDistributions(p, q);
  let sum = 0;
  for (let k = 0; k < p.length; k++) sum += (weights?.[k] ?? 1) * Math.abs(p[k]! - q[k]!);
  return sum / 2;
}

/** sqrt(1/2 sum (sqrt p - sqrt q)^2): from 0 to 1. */
export function hellinger(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  requireDistributions(p, q);
  let sum = 0;
  for (let k = 0; k < p.length; k++) sum += (weights?.[k] ?? 1) * (Math.sqrt(p[k]!) - Math.sqrt(q[k]!)) ** 2;
  return Math.sqrt(sum / 2);
}

/** sum p ln(p / q), in nats; infinite where q is 0 and p is not. */
export function kullbackLeibler(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  requireDistributions(p, q);
  let sum = 0;
  for (let k = 0; k < p.length; k++) if (p[k]! > 0) sum += (weights?.[k] ?? 1) * p[k]! * Math.log(p[k]! / q[k]!);
  return sum;
}

/** KL(N(m1, v1) || N(m2, v2)). */
export function gaussianKullbackLeibler(m1: number, v1: number, m2: number, v2: number): number {
  return 0.5 * (Math.log(v2 / v1) + (v1 + (m1 - m2) ** 2) / v2 - 1);
}

/** ln f(y_i | x_i) of pairs. */
export type LogDensity = (x: readonly number[], y: readonly number[]) => ArrayLike<number>;

export interface DensityDistances {
  readonly totalVariation: number;
  readonly hellinger: number;
  readonly kullbackLeibler: number;
}

/**
 * Distances between two conditional densities of a scalar response, averaged over the given covariates (the mean of squares under the root for
 * Hellinger), by the trapezoid rule in y.
 * @param f the first density: KL is of it against the second
 * @param x scalar covariates to average over
 * @param range ends of the y grid; the densities should be negligible beyond
 * @param nodes points of the y grid
 */
export function densityDistances(
  f: LogDensity,
  g: LogDensity,
  x: readonly number[],
  range: readonly [number, number],
  nodes = 401,
): DensityDistances {
  const [low, high] = range;
  if (!(high > low) || nodes < 2)
    throw new InvalidArgumentError(`range is [${low}, ${high}] with ${nodes} nodes; expected low < high and 2 nodes`);
  const step = (high - low) / (nodes - 1);
  const y = Array.from({ length: nodes }, (_, k) => low + k * step);
  const weights = y.map((_, k) => (k === 0 || k === nodes - 1 ? step / 2 : step));
  let variation = 0;
  let square = 0;
  let divergence = 0;
  for (const value of x) {
    const here = new Array<number>(nodes).fill(value);
    const logF = f(here, y);
    const logG = g(here, y);
    for (let k = 0; k < nodes; k++) {
      const p = Math.exp(logF[k]!);
      const q = Math.exp(logG[k]!);
      variation += weights[k]! * Math.abs(p - q);
      square += weights[k]! * (Math.sqrt(p) - Math.sqrt(q)) ** 2;
      if (p > 0) divergence += weights[k]! * p * (logF[k]! - logG[k]!);
    }
  }
  return {
    totalVariation: variation / 2 / x.length,
    hellinger: Math.sqrt(square / 2 / x.length),
    kullbackLeibler: divergence / x.length,
  };
}
