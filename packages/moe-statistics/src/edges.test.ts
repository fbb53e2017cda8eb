// Numbers at their edges: models that somebody edited, classes that are rare, likelihoods that are none, distances between what is no distribution.
import { createRng, InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import { describe, expect, test } from 'vitest';
import {
  approximationDivergence,
  bestByBound,
  ConstantColumnError,
  convergenceBound,
  densityDistances,
  expertsByApproximation,
  gaussianKullbackLeibler,
  hellinger,
  jainIndex,
  kullbackLeibler,
  type MultinomialMixtureModel,
  multinomialMixture,
  multinomialVoronoiLoss,
  type PolynomialMixtureModel,
  polynomialEmStep,
  polynomialMixture,
  type SharedRoutedModel,
  samplePolynomial,
  sharedRoutedMixture,
  toMeasure,
  totalVariation,
  voronoiLoss,
} from './index.ts';

const standardization = { center: [0], scale: [1] };
const LINE: PolynomialMixtureModel = {
  family: { type: 'gaussian' },
  degree: 1,
  names: ['x'],
  standardization,
  gate: [[0, 0]],
  coefficients: [[0, 1]],
  variances: [1],
};
const CLASSES: MultinomialMixtureModel = {
  classes: 2,
  transform: 'identity',
  names: ['x'],
  standardization,
  gate: [[0, 0]],
  intercepts: [[1, 0]],
  slopes: [[[1], [0]]],
};
const SHARED: SharedRoutedModel = {
  gateKind: 'softmax',
  sharedForm: 'linear',
  routedForm: 'linear',
  names: ['x'],
  weights: [1],
  shared: [[0, 0]],
  sharedVariances: [1],
  gate: [
    [900, 0],
    [0, 0],
  ],
  routed: [
    [0, 0],
    [0, 1000],
  ],
  routedVariances: [1, 1],
};
const rng = createRng(3);
const x = Array.from({ length: 40 }, () => rng.nextFloat());
const y = x.map((value) => value + 0.1 * rng.nextNormal());

describe('a model that is none is refused, where it gave NaN or a TypeError', () => {
  test.each<[object | null, new (message: string) => Error, string]>([
    [null, ShapeError, 'model is null; expected what a fit gave'],
    [{ gate: undefined }, ShapeError, 'the model has no array "gate"'],
    [{ standardization: { center: [0], scale: [0] } }, InvalidArgumentError, 'standardization.scale[0] is 0'],
    [{ standardization: { center: [], scale: [1] } }, ShapeError, 'standardization.center has 0 entries; expected 1'],
    [{ family: { type: 'beta' } }, InvalidArgumentError, 'family is "beta"'],
    [{ family: { type: 'poisson' } }, ShapeError, 'the family is poisson, and the model has variances'],
    [{ family: { type: 'gaussian', variance: 4 } }, InvalidArgumentError, 'a variance is 1; expected 4'],
    [{ degree: undefined }, InvalidArgumentError, 'degree is undefined'],
  ])('polynomial: %o', (part, kind, message) => {
    const model = (part && { ...LINE, ...part }) as PolynomialMixtureModel;
    for (const use of [
      () => polynomialMixture.predict(model, [1]),
      () => polynomialMixture.score(model, { x: [1], y: [1] }),
      () => polynomialMixture.responsibilities(model, { x: [1], y: [1] }),
    ]) {
      expect(use).toThrow(kind);
      expect(use).toThrow(message);
    }
  });

  test.each<[object, string]>([
    [{ transform: 'exp' }, 'transform is "exp"'],
    [{ classes: 1, intercepts: [[0]], slopes: [[[0]]] }, 'classes is 1; expected an integer of at least 2'],
    [{ standardization: { center: [0], scale: [0] } }, 'standardization.scale[0] is 0'],
  ])('multinomial: %o', (part, message) => {
    const model = { ...CLASSES, ...part } as MultinomialMixtureModel;
    expect(() => multinomialMixture.predict(model, [1])).toThrow(message);
    expect(() => multinomialMixture.score(model, { x: [1], y: [0] })).toThrow(message);
  });

  test.each<[object, string]>([
    [{ gateKind: 'sigmoid' }, 'gateKind is "sigmoid"'],
    [{ sharedForm: 'cubic' }, 'sharedForm is "cubic"'],
    [{ weights: [2] }, 'weights sum to 2; expected 1'],
  ])('shared and routed: %o', (part, message) => {
    const model = { ...SHARED, ...part } as SharedRoutedModel;
    expect(() => sharedRoutedMixture.predict(model, [1])).toThrow(message);
    expect(() => sharedRoutedMixture.score(model, { x: [1], y: [0] })).toThrow(message);
  });

  test('a reference atom is one of the routed ones', () => {
    expect(() => toMeasure(SHARED, 2)).toThrow('reference is 2; expected an integer from 0 to 1');
  });
});

describe('fits', () => {
  test('a class is rare, not separated, however many samples the others have', () => {
    const samples = {
      x: [0, 1, 2, 3, 0, 1, 2, 3],
      y: [0, 0, 0, 0, 1, 1, 1, 1],
      weights: [1e8, 1e8, 1e8, 1e8, 1, 1, 1, 1],
    };
    const exact = { experts: 1, likelihoodTolerance: 0 };
    const logistic = polynomialMixture.fit(samples, { ...exact, degree: 1, family: 'bernoulli' }).model;
    expect(logistic.coefficients[0]![0]).toBeCloseTo(Math.log(1e-8), 4);
    const classes = multinomialMixture.fit(samples, exact).model;
    expect(classes.intercepts[0]![0]).toBeCloseTo(Math.log(1e8), 4);
    // As rare, and separated by x.
    const apart = { ...samples, x: [0, 1, 2, 3, 4, 5, 6, 7] };
    expect(() => multinomialMixture.fit(apart, { experts: 1 })).toThrow('the classes are separated');
    expect(() => polynomialMixture.fit(apart, { experts: 1, degree: 1, family: 'bernoulli' })).toThrow('are separated');
  });

  test('an EM step goes on from a corner of the box, to which a leap led', () => {
    for (const weight of [1e5, 1e7]) {
      const samples = { x: [0, 1, 2, 0, 1, 2], y: [0, 0, 0, 1, 1, 1], weights: [weight, weight, weight, 1, 1, 1] };
      const { model, convergence } = multinomialMixture.fit(samples, { experts: 1, bound: 30, likelihoodTolerance: 0 });
      expect(model.intercepts[0]![0]).toBeCloseTo(Math.log(weight), 4);
      expect(convergence.atBound).toEqual([]);
    }
  });

  test.each(['poisson', 'exponential'] as const)(
    '%s means are found at any size: large ones were taken for 1',
    (family) => {
      for (const size of [1, 1e6, 1e8, 1e11]) {
        const mean = (value: number) => 10 * size * Math.exp(value);
        const responses = x.map((value, k) => Math.round(mean(value) * (k % 2 === 0 ? 1.1 : 0.9)));
        const fit = polynomialMixture.fit({ x, y: responses }, { experts: 1, degree: 1, family, standardize: false });
        expect(fit.model.coefficients[0]![0]).toBeCloseTo(Math.log(10 * size), 0);
        expect(fit.model.coefficients[0]![1]).toBeGreaterThan(0.7);
        expect(fit.model.coefficients[0]![1]).toBeLessThan(1.3);
        expect(fit.convergence).toMatchObject({ converged: true, atBound: [] });
      }
    },
  );

  test('a start under which samples have no likelihood is refused; the fit gave NaN', () => {
    const counts = { x: x.map((value) => 100 * value), y: x.map((value) => Math.round(10 * value)) };
    const initial = { ...LINE, family: { type: 'poisson' as const }, variances: null, coefficients: [[30, 30]] };
    const fit = () => polynomialMixture.fit(counts, { experts: 1, degree: 1, family: 'poisson', initial });
    expect(fit).toThrow(NonFiniteError);
    expect(fit).toThrow('the log-likelihood is NaN');
  });

  test('the log-likelihood of a model is finite where a gate is less than a number can hold', () => {
    const samples = { x: [0], y: [1000] };
    const expected = Math.log(0.5) - 900 - 0.5 * Math.log(2 * Math.PI);
    expect(sharedRoutedMixture.score(SHARED, samples)).toBeCloseTo(expected, 8);
    expect(sharedRoutedMixture.responsibilities(SHARED, samples)[0]![2]).toBeCloseTo(1, 12);
  });

  test('the gate of a single routed expert is 1: its coefficients are no parameters', () => {
    const counts = (['softmax', 'normalized-sigmoid'] as const).map((gate) => {
      const fit = sharedRoutedMixture.fit({ x, y }, { shared: 1, routed: 1, gate, maxIterations: 3 });
      expect(sharedRoutedMixture.bic(fit.model, { x, y })).toBeCloseTo(
        -2 * 40 * sharedRoutedMixture.score(fit.model, { x, y }) + fit.parameterCount * Math.log(40),
        8,
      );
      return fit.parameterCount;
    });
    expect(counts).toEqual([6, 6]);
  });

  test('covariates from one end of what numbers hold to the other keep their order', () => {
    const wide = { x: x.map((value) => (2 * value - 1) * 1.7e308), y };
    expect(polynomialMixture.fit(wide, { experts: 1 }).model.standardization.scale[0]).toBeLessThan(1.7e308);
  });

  test('a constant column is told by its value where weights count', () => {
    const fit = () =>
      polynomialMixture.fit(
        { x: [99, ...x.map(() => 7)], y: [5, ...y], weights: [0, ...x.map(() => 1)] },
        { experts: 1 },
      );
    expect(fit).toThrow(ConstantColumnError);
    expect(fit).toThrow('column x of x is 7 in every sample');
  });

  test('an EM step knows its options', () => {
    expect(() => polynomialEmStep(LINE, { x, y }, { innerStep: 1 } as object)).toThrow(/no option "innerStep"/);
  });
});

test('counts are drawn about large means at once, and about none that no number holds', () => {
  const model = (intercept: number): PolynomialMixtureModel => ({
    ...LINE,
    family: { type: 'poisson' },
    variances: null,
    coefficients: [[intercept, 0]],
  });
  const drawn = samplePolynomial(model(Math.log(1e12)), new Float64Array(500), createRng(4));
  const mean = drawn.reduce((sum, value) => sum + value, 0) / 500;
  const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 499;
  expect(Math.abs(mean - 1e12)).toBeLessThan(4 * Math.sqrt(1e12 / 500));
  expect(variance / 1e12).toBeGreaterThan(0.7);
  expect(variance / 1e12).toBeLessThan(1.35);
  expect(drawn.every(Number.isInteger)).toBe(true);
  expect(() => samplePolynomial(model(800), [1])).toThrow(NonFiniteError);
});

describe('distances', () => {
  test('between what is no distribution are refused', () => {
    expect(() => totalVariation([5, 5], [1, 0])).toThrow('p sums to 10; expected probabilities');
    expect(() => hellinger([1, 0], [0, 1], [0.5])).toThrow(ShapeError);
    expect(() => hellinger([1, 0], [0, 1], [Number.NaN, 1])).toThrow('weights[0] is NaN');
    expect(() => gaussianKullbackLeibler(0, 1, 0, 0)).toThrow('v2 is 0');
  });

  test('a node of weight 0 counts nothing, and a probability that is hardly one is one', () => {
    expect(kullbackLeibler([0.5, 0.5], [0, 1], [0, 1])).toBeCloseTo(0.5 * Math.log(0.5), 12);
    expect(kullbackLeibler([1, 0], [5e-324, 1])).toBeCloseTo(-Math.log(5e-324), 8);
  });

  test('between densities want covariates, a grid, and a number for each', () => {
    const flat = (_: readonly number[], values: readonly number[]) => values.map(() => 0);
    const nan = (_: readonly number[], values: readonly number[]) => values.map(() => Number.NaN);
    expect(() => densityDistances(flat, flat, [], [0, 1])).toThrow('x is empty');
    expect(() => densityDistances(flat, flat, [1], [0, Number.POSITIVE_INFINITY])).toThrow(InvalidArgumentError);
    expect(() => densityDistances(flat, flat, [1], [0, 1], 2.5)).toThrow('nodes is 2.5');
    expect(() => densityDistances(flat, nan, [1], [0, 1])).toThrow('g gave a log density of NaN at x = 1');
    expect(() => densityDistances(() => [0], flat, [1], [0, 1])).toThrow('f gave 1 log densities; expected 401');
  });

  test('Voronoi losses want a name, weights and gate intercepts', () => {
    const measure = toMeasure(SHARED, null);
    const broken = { ...measure, routed: measure.routed.map((atom) => ({ ...atom, b0: Number.NaN })) };
    expect(() => voronoiLoss('D5' as 'D4', measure, measure)).toThrow('the Voronoi loss is "D5"; expected one of D1');
    expect(() => voronoiLoss('D1', measure, broken)).toThrow('fitted routed atom 0 has b0 NaN');
    const light = { ...measure, shared: measure.shared.map((atom) => ({ ...atom, weight: -1 })) };
    expect(() => voronoiLoss('D1', light, measure)).toThrow('true shared atom 0 has weight -1');
    const atom = { b0: 0, b1: [1], a: [1], b: [[1]] };
    expect(() => multinomialVoronoiLoss([atom], [{ ...atom, b0: Number.NaN }])).toThrow('fitted atom 0 has b0 NaN');
  });

  test("Jain's index has no units", () => {
    for (const scale of [1e-200, 1e200, 5e-324, 1.7e308]) expect(jainIndex([scale, scale, 0, 0])).toBe(0.5);
  });
});

test('bounds want experts, degrees and a function that is one', () => {
  const settings = { alpha: 2, columns: 1, samples: 100 };
  expect(() => convergenceBound(settings, 0, 1)).toThrow('experts is 0');
  expect(() => bestByBound(settings, 3, 2, Number.NaN)).toThrow('minDegree is NaN');
  expect(() => approximationDivergence(Math.sin, 0, 1)).toThrow('experts is 0');
  expect(() => approximationDivergence(Math.sin, 3, Number.NaN)).toThrow('degree is NaN');
  expect(() => approximationDivergence(Math.sin, 3, 1, 0)).toThrow('variance is 0');
  expect(() => approximationDivergence(Math.sin, 1, 4, 1, 4)).toThrow('pointsPerBin is 4');
  const choice = { samples: 100, degree: 1, maxExperts: 4 };
  expect(() => expertsByApproximation(() => Number.NaN, choice)).toThrow(NonFiniteError);
  expect(() => expertsByApproximation(Math.sin, { ...choice, variance: 0 })).toThrow('variance is 0');
});
