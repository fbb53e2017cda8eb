// One-parameter exponential families of a response, each with the link that makes any value of a polynomial h a valid parameter:
// Gaussian (mean h), Poisson (mean e^h), binomial (mean trials / (1 + e^-h)), gamma of known shape (mean e^h; exponential: shape 1).
import { InvalidArgumentError, type Rng, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import { LOG_2_PI, logGamma, sigmoid, softplus } from '../numerics/special.ts';

export type Family =
  | {
      readonly type: 'gaussian';
      /** Known variance of every expert; without it each expert's is estimated. */
      readonly variance?: number;
    }
  | { readonly type: 'poisson' }
  | { readonly type: 'binomial'; readonly trials: number }
  | { readonly type: 'gamma'; readonly shape: number };

/** A family, or a short name for a common one. */
export type FamilyOption = Family | 'gaussian' | 'poisson' | 'bernoulli' | 'exponential';

/** What the EM needs to know of a family. h is the linear predictor. */
export interface ResponseFamily {
  /** What a response must be. */
  readonly expected: string;
  isValid(y: number): boolean;
  mean(h: number): number;
  /** h at which the mean is y, or a near one where y is on the edge. */
  link(y: number): number;
  /** The part of the log density that no parameter changes. */
  logBase(y: number): number;
  /** The rest of the log density. Gaussian: with variance 1. */
  logKernel(y: number, h: number): number;
  /** d log density / dh. */
  score(y: number, h: number): number;
  /** Expected -d2 log density / dh2. */
  information(h: number): number;
  /** Gaussian: with variance 1. */
  sample(h: number, rng: Rng): number;
}

/** @throws InvalidArgumentError for an unknown family or a bad parameter of it */
export function resolveFamily(option: FamilyOption): Family {
  if (option === 'bernoulli') return { type: 'binomial', trials: 1 };
  if (option === 'exponential') return { type: 'gamma', shape: 1 };
  const family = typeof option === 'string' ? ({ type: option } as Family) : option;
  const type = requireOneOf('family', family?.type, ['gaussian', 'poisson', 'binomial', 'gamma']);
  const allowed = { gaussian: 'variance', poisson: '', binomial: 'trials', gamma: 'shape' }[type];
  for (const name of Object.keys(family)) {
    if (name !== 'type' && name !== allowed)
      throw new InvalidArgumentError(`unknown setting "${name}" of family ${type}; expected ${allowed || 'none'}`);
  }
  if (family.type === 'gaussian' && family.variance !== undefined)
    requireFinite('variance', family.variance, Number.MIN_VALUE);
  if (family.type === 'binomial') requireInteger('trials', family.trials, 1);
  if (family.type === 'gamma') requireFinite('shape', family.shape, Number.MIN_VALUE);
  return family;
}

export function responseFamily(family: Family): ResponseFamily {
  switch (family.type) {
    case 'gaussian':
      return GAUSSIAN;
    case 'poisson':
      return POISSON;
    case 'binomial':
      return binomial(family.trials);
    case 'gamma':
      return gamma(family.shape);
  }
}

const GAUSSIAN: ResponseFamily = {
  expected: 'a finite number',
  isValid: Number.isFinite,
  mean: (h) => h,
  link: (y) => y,
  logBase: () => -0.5 * LOG_2_PI,
  logKernel: (y, h) => -0.5 * (y - h) ** 2,
  score: (y, h) => y - h,
  information: () => 1,
  sample: (h, rng) => h + rng.nextNormal(),
};

const POISSON: ResponseFamily = {
  expected: 'a count: an integer of at least 0',
  isValid: (y) => Number.isInteger(y) && y >= 0,
  mean: Math.exp,
  link: (y) => Math.log(Math.max(y, 0.5)),
  logBase: (y) => -logGamma(y + 1),
  logKernel: (y, h) => y * h - Math.exp(h),
  score: (y, h) => y - Math.exp(h),
  information: Math.exp,
  sample: (h, rng) => samplePoisson(Math.exp(h), rng),
};

function binomial(trials: number): ResponseFamily {
  return {
    expected: trials === 1 ? '0 or 1' : `an integer from 0 to ${trials}`,
    isValid: (y) => Number.isInteger(y) && y >= 0 && y <= trials,
    mean: (h) => trials * sigmoid(h),
    link: (y) => Math.log((y + 0.5) / (trials - y + 0.5)),
    logBase: (y) => (trials === 1 ? 0 : logGamma(trials + 1) - logGamma(y + 1) - logGamma(trials - y + 1)),
    logKernel: (y, h) => y * h - trials * softplus(h),
    score: (y, h) => y - trials * sigmoid(h),
    information: (h) => trials * sigmoid(h) * sigmoid(-h),
    sample: (h, rng) => {
      const probability = sigmoid(h);
      let count = 0;
      for (let trial = 0; trial < trials; trial++) if (rng.nextFloat() < probability) count++;
      return count;
    },
  };
}

function gamma(shape: number): ResponseFamily {
  return {
    expected: 'a positive number',
    isValid: (y) => Number.isFinite(y) && y > 0,
    mean: Math.exp,
    link: Math.log,
    logBase: (y) => shape * Math.log(shape) + (shape - 1) * Math.log(y) - logGamma(shape),
    logKernel: (y, h) => -shape * (h + y * Math.exp(-h)),
    score: (y, h) => shape * (y * Math.exp(-h) - 1),
    information: () => shape,
    sample: (h, rng) => (Math.exp(h) / shape) * sampleGamma(shape, rng),
  };
}

/** From here on a Poisson is a rounded normal: their distribution functions differ by less than 1e-4. */
const LARGE_MEAN = 1e6;

/** Knuth's product for small means, halving the mean for large ones (a Poisson is a sum of Poissons). A mean that is infinite is given back. */
function samplePoisson(mean: number, rng: Rng): number {
  if (mean === Number.POSITIVE_INFINITY) return mean;
  if (mean > LARGE_MEAN) return Math.round(mean + Math.sqrt(mean) * rng.nextNormal());
  if (mean > 30) return samplePoisson(mean / 2, rng) + samplePoisson(mean / 2, rng);
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = rng.nextFloat(); product > limit; product *= rng.nextFloat()) count++;
  return count;
}

/** Marsaglia and Tsang 2000. */
function sampleGamma(shape: number, rng: Rng): number {
  if (shape < 1) return sampleGamma(shape + 1, rng) * (1 - rng.nextFloat()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = rng.nextNormal();
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - rng.nextFloat()) < 0.5 * normal * normal + d - d * v + d * Math.log(v)) return d * v;
  }
}
