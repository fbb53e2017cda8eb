// What must not matter: other samples of the batch, and padding. And the smallest sizes.
import * as jax from '@jax-js/jax';
import { createRng } from '@moe-rl/core';
import { createMixture, registerMixture, toTensors } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { createJaxOps } from '@moe-rl/tensor-ops/jax';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { typedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { applySoftMoe, initSoftMoe, type SoftMoeConfig, softMixture } from './index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await jax.init();
  jax.defaultDevice('wasm');
});

const tokensOf = (size: number, seed = 5): number[] => {
  const rng = createRng(seed, 'tokens');
  return Array.from({ length: size }, () => rng.nextNormal());
};
const sizes = { numExperts: 3, numTokens: 6, tokenSize: 5, hiddenSize: 8, slotsPerExpert: 2 } as const;
const variants: [string, Partial<SoftMoeConfig>][] = [
  ['soft', {}],
  ['normalized', { isNormalized: true }],
  ['top-k dispatch and combine', { tokensPerSlot: 2, slotsPerToken: 3 }],
  ['expert choice', { routing: 'expert-choice' }],
];
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++) expect(actual[index]).toBeCloseTo(expected[index]!, 5);
};

const adapters: [string, () => TensorOps<unknown>][] = [
  ['typed-array', () => typedArrayOps as TensorOps<unknown>],
  ['tfjs', () => createTfjsOps(tf) as TensorOps<unknown>],
  ['jax-js', () => createJaxOps(jax) as TensorOps<unknown>],
];

describe.each(adapters)('padding moves nothing on %s', (_adapter, make) => {
  test.each(variants)('%s', (_, change) => {
    const ops = make();
    const config = { ...sizes, ...change };
    const parameters = toTensors(ops, initSoftMoe(createRng(1), config));
    const real = tokensOf(4 * 5);
    const masks = [
      [0, 1, 1, 0, 1, 1],
      [1, 1, 1, 1, 0, 0],
    ];
    const fill = (mask: number[], padding: (place: number) => number): number[] => {
      let next = 0;
      return mask.flatMap((isReal, token) =>
        Array.from({ length: 5 }, (_entry, column) => (isReal ? real[next++]! : padding(token * 5 + column))),
      );
    };
    const run = (padding: (place: number) => number) =>
      applySoftMoe(
        ops,
        parameters,
        ops.tensor(
          masks.flatMap((mask) => fill(mask, padding)),
          [2, 6, 5],
        ),
        config,
        { tokenMask: ops.tensor(masks.flat(), [2, 6]) },
      );
    const result = run((place) => place - 9);
    const output = ops.read(result.output);
    // what holds no token gives zeros, and says nothing in weights and shares
    masks.flat().forEach((isReal, row) => {
      const part = output.slice(row * 5, row * 5 + 5);
      if (!isReal) expect(Array.from(part)).toEqual([0, 0, 0, 0, 0]);
      const combine = ops.read(ops.sum(result.combineWeights, [2, 3]))[row]!;
      const dispatch = ops.read(ops.sum(result.dispatchWeights, [2, 3]))[row]!;
      if (!isReal) expect([combine, ops.read(ops.sum(result.expertShares, [2]))[row]]).toEqual([0, 0]);
      if (!isReal && change.routing !== 'expert-choice') expect(dispatch).toBe(0);
      if (isReal && change.routing !== 'expert-choice') expect(combine).toBeCloseTo(1, 5);
    });
    // a layer over the real tokens alone has the same output: expert choice too, since no slot is left over
    const alone = applySoftMoe(ops, parameters, ops.tensor(real, [4, 5]), { ...config, numTokens: 4 });
    const rows = (sample: number): number[] =>
      masks[sample]!.flatMap((isReal, token) =>
        isReal ? Array.from(output.slice((sample * 6 + token) * 5, (sample * 6 + token + 1) * 5)) : [],
      );
    for (const sample of [0, 1]) close(rows(sample), ops.read(alone.output));
    // whatever the padding holds
    for (const padding of [() => 1e9, () => Number.NaN, () => Number.NEGATIVE_INFINITY]) {
      expect(Array.from(ops.read(run(padding).output))).toEqual(Array.from(output));
    }
  });

  test('a sample of padding only gives zeros, and a mask of another shape is refused', () => {
    const ops = make();
    for (const [, change] of variants) {
      const config = { ...sizes, ...change };
      const parameters = toTensors(ops, initSoftMoe(createRng(1), config));
      const tokens = ops.tensor(tokensOf(30), [6, 5]);
      const { output } = applySoftMoe(ops, parameters, tokens, config, { tokenMask: ops.fill([6], 0) });
      expect(Array.from(ops.read(output))).toEqual(new Array(30).fill(0));
      expect(() => applySoftMoe(ops, parameters, tokens, config, { tokenMask: ops.fill([5], 0) })).toThrow(
        /inputs\.tokenMask has shape \[5\]; expected \[6\]/,
      );
    }
  });
});

test('gradients ignore padding, and pass through the rest', () => {
  const ops = createTfjsOps(tf);
  const parameters = toTensors(ops, initSoftMoe(createRng(1), sizes));
  const mask = tf.tensor([1, 1, 0, 1, 1, 0], [6]);
  const tokens = tf.tensor(
    tokensOf(30).map((value, index) => (Math.floor(index / 5) === 2 ? Number.NaN : value)),
    [6, 5],
  );
  const loss = (x: tf.Tensor, phi: tf.Tensor) =>
    tf.sum(
      tf.square(
        applySoftMoe(ops, { ...parameters, 'params/SoftMoE_0/phi_weights': phi }, x, sizes, { tokenMask: mask }).output,
      ),
    ) as tf.Scalar;
  const [byTokens, byPhi] = tf.grads(loss)([tokens, parameters['params/SoftMoE_0/phi_weights']!]);
  const rows = Array.from({ length: 6 }, (_, token) =>
    Array.from(byTokens!.dataSync()).slice(token * 5, token * 5 + 5),
  );
  for (const [token, row] of rows.entries()) {
    if (token === 2 || token === 5) expect(row).toEqual([0, 0, 0, 0, 0]);
    else expect(row.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
  }
  expect(byPhi!.dataSync().every(Number.isFinite)).toBe(true);
});

describe.each(adapters.slice(1))('samples never mix on %s', (_adapter, make) => {
  test.each(variants)('NaN and infinity stay in their sample: %s', (_, change) => {
    const ops = make();
    const config = { ...sizes, ...change };
    const parameters = toTensors(ops, initSoftMoe(createRng(1), config));
    const values = tokensOf(3 * 30);
    const run = (given: number[]) =>
      Array.from(ops.read(applySoftMoe(ops, parameters, ops.tensor(given, [3, 6, 5]), config).output));
    const clean = run(values);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const spoiled = run(values.map((value, index) => (index === 32 ? bad : value)));
      expect(spoiled.slice(30, 60).some((value) => !Number.isFinite(value))).toBe(true);
      close(spoiled.slice(0, 30), clean.slice(0, 30));
      close(spoiled.slice(60), clean.slice(60));
    }
  });
});

describe('the smallest sizes', () => {
  test.each(
    [1, 2, 5].flatMap((numExperts) =>
      [1, 2].flatMap((numTokens) => variants.map(([name, change]) => [numExperts, numTokens, name, change] as const)),
    ),
  )('E = %i, T = %i, %s', (numExperts, numTokens, _, { tokensPerSlot, slotsPerToken, ...change }) => {
    const config: SoftMoeConfig = {
      numExperts,
      numTokens,
      tokenSize: 1,
      hiddenSize: 1,
      ...change,
      ...(tokensPerSlot ? { tokensPerSlot: 1 } : {}),
      ...(slotsPerToken ? { slotsPerToken: 1 } : {}),
    };
    for (const [, make] of adapters) {
      const ops = make();
      const parameters = toTensors(ops, initSoftMoe(createRng(2), config));
      const result = applySoftMoe(ops, parameters, ops.tensor(tokensOf(numTokens), [1, numTokens, 1]), config);
      expect(ops.shape(result.output)).toEqual([1, numTokens, 1]);
      expect(Array.from(ops.read(result.output)).every(Number.isFinite)).toBe(true);
      expect(ops.shape(result.topExperts)).toEqual([1, numTokens, 1]);
      if (change.routing !== 'expert-choice')
        close(ops.read(ops.sum(result.expertShares, [2])), new Array(numTokens).fill(1));
    }
    const tfOps = createTfjsOps(tf);
    const initial = toTensors(tfOps, initSoftMoe(createRng(2), config));
    const names = Object.keys(initial);
    const gradients = tf.grads(
      (...tensors: tf.Tensor[]) =>
        tf.sum(
          applySoftMoe(
            tfOps,
            Object.fromEntries(names.map((name, index) => [name, tensors[index]!])),
            tf.ones([1, numTokens, 1]),
            config,
          ).output,
        ) as tf.Scalar,
    )(Object.values(initial));
    for (const gradient of gradients) expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
  });

  test('with expert choice a factor that asks for more slots than there are tokens gives as many as tokens', () => {
    const config = { numExperts: 2, numTokens: 3, tokenSize: 2, hiddenSize: 2, routing: 'expert-choice' as const };
    const shapes = initSoftMoe(createRng(1), { ...config, capacityFactor: 50 });
    expect(shapes['params/SoftMoE_0/phi_weights']!.shape).toEqual([2, 2, 3]);
  });
});

test('as a mixture: losses and loads are those of the tokens, and padding counts nowhere', () => {
  registerMixture(softMixture);
  const ops = typedArrayOps;
  const given = { numExperts: 3, tokenSize: 5, hiddenSize: 8 };
  for (const routing of ['soft', 'expert-choice'] as const) {
    const make = (numTokens: number) =>
      createMixture({ type: 'soft', slotsPerExpert: 1, routing }, { ...given, numTokens });
    const parameters = toTensors(ops, make(6).initialize(createRng(1)));
    const real = tokensOf(20);
    const alone = make(4).apply(ops, parameters, ops.tensor(real, [1, 4, 5]));
    const padded = make(6).apply(ops, parameters, ops.tensor([...real, ...tokensOf(10, 6)], [1, 6, 5]), {
      tokenMask: ops.tensor([1, 1, 1, 1, 0, 0], [1, 6]),
    });
    for (const name of ['importance', 'routerZ', 'entropy']) {
      const { loss } = make(6).auxiliaryLosses[name]!;
      close(ops.read(loss!(ops, padded)), ops.read(loss!(ops, alone)));
    }
    close(ops.read(padded.expertLoad), ops.read(alone.expertLoad));
    expect(ops.read(padded.expertLoad).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    close(ops.read(padded.unroutedFraction), ops.read(alone.unroutedFraction));
    expect(padded.tokenMask).toBeDefined();
  }
  const chosen = createMixture(
    { type: 'soft', slotsPerExpert: 1, routing: 'expert-choice' },
    { ...given, numTokens: 6 },
  );
  const parameters = toTensors(ops, chosen.initialize(createRng(1)));
  const { unroutedFraction } = chosen.apply(ops, parameters, ops.tensor(tokensOf(30), [1, 6, 5]));
  expect(ops.read(unroutedFraction)[0]).toBeGreaterThanOrEqual(0.5);
});
