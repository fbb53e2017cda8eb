// Mixtures of shared and routed experts: fitting, and the estimator.
import { InvalidArgumentError, type Rng, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import { pilotSamples } from '../data/pilot.ts';
import { requireIndependentColumns } from '../data/rank.ts';
import { regions } from '../data/regions.ts';
import { type CheckedSamples, checkSamples, requireInformative, type Samples } from '../data/samples.ts';
import { rangeStandardization, standardize } from '../data/standardize.ts';
import { fitFromStarts, resolveFitOptions } from '../fit-from-starts.ts';
import { GATE_KINDS, type GateKind } from '../gates/gate-regression.ts';
import { bayesianInformationCriterion, type FitOptions, type MixtureEstimator, type MixtureFit } from '../mixture.ts';
import { weightedMean, weightedVariance } from '../numerics/sums.ts';
import { SharedRoutedEm, type SharedRoutedEmSettings } from './em-problem.ts';
import { type ExpertForm, requireExpertForm } from './expert-forms.ts';
import {
  checkSharedRoutedModel,
  predictSharedRouted,
  type SharedRoutedModel,
  type SharedRoutedPrediction,
  sharedRoutedLogDensities,
  sharedRoutedParameterCount,
  sharedRoutedParameters,
  sharedRoutedResponsibilities,
} from './model.ts';

export interface SharedRoutedOptions extends FitOptions<SharedRoutedModel> {
  /** k1 */
  readonly shared: number;
  /** k2 */
  readonly routed: number;
  /** `softmax` (DeepSeek V2) or `normalized-sigmoid` (V3). Default `softmax`. */
  readonly gate?: GateKind;
  /** Default `linear`. */
  readonly sharedForm?: ExpertForm;
  /** Default `linear`. */
  readonly routedForm?: ExpertForm;
  /**
   * The routed expert whose gate stays as it starts. Default: the last one for `softmax`, whose gate is else not determined; none for sigmoids, unless there is one
   * expert only, whose gate is 1 whatever its coefficients.
   */
  readonly pinnedGate?: number;
  /** Gate coefficients stay within [-bound, bound]. Default 100. */
  readonly gateBound?: number;
  /** Variances stay above it. Default: the variance of y times 1e-6. */
  readonly varianceFloor?: number;
}

const OWN_OPTIONS = [
  'shared',
  'routed',
  'gate',
  'sharedForm',
  'routedForm',
  'pinnedGate',
  'gateBound',
  'varianceFloor',
];

function fitSharedRouted(samples: Samples, options: SharedRoutedOptions): MixtureFit<SharedRoutedModel> {
  const fitOptions = resolveFitOptions(options, OWN_OPTIONS);
  const checked = checkSamples(samples);
  const columns = checked.x.columns;
  const shared = requireInteger('shared', options.shared, 1);
  const routed = requireInteger('routed', options.routed, 1);
  const gateKind = requireOneOf('gate', options.gate ?? 'softmax', GATE_KINDS);
  const sharedForm = requireExpertForm('sharedForm', options.sharedForm ?? 'linear');
  const routedForm = requireExpertForm('routedForm', options.routedForm ?? 'linear');
  const pinnedGate = requireInteger(
    'pinnedGate',
    options.pinnedGate ?? (gateKind === 'softmax' || routed === 1 ? routed - 1 : -1),
    gateKind === 'softmax' ? 0 : -1,
    routed - 1,
  );
  const freeGates = pinnedGate < 0 ? routed : routed - 1;
  const parameterCount = sharedRoutedParameterCount({ shared, routed, columns, sharedForm, routedForm, freeGates });
  requireInformative(checked, parameterCount, `${shared} shared and ${routed} routed experts`);
  requireIndependentColumns(
    standardize(checked.x, rangeStandardization(checked.x, checked.weights)),
    checked.weights,
    1,
  );
  const settings: SharedRoutedEmSettings = {
    shared,
    routed,
    gateKind,
    sharedForm,
    routedForm,
    pinnedGate,
    innerSteps: fitOptions.innerSteps,
    gateBound: requireFinite('gateBound', options.gateBound ?? 100, 0),
    varianceFloor: requireFinite(
      'varianceFloor',
      options.varianceFloor ?? 1e-6 * weightedVariance(checked.y, checked.weights),
      Number.MIN_VALUE,
    ),
  };
  const { initial } = options;
  if (initial !== undefined) {
    checkSharedRoutedModel(initial);
    const found = `${initial.shared.length} shared ${initial.sharedForm} and ${initial.routed.length} routed ${initial.routedForm} experts, ${initial.names.length} covariates, ${initial.gateKind}`;
    const wanted = `${shared} shared ${sharedForm} and ${routed} routed ${routedForm} experts, ${columns} covariates, ${gateKind}`;
    if (found !== wanted) throw new InvalidArgumentError(`initial has ${found}; expected ${wanted}`);
  }
  const startable = (problem: SharedRoutedEm, those: CheckedSamples) => ({
    problem,
    sampleCount: those.totalWeight,
    randomStart: (rng: Rng) => randomStart(problem, those, rng),
  });
  const problem = new SharedRoutedEm(checked, settings);
  const part = pilotSamples(checked.x, checked, parameterCount, fitOptions.seed);
  const unpack = (parameters: Float64Array) => unpackModel(parameters, problem, checked.x.names);
  return fitFromStarts(
    {
      ...startable(problem, checked),
      pilot: part && startable(new SharedRoutedEm(part.samples, settings), part.samples),
      parameterCount,
      initial: initial === undefined ? null : packModel(initial, problem),
      unpack,
      atBound: (parameters) => boundNames(unpack(parameters), settings),
    },
    fitOptions,
  );
}

/** Names of gate coefficients on the edge of the box and of variances on the floor. */
function boundNames(model: SharedRoutedModel, settings: SharedRoutedEmSettings): string[] {
  const { names, values } = sharedRoutedParameters(model);
  return names.filter((name, k) => {
    const isPinned = name.startsWith(`routed ${settings.pinnedGate + 1}: gate`);
    if (name.includes(': gate')) return !isPinned && Math.abs(values[k]!) >= settings.gateBound;
    return name.endsWith(': variance') && values[k]! <= settings.varianceFloor * (1 + 1e-9);
  });
}

/** Regions of x for the routed experts, a random half of the samples for the shared ones; directions of rectified units at random. */
function randomStart(problem: SharedRoutedEm, samples: CheckedSamples, rng: Rng): Float64Array {
  const { shared, routed } = problem.settings;
  const experts = shared + routed;
  const { x } = samples;
  const d = x.columns;
  const cells = regions(standardize(x, rangeStandardization(x, samples.weights)), samples, routed, rng);
  const parameters = new Float64Array(problem.size);
  for (const { form, count, width, numbersAt } of problem.groups) {
    if (form === 'linear') continue;
    for (let j = 0; j < count; j++) {
      const at = numbersAt + j * width;
      for (let k = 0; k < d; k++) parameters[at + k] = rng.nextNormal();
      const row = rng.nextInteger(x.rows);
      let u = 0;
      for (let k = 0; k < d; k++) u += parameters[at + k]! * x.values[row * d + k]!;
      if (form === 'relu') parameters[at + d] = -u;
      parameters[at + width - 1] = rng.nextNormal();
    }
  }
  for (let row = 0; row < x.rows; row++) {
    const chosen = rng.nextFloat() < 0.5 ? rng.nextInteger(shared) : shared + cells[row]!;
    for (let j = 0; j < experts; j++)
      problem.responsibilities[row * experts + j] =
        samples.weights[row]! * (chosen === j ? 0.8 + 0.2 / experts : 0.2 / experts);
  }
  const start = new Float64Array(problem.size);
  problem.project(parameters);
  problem.maximization(parameters, start, 5);
  problem.project(start);
  return start;
}

function packModel(model: SharedRoutedModel, problem: SharedRoutedEm): Float64Array {
  const parameters = new Float64Array(problem.size);
  parameters.set(model.weights.map((weight) => Math.log(Math.max(weight, 1e-12))));
  parameters.set(model.gate.flat(), problem.gateAt);
  const [first, second] = problem.groups;
  parameters.set(model.shared.flat(), first.numbersAt);
  parameters.set(model.sharedVariances.map(Math.log), first.variancesAt);
  parameters.set(model.routed.flat(), second.numbersAt);
  parameters.set(model.routedVariances.map(Math.log), second.variancesAt);
  problem.project(parameters);
  return parameters;
}

function unpackModel(parameters: Float64Array, problem: SharedRoutedEm, names: readonly string[]): SharedRoutedModel {
  const { settings, gateAt, gateWidth } = problem;
  const rows = (at: number, count: number, width: number): number[][] =>
    Array.from({ length: count }, (_, j) => Array.from(parameters.subarray(at + j * width, at + (j + 1) * width)));
  const [first, second] = problem.groups;
  const exponentials = (at: number, count: number): number[] =>
    Array.from(parameters.subarray(at, at + count), Math.exp);
  const weights = exponentials(0, settings.shared);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    gateKind: settings.gateKind,
    sharedForm: settings.sharedForm,
    routedForm: settings.routedForm,
    names: [...names],
    weights: weights.map((weight) => weight / total),
    shared: rows(first.numbersAt, first.count, first.width),
    sharedVariances: exponentials(first.variancesAt, first.count),
    gate: rows(gateAt, settings.routed, gateWidth),
    routed: rows(second.numbersAt, second.count, second.width),
    routedVariances: exponentials(second.variancesAt, second.count),
    ...(settings.gateKind !== 'softmax' && settings.pinnedGate >= 0 ? { pinnedGate: settings.pinnedGate } : {}),
  };
}

/**
 * Mixtures of shared and routed Gaussian experts, with softmax (DeepSeek V2) or normalized sigmoid gates (V3) over the routed ones (2505.10860).
 *
 * `fit(samples, { shared, routed, gate, sharedForm, routedForm })`; over-specified fits start near a model with `initial`.
 */
export const sharedRoutedMixture: MixtureEstimator<SharedRoutedModel, SharedRoutedOptions, SharedRoutedPrediction> = {
  fit: fitSharedRouted,
  predict: predictSharedRouted,
  score: (model, samples) => weightedMean(sharedRoutedLogDensities(model, samples), samples.weights),
  bic(model, samples) {
    const { totalWeight } = checkSamples(samples);
    const logLikelihood = totalWeight * weightedMean(sharedRoutedLogDensities(model, samples), samples.weights);
    const { gate, shared, sharedForm, routedForm, names, gateKind, pinnedGate } = model;
    const count = sharedRoutedParameterCount({
      shared: shared.length,
      routed: gate.length,
      columns: names.length,
      sharedForm,
      routedForm,
      freeGates: gateKind === 'softmax' || pinnedGate !== undefined ? gate.length - 1 : gate.length,
    });
    return bayesianInformationCriterion(logLikelihood, count, totalWeight);
  },
  responsibilities: sharedRoutedResponsibilities,
  parameters: sharedRoutedParameters,
  describe: (model) =>
    `${model.shared.length} shared and ${model.routed.length} routed experts, ${model.gateKind} gate`,
};
