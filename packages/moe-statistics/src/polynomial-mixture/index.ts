// Mixtures of polynomial experts as an estimator.
import { checkSamples } from '../data/samples.ts';
import { bayesianInformationCriterion, type MixtureEstimator } from '../mixture.ts';
import { weightedMean } from '../numerics/sums.ts';
import { fitPolynomialMixture, type PolynomialMixtureOptions } from './fit.ts';
import {
  type PolynomialMixtureModel,
  type PolynomialPrediction,
  polynomialLogDensities,
  polynomialParameterCount,
  polynomialParameters,
  polynomialResponsibilities,
  predictPolynomial,
} from './model.ts';

/**
 * Softmax-gated mixtures of polynomial experts with a Gaussian, Poisson, binomial or gamma response (Mendes and Jiang, 1110.2058).
 *
 * `fit(samples, { experts, degree, family })` is the maximum likelihood estimate; the result's `model` goes into `predict`, `score`, `bic`.
 */
export const polynomialMixture: MixtureEstimator<
  PolynomialMixtureModel,
  PolynomialMixtureOptions,
  PolynomialPrediction
> = {
  fit: fitPolynomialMixture,
  predict: predictPolynomial,
  score: (model, samples) => weightedMean(polynomialLogDensities(model, samples), samples.weights),
  bic(model, samples) {
    const { totalWeight } = checkSamples(samples);
    const logLikelihood = totalWeight * weightedMean(polynomialLogDensities(model, samples), samples.weights);
    const experts = model.coefficients.length;
    const count = polynomialParameterCount(experts, model.names.length, model.degree, model.family);
    return bayesianInformationCriterion(logLikelihood, count, totalWeight);
  },
  responsibilities: polynomialResponsibilities,
  parameters: polynomialParameters,
  describe: (model) => `${model.coefficients.length} ${model.family.type} experts of degree ${model.degree}`,
};
