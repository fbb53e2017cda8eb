// The simulations of the DeepSeekMoE statistics (2505.10860, appendix G.1): one shared and two routed experts, fitted with two and three.
import { createRng, type Rng } from '@moe-rl/core';
import { type VoronoiLossName, voronoiLoss } from '../comparison/shared-routed-losses.ts';
import { sigmoid } from '../numerics/special.ts';
import { sharedRoutedMixture } from '../shared-routed-mixture/index.ts';
import { type SharedRoutedModel, sampleSharedRouted, toMeasure } from '../shared-routed-mixture/model.ts';
import type { StudyDefinition } from './study.ts';

const RELU_SHARED = { sharedForm: 'relu', shared: [[6, 0, -8]], sharedVariances: [0.25], weights: [1] } as const;
const RELU_ROUTED = {
  routedForm: 'relu-origin',
  routed: [
    [-12, 4],
    [12, 4],
  ],
  routedVariances: [0.4, 0.4],
} as const;
const LINEAR_ROUTED = {
  routedForm: 'linear',
  routed: [
    [8, 2],
    [-6, 1],
  ],
  routedVariances: [0.4, 0.4],
} as const;
const gates = (slope: number): number[][] => [
  [-0.5, slope],
  [0.5, slope],
];

/** The fitted routed expert that is alone in its cell: its gate stays as it starts, at the true values. */
const REFERENCE = 2;
/** The parameter box of the gates: twice the largest true coefficient. */
const GATE_BOUND = 10;

interface Theorem {
  readonly truth: SharedRoutedModel;
  readonly loss: VoronoiLossName;
  readonly label: string;
  readonly paper: number;
}

const THEOREMS: Readonly<Record<string, Theorem>> = {
  T1: {
    truth: { gateKind: 'softmax', names: ['x'], gate: gates(5), ...RELU_SHARED, ...RELU_ROUTED },
    loss: 'D1',
    label: 'T1: softmax, rectified experts, D1',
    paper: 0.451,
  },
  T2: {
    truth: {
      gateKind: 'softmax',
      names: ['x'],
      gate: gates(5),
      weights: [1],
      sharedForm: 'linear',
      shared: [[2, 0]],
      sharedVariances: [0.2],
      ...LINEAR_ROUTED,
    },
    loss: 'D2',
    label: 'T2: softmax, linear experts, D2',
    paper: 0.517,
  },
  T3: {
    truth: { gateKind: 'normalized-sigmoid', names: ['x'], gate: gates(0), ...RELU_SHARED, ...RELU_ROUTED },
    loss: 'D3',
    label: 'T3: sigmoid without slopes, rectified experts, D3',
    paper: 0.46,
  },
  T4: {
    truth: { gateKind: 'normalized-sigmoid', names: ['x'], gate: gates(5), ...RELU_SHARED, ...LINEAR_ROUTED },
    loss: 'D4',
    label: 'T4: sigmoid with slopes, linear routed experts, D4',
    paper: 0.552,
  },
};

/** Below a thousand samples many fits are far from the truth, some at the edge of the box: what theory says of the limit is seen above. */
const SERIES: readonly { readonly suffix: string; readonly average: 'median' | 'mean'; readonly from?: number }[] = [
  { suffix: '', average: 'median' },
  { suffix: ', n of 1000 and more', average: 'median', from: 1000 },
  { suffix: ', mean', average: 'mean' },
];

/** What T1 to T3 are made of beside the weights of whole cells. */
const PARTS = [
  { value: 'alone', suffix: ', atoms alone in their cell (first powers)' },
  { value: 'merged', suffix: ', atoms that share a cell (squares and higher)' },
] as const;

export const theoremsStudy: StudyDefinition = {
  name: 'theorems',
  title: 'Shared and routed experts, over-specified: the four simulations of the paper',
  description:
    'One shared and two routed experts, x uniform on [-3, 3], fitted with two and three by EM (at most 1,000 steps, until a step gains less than 1e-6 of log-likelihood per sample) from starts near the truth: every fitted atom is a copy of a true one, every true one has a copy, plus noise of N(0, .005 n^-.083) (variances: |N(0, .0005 n^-.25)|). Measured: the Voronoi loss; the slope is that of its logarithm over log(ln(n) / n), as the paper draws it. Theory: 1/2 up to logarithms.',
  notes: [
    'T1 and T2: both true routed slopes are 5, so that the softmax gate is the same for every x, (.27, .73), against the stated assumption. A softmax gate is determined up to a common shift only: losses are taken after subtracting one reference atom (the one that is alone in its cell) on both sides.',
    'A rectified unit e2 relu(e1 x) is unchanged under (e1 t, e2 / t): (-12, 4) and (-1, 48) are one function. Without a fixed scale D1 cannot go to 0; both sides are brought to |e1| = 1 first, which multiplies the loss by a constant against the paper (the slope stays).',
    'T3: with slopes of 0 the normalized sigmoid gate depends on the ratio of the sigmoids only, so that the intercepts are not determined either, though D3 compares them. In T3 and T4 the gate of the reference atom stays at its true value.',
    'T4: with slopes the sigmoid of a split atom is no sum of two sigmoids, so that three routed experts cannot express two exactly. The loss is taken to the nearest measure with three, found by EM on a quadrature of the true density; fits start near it.',
    'Two copies of one expert may share its gate in any way that depends on x, so that at small n single fits end far off, at the edge of the box (gate coefficients within 10), and the mean follows them: medians are given beside means.',
    'The range matters (estimators were compared at small n only, on few repeats). At a few hundred samples many fits are still far from the truth (T3 at n = 100 is at the edge of the box), and the loss falls from there faster than any square root: slopes over the whole range are steeper than 1/2, those from n = 1000 on are the ones that theory is about.',
    'The tolerance of 1e-6 is taken as that of the mean log-likelihood, as statistical software has it. Then EM ends after a few steps where n is large: directions in which the likelihood is flat keep what the start gave them, and those that it determines are at their maximum. EM to the last digit (parameters within 1e-6, leaps between the steps) gave .67, .90, 1.13 and .43 over n = 100 to 3162; plain EM without leaps gives losses of the same size at n = 100 and 316, so that acceleration is not what differs from the paper.',
    'Why T1 and T3 fall faster than 1/2: first, the axis. A loss exactly proportional to n^-1/2, as that of any regular parameter, has a slope above 1/2 in log(n)/n; the column beside the theory says which. Second, the loss adds first powers of atoms that are alone in their cell to squares of atoms that share one. Theory bounds these squares by n^-1/2, which atoms reach that drift apart as n^-1/4; here they fall about as n^-1, as the square of a regular error does, from a large constant: with |e1| = 1 a slope of 48 is estimated, and its error is squared. A n^-1/2 + B / n, below, describes the medians; where B / n counts, the slope lies between the two.',
    'Starts at the truth are part of the method, as in the code of the literature: random starts do not give these slopes.',
  ],
  settings: Object.keys(THEOREMS),
  plan: [
    { size: 100, repeats: 40 },
    { size: 316, repeats: 40 },
    { size: 1000, repeats: 40 },
    { size: 3162, repeats: 40 },
    { size: 10000, repeats: 40 },
    { size: 31623, repeats: 40 },
    { size: 100000, repeats: 40 },
  ],
  series: Object.entries(THEOREMS).flatMap(([setting, { label, paper, loss }]) => {
    const common = { setting, axis: 'log(n)/n' as const, theory: 0.5 };
    return [
      ...SERIES.map(({ suffix, ...rest }) => ({
        ...common,
        value: 'loss',
        label: `${label}${suffix}`,
        paper,
        ...rest,
      })),
      ...(loss === 'D4' ? [] : PARTS).map(({ value, suffix }) => ({
        ...common,
        value,
        label: `${setting}${suffix}`,
        average: 'median' as const,
        from: 1000,
      })),
    ];
  }),
  run({ setting, size }, rng) {
    const theorem = THEOREMS[setting]!;
    const { truth, loss } = theorem;
    const x = Float64Array.from({ length: size }, () => -3 + 6 * rng.nextFloat());
    const y = sampleSharedRouted(truth, x, rng);
    // Which true routed expert has two copies; the other's single one is the reference.
    const doubled = rng.nextInteger(2);
    const copies = [doubled, doubled, 1 - doubled];
    const target = loss === 'D4' ? nearestMeasure(truth, copies) : overSpecify(truth, copies);
    const { model, convergence } = sharedRoutedMixture.fit(
      { x, y },
      {
        shared: 2,
        routed: 3,
        gate: truth.gateKind,
        sharedForm: truth.sharedForm,
        routedForm: truth.routedForm,
        pinnedGate: REFERENCE,
        gateBound: GATE_BOUND,
        initial: perturb(target, size, rng),
        accelerate: false,
        maxIterations: 1000,
        tolerance: 1e-6,
        likelihoodTolerance: 1e-6,
      },
    );
    // A softmax gate is compared relative to the reference.
    const isRelative = truth.gateKind === 'softmax';
    const trueMeasure = toMeasure(truth, isRelative ? copies[REFERENCE]! : null);
    const wanted = loss === 'D4' ? { shared: trueMeasure.shared, routed: toMeasure(target, null).routed } : trueMeasure;
    const found = toMeasure(model, isRelative ? REFERENCE : null);
    const { loss: total, parts } = voronoiLoss(loss, wanted, found);
    return {
      loss: total,
      ...parts,
      iterations: convergence.iterations,
      converged: convergence.converged ? 1 : 0,
    };
  },
};

/** Two copies of the shared expert and the given copies of the routed ones, which share weights and gates: the same density for a softmax gate, and for a sigmoid without slopes. */
function overSpecify(truth: SharedRoutedModel, copies: readonly number[]): SharedRoutedModel {
  const count = (j: number): number => copies.filter((other) => other === j).length;
  const split = (b0: number, parts: number): number => {
    if (truth.gateKind === 'softmax') return b0 - Math.log(parts);
    const share = sigmoid(b0) / parts;
    return Math.log(share / (1 - share));
  };
  return {
    ...truth,
    weights: [0.5, 0.5],
    shared: [truth.shared[0]!, truth.shared[0]!],
    sharedVariances: [truth.sharedVariances[0]!, truth.sharedVariances[0]!],
    gate: copies.map((j) => [split(truth.gate[j]![0]!, count(j)), ...truth.gate[j]!.slice(1)]),
    routed: copies.map((j) => truth.routed[j]!),
    routedVariances: copies.map((j) => truth.routedVariances[j]!),
  };
}

function perturb(model: SharedRoutedModel, size: number, rng: Rng): SharedRoutedModel {
  const deviation = 0.005 * size ** -0.083;
  const noisy = (value: number): number => value + deviation * rng.nextNormal();
  const wider = (value: number): number => value + Math.abs(0.0005 * size ** -0.25 * rng.nextNormal());
  return {
    ...model,
    shared: model.shared.map((row) => row.map(noisy)),
    sharedVariances: model.sharedVariances.map(wider),
    gate: model.gate.map((row, j) => (j === REFERENCE ? row : row.map(noisy))),
    routed: model.routed.map((row) => row.map(noisy)),
    routedVariances: model.routedVariances.map(wider),
  };
}

const nearest = new Map<string, SharedRoutedModel>();

/** The mixture with two shared and three routed experts that is nearest to the truth in Kullback-Leibler divergence: EM on a quadrature of the true density. */
function nearestMeasure(truth: SharedRoutedModel, copies: readonly number[]): SharedRoutedModel {
  const key = JSON.stringify([truth, copies]);
  const known = nearest.get(key);
  if (known !== undefined) return known;
  const xs = Array.from({ length: 45 }, (_, k) => -3 + (6 * (k + 0.5)) / 45);
  const { gates: shares, sharedMeans, routedMeans } = sharedRoutedMixture.predict(truth, xs);
  const x: number[] = [];
  const y: number[] = [];
  const weights: number[] = [];
  const add = (row: number, mean: number, variance: number, mass: number): void => {
    for (let z = -4.8; z <= 4.81; z += 0.6) {
      x.push(xs[row]!);
      y.push(mean + z * Math.sqrt(variance));
      weights.push((1e5 * mass * 0.6 * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) / xs.length);
    }
  };
  xs.forEach((_, row) => {
    add(row, sharedMeans[row]![0]!, truth.sharedVariances[0]!, 0.5);
    routedMeans[row]!.forEach((mean, j) => {
      add(row, mean, truth.routedVariances[j]!, 0.5 * shares[row]![j]!);
    });
  });
  const rng = createRng(0, 'statistics/theorems/nearest');
  const { model } = sharedRoutedMixture.fit(
    { x, y, weights },
    {
      shared: 2,
      routed: 3,
      gate: truth.gateKind,
      sharedForm: truth.sharedForm,
      routedForm: truth.routedForm,
      pinnedGate: REFERENCE,
      gateBound: GATE_BOUND,
      initial: perturb(overSpecify(truth, copies), 1e5, rng),
      maxIterations: 1000,
      tolerance: 1e-7,
      likelihoodTolerance: 0,
    },
  );
  nearest.set(key, model);
  return model;
}
