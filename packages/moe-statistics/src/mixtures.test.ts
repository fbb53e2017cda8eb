// Properties that every mixture has (the likelihood never falls, experts have no order), recovery of known models, and refusals by name.
import { createRng, InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkSamples } from './data/samples.ts';
import {
  bootstrapStandardErrors,
  ConstantColumnError,
  EmptyExpertError,
  type MultinomialMixtureModel,
  multinomialMixture,
  type PolynomialMixtureModel,
  polynomialGrid,
  polynomialLogDensities,
  polynomialMixture,
  SeparableClassesError,
  type SharedRoutedModel,
  SingularDesignError,
  sampleMultinomial,
  samplePolynomial,
  sampleSharedRouted,
  selectMixture,
  sharedRoutedLogDensities,
  sharedRoutedMixture,
  TooFewSamplesError,
} from './index.ts';
import { MultinomialEm } from './multinomial-mixture/em-problem.ts';
import { PolynomialEm } from './polynomial-mixture/em-problem.ts';
import type { FamilyOption } from './polynomial-mixture/families.ts';
import { SharedRoutedEm } from './shared-routed-mixture/em-problem.ts';

const plain = { center: [0], scale: [1] };

function uniform(n: number, low: number, high: number, name: string): Float64Array {
  const rng = createRng(7, name);
  return Float64Array.from({ length: n }, () => low + (high - low) * rng.nextFloat());
}

const LINES: PolynomialMixtureModel = {
  family: { type: 'gaussian' },
  degree: 1,
  names: ['x'],
  standardization: plain,
  gate: [
    [1, -4],
    [0, 0],
  ],
  coefficients: [
    [1, 2],
    [-1, -3],
  ],
  variances: [0.1, 0.3],
};

const CLASSES: MultinomialMixtureModel = {
  classes: 3,
  transform: 'identity',
  names: ['x'],
  standardization: plain,
  gate: [
    [0.5, 2],
    [0, 0],
  ],
  intercepts: [
    [1, 0, 0],
    [-1, 1, 0],
  ],
  slopes: [
    [[1], [-1], [0]],
    [[-1], [1.5], [0]],
  ],
};

const SHARED: SharedRoutedModel = {
  gateKind: 'softmax',
  sharedForm: 'linear',
  routedForm: 'linear',
  names: ['x'],
  weights: [1],
  shared: [[2, 0]],
  sharedVariances: [0.2],
  gate: [
    [-0.5, 1],
    [0, 0],
  ],
  routed: [
    [8, 2],
    [-6, 1],
  ],
  routedVariances: [0.4, 0.4],
};

function requireMonotone(history: readonly number[]): void {
  for (let k = 1; k < history.length; k++) {
    const allowed = 1e-9 * (1 + Math.abs(history[k - 1]!));
    expect(history[k]! - history[k - 1]!, `step ${k}`).toBeGreaterThanOrEqual(-allowed);
  }
}

describe('the likelihood never falls', () => {
  const families: FamilyOption[] = ['gaussian', 'poisson', 'bernoulli', 'exponential', { type: 'binomial', trials: 4 }];
  test.each(families.map((family) => [JSON.stringify(family), family] as const))('%s', (_, family) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 2 }),
        fc.nat(1000),
        (experts, degree, seed) => {
          const rng = createRng(seed, 'data');
          const x = Array.from({ length: 120 }, () => rng.nextNormal());
          const y = x.map((value) => {
            const h = Math.sin(value) + 0.3 * rng.nextNormal();
            if (family === 'gaussian') return h;
            if (family === 'exponential') return -Math.log(1 - rng.nextFloat()) * Math.exp(h);
            if (family === 'bernoulli') return rng.nextFloat() < 1 / (1 + Math.exp(-h)) ? 1 : 0;
            return Math.min(4, Math.round(Math.exp(h)));
          });
          for (const accelerate of [false, true]) {
            const fit = polynomialMixture.fit(
              { x, y },
              { experts, degree, family, seed, starts: 2, maxIterations: 60, accelerate },
            );
            if (fit.convergence.reseededExperts === 0) requireMonotone(fit.convergence.history);
          }
        },
      ),
      { numRuns: 12, seed: 11 },
    );
  });

  test.each(['identity', 'tanh', 'cos'] as const)('multinomial, %s gate', (transform) => {
    const x = uniform(300, -3, 3, 'x');
    const y = sampleMultinomial(CLASSES, x, createRng(1));
    const fit = multinomialMixture.fit(
      { x, y },
      { experts: 3, transform, starts: 3, maxIterations: 120, tolerance: 0 },
    );
    requireMonotone(fit.convergence.history);
  });

  test.each([
    ['softmax', 'linear', 'linear'],
    ['normalized-sigmoid', 'linear', 'linear'],
    ['softmax', 'relu', 'relu-origin'],
    ['normalized-sigmoid', 'relu', 'linear'],
  ] as const)('shared and routed: %s, %s, %s', (gate, sharedForm, routedForm) => {
    const x = uniform(400, -3, 3, 'x');
    const y = sampleSharedRouted(SHARED, x, createRng(2));
    const options = { shared: 2, routed: 3, gate, sharedForm, routedForm, starts: 2, maxIterations: 150 };
    requireMonotone(sharedRoutedMixture.fit({ x, y }, options).convergence.history);
  });
});

test('responsibilities sum to 1, and the log-likelihood reported is that of the model returned', () => {
  const x = uniform(500, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(3));
  const fit = polynomialMixture.fit({ x, y }, { experts: 2, degree: 1 });
  expect(fit.convergence.converged).toBe(true);
  expect(polynomialMixture.score(fit.model, { x, y }) * 500).toBeCloseTo(fit.logLikelihood, 6);
  expect(polynomialMixture.bic(fit.model, { x, y })).toBeCloseTo(fit.bic, 6);
  for (const row of polynomialMixture.responsibilities(fit.model, { x, y }))
    expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  expect(JSON.parse(JSON.stringify(fit.model))).toEqual(fit.model);
});

test('the BIC of a model is that of its fit, where a gate was pinned too', () => {
  const x = uniform(300, -1, 1, 'x');
  const y = sampleSharedRouted(SHARED, x, createRng(3));
  for (const pinned of [{}, { pinnedGate: 1 }]) {
    const options = {
      shared: 1,
      routed: 2,
      gate: 'normalized-sigmoid',
      starts: 1,
      maxIterations: 5,
      ...pinned,
    } as const;
    const fit = sharedRoutedMixture.fit({ x, y }, options);
    expect(sharedRoutedMixture.bic(fit.model, { x, y })).toBeCloseTo(fit.bic, 6);
    expect(fit.parameterCount).toBe('pinnedGate' in pinned ? 11 : 13);
  }
});

test('responsibilities of shared and routed experts are half a weight or gate times a density, over their sum', () => {
  const [x, y] = [0.3, 1.2];
  const normal = (mean: number, variance: number): number =>
    Math.exp(-((y - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
  const scores = SHARED.gate.map(([b0, b1]) => Math.exp(b0! + b1! * x));
  const joint = [
    normal(2 * x, 0.2) / 2,
    ...SHARED.routed.map(
      ([slope, intercept], j) => ((scores[j]! / (scores[0]! + scores[1]!)) * normal(slope! * x + intercept!, 0.4)) / 2,
    ),
  ];
  const total = joint.reduce((sum, value) => sum + value, 0);
  const [shares] = sharedRoutedMixture.responsibilities(SHARED, { x: [x], y: [y] });
  expect(shares).toHaveLength(3);
  for (const [index, value] of joint.entries()) expect(shares![index]).toBeCloseTo(value / total, 12);
});

test('responsibilities and log-likelihood stay finite where every expert gives the observed class less than a number can hold', () => {
  const model = {
    classes: 2,
    transform: 'identity' as const,
    names: ['x'],
    standardization: { center: [0], scale: [1] },
    gate: [
      [0, 0],
      [0, 0],
    ],
    intercepts: [
      [0, 0],
      [1, 0],
    ],
    slopes: [
      [[-1], [0]],
      [[-1], [0]],
    ],
  };
  const samples = { x: [2000], y: [0] };
  const [row] = multinomialMixture.responsibilities(model, samples);
  expect(row![1]! / row![0]!).toBeCloseTo(Math.E, 10);
  expect(row![0]! + row![1]!).toBeCloseTo(1, 12);
  expect(multinomialMixture.score(model, samples)).toBeCloseTo(-2000 + Math.log((1 + Math.E) / 2), 9);
});

test('permuting the experts of a start changes nothing but their order', () => {
  const x = uniform(400, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(4));
  const flipped: PolynomialMixtureModel = {
    ...LINES,
    gate: [...LINES.gate].reverse(),
    coefficients: [...LINES.coefficients].reverse(),
    variances: [...LINES.variances!].reverse(),
  };
  const options = { experts: 2, degree: 1, maxIterations: 40, tolerance: 1e-12, likelihoodTolerance: 0 };
  const one = polynomialMixture.fit({ x, y }, { ...options, initial: LINES });
  const other = polynomialMixture.fit({ x, y }, { ...options, initial: flipped });
  expect(other.logLikelihood).toBeCloseTo(one.logLikelihood, 8);
  expect(other.model.coefficients[0]![1]).toBeCloseTo(one.model.coefficients[1]![1]!, 5);
});

test('recovers a mixture, with standard errors of the size of the errors', () => {
  const x = uniform(3000, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(5));
  const options = { experts: 2, degree: 1, standardize: false, seed: 3 };
  const fit = polynomialMixture.fit({ x, y }, options);
  const steep = fit.model.coefficients.findIndex((row) => row[1]! > 0);
  expect(fit.model.coefficients[steep]![1]).toBeCloseTo(2, 0);
  const { parameters, failures } = bootstrapStandardErrors(polynomialMixture, fit.model, { x, y }, options, {
    resamples: 30,
  });
  expect(failures).toEqual([]);
  const slope = parameters.find(({ name }) => name === `expert ${steep + 1}: x`)!;
  expect(slope.standardError).toBeGreaterThan(0.005);
  expect(slope.standardError).toBeLessThan(0.1);
  expect(Math.abs(slope.estimate - 2)).toBeLessThan(4 * slope.standardError);
  expect(slope.low).toBeLessThan(slope.high);
});

test('weights count samples: twice a sample is a sample of weight 2', () => {
  const x = uniform(200, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(6));
  const options = { experts: 2, degree: 1, initial: LINES, maxIterations: 25, tolerance: 0, likelihoodTolerance: 0 };
  const weighted = polynomialMixture.fit({ x, y, weights: new Float64Array(200).fill(2) }, options);
  const doubled = polynomialMixture.fit({ x: [...x, ...x], y: [...y, ...y] }, options);
  expect(weighted.logLikelihood).toBeCloseTo(doubled.logLikelihood, 6);
  expect(weighted.bic).toBeCloseTo(doubled.bic, 6);
});

test('weights of any size fit the same mixture: no expert is taken for empty where all weigh little', () => {
  const x = uniform(200, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(6));
  const options = { experts: 2, degree: 1, initial: LINES, maxIterations: 25, tolerance: 0, likelihoodTolerance: 0 };
  const plain = polynomialMixture.fit({ x, y }, options);
  const light = polynomialMixture.fit({ x, y, weights: new Float64Array(200).fill(1e-12) }, options);
  expect(light.convergence.reseededExperts).toBe(0);
  light.model.coefficients.flat().forEach((value, k) => {
    expect(value).toBeCloseTo(plain.model.coefficients.flat()[k]!, 4);
  });
});

test('BIC and held-out likelihood choose two lines for two lines', () => {
  const x = uniform(600, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(8));
  const grid = polynomialGrid([1, 2, 3], [0, 1], { starts: 4 });
  const byBic = selectMixture(polynomialMixture, { x, y }, grid);
  expect(byBic.best.options).toMatchObject({ experts: 2, degree: 1 });
  const heldOut = selectMixture(polynomialMixture, { x, y }, grid, { criterion: 'held-out' });
  expect(heldOut.best.options.degree).toBe(1);
  expect(heldOut.best.options.experts).toBeGreaterThan(1);
  const withBad = selectMixture(polynomialMixture, { x: x.slice(0, 12), y: y.slice(0, 12) }, [
    { experts: 1, degree: 1 },
    { experts: 9, degree: 1 },
  ]);
  expect(withBad.candidates[1]!.failure).toMatch(/12 samples/);
});

test('predictions: gates sum to 1, probabilities too, and several covariates work', () => {
  const rng = createRng(9);
  const x = Array.from({ length: 400 }, () => [rng.nextNormal(), rng.nextNormal()]);
  const y = x.map(([a, b]) => (a! > 0 ? a! + b! : 2 * b!) + 0.1 * rng.nextNormal());
  const fit = polynomialMixture.fit({ x, y, names: ['a', 'b'] }, { experts: 2, degree: 1 });
  const { gates, mean } = polynomialMixture.predict(fit.model, x);
  expect(gates[0]!.reduce((sum, gate) => sum + gate, 0)).toBeCloseTo(1, 12);
  const error = Math.sqrt(mean.reduce((sum, value, row) => sum + (value - y[row]!) ** 2, 0) / 400);
  expect(error).toBeLessThan(0.2);
  expect(polynomialMixture.parameters(fit.model).names).toContain('expert 1: b');
  expect(() => polynomialMixture.predict(fit.model, [1, 2])).toThrow(ShapeError);
  const probabilities = multinomialMixture.predict(CLASSES, [-1, 0, 2]).probabilities;
  for (const row of probabilities) expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
});

test('densities integrate to 1 over y', () => {
  const y = Array.from({ length: 4001 }, (_, k) => -40 + k * 0.02);
  for (const value of [-1.3, 0, 0.8]) {
    const x = new Array<number>(y.length).fill(value);
    for (const logs of [polynomialLogDensities(LINES, { x, y }), sharedRoutedLogDensities(SHARED, { x, y })])
      expect(logs.reduce((sum, log) => sum + 0.02 * Math.exp(log), 0)).toBeCloseTo(1, 6);
  }
});

test('gate and expert of the multinomial mixture interact: d u / d b = d2 u / (d b1 d a)', () => {
  // u = exp(b1 x) f(y | x; a, b) with two classes, by finite differences (what makes the plain gate slow).
  const u = (b1: number, a: number, b: number, x: number): number => Math.exp(b1 * x) / (1 + Math.exp(-(a + b * x)));
  const step = 1e-4;
  for (const x of [-1.2, 0.4, 2]) {
    const byB = (u(0.3, 0.5, 1 + step, x) - u(0.3, 0.5, 1 - step, x)) / (2 * step);
    const mixed =
      (u(0.3 + step, 0.5 + step, 1, x) -
        u(0.3 + step, 0.5 - step, 1, x) -
        u(0.3 - step, 0.5 + step, 1, x) +
        u(0.3 - step, 0.5 - step, 1, x)) /
      (4 * step * step);
    expect(mixed).toBeCloseTo(byB, 5);
  }
});

describe('refused by name', () => {
  const x = uniform(60, -1, 1, 'x');
  const y = samplePolynomial(LINES, x, createRng(10));
  const fit =
    (samples: { x: unknown; y: unknown; names?: string[] }, options: object = {}) =>
    () =>
      polynomialMixture.fit(samples as never, { experts: 2, degree: 1, ...options } as never);

  test('NaN, in x and y', () => {
    expect(fit({ x: [...x.slice(1), Number.NaN], y })).toThrow(NonFiniteError);
    expect(fit({ x: [...x.slice(1), Number.NaN], y })).toThrow('x[59], column x, is NaN');
    expect(fit({ x, y: [Number.NaN, ...y.slice(1)] })).toThrow('y[0] is NaN');
  });
  test('constant columns', () => {
    const two = Array.from(x, (value) => [value, 3]);
    expect(fit({ x: two, y, names: ['dose', 'site'] })).toThrow(ConstantColumnError);
    expect(fit({ x: two, y, names: ['dose', 'site'] })).toThrow('column site of x is 3 in every sample');
    expect(fit({ x, y: new Float64Array(60).fill(2) })).toThrow(ConstantColumnError);
  });
  test('singular designs, by column', () => {
    const two = Array.from(x, (value) => [value, 2 * value + 1]);
    expect(fit({ x: two, y, names: ['a', 'b'] })).toThrow(SingularDesignError);
    expect(fit({ x: two, y, names: ['a', 'b'] })).toThrow('column b of the design');
    const three = Array.from(x, (_, row) => row % 3);
    expect(fit({ x: three, y }, { degree: 3, experts: 1 })).toThrow('column x^3');
    expect(() => sharedRoutedMixture.fit({ x: two, y }, { shared: 1, routed: 2 })).toThrow(SingularDesignError);
  });
  test('fewer samples than parameters', () => {
    expect(fit({ x: x.slice(0, 8), y: y.slice(0, 8) })).toThrow(TooFewSamplesError);
    expect(fit({ x: x.slice(0, 8), y: y.slice(0, 8) })).toThrow('8 samples for the 8 free parameters');
  });
  test('separable classes, unless the box is asked for', () => {
    const labels = Array.from(x, (value) => (value > 0 ? 1 : 0));
    expect(() => multinomialMixture.fit({ x, y: labels }, { experts: 1 })).toThrow(SeparableClassesError);
    const boxed = multinomialMixture.fit({ x, y: labels }, { experts: 1, bound: 10 });
    expect(boxed.convergence.atBound).toContain('expert 1, class 0: x');
    expect(fit({ x, y: labels }, { family: 'bernoulli' })).toThrow(SeparableClassesError);
  });
  test('a class without samples, responses that a family cannot have, unknown options', () => {
    const labels = Array.from(x, (_, row) => (row % 2) * 2);
    expect(() => multinomialMixture.fit({ x, y: labels }, { experts: 1 })).toThrow('class 1 of 3 has no samples');
    expect(fit({ x, y: y.map(Math.abs) }, { family: 'poisson' })).toThrow(InvalidArgumentError);
    expect(fit({ x, y }, { family: 'exponential' })).toThrow('expected a positive number');
    expect(fit({ x, y }, { expert: 3 })).toThrow('unknown option "expert"');
    expect(fit({ x, y }, { family: { type: 'poisson', trials: 3 } })).toThrow('unknown setting "trials"');
    const options = { experts: 1, degree: 1 };
    const { model } = polynomialMixture.fit({ x, y }, options);
    const seeds = { seeds: 3 } as object;
    expect(() => selectMixture(polynomialMixture, { x, y }, [options], seeds)).toThrow(
      'selectMixture has no option "seeds"; expected one of criterion, heldOutShare, seed',
    );
    expect(() => bootstrapStandardErrors(polynomialMixture, model, { x, y }, options, seeds)).toThrow(
      'bootstrapStandardErrors has no option "seeds"; expected one of resamples, seed, level',
    );
    expect(fit({ x, y: y.slice(1) })).toThrow(ShapeError);
  });
  test('an expert that loses its samples is re-seeded, and said to be', () => {
    // The second expert starts where nothing is, and with a gate that never opens.
    const initial: PolynomialMixtureModel = {
      ...LINES,
      gate: [
        [60, 0],
        [0, 0],
      ],
      coefficients: [
        [0, 0],
        [1e6, 0],
      ],
    };
    const { convergence, model } = polynomialMixture.fit({ x, y }, { experts: 2, degree: 1, initial });
    expect(convergence.reseededExperts).toBeGreaterThan(0);
    expect(Math.abs(model.coefficients[1]![0]!)).toBeLessThan(10);
  });
  test('an expert that stays empty ends the fit by name, in every kind of mixture', () => {
    const checked = checkSamples({ x, y });
    const labels = checkSamples({ x, y: Array.from(x, (_, row) => row % 2) });
    const polynomial = new PolynomialEm(checked.x, checked, {
      experts: 2,
      degree: 1,
      family: { type: 'gaussian' },
      innerSteps: 1,
      gateBound: 1e4,
      expertBound: 1e9,
      varianceFloor: 1e-6,
    });
    const multinomial = new MultinomialEm(labels.x, labels, {
      experts: 2,
      classes: 2,
      transform: 'identity',
      innerSteps: 1,
      bound: 1e4,
    });
    const shared = new SharedRoutedEm(checked, {
      shared: 1,
      routed: 2,
      gateKind: 'softmax',
      sharedForm: 'linear',
      routedForm: 'linear',
      pinnedGate: 1,
      innerSteps: 1,
      gateBound: 1e4,
      varianceFloor: 1e-6,
    });
    for (const [problem, gateAt] of [
      [polynomial, 0],
      [multinomial, 0],
      [shared, 1],
    ] as const) {
      // The first gate never opens; a step gives its expert new parameters, which are thrown away.
      const from = new Float64Array(problem.size);
      from[gateAt] = -2000;
      const to = new Float64Array(problem.size);
      expect(problem.step(from, to, false)).toBeNaN();
      problem.step(from, to, true);
      expect(problem.reseedCount).toBe(1);
      expect(() => {
        for (let again = 0; again < 100; again++) problem.step(from, to, true);
      }).toThrow(EmptyExpertError);
    }
  });
  test('models with bad numbers', () => {
    const start = (model: object) => () =>
      polynomialMixture.fit({ x, y }, { experts: 2, degree: 1, initial: { ...LINES, ...model } });
    expect(start({ variances: [1, -1] })).toThrow('variances[1] is -1');
    expect(
      start({
        gate: [
          [Number.NaN, 0],
          [0, 0],
        ],
      }),
    ).toThrow(NonFiniteError);
    expect(start({ coefficients: [[1, 2]] })).toThrow(ShapeError);
    expect(() => polynomialMixture.fit(undefined as never, { experts: 1 })).toThrow(ShapeError);
    expect(() => polynomialMixture.fit({ x, y }, undefined as never)).toThrow(InvalidArgumentError);
  });
});
