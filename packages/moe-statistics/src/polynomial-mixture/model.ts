// A softmax-gated mixture of polynomial experts (Mendes and Jiang, 1110.2058): f(y|x) = sum_j g_j(x) pi(y; phi(h_j(x))), h_j a polynomial of degree k,
// g the softmax of linear logits with the last one pinned to 0. The model as plain data, and what can be computed of it without fitting.
import { createRng, InvalidArgumentError, NonFiniteError, type Rng, requireInteger, ShapeError } from '@moe-rl/core';
import { requireFiniteNumbers, requireModel, requirePositiveNumbers } from '../data/numbers.ts';
import { monomialCount, monomialExponents, monomialNames, polynomialFeatures } from '../data/polynomial.ts';
import { type Covariates, checkSamples, type Matrix, type Samples, toMatrix } from '../data/samples.ts';
import { requireStandardization, type Standardization, standardize, withIntercept } from '../data/standardize.ts';
import { evaluateGates } from '../gates/gate-regression.ts';
import type { NamedParameters } from '../mixture.ts';
import { type Family, type ResponseFamily, resolveFamily, responseFamily } from './families.ts';

export interface PolynomialMixtureModel {
  readonly family: Family;
  readonly degree: number;
  /** Names of the s covariates. */
  readonly names: readonly string[];
  /** Coefficients are those of (x - center) / scale. */
  readonly standardization: Standardization;
  /** [m][s + 1]: intercept, then slopes; the last row is 0. */
  readonly gate: readonly (readonly number[])[];
  /** [m][J]: coefficients of the monomials, in the order of `monomialExponents`. */
  readonly coefficients: readonly (readonly number[])[];
  /** [m], Gaussian only. */
  readonly variances: readonly number[] | null;
}

export interface PolynomialPrediction {
  /** [n]: E[y | x]. */
  readonly mean: number[];
  /** [n][m] */
  readonly gates: number[][];
  /** [n][m] */
  readonly expertMeans: number[][];
}

/** Gates, predictors and log densities of every expert at given samples: [n, m] arrays. */
interface Evaluation {
  readonly rows: number;
  readonly experts: number;
  readonly logGates: Float64Array;
  readonly predictors: Float64Array;
}

/** (m - 1)(s + 1) gate parameters, m J_k of the experts, and m variances where they are estimated. */
export function polynomialParameterCount(experts: number, columns: number, degree: number, family: Family): number {
  const isVarianceFree = family.type === 'gaussian' && family.variance === undefined;
  return (experts - 1) * (columns + 1) + experts * monomialCount(columns, degree) + (isVarianceFree ? experts : 0);
}

/** @throws ShapeError when the parts of a model do not fit each other, NonFiniteError or InvalidArgumentError naming a bad number */
export function checkPolynomialModel(model: PolynomialMixtureModel): void {
  requireModel(model, ['names', 'gate', 'coefficients']);
  const { type, variance } = resolveFamily(model.family) as { readonly type: string; readonly variance?: number };
  const width = model.names.length + 1;
  const terms = monomialCount(model.names.length, requireInteger('degree', model.degree, 0, 20));
  const experts = requireInteger('experts of the model', model.coefficients.length, 1);
  const expect = (what: string, found: number | undefined, wanted: number): void => {
    if (found !== wanted) throw new ShapeError(`${what} has ${found} entries; expected ${wanted}`);
  };
  expect('gate', model.gate.length, experts);
  model.gate.forEach((row, j) => {
    expect(`gate[${j}]`, row.length, width);
  });
  model.coefficients.forEach((row, j) => {
    expect(`coefficients[${j}]`, row.length, terms);
  });
  if (type === 'gaussian') expect('variances', model.variances?.length, experts);
  else if ((model.variances ?? null) !== null)
    throw new ShapeError(
      `the family is ${type}, and the model has variances; expected null: only Gaussian experts have some`,
    );
  requireStandardization(model.standardization, model.names.length);
  requireFiniteNumbers('gate', model.gate.flat());
  requireFiniteNumbers('coefficients', model.coefficients.flat());
  requirePositiveNumbers('variances', model.variances ?? []);
  const other = variance === undefined ? undefined : model.variances?.find((value) => value !== variance);
  if (other !== undefined)
    throw new InvalidArgumentError(`a variance is ${other}; expected ${variance}, the known one of the family`);
}

/** How many covariates a model has, once it has been checked. */
function columnsOf(model: PolynomialMixtureModel): number {
  checkPolynomialModel(model);
  return model.names.length;
}

/** @param model checked before */
function evaluate(model: PolynomialMixtureModel, x: Matrix): Evaluation {
  const standardized = standardize(x, model.standardization);
  const experts = model.coefficients.length;
  const features = polynomialFeatures(standardized, model.degree);
  const terms = features.length / x.rows;
  const logs = new Float64Array(x.rows * experts);
  const shape = {
    kind: 'softmax',
    design: withIntercept(standardized),
    rows: x.rows,
    width: x.columns + 1,
    outputs: experts,
    pinned: experts - 1,
  } as const;
  evaluateGates(shape, Float64Array.from(model.gate.flat()), logs, new Float64Array(logs.length));
  const predictors = new Float64Array(x.rows * experts);
  for (let row = 0; row < x.rows; row++) {
    for (let j = 0; j < experts; j++) {
      const coefficients = model.coefficients[j]!;
      let h = 0;
      for (let term = 0; term < terms; term++) h += coefficients[term]! * features[row * terms + term]!;
      predictors[row * experts + j] = h;
    }
  }
  return { rows: x.rows, experts, logGates: logs, predictors };
}

/**
 * Mean, gates and expert means at every row of x, [n, d], in its own units.
 * @throws ShapeError when x has another number of columns than the model has names; NonFiniteError naming the first value that is not finite
 */
export function predictPolynomial(model: PolynomialMixtureModel, x: Covariates): PolynomialPrediction {
  const { rows, experts, logGates: logs, predictors } = evaluate(model, toMatrix(x, undefined, columnsOf(model)));
  const family = responseFamily(model.family);
  const prediction: PolynomialPrediction = { mean: [], gates: [], expertMeans: [] };
  for (let row = 0; row < rows; row++) {
    const gates = Array.from({ length: experts }, (_, j) => Math.exp(logs[row * experts + j]!));
    const means = Array.from({ length: experts }, (_, j) => family.mean(predictors[row * experts + j]!));
    prediction.gates.push(gates);
    prediction.expertMeans.push(means);
    prediction.mean.push(gates.reduce((sum, gate, j) => sum + gate * means[j]!, 0));
  }
  return prediction;
}

/** ln of gate times density, [n, m], and the log of their sums, [n]. */
function jointLogDensities(model: PolynomialMixtureModel, x: Matrix, y: Float64Array) {
  const { rows, experts, logGates: logs, predictors } = evaluate(model, x);
  const family = responseFamily(model.family);
  requireResponses(family, y);
  const joint = new Float64Array(rows * experts);
  const total = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const base = family.logBase(y[row]!);
    let largest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < experts; j++) {
      const at = row * experts + j;
      joint[at] = logs[at]! + base + expertLogKernel(model, family, y[row]!, predictors[at]!, j);
      largest = Math.max(largest, joint[at]!);
    }
    let sum = 0;
    for (let j = 0; j < experts; j++) sum += Math.exp(joint[row * experts + j]! - largest);
    total[row] = largest + Math.log(sum);
  }
  return { joint, total, experts };
}

function expertLogKernel(model: PolynomialMixtureModel, family: ResponseFamily, y: number, h: number, j: number) {
  if (model.variances === null) return family.logKernel(y, h);
  const variance = model.variances[j]!;
  return -0.5 * (Math.log(variance) + (y - h) ** 2 / variance);
}

/** @throws InvalidArgumentError naming the first response that the family cannot have */
export function requireResponses(family: ResponseFamily, y: Float64Array): void {
  for (let row = 0; row < y.length; row++) {
    if (!family.isValid(y[row]!)) throw new InvalidArgumentError(`y[${row}] is ${y[row]}; expected ${family.expected}`);
  }
}

/** ln f(y_i | x_i) of every sample. */
export function polynomialLogDensities(model: PolynomialMixtureModel, samples: Samples): Float64Array {
  const { x, y } = checkSamples(samples, columnsOf(model));
  return jointLogDensities(model, x, y).total;
}

/**
 * The posterior share of every expert in every sample, [n][m], gate times density over their sum: the E step. Each row sums to 1.
 * @throws ShapeError when x and y do not fit the model or each other; InvalidArgumentError naming the first response that the family cannot have
 */
export function polynomialResponsibilities(model: PolynomialMixtureModel, samples: Samples): number[][] {
  const { x, y } = checkSamples(samples, columnsOf(model));
  const { joint, total, experts } = jointLogDensities(model, x, y);
  return Array.from(total, (logDensity, row) =>
    Array.from({ length: experts }, (_, j) => Math.exp(joint[row * experts + j]! - logDensity)),
  );
}

/**
 * Draws a response for every row of x.
 * @throws as `predictPolynomial`, and NonFiniteError naming the row where a mean is too large for a number
 */
export function samplePolynomial(model: PolynomialMixtureModel, x: Covariates, rng: Rng = createRng(0)): Float64Array {
  const { rows, experts, logGates: logs, predictors } = evaluate(model, toMatrix(x, undefined, columnsOf(model)));
  const family = responseFamily(model.family);
  const y = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let left = rng.nextFloat();
    let j = 0;
    while (j < experts - 1 && left >= Math.exp(logs[row * experts + j]!)) left -= Math.exp(logs[row * experts + j++]!);
    const h = predictors[row * experts + j]!;
    y[row] = model.variances === null ? family.sample(h, rng) : h + Math.sqrt(model.variances[j]!) * rng.nextNormal();
    if (!Number.isFinite(y[row]))
      throw new NonFiniteError(
        `expert ${j + 1} has a mean of ${family.mean(h)} at x[${row}]; expected one that can be drawn about`,
      );
  }
  return y;
}

/** The free parameters by name, as a fit counts and reports them: gates of all experts but the last (whose are 0), coefficients, estimated variances. */
export function polynomialParameters(model: PolynomialMixtureModel): NamedParameters {
  const monomials = monomialNames(monomialExponents(model.names.length, model.degree), model.names);
  const names: string[] = [];
  const values: number[] = [];
  model.gate.slice(0, -1).forEach((row, j) => {
    row.forEach((value, k) => {
      names.push(`gate ${j + 1}: ${k === 0 ? '1' : model.names[k - 1]}`);
      values.push(value);
    });
  });
  model.coefficients.forEach((row, j) => {
    row.forEach((value, k) => {
      names.push(`expert ${j + 1}: ${monomials[k]}`);
      values.push(value);
    });
  });
  if (model.family.type === 'gaussian' && model.family.variance === undefined) {
    model.variances?.forEach((value, j) => {
      names.push(`expert ${j + 1}: variance`);
      values.push(value);
    });
  }
  return { names, values };
}
