// The density of a mixture of multinomial logistic experts is estimated at the parametric rate, even where its parameters are not.
import type { Rng } from '@moe-rl/core';
import { totalVariation } from '../comparison/distances.ts';
import { type MultinomialAtom, multinomialVoronoiLoss } from '../comparison/multinomial-loss.ts';
import { noStandardization } from '../data/standardize.ts';
import { multinomialMixture } from '../multinomial-mixture/index.ts';
import { type MultinomialMixtureModel, sampleMultinomial } from '../multinomial-mixture/model.ts';
import { weightedMean } from '../numerics/sums.ts';
import type { StudyDefinition } from './study.ts';

/** Two experts over three classes, x uniform on [-3, 3]. */
const REGULAR: MultinomialMixtureModel = {
  classes: 3,
  transform: 'identity',
  names: ['x'],
  standardization: noStandardization(1),
  gate: [
    [0.5, 2],
    [0, 0],
  ],
  intercepts: [
    [3, 0, 0],
    [-3, 3, 0],
  ],
  slopes: [
    [[2], [-3], [0]],
    [[-2], [3], [0]],
  ],
};

/** The same with a first expert that does not look at x: gate and expert then interact. */
const DEGENERATE: MultinomialMixtureModel = {
  ...REGULAR,
  intercepts: [[3, -1, 0], REGULAR.intercepts[1]!],
  slopes: [[[0], [0], [0]], REGULAR.slopes[1]!],
};

const SETTINGS = {
  exact: { label: 'as many experts as there are', truth: REGULAR, copies: [0, 1] },
  over: { label: 'one expert too many', truth: REGULAR, copies: [0, 0, 1] },
  degenerate: { label: 'one too many, and one that ignores x', truth: DEGENERATE, copies: [0, 0, 1] },
};
type Setting = keyof typeof SETTINGS;

export const densityStudy: StudyDefinition = {
  name: 'density',
  title: 'Density estimation in softmax-gated multinomial mixtures',
  description:
    'Two experts over three classes, x uniform on [-3, 3]; fits start near the truth (standard deviation 0.1) and stay within [-6, 6]. Measured: total variation between estimated and true class probabilities, averaged over x. Theory: n^-1/2 up to a logarithm, also with too many experts.',
  notes: [
    'The parameters are another matter: with one expert too many theory gives them n^-1/4 at best, and where an expert ignores x no polynomial rate at all. The density is what can be asserted at these sizes.',
    'Without the box the likelihood drifts to infinite gates at n of 10,000 and less.',
  ],
  settings: Object.keys(SETTINGS),
  plan: [
    { size: 1000, repeats: 16 },
    { size: 4000, repeats: 16 },
    { size: 16000, repeats: 12 },
  ],
  series: Object.entries(SETTINGS).map(([setting, { label }]) => ({
    setting,
    value: 'totalVariation',
    label,
    axis: 'n',
    theory: -0.5,
  })),
  run({ setting, size }, rng) {
    const { truth, copies } = SETTINGS[setting as Setting];
    const x = Float64Array.from({ length: size }, () => -3 + 6 * rng.nextFloat());
    const y = sampleMultinomial(truth, x, rng);
    const { model } = multinomialMixture.fit(
      { x, y },
      {
        experts: copies.length,
        classes: 3,
        bound: 6,
        initial: nearby(truth, copies, rng),
        maxIterations: 400,
      },
    );
    return {
      totalVariation: meanVariation(truth, model),
      voronoiLoss: multinomialVoronoiLoss(atomsOf(truth), atomsOf(model)).loss,
    };
  },
};

/** A start near the truth: fitted expert i is a copy of true expert `copies[i]`, and copies share its gate. */
function nearby(truth: MultinomialMixtureModel, copies: readonly number[], rng: Rng): MultinomialMixtureModel {
  const noisy = (value: number): number => value + 0.1 * rng.nextNormal();
  const share = (j: number): number => Math.log(copies.filter((other) => other === j).length);
  return {
    ...truth,
    gate: copies.map((j) => truth.gate[j]!.map((value, k) => noisy(k === 0 ? value - share(j) : value))),
    intercepts: copies.map((j) => truth.intercepts[j]!.map((value, l) => (l === truth.classes - 1 ? 0 : noisy(value)))),
    slopes: copies.map((j) =>
      truth.slopes[j]!.map((slopes, l) => slopes.map((value) => (l === truth.classes - 1 ? 0 : noisy(value)))),
    ),
  };
}

/** Its atoms, with gates relative to the last one. */
function atomsOf({ gate, intercepts, slopes }: MultinomialMixtureModel): MultinomialAtom[] {
  const last = gate.at(-1)!;
  return gate.map((row, i) => {
    const [b0 = 0, ...b1] = row.map((value, k) => value - last[k]!);
    return { b0, b1, a: intercepts[i]!, b: slopes[i]! };
  });
}

/** Mean over x uniform on [-3, 3] of the total variation between class probabilities. */
function meanVariation(truth: MultinomialMixtureModel, model: MultinomialMixtureModel): number {
  const x = Array.from({ length: 600 }, (_, k) => -3 + (k + 0.5) / 100);
  const wanted = multinomialMixture.predict(truth, x).probabilities;
  const found = multinomialMixture.predict(model, x).probabilities;
  return weightedMean(wanted.map((row, k) => totalVariation(row, found[k]!)));
}
