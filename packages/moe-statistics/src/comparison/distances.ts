// Total variation, Hellinger distance and Kullback-Leibler divergence: of probability vectors, and of conditional densities on a grid.
import { InvalidArgumentError, NonFiniteError, requireFinite, requireInteger, ShapeError } from '@moe-rl/core';

/** What the probabilities of a distribution may miss 1 by: numbers of single precision do. */
const SUM_TOLERANCE = 1e-4;

/** The weight of the k-th entry. @throws ShapeError, NonFiniteError, InvalidArgumentError for what are no distributions, or no weights of theirs */
function requireDistributions(
  p: ArrayLike<number>,
  q: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
): (k: number) => number {
  if (p.length !== q.length || p.length === 0)
    throw new ShapeError(`distributions have ${p.length} and ${q.length} entries; expected equally many, and some`);
  if (weights !== undefined && weights.length !== p.length)
    throw new ShapeError(`weights have ${weights.length} entries; expected ${p.length}, as the distributions`);
  for (const [name, values] of [
    ['p', p],
    ['q', q],
    ['weights', weights ?? []],
  ] as const) {
    let sum = 0;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (!Number.isFinite(value)) throw new NonFiniteError(`${name}[${index}] is ${value}; expected a finite number`);
      if (value < 0) throw new InvalidArgumentError(`${name}[${index}] is ${value}; expected at least 0`);
      sum += value;
    }
    // Densities need not sum to 1 over the nodes of a quadrature that leaves their tails out.
    if (weights === undefined && name !== 'weights' && Math.abs(sum - 1) > SUM_TOLERANCE)
      throw new InvalidArgumentError(`${name} sums to ${sum}; expected probabilities, which sum to 1`);
  }
  return weights === undefined ? () => 1 : (k) => weights[k]!;
}

/**
 * Half the sum of |p - q|: from 0 to 1. With `weights`, p and q are densities at the nodes of a quadrature.
 * @throws ShapeError, NonFiniteError, InvalidArgumentError for what is no distribution
 */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const weight = requireDistributions(p, q, weights);
  let sum = 0;
  for (let k = 0; k < p.length; k++) sum += weight(k) * Math.abs(p[k]! - q[k]!);
  return sum / 2;
}

/** sqrt(1/2 sum (sqrt p - sqrt q)^2): from 0 to 1. */
export function hellinger(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const weight = requireDistributions(p, q, weights);
  let sum = 0;
  for (let k = 0; k < p.length; k++) sum += weight(k) * (Math.sqrt(p[k]!) - Math.sqrt(q[k]!)) ** 2;
  return Math.sqrt(sum / 2);
}

/** sum p ln(p / q), in nats; infinite where q is 0 and p is not. */
export function kullbackLeibler(p: ArrayLike<number>, q: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const weight = requireDistributions(p, q, weights);
  let sum = 0;
  for (let k = 0; k < p.length; k++) {
    const share = weight(k) * p[k]!;
    if (share > 0) sum += share * logRatio(p[k]!, q[k]!);
  }
  return sum;
}

/** ln(p / q), also where the ratio is more or less than a number can hold. */
function logRatio(p: number, q: number): number {
  const ratio = p / q;
  return ratio > 0 && ratio < Number.POSITIVE_INFINITY ? Math.log(ratio) : Math.log(p) - Math.log(q);
}

/**
 * KL(N(m1, v1) || N(m2, v2)).
 * @throws InvalidArgumentError for a mean that is no finite number or a variance that is not positive
 */
export function gaussianKullbackLeibler(m1: number, v1: number, m2: number, v2: number): number {
  requireFinite('m1', m1);
  requireFinite('v1', v1, Number.MIN_VALUE);
  requireFinite('m2', m2);
  requireFinite('v2', v2, Number.MIN_VALUE);
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
 * @throws InvalidArgumentError for no covariates or a bad grid; ShapeError or NonFiniteError for a density that is not one number per pair
 */
export function densityDistances(
  f: LogDensity,
  g: LogDensity,
  x: readonly number[],
  range: readonly [number, number],
  nodes = 401,
): DensityDistances {
  const [low, high] = range;
  requireInteger('nodes', nodes, 2, 1e7);
  if (!(high > low) || !Number.isFinite(high - low))
    throw new InvalidArgumentError(`range is [${low}, ${high}]; expected finite numbers, low < high`);
  if (x.length === 0) throw new InvalidArgumentError('x is empty; expected covariates to average over');
  const step = (high - low) / (nodes - 1);
  const y = Array.from({ length: nodes }, (_, k) => low + k * step);
  const weights = y.map((_, k) => (k === 0 || k === nodes - 1 ? step / 2 : step));
  let variation = 0;
  let square = 0;
  let divergence = 0;
  for (const value of x) {
    const here = new Array<number>(nodes).fill(value);
    const [logF, logG] = [f(here, y), g(here, y)];
    requireLogDensities('f', logF, value, nodes);
    requireLogDensities('g', logG, value, nodes);
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

/** A density of 0 has a logarithm of -Infinity; NaN or +Infinity is none. */
function requireLogDensities(name: string, logs: ArrayLike<number>, x: number, nodes: number): void {
  if (logs.length !== nodes) throw new ShapeError(`${name} gave ${logs.length} log densities; expected ${nodes}`);
  for (let k = 0; k < nodes; k++) {
    if (!(logs[k]! < Number.POSITIVE_INFINITY))
      throw new NonFiniteError(`${name} gave a log density of ${logs[k]} at x = ${x}; expected a number`);
  }
}
