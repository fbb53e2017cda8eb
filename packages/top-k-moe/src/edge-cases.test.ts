// The edges of every router: one expert, one token, few tokens, padding, scores that underflow, and capacities that round.
import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import {
  bestExpertImbalance,
  capacityOf,
  createMixture,
  dispatch,
  dispatcherNames,
  entropyLoss,
  importanceLoss,
  loadBalancingLoss,
  type Mixture,
  type MixtureInputs,
  noisyTopKLoad,
  registerMixture,
} from '@moe-rl/moe-core';
import { createTypedArrayOps, type TypedArrayTensor } from '@moe-rl/tensor-ops/typed-array';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bestPartition,
  cappedExpertChoice,
  createRouter,
  type RouterConfig,
  routerMetrics,
  topKMixtures,
  toTensors,
} from './index.ts';

const ops = createTypedArrayOps({ precision: 'float64' });
beforeAll(() => registerMixture(...topKMixtures));

const values = (size: number, seed = 1) => {
  const rng = createRng(seed, 'values');
  return Array.from({ length: size }, () => rng.nextNormal());
};

const configs: (RouterConfig & object)[] = [
  { type: 'token-choice' },
  { type: 'token-choice', hasBatchPriority: true, noiseStd: 1 },
  { type: 'switch', inputJitter: 0.01 },
  { type: 'gshard-top-2' },
  { type: 'noisy-top-k' },
  { type: 'random' },
  { type: 'expert-prototyping' },
  { type: 'expert-choice' },
  { type: 'expert-choice', maxExpertsPerToken: 1 },
  { type: 'base' },
  { type: 'hash', ids: 'position' },
  { type: 'stable' },
  { type: 'dense-to-sparse' },
  { type: 'deepseek' },
  { type: 'deepseek', capacityFactor: 1 },
  { type: 'deepseek', k: 1, normalization: 'none', capacity: 3 },
  { type: 'dynmole' },
];
const named = configs.map((config) => [JSON.stringify(config), config] as const);

/** Everything a mixture asks for, drawn; padding of `padTo` tokens gets other numbers. */
function inputsOf(mixture: Mixture, B: number): MixtureInputs<TypedArrayTensor> {
  const drawn = mixture.inputs.map(({ name, shape }) => {
    const [, T, last = 1] = shape(B) as [number, number, number?];
    // By token from the last, so that a padded sample's tokens have the numbers of the sample without padding.
    const data = Array.from({ length: B * T * last }, (_, index) => {
      const fromEnd = T - 1 - (Math.floor(index / last) % T);
      return (((fromEnd * last + (index % last)) * 37 + 11) % 101) / 102 + 0.001;
    });
    return [name, ops.tensor(data, shape(B))];
  });
  return { ...Object.fromEntries(drawn), temperature: 0.7 };
}

function run(config: RouterConfig, sizes: { E: number; T: number; B?: number }, isTraining: boolean) {
  const { E, T, B = 2 } = sizes;
  const mixture = createMixture(config, { numExperts: E, numTokens: T, tokenSize: 5, hiddenSize: 3 });
  const parameters = toTensors(ops, mixture.initialize(createRng(2)));
  const output = mixture.apply(ops, parameters, ops.tensor(values(B * T * 5), [B, T, 5]), {
    ...inputsOf(mixture, B),
    isTraining,
  });
  return { mixture, parameters, output };
}

describe.each(named)('%s', (_, config) => {
  test.each([
    [1, 8],
    [1, 1],
    [4, 1],
    [8, 6],
    [3, 7],
  ])('%i experts, %i tokens: everything is finite, loads are shares', (E, T) => {
    for (const isTraining of [true, false]) {
      const { mixture, output } = run(config, { E, T }, isTraining);
      for (const tensor of [output.output, output.expertShares, output.expertsHidden])
        expect(ops.read(tensor).every(Number.isFinite)).toBe(true);
      expect(ops.read(output.expertLoad).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      const metrics = routerMetrics(ops, output.routing!);
      expect([metrics.normalizedEntropy, metrics.utilization, metrics.unroutedFraction].every(Number.isFinite)).toBe(
        true,
      );
      if (E === 1) expect(metrics.normalizedEntropy).toBe(0);
      if (!isTraining) continue;
      for (const [name, { loss }] of Object.entries(mixture.auxiliaryLosses)) {
        if (!loss) continue;
        expect(ops.read(loss(ops, output)).every(Number.isFinite), name).toBe(true);
      }
    }
  });

  test.skipIf(Object.hasOwn(config, 'capacity'))('one expert in evaluation leaves no token out', () => {
    const { output } = run(config, { E: 1, T: 64 }, false);
    expect(ops.read(output.unroutedFraction)[0]).toBe(0);
  });

  test('padding changes nothing for tokens, losses and metrics', () => {
    const [B, T, padding, E] = [2, 8, 5, 4];
    const capacity = ['dense-to-sparse', 'dynmole'].includes(config.type) ? {} : { capacity: 3 };
    const open =
      config.type === 'base' || Object.hasOwn(config, 'maxExpertsPerToken') || config.type === 'deepseek'
        ? {}
        : capacity;
    const sizes = { numExperts: E, tokenSize: 5, hiddenSize: 3 };
    const own = { ...config, ...open } as RouterConfig;
    const alone = createMixture(own, { ...sizes, numTokens: T });
    const padded = createMixture(own, { ...sizes, numTokens: T + padding });
    const parameters = toTensors(ops, alone.initialize(createRng(2)));
    const real = values(B * T * 5);
    const all = Array.from({ length: B }, (_each, b) => [
      ...new Array(padding * 5).fill(9),
      ...real.slice(b * T * 5, (b + 1) * T * 5),
    ]).flat();
    const mask = Array.from({ length: B * (T + padding) }, (_each, index) => +(index % (T + padding) >= padding));
    const a = alone.apply(ops, parameters, ops.tensor(real, [B, T, 5]), inputsOf(alone, B));
    const b = padded.apply(ops, parameters, ops.tensor(all, [B, T + padding, 5]), {
      ...inputsOf(padded, B),
      tokenMask: ops.tensor(mask, [B, T + padding]),
    });
    // Capacities that follow from the number of tokens, and ids that are positions, differ by definition.
    if (
      config.type === 'hash' ||
      config.type === 'base' ||
      Object.hasOwn(config, 'maxExpertsPerToken') ||
      Object.hasOwn(config, 'capacityFactor')
    ) {
      const zeros = Array.from(ops.read(b.output)).filter((_value, index) => mask[Math.floor(index / 5)] === 0);
      expect(zeros.every((value) => value === 0)).toBe(true);
      expect(ops.read(b.expertLoad).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      return;
    }
    const tokensOf = Array.from(ops.read(b.output)).filter((_value, index) => mask[Math.floor(index / 5)] === 1);
    Array.from(ops.read(a.output)).forEach((value, index) => {
      expect(tokensOf[index]).toBeCloseTo(value, 9);
    });
    for (const name of ['expertLoad', 'droppedFraction', 'unroutedFraction'] as const)
      Array.from(ops.read(a[name])).forEach((value, index) => {
        expect(ops.read(b[name])[index]).toBeCloseTo(value, 9);
      });
    expect(routerMetrics(ops, b.routing!).normalizedEntropy).toBeCloseTo(
      routerMetrics(ops, a.routing!).normalizedEntropy,
      9,
    );
    for (const [name, { loss }] of Object.entries(alone.auxiliaryLosses)) {
      if (!loss) continue;
      Array.from(ops.read(loss(ops, a))).forEach((value, index) => {
        expect(ops.read(loss(ops, b))[index], name).toBeCloseTo(value, 9);
      });
    }
  });
});

test('entropies and imbalances of one expert are 0, and its load is certain', () => {
  const p = ops.fill([1, 8, 1], 1);
  expect(ops.read(entropyLoss(ops, p))[0]).toBe(0);
  expect(ops.read(entropyLoss(ops, p, 1.1))[0]).toBe(0);
  expect(ops.read(bestExpertImbalance(ops, p))[0]).toBe(0);
  expect(ops.read(importanceLoss(ops, p))[0]).toBe(0);
  expect(ops.read(noisyTopKLoad(ops, p, p, p, 1))[0]).toBe(8);
});

test('a weight that is not carried out counts as 0, even where it is NaN', () => {
  const integers = (data: number[]) => ops.tensor(data, [1, 2, 1]);
  const assignment = {
    kind: 'token-choice',
    numExperts: 1,
    capacity: 1,
    experts: integers([0, 0]),
    positions: integers([0, 1]),
    kept: integers([1, 0]),
    wanted: integers([1, 1]),
    weights: integers([2, Number.NaN]),
  } as const;
  for (const dispatcher of dispatcherNames) {
    const { slots, combine } = dispatch(ops, assignment, ops.tensor([3, 4], [1, 2, 1]), dispatcher);
    expect(Array.from(ops.read(slots))).toEqual([3]);
    expect(Array.from(ops.read(combine(slots)))).toEqual([6, 0]);
  }
});

test('load balancing counts every choice, and is 1 at balance for scores of any sum', () => {
  // Expert 0 is everybody's first or second choice: half of all work.
  const rows = Array.from({ length: 8 }, (_, t) => [0, 1, 2, 3].map((e) => (e === t % 4 ? 3 : 0) + (e === 0 ? 2 : 0)));
  const logits = ops.tensor(rows.flat(), [1, 8, 4]);
  const { probabilities, assignment } = createRouter({ type: 'token-choice', k: 2, capacity: 8 }).route(
    ops,
    logits,
    {},
  );
  if (assignment.kind !== 'token-choice') throw new Error('expected token choice');
  const P = ops.read(ops.mean(probabilities, [1]));
  const mixtral = 4 * [8, 4, 2, 2].reduce((sum, count, e) => sum + (count / 8) * P[e]!, 0);
  expect(ops.read(loadBalancingLoss(ops, probabilities, assignment))[0]).toBeCloseTo(mixtral / 2, 9);
  expect(mixtral / 2).toBeGreaterThan(1.2);
  const sigmoids = ops.sigmoid(ops.tensor(values(512 * 8), [1, 512, 8]));
  expect(ops.read(loadBalancingLoss(ops, sigmoids))[0]).toBeCloseTo(1, 1);
  for (const config of [
    { type: 'deepseek', k: 2 },
    { type: 'expert-prototyping' },
    { type: 'token-choice', k: 2 },
  ] as RouterConfig[]) {
    const { mixture, output } = run(config, { E: 8, T: 512, B: 1 }, true);
    expect(ops.read(mixture.auxiliaryLosses['loadBalancing']!.loss!(ops, output))[0]).toBeGreaterThan(0.95);
    expect(ops.read(mixture.auxiliaryLosses['loadBalancing']!.loss!(ops, output))[0]).toBeLessThan(1.25);
  }
});

test('sigmoid scores that underflow give weights 0, and no NaN anywhere', () => {
  const { output } = run({ type: 'deepseek', k: 2 }, { E: 4, T: 2 }, true);
  expect(ops.read(output.output).every(Number.isFinite)).toBe(true);
  const single = createTypedArrayOps();
  const routing = createRouter({ type: 'deepseek', k: 2 }).route(single, single.fill([1, 2, 4], -110), {});
  expect(Array.from(single.read(routing.assignment.weights))).toEqual([0, 0, 0, 0]);
  expect(routerMetrics(single, routing).normalizedEntropy).toBe(0);
});

test('switch jitters what its gate sees in training only, within its bounds', () => {
  const sizes = { numExperts: 4, numTokens: 6, tokenSize: 5, hiddenSize: 3 };
  const plain = createMixture({ type: 'switch' }, sizes);
  const mixture = createMixture({ type: 'switch', inputJitter: 0.1 }, sizes);
  const parameters = toTensors(ops, mixture.initialize(createRng(2)));
  const tokens = ops.tensor(values(30), [1, 6, 5]);
  const logits = (each: Mixture, inputs: MixtureInputs<TypedArrayTensor>) =>
    Array.from(ops.read(each.apply(ops, parameters, tokens, inputs).routerLogits));
  expect(plain.inputs).toEqual([]);
  const [{ shape }] = mixture.inputs as [Mixture['inputs'][number]];
  expect(shape(1)).toEqual([1, 6, 5]);
  const without = logits(plain, {});
  expect(logits(mixture, { isTraining: false })).toEqual(without);
  const most = logits(mixture, { jitterNoise: ops.fill([1, 6, 5], 1) });
  most.forEach((value, index) => {
    expect(value).toBeCloseTo(1.1 * without[index]!, 9);
  });
  expect(() => logits(mixture, {})).toThrow(/inputs.jitterNoise is undefined/);
});

describe('capacity', () => {
  test.each([
    [20, 3, 1.05, 7],
    [40, 6, 1.05, 7],
    [35, 3, 1.2, 14],
    [20, 4, 1.15, 5],
    [6, 8, 1.25, 1],
    [3, 4, 50, 3],
  ])('%i tokens, %i experts, factor %f, rounded down: %i', (numTokens, numExperts, capacityFactor, expected) => {
    expect(capacityOf({ capacityFactor, capacityRounding: 'floor' }, { numTokens, numExperts })).toBe(expected);
  });
  test('is rounded up as the official code does: ceil(T * factor / E)', () => {
    for (const [T, E, factor] of [
      [20, 3, 1.05],
      [40, 6, 1.05],
      [50, 11, 1.1],
      [121, 8, 1],
    ] as const)
      expect(capacityOf({ capacityFactor: factor }, { numTokens: T, numExperts: E })).toBe(Math.ceil((T * factor) / E));
  });
  test('is at most the number of tokens', () => {
    const { assignment } = createRouter({ type: 'gshard-top-2', capacity: 50 }).route(ops, ops.fill([1, 3, 4], 0), {
      isTraining: false,
    });
    expect(assignment.capacity).toBe(3);
  });
});

test('bestPartition finds the optimum that trying all partitions finds', () => {
  for (let seed = 1; seed <= 40; seed++) {
    // All places taken, and one left over.
    const [T, E, C] = [seed % 2 === 0 ? 6 : 5, 3, 2];
    const scores = values(T * E, seed);
    let best = Number.NEGATIVE_INFINITY;
    for (let code = 0; code < E ** T; code++) {
      const experts = Array.from({ length: T }, (_, token) => Math.floor(code / E ** token) % E);
      if ([0, 1, 2].some((expert) => experts.filter((each) => each === expert).length > C)) continue;
      best = Math.max(
        best,
        experts.reduce((sum, expert, token) => sum + scores[token * E + expert]!, 0),
      );
    }
    const found = bestPartition(scores, T, E, C);
    expect(Array.from(found).reduce((sum, expert, token) => sum + scores[token * E + expert]!, 0)).toBeCloseTo(best, 9);
  }
});

test('cappedExpertChoice finds the optimum that scipy finds, over sizes, caps, ties and negative scores', () => {
  const file = new URL('../../../testdata/routing/capped_expert_choice.json', import.meta.url);
  for (const problem of JSON.parse(readFileSync(file, 'utf8'))) {
    const { scores, numExperts: E, numTokens: T, capacity: C, cap, optimum } = problem;
    const chosen = Array.from(cappedExpertChoice(scores, E, T, C, cap));
    const byExpert = Array.from({ length: E }, (_, expert) => chosen.slice(expert * C, (expert + 1) * C));
    for (const tokens of byExpert) expect(new Set(tokens).size).toBe(C);
    for (let token = 0; token < T; token++) {
      expect(chosen.filter((each) => each === token).length).toBeLessThanOrEqual(cap);
    }
    const sum = byExpert.flatMap((tokens, expert) => tokens.map((token) => scores[expert * T + token]));
    expect(sum.reduce((a, b) => a + b, 0)).toBeCloseTo(optimum, 8);
  }
});

test('a capacity that is rounded up stays within the tokens there are', () => {
  const sizes = { numTokens: 5, numExperts: 2 };
  expect(capacityOf({ capacityMultipleOf: 4, capacityFactor: 2 }, sizes)).toBe(5);
  const mixture = createMixture({ type: 'expert-choice', capacityMultipleOf: 4 } as RouterConfig, {
    ...sizes,
    tokenSize: 3,
    hiddenSize: 4,
  });
  const record = mixture.apply(ops, toTensors(ops, mixture.initialize(createRng(1))), ops.fill([1, 5, 3], 0.1));
  expect(record.routing!.assignment.capacity).toBe(5);
});

const lossOf = (config: RouterConfig & object, name: string): number => {
  const mixture = createMixture(config, { numExperts: 2, numTokens: 4, tokenSize: 2, hiddenSize: 3 });
  const parameters = toTensors(ops, mixture.initialize(createRng(1)));
  const tokens = ops.tensor([1, 1, 1, 1, 1, 1, -1, -2], [1, 4, 2]);
  const record = mixture.apply<TypedArrayTensor>(ops, parameters, tokens);
  return ops.read(mixture.auxiliaryLosses[name]!.loss!(ops, record))[0]!;
};

test('the balance loss of StableMoE pushes tokens away that found their expert full', () => {
  const dropped = lossOf({ type: 'stable', capacity: 1 }, 'stableBalance');
  expect(dropped).toBeGreaterThan(0);
  expect(dropped).toBeCloseTo(lossOf({ type: 'stable' }, 'stableBalance'), 12);
});

test('the entropy loss of DynMoLE adds to probabilities what its router adds', () => {
  const loss = (entropyEpsilon: number): number => lossOf({ type: 'dynmole', entropyEpsilon }, 'entropy');
  expect(loss(1e-5)).toBe(lossOf({ type: 'dynmole' }, 'entropy'));
  expect(Math.abs(loss(0.05) - loss(1e-5))).toBeGreaterThan(1e-3);
});
