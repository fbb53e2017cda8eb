// Standard errors by the nonparametric bootstrap: refit on samples drawn with replacement (as weights, so that nothing is copied), starting from the fit.
import {
  createRng,
  InvalidArgumentError,
  isMoeRlError,
  requireFinite,
  requireInteger,
  requireKnownOptions,
} from '@moe-rl/core';
import { checkSamples, type Samples } from './data/samples.ts';
import type { FitOptions, MixtureEstimator } from './mixture.ts';

export interface BootstrapOptions {
  /** Default 100. */
  readonly resamples?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Level of the percentile intervals. Default 0.95. */
  readonly level?: number;
}

export interface ParameterUncertainty {
  readonly name: string;
  readonly estimate: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
}

export interface BootstrapResult {
  readonly parameters: readonly ParameterUncertainty[];
  /** Resamples that count. */
  readonly resamples: number;
  /** Messages of refits that failed, and are left out. */
  readonly failures: readonly string[];
}

/**
 * Uncertainty of every free parameter of a fitted model. Refits start from it, so that experts keep their order.
 * @param options those of the fit
 * @throws InvalidArgumentError if fewer than two refits succeed, or for an unknown option; else as `fit` for bad samples
 */
export function bootstrapStandardErrors<Model, Options extends FitOptions<Model>, Prediction>(
  estimator: MixtureEstimator<Model, Options, Prediction>,
  model: Model,
  samples: Samples,
  options: Options,
  bootstrap: BootstrapOptions = {},
): BootstrapResult {
  requireKnownOptions('bootstrapStandardErrors', bootstrap, ['resamples', 'seed', 'level']);
  const resamples = requireInteger('resamples', bootstrap.resamples ?? 100, 2);
  const level = requireFinite('level', bootstrap.level ?? 0.95, 0, 1);
  const { weights, x } = checkSamples(samples);
  const rng = createRng(requireInteger('seed', bootstrap.seed ?? 0, 0), 'statistics/bootstrap');
  const original = estimator.parameters(model);
  const values: number[][] = [];
  const failures: string[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    const counts = new Float64Array(x.rows);
    for (let draw = 0; draw < x.rows; draw++) counts[rng.nextInteger(x.rows)]! += 1;
    try {
      const drawn = { ...samples, weights: counts.map((count, row) => count * weights[row]!) };
      values.push([...estimator.parameters(estimator.fit(drawn, { ...options, initial: model }).model).values]);
    } catch (error) {
      if (!isMoeRlError(error)) throw error;
      failures.push(error.message);
    }
  }
  if (values.length < 2)
    throw new InvalidArgumentError(`${failures.length} of ${resamples} refits failed, the first with: ${failures[0]}`);
  const parameters = original.names.map((name, k) => {
    const column = Float64Array.from(values, (row) => row[k]!).sort();
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const square = column.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return {
      name,
      estimate: original.values[k]!,
      standardError: Math.sqrt(square / (column.length - 1)),
      low: quantile(column, (1 - level) / 2),
      high: quantile(column, (1 + level) / 2),
    };
  });
  return { parameters, resamples: values.length, failures };
}

/** Linear interpolation between order statistics (R's type 7). */
export function quantile(sorted: ArrayLike<number>, probability: number): number {
  const position = probability * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}
