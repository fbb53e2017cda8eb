// The interface that every mixture here has: fit, predict, score, bic. A model is plain data (JSON keeps it), functions work on it.
import type { Samples } from './data/samples.ts';

/** How one start of the EM iteration went. */
export interface StartReport {
  readonly start: number;
  /** Where it was when it was compared with the others, on the samples that starts are chosen on; null if it failed. */
  readonly logLikelihood: number | null;
  /** The error's message, if it failed. */
  readonly failure: string | null;
}

export interface ConvergenceReport {
  /** Whether the parameters or the likelihood stood still before the iterations were used up. */
  readonly converged: boolean;
  readonly stoppedBy: 'parameters' | 'logLikelihood' | 'maxIterations';
  /** EM steps of the start that won, its first, short part included if that ran on all samples. */
  readonly iterations: number;
  /** Log-likelihood at every accepted point of that start. Never falls, unless an expert was re-seeded. */
  readonly history: readonly number[];
  /** Experts that had lost all samples and were put on the worst-fitted one. */
  readonly reseededExperts: number;
  /** Parameters that ended on the edge of the parameter box, by name: there the likelihood wanted more. */
  readonly atBound: readonly string[];
  readonly starts: readonly StartReport[];
}

/** A fitted model and how well it is determined. */
export interface MixtureFit<Model> {
  readonly model: Model;
  readonly logLikelihood: number;
  /** Free parameters. */
  readonly parameterCount: number;
  /** The sum of the weights; without weights, n. */
  readonly sampleCount: number;
  /** -2 log-likelihood + parameters * ln(n): lower is better (Schwarz 1978). */
  readonly bic: number;
  /** -2 log-likelihood + 2 parameters. */
  readonly aic: number;
  readonly convergence: ConvergenceReport;
}

/** Settings that every fit has. */
export interface FitOptions<Model> {
  /**
   * Random starts: each iterates `shortIterations` times, the best goes on (Biernacki, Celeux and Govaert 2003). Default 8. With more than 20,000 samples
   * the start is chosen on a random part of them.
   */
  readonly starts?: number;
  /** Default 25. */
  readonly shortIterations?: number;
  /** Seed of the random starts. Default 0. */
  readonly seed?: number;
  /** Start here, and nowhere else. */
  readonly initial?: Model;
  /** EM steps at most. Default 2,000. */
  readonly maxIterations?: number;
  /** Converged when no parameter p moves by more than this times (1 + |p|). Default 1e-6. */
  readonly tolerance?: number;
  /** Converged, too, when a step gains less log-likelihood per sample than this; 0 to go by the parameters alone. Default 1e-7. */
  readonly likelihoodTolerance?: number;
  /** Leap between EM steps (SQUAREM). The maximum found is the same kind of point, sooner. Default true. */
  readonly accelerate?: boolean;
  /** Newton steps on gates and on experts that are no least squares, within an EM step. Default 1: a generalized EM. */
  readonly innerSteps?: number;
}

/** A vector of the free parameters, named: what standard errors are given for. */
export interface NamedParameters {
  readonly names: readonly string[];
  readonly values: readonly number[];
}

/** A kind of mixture. `Options` says which one (experts, degree, family, gate) and how to fit it. */
export interface MixtureEstimator<Model, Options, Prediction> {
  /**
   * Maximum likelihood by EM.
   * @throws NonFiniteError, ShapeError, InvalidArgumentError for bad data or options; ConstantColumnError, TooFewSamplesError, SingularDesignError,
   * SeparableClassesError, EmptyExpertError when the data don't determine the model
   */
  fit(samples: Samples, options: Options): MixtureFit<Model>;
  predict(model: Model, x: Samples['x']): Prediction;
  /** Mean log-likelihood per sample, natural logarithm: higher is better. */
  score(model: Model, samples: Samples): number;
  bic(model: Model, samples: Samples): number;
  /** Posterior probabilities [n][experts] of the experts given x and y. Rows sum to 1. */
  responsibilities(model: Model, samples: Samples): number[][];
  parameters(model: Model): NamedParameters;
  /** A description for messages: `3 experts of degree 1`. */
  describe(model: Model): string;
}

/** -2 log-likelihood + parameters * ln(n). */
export function bayesianInformationCriterion(
  logLikelihood: number,
  parameterCount: number,
  sampleCount: number,
): number {
  return -2 * logLikelihood + parameterCount * Math.log(sampleCount);
}
