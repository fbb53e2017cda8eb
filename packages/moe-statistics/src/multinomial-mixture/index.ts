// Mixtures of multinomial logistic experts: fitting, and the estimator.
import {
  InvalidArgumentError,
  type Rng,
  requireBoolean,
  requireFinite,
  requireInteger,
  requireOneOf,
} from '@moe-rl/core';
import { pilotSamples } from '../data/pilot.ts';
import { requireIndependentColumns } from '../data/rank.ts';
import { regions } from '../data/regions.ts';
import { type CheckedSamples, checkSamples, type Matrix, requireInformative, type Samples } from '../data/samples.ts';
import { noStandardization, rangeStandardization, type Standardization, standardize } from '../data/standardize.ts';
import { SeparableClassesError } from '../errors.ts';
import { fitFromStarts, resolveFitOptions } from '../fit-from-starts.ts';
import { bayesianInformationCriterion, type FitOptions, type MixtureEstimator, type MixtureFit } from '../mixture.ts';
import { runEm } from '../numerics/em.ts';
import { isNearlyCertain } from '../numerics/separable.ts';
import { weightedMean } from '../numerics/sums.ts';
import { MultinomialEm, type MultinomialEmSettings } from './em-problem.ts';
import {
  checkMultinomialModel,
  expertCoefficients,
  GATE_TRANSFORMS,
  type GateTransform,
  type MultinomialMixtureModel,
  type MultinomialPrediction,
  multinomialLogDensities,
  multinomialParameterCount,
  multinomialParameters,
  multinomialResponsibilities,
  predictMultinomial,
  requireClasses,
} from './model.ts';

export interface MultinomialMixtureOptions extends FitOptions<MultinomialMixtureModel> {
  /** k: how many experts. */
  readonly experts: number;
  /** K. Default: the largest response + 1. */
  readonly classes?: number;
  /** What the gate sees of x. Default `identity`, the plain gate. */
  readonly transform?: GateTransform;
  /** Map x to [-1, 1] first. Default true. */
  readonly standardize?: boolean;
  /** Every parameter stays within [-bound, bound]: without a box the likelihood drifts to infinite gates. Default 30, and separable classes are refused. */
  readonly bound?: number;
}

const OWN_OPTIONS = ['experts', 'classes', 'transform', 'standardize', 'bound'];

function fitMultinomialMixture(
  samples: Samples,
  options: MultinomialMixtureOptions,
): MixtureFit<MultinomialMixtureModel> {
  const fitOptions = resolveFitOptions(options, OWN_OPTIONS);
  const experts = requireInteger('experts', options.experts, 1);
  const transform = requireOneOf('transform', options.transform ?? 'identity', GATE_TRANSFORMS);
  const checked = checkSamples(samples);
  const classes = requireInteger('classes', options.classes ?? largest(checked.y) + 1, 2);
  requireClasses(checked.y, classes);
  const parameterCount = multinomialParameterCount(experts, classes, checked.x.columns);
  requireInformative(checked, parameterCount, `${experts} experts over ${classes} classes`);
  const counts = classCounts(checked, classes);
  const { initial } = options;
  if (initial !== undefined) {
    checkMultinomialModel(initial);
    const found = `${initial.gate.length} experts, ${initial.classes} classes, ${initial.names.length} covariates, gate ${initial.transform}`;
    const wanted = `${experts} experts, ${classes} classes, ${checked.x.columns} covariates, gate ${transform}`;
    if (found !== wanted) throw new InvalidArgumentError(`initial has ${found}; expected ${wanted}`);
  }
  const standardization =
    initial?.standardization ??
    (requireBoolean('standardize', options.standardize ?? true)
      ? rangeStandardization(checked.x, checked.weights)
      : noStandardization(checked.x.columns));
  const x = standardize(checked.x, standardization);
  requireIndependentColumns(x, checked.weights, 1);
  const settings: MultinomialEmSettings = {
    experts,
    classes,
    transform,
    innerSteps: fitOptions.innerSteps,
    bound: requireFinite('bound', options.bound ?? 30, 0),
  };
  if (options.bound === undefined) requireInseparable(x, checked, settings, counts);
  const startable = (problem: MultinomialEm, rows: Matrix, those: CheckedSamples) => ({
    problem,
    sampleCount: those.totalWeight,
    randomStart: (rng: Rng, start: number) => randomStart(problem, rows, those, rng, start),
  });
  const problem = new MultinomialEm(x, checked, settings);
  const part = pilotSamples(x, checked, parameterCount, fitOptions.seed);
  const unpack = (parameters: Float64Array) => unpackModel(parameters, problem, checked.x.names, standardization);
  return fitFromStarts(
    {
      ...startable(problem, x, checked),
      pilot: part && startable(new MultinomialEm(part.x, part.samples, settings), part.x, part.samples),
      parameterCount,
      initial: initial === undefined ? null : packModel(initial, problem),
      unpack,
      atBound: (parameters) =>
        multinomialParameters(unpack(parameters)).names.filter((_, k) => Math.abs(parameters[k]!) >= settings.bound),
    },
    fitOptions,
  );
}

function largest(y: Float64Array): number {
  let value = 0;
  for (const label of y) if (label > value) value = label;
  return Math.floor(value);
}

/** The weight of every class. @throws InvalidArgumentError naming one without samples */
function classCounts(samples: CheckedSamples, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0);
  samples.y.forEach((label, row) => {
    counts[label]! += samples.weights[row]!;
  });
  const missing = counts.indexOf(0);
  if (missing >= 0)
    throw new InvalidArgumentError(`class ${missing} of ${classes} has no samples; expected some of every class`);
  return counts;
}

/** A single multinomial regression: if even that separates a class from the others, no likelihood of theirs has a maximum. */
function requireInseparable(
  x: Matrix,
  samples: CheckedSamples,
  settings: MultinomialEmSettings,
  counts: readonly number[],
): void {
  const problem = new MultinomialEm(x, samples, { ...settings, experts: 1, innerSteps: 50 });
  const run = runEm(problem, new Float64Array(problem.size), {
    maxIterations: 10,
    tolerance: 1e-8,
    logLikelihoodTolerance: 1e-9,
    accelerate: false,
  });
  const atBound = run.parameters.findIndex((value) => Math.abs(value) >= settings.bound);
  if (!isNearlyCertain(run.logLikelihood, counts) && atBound < 0) return;
  const which =
    atBound < 0 || atBound % problem.width === 0
      ? x.names.join(', ')
      : `${x.names[(atBound % problem.width) - 1]} (class ${Math.floor(atBound / problem.width)} against class ${settings.classes - 1})`;
  throw new SeparableClassesError(
    `the classes are separated by ${which}: the likelihood has no maximum; expected classes that overlap, or a \`bound\` on the parameters`,
  );
}

function randomStart(
  problem: MultinomialEm,
  x: Matrix,
  samples: CheckedSamples,
  rng: Rng,
  start: number,
): Float64Array {
  const { experts } = problem.settings;
  const cells = start % 2 === 0 ? regions(x, samples, experts, rng) : null;
  for (let row = 0; row < x.rows; row++) {
    const chosen = cells?.[row] ?? rng.nextInteger(experts);
    for (let i = 0; i < experts; i++) {
      problem.responsibilities[row * experts + i] =
        samples.weights[row]! * (chosen === i ? 0.8 + 0.2 / experts : 0.2 / experts);
    }
  }
  const parameters = new Float64Array(problem.size);
  problem.maximization(new Float64Array(problem.size), parameters, 5, false);
  return parameters;
}

function packModel(model: MultinomialMixtureModel, problem: MultinomialEm): Float64Array {
  const { experts, classes } = problem.settings;
  const { width } = problem;
  const parameters = new Float64Array(problem.size);
  for (let i = 0; i < experts - 1; i++)
    for (let k = 0; k < width; k++) parameters[i * width + k] = model.gate[i]![k]! - model.gate.at(-1)![k]!;
  for (let i = 0; i < experts; i++) {
    const coefficients = expertCoefficients(model, i);
    for (let k = 0; k < problem.expertSize; k++) {
      parameters[problem.expertsAt + i * problem.expertSize + k] =
        coefficients[k]! - coefficients[(classes - 1) * width + (k % width)]!;
    }
  }
  problem.project(parameters);
  return parameters;
}

function unpackModel(
  parameters: Float64Array,
  problem: MultinomialEm,
  names: readonly string[],
  standardization: Standardization,
): MultinomialMixtureModel {
  const { experts, classes, transform } = problem.settings;
  const { width } = problem;
  const row = (at: number): number[] => Array.from(parameters.subarray(at, at + width));
  const logits = Array.from({ length: experts }, (_, i) => [
    ...Array.from({ length: classes - 1 }, (_, l) => row(problem.expertsAt + i * problem.expertSize + l * width)),
    new Array<number>(width).fill(0),
  ]);
  return {
    classes,
    transform,
    names: [...names],
    standardization,
    gate: [...Array.from({ length: experts - 1 }, (_, i) => row(i * width)), new Array<number>(width).fill(0)],
    intercepts: logits.map((expert) => expert.map((values) => values[0]!)),
    slopes: logits.map((expert) => expert.map((values) => values.slice(1))),
  };
}

/**
 * Softmax-gated mixtures of multinomial logistic experts with the plain or a modified gate (2310.14188).
 *
 * `fit(samples, { experts, transform })` is the maximum likelihood estimate within the parameter box; responses are classes 0 to K - 1.
 */
export const multinomialMixture: MixtureEstimator<
  MultinomialMixtureModel,
  MultinomialMixtureOptions,
  MultinomialPrediction
> = {
  fit: fitMultinomialMixture,
  predict: predictMultinomial,
  score: (model, samples) => weightedMean(multinomialLogDensities(model, samples), samples.weights),
  bic(model, samples) {
    const { totalWeight } = checkSamples(samples);
    const logLikelihood = totalWeight * weightedMean(multinomialLogDensities(model, samples), samples.weights);
    const count = multinomialParameterCount(model.gate.length, model.classes, model.names.length);
    return bayesianInformationCriterion(logLikelihood, count, totalWeight);
  },
  responsibilities: multinomialResponsibilities,
  parameters: multinomialParameters,
  describe: (model) => `${model.gate.length} experts over ${model.classes} classes`,
};
