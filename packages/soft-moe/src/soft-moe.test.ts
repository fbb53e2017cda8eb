// Soft MoE against the worked examples, its invariants on every adapter, and bad input. The official vectors run in `golden testdata/golden`.
import { readFileSync } from 'node:fs';
import * as jax from '@jax-js/jax';
import { createRng } from '@moe-rl/core';
import { toTensors } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { createJaxOps } from '@moe-rl/tensor-ops/jax';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createTypedArrayOps, type TypedArrayTensor, typedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { initSoftMoe, type SoftMoeConfig, softMoeParameterSpecs } from './config.ts';
import { applySoftMoe } from './soft-moe.ts';

const examples = JSON.parse(readFileSync(new URL('../../../testdata/examples.json', import.meta.url), 'utf8'));
const ops = createTypedArrayOps({ precision: 'float64' });
const matrix = (rows: number[][]): TypedArrayTensor => ops.tensor(rows.flat(), [rows.length, rows[0]!.length]);

function expectClose(actual: { data: ArrayLike<number> }, expected: number[] | number[][], tolerance = 1e-6): void {
  const flat = (expected as number[][]).flat();
  expect(actual.data.length).toBe(flat.length);
  flat.forEach((value, index) => {
    expect(
      Math.abs(actual.data[index]! - value),
      `element ${index}: ${actual.data[index]}, expected ${value}`,
    ).toBeLessThan(tolerance);
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await jax.init();
  jax.defaultDevice('wasm');
});

describe('worked examples', () => {
  const example = examples.softmoe;
  const parameters = {
    'params/SoftMoE_0/phi_weights': ops.tensor(example.Phi.flat(), [3, 2, 2]),
    'params/SoftMoE_0/scalar': ops.tensor([examples.softmoe_l2.scale], [1]),
  };
  // f0 = 2x, f1 = -x
  const experts = (slots: TypedArrayTensor) => ({ output: ops.multiply(slots, ops.tensor([2, -1], [2, 1, 1, 1])) });
  const config: SoftMoeConfig = { numExperts: 2, numTokens: 4, tokenSize: 3, expertType: 'big', slotsPerExpert: 1 };

  test('softmoe', () => {
    const small = { ...config, expertType: 'small', slotsPerExpert: 2 } as const;
    let slotInputs: TypedArrayTensor | undefined;
    const result = applySoftMoe(ops, parameters, matrix(example.X), small, {
      experts: (slots) => {
        slotInputs = slots;
        return experts(slots);
      },
    });
    expectClose(result.routerLogits, example.logits);
    expectClose(result.dispatchWeights, example.dispatch);
    expectClose(result.combineWeights, example.combine);
    expectClose(slotInputs!, example.slot_inputs);
    expectClose(result.output, example.Y);
    expectClose(result.expertShares, example.per_expert_combine_sum);
    expectClose(result.routerProbabilities, example.dopamine_logged_prob_mean_over_slots);
  });

  test('softmoe_l2', () => {
    const normalized = { ...config, expertType: 'small', slotsPerExpert: 2, isNormalized: true } as const;
    let slotInputs: TypedArrayTensor | undefined;
    const result = applySoftMoe(ops, parameters, matrix(example.X), normalized, {
      experts: (slots) => {
        slotInputs = slots;
        return experts(slots);
      },
    });
    expectClose(result.routerLogits, examples.softmoe_l2.logits);
    expectClose(result.dispatchWeights, examples.softmoe_l2.dispatch);
    expectClose(result.combineWeights, examples.softmoe_l2.combine);
    expectClose(slotInputs!, examples.softmoe_l2.slot_inputs);
  });
});

const config: SoftMoeConfig = { numExperts: 4, numTokens: 6, tokenSize: 5, hiddenSize: 8, slotsPerExpert: 2 };
const tokensOf = (size: number, seed = 5): number[] => {
  const rng = createRng(seed, 'tokens');
  return Array.from({ length: size }, () => rng.nextNormal());
};

describe.each([
  ['typed-array', () => typedArrayOps as TensorOps<unknown>],
  ['tfjs', () => createTfjsOps(tf) as TensorOps<unknown>],
  ['jax-js', () => createJaxOps(jax) as TensorOps<unknown>],
])('on %s', (_, make) => {
  const variants: [string, Partial<SoftMoeConfig>][] = [
    ['soft', {}],
    ['normalized', { isNormalized: true }],
    ['fixed random phi', { phi: 'fixed-random' }],
    ['top-k dispatch', { tokensPerSlot: 2 }],
    ['top-k combine', { slotsPerToken: 3 }],
    ['expert choice', { routing: 'expert-choice' }],
    ['noisy without noise', { isNoisy: true }],
  ];
  test.each(variants)('a batch equals its samples one by one: %s', (_name, change) => {
    const any = make();
    const full = { ...config, ...change };
    const parameters = toTensors(any, initSoftMoe(createRng(1), full));
    const values = tokensOf(2 * 6 * 5);
    const batch = any.read(applySoftMoe(any, parameters, any.tensor(values, [2, 6, 5]), full).output);
    const single = [0, 1].flatMap((sample) => {
      const tokens = any.tensor(values.slice(sample * 30, sample * 30 + 30), [6, 5]);
      const { output } = applySoftMoe(any, parameters, tokens, full);
      expect(any.shape(output)).toEqual([6, 5]);
      return Array.from(any.read(output));
    });
    expectClose({ data: batch }, single, 1e-5);
    // and equals the reference adapter
    const reference = applySoftMoe(
      ops,
      toTensors(ops, initSoftMoe(createRng(1), full)),
      ops.tensor(values, [2, 6, 5]),
      full,
    );
    expectClose({ data: batch }, Array.from(reference.output.data), 1e-4);
  });
});

describe('invariants', () => {
  const parameters = toTensors(ops, initSoftMoe(createRng(2), config));
  const tokens = ops.tensor(tokensOf(30), [6, 5]);

  test('dispatch columns and combine rows sum to 1', () => {
    const result = applySoftMoe(ops, parameters, tokens, config);
    expectClose(ops.sum(result.dispatchWeights, [0]), new Array(8).fill(1));
    expectClose(ops.sum(result.combineWeights, [1, 2]), new Array(6).fill(1));
    expectClose(ops.sum(result.expertShares, [1]), new Array(6).fill(1));
  });

  test('permuting tokens permutes the output', () => {
    const order = ops.tensor([3, 1, 0, 5, 4, 2], [6]);
    const permuted = applySoftMoe(ops, parameters, ops.gather(tokens, order), config).output;
    expectClose(
      permuted,
      Array.from(ops.gather(applySoftMoe(ops, parameters, tokens, config).output, order).data),
      1e-12,
    );
  });

  test('phi of zeros gives every token the mean of the experts on the mean token', () => {
    const zero = { ...parameters, 'params/SoftMoE_0/phi_weights': ops.fill([5, 4, 2], 0) };
    const { output } = applySoftMoe(ops, zero, tokens, config, { experts: (slots) => ({ output: slots }) });
    const mean = Array.from(ops.mean(tokens, [0]).data);
    expectClose(
      output,
      Array.from({ length: 6 }, () => mean),
      1e-12,
    );
  });

  test('top-k dispatch with one token makes each slot one token; with all tokens it is soft dispatch', () => {
    const one = applySoftMoe(ops, parameters, tokens, { ...config, tokensPerSlot: 1 });
    expect(Array.from(one.dispatchWeights.data).sort().slice(-8)).toEqual(new Array(8).fill(1));
    const all = applySoftMoe(ops, parameters, tokens, { ...config, tokensPerSlot: 6 });
    expectClose(all.output, Array.from(applySoftMoe(ops, parameters, tokens, config).output.data), 1e-12);
  });

  test('slotsPerToken leaves each token that many slots, renormalized', () => {
    const { combineWeights } = applySoftMoe(ops, parameters, tokens, { ...config, slotsPerToken: 3 });
    const used = ops.sum(ops.greater(combineWeights, ops.fill([], 0)), [1, 2]);
    expectClose(used, new Array(6).fill(3));
    expectClose(ops.sum(combineWeights, [1, 2]), new Array(6).fill(1));
  });

  test('expert choice: each expert holds P different tokens, weighted by the share', () => {
    const result = applySoftMoe(ops, parameters, tokens, { ...config, routing: 'expert-choice' });
    expectClose(ops.sum(result.dispatchWeights, [0]), new Array(8).fill(1));
    const perTokenAndExpert = ops.sum(result.dispatchWeights, [2]);
    expect(Math.max(...perTokenAndExpert.data)).toBe(1);
  });

  test('big experts see P slots as a square image', () => {
    const big: SoftMoeConfig = { numExperts: 2, numTokens: 21, tokenSize: 3, expertType: 'big' };
    const bigParameters = toTensors(ops, initSoftMoe(createRng(3), big));
    expect(Object.keys(bigParameters)).toEqual(['params/SoftMoE_0/phi_weights', 'params/SoftMoE_0/scalar']);
    const shapes: (readonly number[])[] = [];
    applySoftMoe(ops, bigParameters, ops.tensor(tokensOf(2 * 63), [2, 21, 3]), big, {
      experts: (slots) => {
        shapes.push(slots.shape);
        return { output: slots };
      },
    });
    expect(shapes).toEqual([[2, 2, 9, 3]]);
  });

  test('noise moves the output; one draw is shared by all experts and slots', () => {
    const noisy = { ...config, isNoisy: true };
    const own = toTensors(ops, initSoftMoe(createRng(4), noisy));
    const mean = applySoftMoe(ops, own, tokens, noisy).output;
    const noise = { input: ops.tensor(tokensOf(5), [5]), output: ops.tensor(tokensOf(8), [8]) };
    const sampled = applySoftMoe(ops, own, tokens, noisy, { noise }).output;
    expect(Math.max(...ops.subtract(mean, sampled).data)).toBeGreaterThan(1e-4);
    const silent = { input: ops.fill([5], 0), output: ops.fill([8], 0) };
    expectClose(applySoftMoe(ops, own, tokens, noisy, { noise: silent }).output, Array.from(mean.data), 1e-12);
  });
});

describe('initialization', () => {
  test('names, shapes and distributions are the official ones', () => {
    const full: SoftMoeConfig = { numTokens: 121, tokenSize: 32 };
    const initial = initSoftMoe(createRng(1), full);
    expect(Object.fromEntries(Object.entries(initial).map(([name, { shape }]) => [name, shape]))).toEqual({
      'params/SoftMoE_0/phi_weights': [32, 8, 16],
      'params/SoftMoE_0/scalar': [1],
      'params/ExpertModel_0/net/kernel': [8, 32, 512],
      'params/ExpertModel_0/net/bias': [8, 512],
      'params/ExpertModel_0/Dense_0/kernel': [8, 512, 32],
      'params/ExpertModel_0/Dense_0/bias': [8, 32],
    });
    const total = Object.values(initial).reduce((sum, { data }) => sum + data.length, 0);
    expect(total).toBe(270_593);
    const std = (data: Float32Array) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
    expect(std(initial['params/SoftMoE_0/phi_weights']!.data)).toBeCloseTo(1 / Math.sqrt(32 * 8), 3);
    const limit = Math.sqrt(6 / (32 + 512));
    const kernel = initial['params/ExpertModel_0/net/kernel']!.data;
    expect(kernel.every((x) => Math.abs(x) <= limit)).toBe(true);
    expect(std(kernel)).toBeCloseTo(limit / Math.sqrt(3), 3);
    expect(initSoftMoe(createRng(1), full)).toEqual(initial);
  });

  test('specs say what trains', () => {
    const trainable = (change: Partial<SoftMoeConfig>) =>
      softMoeParameterSpecs({ ...config, ...change, scope: 'online/', moduleIndex: 1 })
        .filter((spec) => spec.isTrainable)
        .map((spec) => spec.name.replace('online/', ''));
    expect(trainable({})).not.toContain('SoftMoE_1/scalar');
    expect(trainable({ isNormalized: true })).toContain('SoftMoE_1/scalar');
    expect(trainable({ phi: 'fixed-random' })).not.toContain('SoftMoE_1/phi_weights');
    expect(trainable({ isNoisy: true })).toContain('ExpertModel_1/net/kernel_sigma');
  });
});

describe('gradients on tfjs', () => {
  const tfOps = createTfjsOps(tf);
  const names = (full: SoftMoeConfig) =>
    softMoeParameterSpecs(full)
      .filter((spec) => spec.isTrainable)
      .map((spec) => spec.name);

  test.each<[string, Partial<SoftMoeConfig>]>([
    ['soft', {}],
    ['normalized', { isNormalized: true }],
    ['top-k', { tokensPerSlot: 2, slotsPerToken: 3 }],
    ['expert choice', { routing: 'expert-choice' }],
    ['noisy', { isNoisy: true }],
    ['fixed random phi', { phi: 'fixed-random' }],
  ])('reach every trainable parameter and are finite, also with an all-zero token: %s', (_, change) => {
    const full = { ...config, ...change };
    const values = tokensOf(30).map((value, index) => (index < 5 ? 0 : value));
    const initial = initSoftMoe(createRng(6), full);
    tf.tidy(() => {
      const variables = Object.fromEntries(
        Object.entries(initial).map(([name, { shape, data }]) => [
          name,
          tf.variable(tf.tensor(data, shape as number[])),
        ]),
      );
      const tokens = tf.variable(tf.tensor(values, [6, 5]));
      const noise = { input: tf.tensor1d(tokensOf(5)), output: tf.tensor1d(tokensOf(8)) };
      const { grads } = tf.variableGrads(
        () => tf.sum(tf.square(applySoftMoe(tfOps, variables, tokens, full, { noise }).output)) as tf.Scalar,
      );
      for (const name of names(full)) {
        const gradient = grads[variables[name]!.name];
        expect(gradient, name).not.toBeNull();
        const data = Array.from(gradient!.dataSync());
        expect(data.every(Number.isFinite), name).toBe(true);
        expect(
          data.some((value) => value !== 0),
          name,
        ).toBe(true);
      }
      expect(Array.from(grads[tokens.name]!.dataSync()).every(Number.isFinite)).toBe(true);
      const untrained = softMoeParameterSpecs(full).filter((spec) => !spec.isTrainable);
      for (const { name } of untrained) {
        expect(Array.from(grads[variables[name]!.name]!.dataSync()).every((value) => value === 0)).toBe(true);
      }
    });
  });
});

test('tf.grads takes everything that initSoftMoe makes, also what does not train, and a record without it will do', () => {
  const tfOps = createTfjsOps(tf);
  for (const change of [{}, { phi: 'fixed-random' as const }]) {
    const full = { ...config, ...change };
    const initial = toTensors(tfOps, initSoftMoe(createRng(1), full));
    const names = Object.keys(initial);
    const tokens = tf.tensor(tokensOf(30), [6, 5]);
    const output = (tensors: tf.Tensor[]) =>
      applySoftMoe(tfOps, Object.fromEntries(names.map((name, index) => [name, tensors[index]!])), tokens, full).output;
    const gradients = tf.grads((...tensors: tf.Tensor[]) => tf.sum(output(tensors)) as tf.Scalar)(
      Object.values(initial),
    );
    const scalar = gradients[names.indexOf('params/SoftMoE_0/scalar')]!;
    expect(Array.from(scalar.dataSync())).toEqual([0]);
    const { 'params/SoftMoE_0/scalar': _, ...rest } = initial;
    const without = applySoftMoe(tfOps, rest, tokens, full).output;
    expect(Array.from(without.dataSync())).toEqual(Array.from(output(Object.values(initial)).dataSync()));
  }
});

describe('bad input', () => {
  const parameters = toTensors(ops, initSoftMoe(createRng(2), config));
  const apply = (tokens: TypedArrayTensor, change: Partial<SoftMoeConfig> = {}) =>
    applySoftMoe(ops, parameters, tokens, { ...config, ...change });
  const good = ops.tensor(tokensOf(30), [6, 5]);

  test.each<[Partial<SoftMoeConfig>, RegExp]>([
    [{ numExperts: 0 }, /numExperts is 0; expected an integer of at least 1/],
    [{ capacityFactor: 0 }, /capacityFactor is 0/],
    [{ capacityFactor: 2, slotsPerExpert: 3 }, /capacityFactor is 2 and slotsPerExpert is 3, which decides alone/],
    [{ isNormalized: 'no' as never }, /isNormalized is "no"; expected true or false/],
    [{ isNoisy: 0 as never }, /isNoisy is 0; expected true or false/],
    [{ slotsPerExpert: 0 }, /slotsPerExpert is 0/],
    [{ slotsPerExpert: 7, routing: 'expert-choice' }, /slotsPerExpert is 7; expected an integer from 1 to 6/],
    [{ routing: 'hard' as 'soft' }, /routing is "hard"; expected one of soft, expert-choice/],
    [{ tokensPerSlot: 7 }, /tokensPerSlot is 7; expected an integer from 1 to 6/],
    [
      { routing: 'expert-choice', slotsPerToken: 1 },
      /tokensPerSlot or slotsPerToken is set; expected neither with routing "expert-choice"/,
    ],
    [{ slotsPerToken: 9 }, /slotsPerToken is 9; expected an integer from 1 to 8/],
    [{ expertType: 'big', slotsPerExpert: 4 }, /has shape \[5,4,2\]; expected \[5,4,4\]/],
  ])('%o', (change, message) => {
    expect(() => apply(good, change)).toThrow(message);
  });

  test('an option that does not exist is refused by name', () => {
    const misspelt = { ...config, numExpert: 4 };
    expect(() => initSoftMoe(createRng(1), misspelt)).toThrow(
      /Soft MoE has no option "numExpert"; expected one of numExperts, .*; did you mean numExperts\?/,
    );
    expect(() => applySoftMoe(ops, parameters, good, misspelt)).toThrow(/no option "numExpert"/);
    expect(initSoftMoe(createRng(1), { ...config, hiddenSize: undefined as unknown as number })).toEqual(
      initSoftMoe(createRng(1), { ...config, hiddenSize: 512 }),
    );
  });

  test('an input by another name, which would let padding in', () => {
    const mask = { tokensMask: ops.tensor([1, 1, 1, 0, 0, 0], [6]) };
    expect(() => applySoftMoe(ops, parameters, good, config, mask as object)).toThrow(
      /^inputs of Soft MoE has no option "tokensMask"; .*did you mean tokenMask/,
    );
  });

  test('shapes and values of tokens', () => {
    expect(() => apply(ops.tensor([], [0, 5]))).toThrow(/tokens have shape \[0,5\]; expected \[6,5\] or \[B,6,5\]/);
    expect(() => apply(ops.tensor(tokensOf(24), [6, 4]))).toThrow(/tokens have shape \[6,4\]; expected \[6,5\]/);
    expect(() => apply(ops.tensor(tokensOf(25), [5, 5]))).toThrow(/tokens have shape \[5,5\]; expected \[6,5\]/);
    const broken = good.data.slice();
    broken[7] = Number.NaN;
    expect(() => apply({ shape: [6, 5], data: broken })).toThrow(/tokens hold NaN at 7; expected finite numbers/);
    const { 'params/ExpertModel_0/net/bias': _, ...rest } = parameters;
    expect(() => applySoftMoe(ops, rest, good, config)).toThrow(
      /parameter params\/ExpertModel_0\/net\/bias is missing/,
    );
  });

  test('big experts without experts', () => {
    const big: SoftMoeConfig = { numExperts: 2, numTokens: 8, tokenSize: 5, expertType: 'big' };
    const own = toTensors(ops, initSoftMoe(createRng(3), big));
    expect(() => applySoftMoe(ops, own, ops.tensor(tokensOf(40), [8, 5]), big)).toThrow(
      /parameter params\/ExpertModel_0\/net\/kernel is missing/,
    );
  });
});
