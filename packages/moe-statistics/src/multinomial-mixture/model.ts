// A softmax-gated mixture of multinomial logistic experts (2310.14188): p(y = s | x) = sum_i g_i(x) exp(a_is + b_is . x) / sum_l exp(a_il + b_il . x).
// The plain gate is linear in x; a modified gate is linear in M(x), bounded and not linear in x, which undoes the interaction between gate and expert
// that makes estimation slow. The last gate and the last class are pinned to 0.
import { createRng, InvalidArgumentError, type Rng, requireInteger, requireOneOf, ShapeError } from '@moe-rl/core';
import { requireFiniteNumbers, requireModel } from '../data/numbers.ts';
import { type Covariates, checkSamples, type Matrix, type Samples, toMatrix } from '../data/samples.ts';
import { requireStandardization, type Standardization, standardize, withIntercept } from '../data/standardize.ts';
import { evaluateGates, type GateShape } from '../gates/gate-regression.ts';
import type { NamedParameters } from '../mixture.ts';
import { logSumExp, sigmoid } from '../numerics/special.ts';

/** What the gate sees of x: x itself (`identity`: the plain gate), or an elementwise function of it. */
export type GateTransform = 'identity' | 'tanh' | 'sigmoid' | 'cos';
export const GATE_TRANSFORMS = ['identity', 'tanh', 'sigmoid', 'cos'] as const;

export interface MultinomialMixtureModel {
  /** K: responses are 0 to K - 1. */
  readonly classes: number;
  readonly transform: GateTransform;
  readonly names: readonly string[];
  /** Coefficients are those of (x - center) / scale; the gate's transform is applied after it. */
  readonly standardization: Standardization;
  /** [k][d + 1]: intercept, then slopes. Adding one vector to all rows changes nothing; fits have a last row of 0. */
  readonly gate: readonly (readonly number[])[];
  /** [k][K]: class intercepts a. Fits have a last entry of 0. */
  readonly intercepts: readonly (readonly number[])[];
  /** [k][K][d]: class slopes b. */
  readonly slopes: readonly (readonly (readonly number[])[])[];
}

export interface MultinomialPrediction {
  /** [n][K] */
  readonly probabilities: number[][];
  /** [n]: the most probable class; ties: the lowest. */
  readonly classes: number[];
  /** [n][k] */
  readonly gates: number[][];
  /** [n][k][K] */
  readonly expertProbabilities: number[][][];
}

const TRANSFORMS: Record<GateTransform, (value: number) => number> = {
  identity: (value) => value,
  tanh: Math.tanh,
  sigmoid,
  cos: Math.cos,
};

/** [n, d + 1]: 1 and M(x). */
export function gateDesign(x: Matrix, transform: GateTransform): Float64Array {
  return withIntercept({ ...x, values: x.values.map(TRANSFORMS[transform]) });
}

/** (k - 1)(d + 1) gate parameters and k (K - 1)(d + 1) of the experts. */
export function multinomialParameterCount(experts: number, classes: number, columns: number): number {
  return (experts - 1 + experts * (classes - 1)) * (columns + 1);
}

/** @throws ShapeError when the parts of a model do not fit each other, NonFiniteError or InvalidArgumentError naming what is out of range */
export function checkMultinomialModel(model: MultinomialMixtureModel): void {
  requireModel(model, ['names', 'gate', 'intercepts', 'slopes']);
  const { names, gate, intercepts, slopes } = model;
  const classes = requireInteger('classes', model.classes, 2);
  requireOneOf('transform', model.transform, GATE_TRANSFORMS);
  requireInteger('experts of the model', gate.length, 1);
  const expect = (what: string, found: number | undefined, wanted: number): void => {
    if (found !== wanted) throw new ShapeError(`${what} has ${found} entries; expected ${wanted}`);
  };
  expect('intercepts', intercepts.length, gate.length);
  expect('slopes', slopes.length, gate.length);
  gate.forEach((row, i) => {
    expect(`gate[${i}]`, row.length, names.length + 1);
    expect(`intercepts[${i}]`, intercepts[i]!.length, classes);
    expect(`slopes[${i}]`, slopes[i]!.length, classes);
    slopes[i]!.forEach((slope, l) => {
      expect(`slopes[${i}][${l}]`, slope.length, names.length);
    });
  });
  requireStandardization(model.standardization, names.length);
  requireFiniteNumbers('gate', gate.flat());
  requireFiniteNumbers('intercepts', intercepts.flat());
  requireFiniteNumbers('slopes', slopes.flat(2));
}

/** Coefficients [K, d + 1] of one expert's logits. */
export function expertCoefficients(model: MultinomialMixtureModel, expert: number): Float64Array {
  return Float64Array.from(
    model.intercepts[expert]!.flatMap((intercept, l) => [intercept, ...model.slopes[expert]![l]!]),
  );
}

/** How many covariates a model has, once it has been checked. */
function columnsOf(model: MultinomialMixtureModel): number {
  checkMultinomialModel(model);
  return model.names.length;
}

/**
 * Probabilities of gates [n, k], and of classes under every expert k x [n, K], and their logarithms.
 * @param model checked before
 */
function evaluate(model: MultinomialMixtureModel, x: Matrix) {
  const standardized = standardize(x, model.standardization);
  const experts = model.gate.length;
  const shape = (design: Float64Array, outputs: number): GateShape => ({
    kind: 'softmax',
    design,
    rows: x.rows,
    width: x.columns + 1,
    outputs,
    pinned: outputs - 1,
  });
  const softmax = (
    form: GateShape,
    coefficients: Float64Array,
  ): { logs: Float64Array; probabilities: Float64Array } => {
    const logs = new Float64Array(form.rows * form.outputs);
    const probabilities = new Float64Array(logs.length);
    evaluateGates(form, coefficients, logs, probabilities);
    return { logs, probabilities };
  };
  const gates = softmax(
    shape(gateDesign(standardized, model.transform), experts),
    Float64Array.from(model.gate.flat()),
  );
  const form = shape(withIntercept(standardized), model.classes);
  const classes = model.gate.map((_, expert) => softmax(form, expertCoefficients(model, expert)));
  return { experts, gates, classes };
}

/**
 * Class probabilities, most probable class, gates and expert probabilities at every row of x, [n, d], in its own units.
 * @throws ShapeError when x has another number of columns than the model has names; NonFiniteError naming the first value that is not finite
 */
export function predictMultinomial(model: MultinomialMixtureModel, x: Covariates): MultinomialPrediction {
  const matrix = toMatrix(x, undefined, columnsOf(model));
  const { experts, gates, classes } = evaluate(model, matrix);
  const K = model.classes;
  const prediction: MultinomialPrediction = { probabilities: [], classes: [], gates: [], expertProbabilities: [] };
  for (let row = 0; row < matrix.rows; row++) {
    const gate = Array.from(gates.probabilities.subarray(row * experts, (row + 1) * experts));
    const expert = classes.map(({ probabilities }) => Array.from(probabilities.subarray(row * K, (row + 1) * K)));
    const mixed = Array.from({ length: K }, (_, s) => gate.reduce((sum, share, i) => sum + share * expert[i]![s]!, 0));
    prediction.gates.push(gate);
    prediction.expertProbabilities.push(expert);
    prediction.probabilities.push(mixed);
    prediction.classes.push(mixed.indexOf(Math.max(...mixed)));
  }
  return prediction;
}

/** @throws InvalidArgumentError naming the first response that is no class */
export function requireClasses(y: Float64Array, classes: number): void {
  for (let row = 0; row < y.length; row++) {
    if (!Number.isInteger(y[row]!) || y[row]! < 0 || y[row]! >= classes)
      throw new InvalidArgumentError(`y[${row}] is ${y[row]}; expected a class, an integer from 0 to ${classes - 1}`);
  }
}

/** ln of the joint probability of expert and observed class [n][k]: the probabilities themselves may all underflow. */
function jointLogProbabilities(model: MultinomialMixtureModel, samples: Samples): number[][] {
  const { x, y } = checkSamples(samples, columnsOf(model));
  requireClasses(y, model.classes);
  const { experts, gates, classes } = evaluate(model, x);
  return Array.from(y, (label, row) =>
    classes.map(({ logs }, i) => gates.logs[row * experts + i]! + logs[row * model.classes + label]!),
  );
}

/** ln p(y_i | x_i) of every sample. */
export function multinomialLogDensities(model: MultinomialMixtureModel, samples: Samples): Float64Array {
  return Float64Array.from(jointLogProbabilities(model, samples), logSumExp);
}

/**
 * The posterior share of every expert in every sample, [n][k], gate times probability of its class over their sum: the E step. Each row sums to 1.
 * @throws ShapeError when x and y do not fit the model or each other; InvalidArgumentError naming the first response that is no class
 */
export function multinomialResponsibilities(model: MultinomialMixtureModel, samples: Samples): number[][] {
  return jointLogProbabilities(model, samples).map((row) => {
    const total = logSumExp(row);
    return row.map((value) => Math.exp(value - total));
  });
}

/** Draws a class for every row of x. */
export function sampleMultinomial(
  model: MultinomialMixtureModel,
  x: Covariates,
  rng: Rng = createRng(0),
): Float64Array {
  return Float64Array.from(predictMultinomial(model, x).probabilities, (row) => {
    let left = rng.nextFloat();
    let label = 0;
    while (label < row.length - 1 && left >= row[label]!) left -= row[label++]!;
    return label;
  });
}

/** The free parameters by name, as a fit counts and reports them: gates of all experts but the last and classes but the last (whose are 0). */
export function multinomialParameters(model: MultinomialMixtureModel): NamedParameters {
  const names: string[] = [];
  const values: number[] = [];
  const terms = ['1', ...model.names];
  const gateTerms =
    model.transform === 'identity' ? terms : ['1', ...model.names.map((x) => `${model.transform}(${x})`)];
  model.gate.slice(0, -1).forEach((row, i) => {
    row.forEach((value, k) => {
      names.push(`gate ${i + 1}: ${gateTerms[k]}`);
      values.push(value);
    });
  });
  model.gate.forEach((_, i) => {
    for (let label = 0; label < model.classes - 1; label++) {
      [model.intercepts[i]![label]!, ...model.slopes[i]![label]!].forEach((value, k) => {
        names.push(`expert ${i + 1}, class ${label}: ${terms[k]}`);
        values.push(value);
      });
    }
  });
  return { names, values };
}
