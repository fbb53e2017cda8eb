// Fitting a mixture of polynomial experts: checks, starts, EM, packing and unpacking of its parameters.
import {
  InvalidArgumentError,
  type Rng,
  requireBoolean,
  requireFinite,
  requireInteger,
  requireKnownOptions,
} from '@moe-rl/core';
import { pilotSamples } from '../data/pilot.ts';
import { requireIndependentColumns } from '../data/rank.ts';
import { type CheckedSamples, checkSamples, type Matrix, requireInformative, type Samples } from '../data/samples.ts';
import { noStandardization, rangeStandardization, type Standardization, standardize } from '../data/standardize.ts';
import { SeparableClassesError } from '../errors.ts';
import { fitFromStarts, resolveFitOptions } from '../fit-from-starts.ts';
import type { FitOptions, MixtureFit } from '../mixture.ts';
import { runEm } from '../numerics/em.ts';
import { isNearlyCertain } from '../numerics/separable.ts';
import { weightedMean, weightedVariance } from '../numerics/sums.ts';
import { PolynomialEm, type PolynomialEmSettings } from './em-problem.ts';
import { type Family, type FamilyOption, resolveFamily, responseFamily } from './families.ts';
import {
  checkPolynomialModel,
  type PolynomialMixtureModel,
  polynomialParameterCount,
  polynomialParameters,
  polynomialResponsibilities,
  requireResponses,
} from './model.ts';
import { partitionStart } from './starts.ts';

export interface PolynomialMixtureOptions extends FitOptions<PolynomialMixtureModel> {
  /** m: how many experts. */
  readonly experts: number;
  /** k: degree of their polynomials. Default 1. */
  readonly degree?: number;
  /** Default `gaussian`, with a variance of each expert's own that is estimated. */
  readonly family?: FamilyOption;
  /** Map x to [-1, 1] first; the model's coefficients are then those of the mapped x. Default true. */
  readonly standardize?: boolean;
  /** Gate coefficients stay within [-bound, bound]. Default 10,000. */
  readonly gateBound?: number;
  /** Coefficients of experts stay within [-bound, bound]. Default 30 for Poisson, binomial and gamma, whose means are exponential in them; none for Gaussian. */
  readonly expertBound?: number;
  /** Estimated variances stay above it. Default: the variance of y times 1e-6. */
  readonly varianceFloor?: number;
}

const OWN_OPTIONS = ['experts', 'degree', 'family', 'standardize', 'gateBound', 'expertBound', 'varianceFloor'];

/** @throws as `MixtureEstimator.fit` */
export function fitPolynomialMixture(
  samples: Samples,
  options: PolynomialMixtureOptions,
): MixtureFit<PolynomialMixtureModel> {
  const fitOptions = resolveFitOptions(options, OWN_OPTIONS);
  const experts = requireInteger('experts', options.experts, 1);
  const degree = requireInteger('degree', options.degree ?? 1, 0, 20);
  const family = resolveFamily(options.family ?? 'gaussian');
  const checked = checkSamples(samples);
  requireResponses(responseFamily(family), checked.y);
  const parameterCount = polynomialParameterCount(experts, checked.x.columns, degree, family);
  requireInformative(checked, parameterCount, `${experts} experts of degree ${degree}`);
  const { initial } = options;
  if (initial !== undefined) requireSameKind(initial, experts, degree, family, checked.x.columns);
  const standardization =
    initial?.standardization ??
    (requireBoolean('standardize', options.standardize ?? true)
      ? rangeStandardization(checked.x, checked.weights)
      : noStandardization(checked.x.columns));
  const x = standardize(checked.x, standardization);
  requireIndependentColumns(x, checked.weights, degree);
  const settings: PolynomialEmSettings = {
    experts,
    degree,
    family,
    innerSteps: fitOptions.innerSteps,
    gateBound: requireFinite('gateBound', options.gateBound ?? 1e4, 0),
    expertBound:
      options.expertBound === undefined
        ? family.type === 'gaussian'
          ? Number.POSITIVE_INFINITY
          : 30
        : requireFinite('expertBound', options.expertBound, 0),
    varianceFloor: requireFinite(
      'varianceFloor',
      options.varianceFloor ?? 1e-6 * weightedVariance(checked.y, checked.weights),
      Number.MIN_VALUE,
    ),
  };
  if (family.type === 'binomial' && options.expertBound === undefined)
    requireInseparable(x, checked, { ...settings, experts: 1, innerSteps: 50 });
  const problem = new PolynomialEm(x, checked, settings);
  const part = pilotSamples(x, checked, parameterCount, fitOptions.seed);
  const startable = (em: PolynomialEm, rows: Matrix, those: CheckedSamples) => ({
    problem: em,
    sampleCount: those.totalWeight,
    randomStart: (rng: Rng, start: number) => partitionStart(em, rows, those, rng, start),
  });
  const unpack = (parameters: Float64Array) =>
    unpackModel(parameters, problem, checked.x.names, standardization, family, degree);
  return fitFromStarts(
    {
      ...startable(problem, x, checked),
      pilot: part && startable(new PolynomialEm(part.x, part.samples, settings), part.x, part.samples),
      parameterCount,
      initial: initial === undefined ? null : packModel(initial, problem),
      unpack,
      atBound: (parameters) => {
        const { names } = polynomialParameters(unpack(parameters));
        const isAtBound = (k: number): boolean =>
          k < problem.expertsAt
            ? Math.abs(parameters[k]!) >= settings.gateBound
            : k < problem.variancesAt
              ? Math.abs(parameters[k]!) >= settings.expertBound
              : parameters[k]! <= Math.log(settings.varianceFloor);
        return names.filter((_, k) => isAtBound(k));
      },
    },
    fitOptions,
  );
}

/**
 * One EM step from a model, as a textbook would show it.
 * @param options `innerSteps`: Newton steps on the gates and on experts that are no least squares; many solve them. Default 200.
 * @returns the next model, and the log-likelihood and responsibilities [n][m] at the model given
 */
export function polynomialEmStep(
  model: PolynomialMixtureModel,
  samples: Samples,
  options: { readonly innerSteps?: number; readonly varianceFloor?: number } = {},
): { model: PolynomialMixtureModel; logLikelihood: number; responsibilities: number[][] } {
  requireKnownOptions('polynomialEmStep', options, ['innerSteps', 'varianceFloor']);
  checkPolynomialModel(model);
  const checked = checkSamples(samples, model.names.length);
  requireResponses(responseFamily(model.family), checked.y);
  const problem = new PolynomialEm(standardize(checked.x, model.standardization), checked, {
    experts: model.coefficients.length,
    degree: model.degree,
    family: model.family,
    innerSteps: requireInteger('innerSteps', options.innerSteps ?? 200, 1),
    gateBound: Number.POSITIVE_INFINITY,
    expertBound: Number.POSITIVE_INFINITY,
    varianceFloor: requireFinite('varianceFloor', options.varianceFloor ?? 1e-6, Number.MIN_VALUE),
  });
  const next = new Float64Array(problem.size);
  const logLikelihood = problem.step(packModel(model, problem), next, true);
  return {
    model: unpackModel(next, problem, model.names, model.standardization, model.family, model.degree),
    logLikelihood,
    responsibilities: polynomialResponsibilities(model, samples),
  };
}

function requireSameKind(
  initial: PolynomialMixtureModel,
  experts: number,
  degree: number,
  family: Family,
  columns: number,
): void {
  checkPolynomialModel(initial);
  const found = `${initial.coefficients.length} experts of degree ${initial.degree} in ${initial.names.length} covariates, ${initial.family.type}`;
  const wanted = `${experts} experts of degree ${degree} in ${columns} covariates, ${family.type}`;
  if (found !== wanted) throw new InvalidArgumentError(`initial has ${found}; expected ${wanted}`);
}

/** One logistic regression without gates: if even that separates the responses, no likelihood of theirs has a maximum. */
function requireInseparable(x: Matrix, samples: CheckedSamples, settings: PolynomialEmSettings): void {
  const problem = new PolynomialEm(x, samples, settings);
  const run = runEm(problem, new Float64Array(problem.size), {
    maxIterations: 20,
    tolerance: 1e-8,
    logLikelihoodTolerance: 1e-9,
    accelerate: false,
  });
  const widest = run.parameters.findIndex((value) => Math.abs(value) >= settings.expertBound);
  const { trials } = settings.family as { readonly trials: number };
  const { logBase } = responseFamily(settings.family);
  const { totalWeight, weights, y } = samples;
  const kernel = run.logLikelihood - totalWeight * weightedMean(y.map(logBase), weights);
  const share = weightedMean(y, weights) / trials;
  const counts = [share, 1 - share].map((part) => part * trials * totalWeight);
  if (!isNearlyCertain(kernel, counts) && widest < 0) return;
  throw new SeparableClassesError(
    `the responses are separated by a polynomial of degree ${settings.degree} in ${x.names.join(', ')}: the likelihood has no maximum; expected overlapping classes, a lower degree, or an \`expertBound\``,
  );
}

function packModel(model: PolynomialMixtureModel, problem: PolynomialEm): Float64Array {
  const parameters = new Float64Array(problem.size);
  const last = model.gate.at(-1)!;
  model.gate.slice(0, -1).forEach((row, j) => {
    row.forEach((value, k) => {
      parameters[j * problem.gateWidth + k] = value - last[k]!;
    });
  });
  parameters.set(model.coefficients.flat(), problem.expertsAt);
  if (problem.isVarianceFree) parameters.set(model.variances!.map(Math.log), problem.variancesAt);
  problem.project(parameters);
  return parameters;
}

function unpackModel(
  parameters: Float64Array,
  problem: PolynomialEm,
  names: readonly string[],
  standardization: Standardization,
  family: Family,
  degree: number,
): PolynomialMixtureModel {
  const { experts } = problem.settings;
  const rows = (at: number, count: number, width: number): number[][] =>
    Array.from({ length: count }, (_, j) => Array.from(parameters.subarray(at + j * width, at + (j + 1) * width)));
  return {
    family,
    degree,
    names: [...names],
    standardization,
    gate: [...rows(0, experts - 1, problem.gateWidth), new Array(problem.gateWidth).fill(0)],
    coefficients: rows(problem.expertsAt, experts, problem.terms),
    variances:
      family.type !== 'gaussian'
        ? null
        : problem.isVarianceFree
          ? Array.from(parameters.subarray(problem.variancesAt), Math.exp)
          : new Array(experts).fill(family.variance),
  };
}
