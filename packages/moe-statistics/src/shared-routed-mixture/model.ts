// A mixture of shared and routed experts (DeepSeekMoE's statistics, 2505.10860):
// f(y|x) = 1/2 sum_i w_i N(y; h1(x, kappa_i), tau_i) + 1/2 sum_i g_i(x) N(y; h2(x, eta_i), nu_i), w on the simplex, and g the softmax (V2) or the
// normalized sigmoids (V3) of b1_i . x + b0_i.
import { createRng, InvalidArgumentError, type Rng, requireInteger, requireOneOf, ShapeError } from '@moe-rl/core';
import type { SharedRoutedMeasure } from '../comparison/shared-routed-losses.ts';
import { requireFiniteNumbers, requireModel, requirePositiveNumbers } from '../data/numbers.ts';
import { type Covariates, checkSamples, type Matrix, type Samples, toMatrix } from '../data/samples.ts';
import { withIntercept } from '../data/standardize.ts';
import { evaluateGates, GATE_KINDS, type GateKind } from '../gates/gate-regression.ts';
import type { NamedParameters } from '../mixture.ts';
import { logNormal, logSumExp } from '../numerics/special.ts';
import {
  canonicalizeExpert,
  type ExpertForm,
  expertMean,
  formFreedom,
  formNames,
  formSize,
  requireExpertForm,
} from './expert-forms.ts';

export interface SharedRoutedModel {
  readonly gateKind: GateKind;
  readonly sharedForm: ExpertForm;
  readonly routedForm: ExpertForm;
  readonly names: readonly string[];
  /** [k1], sum 1. */
  readonly weights: readonly number[];
  /** [k1]: numbers of the shared experts, in the order of their form (slopes first). */
  readonly shared: readonly (readonly number[])[];
  /** [k1] */
  readonly sharedVariances: readonly number[];
  /** [k2][d + 1]: intercept b0, then slopes b1. */
  readonly gate: readonly (readonly number[])[];
  /** [k2] */
  readonly routed: readonly (readonly number[])[];
  /** [k2] */
  readonly routedVariances: readonly number[];
  /** The routed expert with sigmoid gate whose gate was pinned, not estimated; it doesn't count as free parameters. A softmax gate always has one such. */
  readonly pinnedGate?: number;
}

export interface SharedRoutedPrediction {
  /** [n]: E[y | x]. */
  readonly mean: number[];
  /** [n][k2]: the routed experts' gates, each row summing to 1 (they share half of the mass). */
  readonly gates: number[][];
  /** [n][k1] */
  readonly sharedMeans: number[][];
  /** [n][k2] */
  readonly routedMeans: number[][];
}

export interface SharedRoutedSizes {
  readonly shared: number;
  readonly routed: number;
  readonly columns: number;
  readonly sharedForm: ExpertForm;
  readonly routedForm: ExpertForm;
  /** Gate rows that are estimated. */
  readonly freeGates: number;
}

/** Weights, gates, experts and variances that are free. */
export function sharedRoutedParameterCount(sizes: SharedRoutedSizes): number {
  const { shared, routed, columns, sharedForm, routedForm, freeGates } = sizes;
  return (
    shared -
    1 +
    freeGates * (columns + 1) +
    shared * (formFreedom(sharedForm, columns) + 1) +
    routed * (formFreedom(routedForm, columns) + 1)
  );
}

/** @throws ShapeError when the parts of a model do not fit each other, NonFiniteError or InvalidArgumentError naming what is out of range */
export function checkSharedRoutedModel(model: SharedRoutedModel): void {
  requireModel(model, ['names', 'weights', 'shared', 'sharedVariances', 'gate', 'routed', 'routedVariances']);
  requireOneOf('gateKind', model.gateKind, GATE_KINDS);
  requireExpertForm('sharedForm', model.sharedForm);
  requireExpertForm('routedForm', model.routedForm);
  requireInteger('shared experts of the model', model.shared.length, 1);
  requireInteger('routed experts of the model', model.routed.length, 1);
  const d = model.names.length;
  const expect = (what: string, found: number | undefined, wanted: number): void => {
    if (found !== wanted) throw new ShapeError(`${what} has ${found} entries; expected ${wanted}`);
  };
  expect('shared', model.shared.length, model.weights.length);
  expect('sharedVariances', model.sharedVariances.length, model.weights.length);
  expect('routed', model.routed.length, model.gate.length);
  expect('routedVariances', model.routedVariances.length, model.gate.length);
  model.shared.forEach((row, i) => {
    expect(`shared[${i}]`, row.length, formSize(model.sharedForm, d));
  });
  model.routed.forEach((row, j) => {
    expect(`routed[${j}]`, row.length, formSize(model.routedForm, d));
  });
  model.gate.forEach((row, j) => {
    expect(`gate[${j}]`, row.length, d + 1);
  });
  requirePositiveNumbers('weights', model.weights);
  const total = model.weights.reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total - 1) > 1e-6) throw new InvalidArgumentError(`weights sum to ${total}; expected 1`);
  requireFiniteNumbers('shared', model.shared.flat());
  requirePositiveNumbers('sharedVariances', model.sharedVariances);
  requireFiniteNumbers('gate', model.gate.flat());
  requireFiniteNumbers('routed', model.routed.flat());
  requirePositiveNumbers('routedVariances', model.routedVariances);
  if (model.pinnedGate !== undefined) requireInteger('pinnedGate', model.pinnedGate, 0, model.gate.length - 1);
}

/** Gates [n, k2], and their logarithms: a gate may be less than a number can hold. */
function routedGates(model: SharedRoutedModel, x: Matrix): { logs: Float64Array; probabilities: Float64Array } {
  const outputs = model.gate.length;
  const probabilities = new Float64Array(x.rows * outputs);
  const logs = new Float64Array(probabilities.length);
  evaluateGates(
    {
      kind: model.gateKind,
      design: withIntercept(x),
      rows: x.rows,
      width: x.columns + 1,
      outputs,
      pinned: -1,
    },
    Float64Array.from(model.gate.flat()),
    logs,
    probabilities,
  );
  return { logs, probabilities };
}

/**
 * Mean, routed gates and both kinds of expert means at every row of x, [n, d], in its own units.
 * @throws InvalidArgumentError for a model that is none; ShapeError when x has another number of columns than it has names
 */
export function predictSharedRouted(model: SharedRoutedModel, x: Covariates): SharedRoutedPrediction {
  checkSharedRoutedModel(model);
  const matrix = toMatrix(x, undefined, model.names.length);
  const gates = routedGates(model, matrix).probabilities;
  const k2 = model.gate.length;
  const prediction: SharedRoutedPrediction = { mean: [], gates: [], sharedMeans: [], routedMeans: [] };
  for (let row = 0; row < matrix.rows; row++) {
    const shared = model.shared.map((numbers) => expertMean(model.sharedForm, numbers, 0, matrix, row));
    const routed = model.routed.map((numbers) => expertMean(model.routedForm, numbers, 0, matrix, row));
    const gate = Array.from(gates.subarray(row * k2, (row + 1) * k2));
    prediction.sharedMeans.push(shared);
    prediction.routedMeans.push(routed);
    prediction.gates.push(gate);
    prediction.mean.push(
      0.5 * shared.reduce((sum, mean, i) => sum + model.weights[i]! * mean, 0) +
        0.5 * routed.reduce((sum, mean, j) => sum + gate[j]! * mean, 0),
    );
  }
  return prediction;
}

/** Log of weight or gate (halved) times density of every expert, shared ones first: [n][k1 + k2]. */
function jointLogDensities(model: SharedRoutedModel, samples: Samples): number[][] {
  checkSharedRoutedModel(model);
  const { x, y } = checkSamples(samples, model.names.length);
  const { sharedMeans, routedMeans } = predictSharedRouted(model, samples.x);
  const { logs } = routedGates(model, x);
  const k2 = model.gate.length;
  return Array.from({ length: x.rows }, (_, row) => [
    ...sharedMeans[row]!.map(
      (mean, i) => Math.log(model.weights[i]! / 2) + logNormal(y[row]!, mean, model.sharedVariances[i]!),
    ),
    ...routedMeans[row]!.map(
      (mean, j) => logs[row * k2 + j]! - Math.LN2 + logNormal(y[row]!, mean, model.routedVariances[j]!),
    ),
  ]);
}

/** ln f(y_i | x_i) of every sample. */
export function sharedRoutedLogDensities(model: SharedRoutedModel, samples: Samples): Float64Array {
  return Float64Array.from(jointLogDensities(model, samples), logSumExp);
}

/**
 * The posterior share of every expert in every sample, [n][k1 + k2], shared experts first: the E step. Each row sums to 1.
 * @throws InvalidArgumentError for a model that is none; ShapeError when x and y do not fit it or each other
 */
export function sharedRoutedResponsibilities(model: SharedRoutedModel, samples: Samples): number[][] {
  return jointLogDensities(model, samples).map((row) => {
    const total = logSumExp(row);
    return row.map((value) => Math.exp(value - total));
  });
}

/** Draws a response for every row of x. */
export function sampleSharedRouted(model: SharedRoutedModel, x: Covariates, rng: Rng = createRng(0)): Float64Array {
  const { gates, sharedMeans, routedMeans } = predictSharedRouted(model, x);
  return Float64Array.from(gates, (gate, row) => {
    const isShared = rng.nextFloat() < 0.5;
    const shares = isShared ? model.weights : gate;
    let left = rng.nextFloat();
    let index = 0;
    while (index < shares.length - 1 && left >= shares[index]!) left -= shares[index++]!;
    const mean = (isShared ? sharedMeans : routedMeans)[row]![index]!;
    const variance = (isShared ? model.sharedVariances : model.routedVariances)[index]!;
    return mean + Math.sqrt(variance) * rng.nextNormal();
  });
}

/** The parameters by name, as a fit counts and reports them, shared experts first. */
export function sharedRoutedParameters(model: SharedRoutedModel): NamedParameters {
  const names: string[] = [];
  const values: number[] = [];
  const add = (name: string, value: number): void => {
    names.push(name);
    values.push(value);
  };
  const sharedNames = formNames(model.sharedForm, model.names);
  const routedNames = formNames(model.routedForm, model.names);
  model.shared.forEach((numbers, i) => {
    add(`shared ${i + 1}: weight`, model.weights[i]!);
    numbers.forEach((value, k) => {
      add(`shared ${i + 1}: ${sharedNames[k]}`, value);
    });
    add(`shared ${i + 1}: variance`, model.sharedVariances[i]!);
  });
  model.routed.forEach((numbers, j) => {
    model.gate[j]!.forEach((value, k) => {
      add(`routed ${j + 1}: gate ${k === 0 ? '1' : model.names[k - 1]}`, value);
    });
    numbers.forEach((value, k) => {
      add(`routed ${j + 1}: ${routedNames[k]}`, value);
    });
    add(`routed ${j + 1}: variance`, model.routedVariances[j]!);
  });
  return { names, values };
}

/**
 * The mixing measure that Voronoi losses compare, experts in canonical scale (see `expert-forms.ts`).
 * @param reference a routed atom whose gate is subtracted from all (a softmax gate is determined only up to that); null to leave gates as they are
 */
export function toMeasure(model: SharedRoutedModel, reference: number | null): SharedRoutedMeasure {
  checkSharedRoutedModel(model);
  if (reference !== null) requireInteger('reference', reference, 0, model.gate.length - 1);
  const d = model.names.length;
  const canonical = (form: ExpertForm, numbers: readonly number[]): number[] => {
    const copy = Float64Array.from(numbers);
    canonicalizeExpert(form, copy, 0, d);
    return Array.from(copy);
  };
  const base = reference === null ? new Array<number>(d + 1).fill(0) : model.gate[reference]!;
  return {
    shared: model.shared.map((numbers, i) => ({
      weight: model.weights[i]!,
      kappa: canonical(model.sharedForm, numbers),
      tau: model.sharedVariances[i]!,
    })),
    routed: model.routed.map((numbers, j) => ({
      b0: model.gate[j]![0]! - base[0]!,
      b1: model.gate[j]!.slice(1).map((value, k) => value - base[k + 1]!),
      eta: canonical(model.routedForm, numbers),
      nu: model.routedVariances[j]!,
    })),
  };
}
