// Voronoi losses and distances: zero exactly for equal measures and split atoms, whatever the order; and the closed forms that distances have.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  densityDistances,
  expertsByApproximation,
  gaussianKullbackLeibler,
  hellinger,
  jainIndex,
  kullbackLeibler,
  linearExpertOrder,
  multinomialVoronoiLoss,
  routerBehavior,
  type SharedRoutedMeasure,
  totalVariation,
  voronoiCells,
  voronoiLoss,
} from '../index.ts';

const number = fc.double({ min: -3, max: 3, noNaN: true });
const measure: fc.Arbitrary<SharedRoutedMeasure> = fc.record({
  shared: fc.array(
    fc.record({ weight: fc.double({ min: 0.1, max: 1, noNaN: true }), kappa: fc.tuple(number, number), tau: number }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  routed: fc.array(fc.record({ b0: number, b1: fc.tuple(number), eta: fc.tuple(number, number), nu: number }), {
    minLength: 1,
    maxLength: 3,
  }),
});
/** True atoms differ from each other. */
const truths = measure.map(({ shared, routed }) => ({
  shared: shared.map((atom, index) => ({ ...atom, tau: atom.tau + 10 * index })),
  routed: routed.map((atom, index) => ({ ...atom, nu: atom.nu + 10 * index })),
}));
const logit = (p: number): number => Math.log(p / (1 - p));
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

test('D1 to D4 are 0 for equal measures, positive otherwise, and know no order', () => {
  fc.assert(
    fc.property(truths, measure, (truth, fit) => {
      for (const name of ['D1', 'D2', 'D3', 'D4'] as const) {
        expect(voronoiLoss(name, truth, truth).loss).toBe(0);
        const { loss } = voronoiLoss(name, truth, fit);
        expect(loss).toBeGreaterThanOrEqual(0);
        const flipped = { shared: [...fit.shared].reverse(), routed: [...fit.routed].reverse() };
        expect(voronoiLoss(name, truth, flipped).loss).toBeCloseTo(loss, 8);
      }
    }),
    { numRuns: 100, seed: 5 },
  );
});

test('splitting atoms into copies whose weights add up keeps D1, D2 and D3 at 0', () => {
  fc.assert(
    fc.property(truths, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (truth, share) => {
      const split = (gate: (b0: number, part: number) => number): SharedRoutedMeasure => ({
        shared: truth.shared.flatMap((atom) => [
          { ...atom, weight: atom.weight * share },
          { ...atom, weight: atom.weight * (1 - share) },
        ]),
        routed: truth.routed.flatMap((atom) => [
          { ...atom, b0: gate(atom.b0, share) },
          { ...atom, b0: gate(atom.b0, 1 - share) },
        ]),
      });
      const byExponential = split((b0, part) => b0 + Math.log(part));
      expect(voronoiLoss('D1', truth, byExponential).loss).toBeLessThan(1e-9);
      expect(voronoiLoss('D2', truth, byExponential).loss).toBeLessThan(1e-9);
      const bySigmoid = split((b0, part) => logit(sigmoid(b0) * part));
      expect(voronoiLoss('D3', truth, bySigmoid).loss).toBeLessThan(1e-9);
    }),
    { numRuns: 50, seed: 6 },
  );
});

test('powers by hand: a cell of one counts once, a cell of two by squares or by the order of linear experts', () => {
  const truth = { shared: [{ weight: 1, kappa: [2, 0], tau: 0.2 }], routed: [{ b0: 0, b1: [0], eta: [1, 0], nu: 1 }] };
  const one = { ...truth, routed: [{ b0: 0, b1: [0.1], eta: [1.2, 0.3], nu: 1.1 }] };
  // D2, c = 1: 0.1 + 0.2 + 0.3 + 0.1.
  expect(voronoiLoss('D2', truth, one).loss).toBeCloseTo(0.7, 10);
  const half = Math.log(0.5);
  const two = { ...truth, routed: [one.routed[0]!, one.routed[0]!].map((atom) => ({ ...atom, b0: half })) };
  // c = 2: r = 4: 0.1^4 + 0.2^2 + 0.3^4 + 0.1^2.
  expect(voronoiLoss('D2', truth, two).loss).toBeCloseTo(0.0001 + 0.04 + 0.0081 + 0.01, 10);
  // D1, c = 2: squares of the blocks' distances: 0.1^2 + (0.2^2 + 0.3^2) + 0.1^2.
  expect(voronoiLoss('D1', truth, two).loss).toBeCloseTo(0.01 + 0.13 + 0.01, 10);
  // D4, first powers of both atoms: 2 (ln 2 + 0.1 + sqrt(0.13) + 0.1).
  expect(voronoiLoss('D4', truth, two).loss).toBeCloseTo(2 * (Math.LN2 + 0.2 + Math.sqrt(0.13)), 10);
  expect([1, 2, 3, 4, 9].map(linearExpertOrder)).toEqual([4, 4, 6, 7, 7]);
  // Parts: a weight that is off by 0.1, a shared atom alone in its cell, off by 0.5, and the two routed ones that share theirs.
  const all = { ...two, shared: [{ weight: 0.9, kappa: [2, 0.5], tau: 0.2 }] };
  const { loss, parts } = voronoiLoss('D1', truth, all);
  expect(parts.weights).toBeCloseTo(0.1, 10);
  expect(parts.alone).toBeCloseTo(0.9 * 0.5, 10);
  expect(parts.merged).toBeCloseTo(0.15, 10);
  expect(loss).toBe(parts.weights + parts.alone + parts.merged);
});

test('the multinomial loss is 0 for split atoms, and cells break ties to the lowest', () => {
  const atoms = [
    { b0: 0.4, b1: [1.5], a: [0.5, -0.3], b: [[1], [-1]] },
    { b0: 0, b1: [0], a: [-0.2, 0.6], b: [[-0.5], [0.8]] },
  ];
  const split = atoms.flatMap((atom) => [0.3, 0.7].map((part) => ({ ...atom, b0: atom.b0 + Math.log(part) })));
  expect(multinomialVoronoiLoss(atoms, split.reverse()).loss).toBeLessThan(1e-12);
  expect(voronoiCells([[0], [2]], [[1]])).toEqual([0]);
  expect(() => voronoiCells([[0]], [[1, 2]])).toThrow(ShapeError);
  expect(() => voronoiCells([[0]], [[Number.NaN]])).toThrow(NonFiniteError);
});

test('distances between distributions', () => {
  expect(totalVariation([1, 0], [0, 1])).toBe(1);
  expect(hellinger([1, 0], [0, 1])).toBe(1);
  expect(kullbackLeibler([0.5, 0.5], [0.25, 0.75])).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 12);
  expect(kullbackLeibler([1, 0], [0, 1])).toBe(Number.POSITIVE_INFINITY);
  expect(() => totalVariation([1], [0.5, 0.5])).toThrow(ShapeError);
  expect(() => hellinger([-0.1, 1.1], [0.5, 0.5])).toThrow(InvalidArgumentError);
});

test('distances between densities agree with the closed forms of Gaussians', () => {
  const gaussian = (mean: number, variance: number) => (_: readonly number[], y: readonly number[]) =>
    y.map((value) => -0.5 * (Math.log(2 * Math.PI * variance) + (value - mean) ** 2 / variance));
  const found = densityDistances(gaussian(0, 1), gaussian(1, 2), [0, 0.5], [-15, 15], 2001);
  expect(found.kullbackLeibler).toBeCloseTo(gaussianKullbackLeibler(0, 1, 1, 2), 8);
  const affinity = Math.sqrt((2 * Math.sqrt(2)) / 3) * Math.exp(-1 / 12);
  expect(found.hellinger).toBeCloseTo(Math.sqrt(1 - affinity), 8);
  const equal = densityDistances(gaussian(0, 1), gaussian(1, 1), [0], [-15, 15], 4001);
  // 2 Phi(1/2) - 1.
  expect(equal.totalVariation).toBeCloseTo(0.3829249, 5);
});

test('router behavior: bounds, and bad choices by checkpoint and token', () => {
  const same = {
    checkpoints: [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    selected: 2,
    experts: 4,
  };
  expect(routerBehavior(same)).toMatchObject({ saturation: [1, 1], changeRate: [0], jain: [1, 1] });
  expect(jainIndex([2, 2, 0, 0, 0])).toBeCloseTo(0.4, 12);
  expect(() => routerBehavior({ ...same, checkpoints: [[0, 0, 1, 2]] })).toThrow('token 0: expert 0 is chosen twice');
  expect(() => routerBehavior({ ...same, checkpoints: [[0, 1, 2, 4]] })).toThrow('checkpoint 0, token 1: expert 4');
  expect(() =>
    routerBehavior({
      ...same,
      checkpoints: [
        [0, 1, 2, 3],
        [0, 1],
      ],
    }),
  ).toThrow(ShapeError);
  expect(() => jainIndex([0, 0])).toThrow(InvalidArgumentError);
});

test('the number of experts that follows from the approximation alone goes in steps: a sine takes one line, or three', () => {
  const sine = (x: number): number => Math.sin(2 * Math.PI * x);
  const chosen = [50, 200, 800, 3200, 12800].map((samples) =>
    expertsByApproximation(sine, { samples, degree: 1, maxExperts: 8 }),
  );
  expect(chosen).toEqual([1, 1, 3, 3, 4]);
  // n KL_1 + 2 ln(n) / 2 against n KL_3 + 10 ln(n) / 2, with KL_1 = (1/2 - 3 / pi^2) / 2 and KL_3 near 0.0059.
  const worth = (samples: number, divergence: number, parameters: number) =>
    samples * divergence + (parameters * Math.log(samples)) / 2;
  const line = (0.5 - 3 / Math.PI ** 2) / 2;
  expect(worth(200, line, 2)).toBeLessThan(worth(200, 0.0059, 10));
  expect(worth(800, line, 2)).toBeGreaterThan(worth(800, 0.0059, 10));
  expect(() => expertsByApproximation(sine, { samples: 1, degree: 1, maxExperts: 8 })).toThrow('samples is 1');
});
