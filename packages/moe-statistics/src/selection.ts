// How many experts, and how complex: every candidate is fitted, the best by BIC or by the likelihood of samples held out is taken.
import {
  createRng,
  InvalidArgumentError,
  isMoeRlError,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
} from '@moe-rl/core';
import { checkSamples, type Samples } from './data/samples.ts';
import type { FitOptions, MixtureEstimator, MixtureFit } from './mixture.ts';

export type SelectionCriterion = 'bic' | 'held-out';

export interface SelectionOptions {
  /** `bic` (lower is better) or `held-out` (mean log-likelihood of samples not fitted to; higher is better). Default `bic`. */
  readonly criterion?: SelectionCriterion;
  /** Share of the samples held out. Default 0.25. */
  readonly heldOutShare?: number;
  /** Seed of the split. Default 0. */
  readonly seed?: number;
}

export interface SelectionCandidate<Model, Options> {
  readonly options: Options;
  /** null if the fit failed. */
  readonly fit: MixtureFit<Model> | null;
  /** BIC or held-out score. */
  readonly value: number | null;
  readonly failure: string | null;
}

export interface Selection<Model, Options> {
  readonly criterion: SelectionCriterion;
  /** In the order given. */
  readonly candidates: readonly SelectionCandidate<Model, Options>[];
  /** Fitted to all samples, whatever the criterion. */
  readonly best: { readonly options: Options; readonly fit: MixtureFit<Model> };
}

/** All combinations of numbers of experts and degrees, smaller models first. */
export function polynomialGrid<Common extends object>(
  experts: readonly number[],
  degrees: readonly number[],
  common: Common,
): (Common & { experts: number; degree: number })[] {
  return degrees.flatMap((degree) => experts.map((count) => ({ ...common, experts: count, degree })));
}

/**
 * Fits every candidate and takes the best; ties go to the earlier one. A candidate that cannot be fitted is told, not hidden.
 * @throws InvalidArgumentError if none can be fitted, or there are none, or for an unknown option
 */
export function selectMixture<Model, Options extends FitOptions<Model>, Prediction>(
  estimator: MixtureEstimator<Model, Options, Prediction>,
  samples: Samples,
  grid: readonly Options[],
  options: SelectionOptions = {},
): Selection<Model, Options> {
  requireKnownOptions('selectMixture', options, ['criterion', 'heldOutShare', 'seed']);
  const criterion = requireOneOf('criterion', options.criterion ?? 'bic', ['bic', 'held-out']);
  if (grid.length === 0) throw new InvalidArgumentError('there are no candidates; expected at least one');
  const split = criterion === 'held-out' ? splitSamples(samples, options) : { train: samples, test: samples };
  const candidates = grid.map((candidate): SelectionCandidate<Model, Options> => {
    try {
      const fit = estimator.fit(split.train, candidate);
      const value = criterion === 'bic' ? fit.bic : estimator.score(fit.model, split.test);
      return { options: candidate, fit, value, failure: null };
    } catch (error) {
      if (!isMoeRlError(error)) throw error;
      return { options: candidate, fit: null, value: null, failure: error.message };
    }
  });
  let best: SelectionCandidate<Model, Options> | null = null;
  for (const candidate of candidates) {
    if (candidate.value === null || Number.isNaN(candidate.value)) continue;
    const isBetter =
      best === null || (criterion === 'bic' ? candidate.value < best.value! : candidate.value > best.value!);
    if (isBetter) best = candidate;
  }
  if (best === null)
    throw new InvalidArgumentError(`no candidate could be fitted; the first failed with: ${candidates[0]!.failure}`);
  const fit = criterion === 'bic' ? best.fit! : estimator.fit(samples, { ...best.options, initial: best.fit!.model });
  return { criterion, candidates, best: { options: best.options, fit } };
}

/** A random split, by weights of 0: both parts keep all rows, so that nothing is copied. */
function splitSamples(samples: Samples, options: SelectionOptions): { train: Samples; test: Samples } {
  const share = requireFinite('heldOutShare', options.heldOutShare ?? 0.25, 0, 1);
  const { weights, x } = checkSamples(samples);
  const rng = createRng(requireInteger('seed', options.seed ?? 0, 0), 'statistics/held-out');
  const order = Int32Array.from({ length: x.rows }, (_, row) => row);
  const heldOut = Math.round(share * x.rows);
  if (heldOut < 1 || heldOut >= x.rows)
    throw new InvalidArgumentError(`heldOutShare ${share} of ${x.rows} samples is ${heldOut}; expected some of both`);
  const train = weights.slice();
  const test = new Float64Array(x.rows);
  for (let k = 0; k < heldOut; k++) {
    const other = k + rng.nextInteger(x.rows - k);
    [order[k], order[other]] = [order[other]!, order[k]!];
    train[order[k]!] = 0;
    test[order[k]!] = weights[order[k]!]!;
  }
  return { train: { ...samples, weights: train }, test: { ...samples, weights: test } };
}
