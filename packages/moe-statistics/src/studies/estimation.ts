// The estimation error of a model of the right form: KL of p / (2 n), p its parameters (Wilks), whatever the mixture.
import { noStandardization } from '../data/standardize.ts';
import { polynomialMixture } from '../polynomial-mixture/index.ts';
import {
  type PolynomialMixtureModel,
  polynomialLogDensities,
  polynomialParameterCount,
  samplePolynomial,
} from '../polynomial-mixture/model.ts';
import type { StudyDefinition } from './study.ts';

const VARIANCE = 0.25;

function mixture(degree: number, gate: number[][], coefficients: number[][]): PolynomialMixtureModel {
  return {
    family: { type: 'gaussian', variance: VARIANCE },
    degree,
    names: ['x'],
    standardization: noStandardization(1),
    gate,
    coefficients,
    variances: coefficients.map(() => VARIANCE),
  };
}

const TWO = [
  [0, -4],
  [0, 0],
];
const THREE = [
  [0, -10],
  [2, -5],
  [0, 0],
];

/** True mixtures on [-1, 1], their experts a few standard deviations apart. */
const TRUTHS: Readonly<Record<string, PolynomialMixtureModel>> = {
  'm=2,k=0': mixture(0, TWO, [[-2], [2]]),
  'm=2,k=1': mixture(1, TWO, [
    [-2, 1],
    [2, -1],
  ]),
  'm=3,k=1': mixture(1, THREE, [
    [-3, -1],
    [1, 2],
    [4, -1],
  ]),
  'm=3,k=2': mixture(2, THREE, [
    [-3, -1, 1],
    [1, 2, -1],
    [5, -1, 1],
  ]),
};

const parametersOf = (truth: PolynomialMixtureModel): number =>
  polynomialParameterCount(truth.coefficients.length, 1, truth.degree, truth.family);

export const estimationStudy: StudyDefinition = {
  name: 'estimation',
  title: 'Estimation error: parameters over samples',
  description:
    'Gaussian mixtures of m polynomials of degree k on [-1, 1], of known variance, fitted in their own form from the truth. Measured: KL divergence of the estimate from the truth. Theory: p / (2 n) with p = m (k + 1) + 2 (m - 1) parameters, so slope -1, and 2 n KL / p near 1 for all.',
  notes: ['The ratio rows show the level: 2 n KL / p, 1 where the error is exactly proportional to the parameters.'],
  settings: Object.keys(TRUTHS),
  plan: [
    { size: 250, repeats: 40 },
    { size: 1000, repeats: 40 },
    { size: 4000, repeats: 40 },
    { size: 16000, repeats: 20 },
  ],
  series: Object.entries(TRUTHS).flatMap(([setting, truth]) => {
    const label = `${setting.replace(',', ', ')}: ${parametersOf(truth)} parameters`;
    return [
      { setting, value: 'divergence', label, axis: 'n', theory: -1 } as const,
      { setting, value: 'ratio', label: `${label}, 2 n KL / p`, axis: 'n', theory: null } as const,
    ];
  }),
  run({ setting, size }, rng) {
    const truth = TRUTHS[setting]!;
    const x = Float64Array.from({ length: size }, () => -1 + 2 * rng.nextFloat());
    const y = samplePolynomial(truth, x, rng);
    const { model } = polynomialMixture.fit(
      { x, y },
      {
        experts: truth.coefficients.length,
        degree: truth.degree,
        family: truth.family,
        initial: truth,
        tolerance: 1e-7,
        likelihoodTolerance: 1e-12,
        maxIterations: 1000,
      },
    );
    const divergence = meanDivergence(truth, model);
    return { divergence, ratio: (2 * size * divergence) / parametersOf(truth) };
  },
};

/** KL(truth || model), the mean over x uniform on [-1, 1]: midpoints in x, and the trapezoid rule in y around each true expert's mean. */
function meanDivergence(truth: PolynomialMixtureModel, model: PolynomialMixtureModel): number {
  const xs = Array.from({ length: 200 }, (_, k) => -1 + (k + 0.5) / 100);
  const { gates, expertMeans } = polynomialMixture.predict(truth, xs);
  const deviation = Math.sqrt(VARIANCE);
  const step = 0.3;
  const x: number[] = [];
  const y: number[] = [];
  const weights: number[] = [];
  xs.forEach((value, row) => {
    gates[row]!.forEach((gate, j) => {
      for (let z = -7.5; z <= 7.5; z += step) {
        x.push(value);
        y.push(expertMeans[row]![j]! + z * deviation);
        weights.push((gate * step * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) / xs.length);
      }
    });
  });
  const logTruth = polynomialLogDensities(truth, { x, y });
  const logModel = polynomialLogDensities(model, { x, y });
  return weights.reduce((sum, weight, k) => sum + weight * (logTruth[k]! - logModel[k]!), 0);
}
