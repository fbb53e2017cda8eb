// The sparse layer's other parts: LoRA experts, spawned experts, and what bad input is told.
import { createRng } from '@moe-rl/core';
import { createMixture, lazyRecord, registerMixture, routingOutput } from '@moe-rl/moe-core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  applyLoraMoe,
  applyTopKMoe,
  combineMatrix,
  initLoraMoe,
  initTopKMoe,
  type RouterConfig,
  routerMetrics,
  spawnExperts,
  type TopKMoeConfig,
  topKMixtures,
  toTensors,
} from './index.ts';
import { B, base, D, E, expectClose, numbers, ops, T } from './test-support.ts';

registerMixture(...topKMixtures);
beforeAll(() => tf.setBackend('cpu'));

describe('LoRA experts', () => {
  const config = { numExperts: 4, inputSize: D, outputSize: 3, rank: 2, alpha: 4 };
  const frozen = ops.tensor(numbers(D * 3, 4), [D, 3]);
  const tokens = ops.tensor(numbers(B * T * D), [B, T, D]);

  test('start at the frozen map', () => {
    const { output } = applyLoraMoe(ops, toTensors(ops, initLoraMoe(createRng(1), config)), tokens, frozen, config);
    expect(output.shape).toEqual([B, T, 3]);
    expectClose(output.data, ops.matmul(ops.reshape(tokens, [B * T, D]), frozen).data);
  });

  test('add the weighted sum of scaled low-rank products', () => {
    const initial = initLoraMoe(createRng(1), config);
    initial['params/LoraMoE_0/lora_b']!.data.set(numbers(4 * 2 * 3));
    const parameters = toTensors(ops, initial);
    const { output, routing } = applyLoraMoe(ops, parameters, tokens, frozen, config);
    const weights = combineMatrix(ops, routing.assignment, T).data;
    const rows = ops.reshape(tokens, [B * T, D]);
    let expected = ops.matmul(rows, frozen);
    for (let expert = 0; expert < 4; expert++) {
      const slice = (name: string, shape: number[]) => {
        const { data } = parameters[`params/LoraMoE_0/${name}`]!;
        return ops.tensor(data.slice((expert * data.length) / 4, ((expert + 1) * data.length) / 4), shape);
      };
      const low = ops.matmul(ops.matmul(rows, slice('lora_a', [D, 2])), slice('lora_b', [2, 3]));
      const column = ops.tensor(
        Array.from({ length: B * T }, (_, token) => 2 * weights[token * 4 + expert]!),
        [B * T, 1],
      );
      expected = ops.add(expected, ops.multiply(low, column));
    }
    expectClose(output.data, expected.data);
  });

  test.each<RouterConfig>([
    { type: 'dynmole', entropyThreshold: 0.5 },
    { type: 'switch', capacity: 4 },
  ])('%o: padding counts in no loss or metric, whatever it holds', (router) => {
    const own = { ...config, router };
    const parameters = toTensors(ops, initLoraMoe(createRng(1), own));
    const row = numbers(T * D, 3);
    const run = (padding: number, value: number) => {
      const rows = ops.tensor([...new Array(padding * D).fill(value), ...row], [padding + T, D]);
      const tokenMask = ops.tensor([...new Array(padding).fill(0), ...new Array(T).fill(1)], [padding + T]);
      const { routing } = applyLoraMoe(ops, parameters, rows, frozen, own, padding === 0 ? {} : { tokenMask });
      const output = { ...lazyRecord(routingOutput(ops, routing)), output: rows, expertsHidden: rows };
      const sizes = { numExperts: 4, numTokens: T + padding, tokenSize: D, hiddenSize: 1 };
      const losses = Object.entries(createMixture(router, sizes).auxiliaryLosses).flatMap(([name, { loss }]) =>
        loss === undefined ? [] : [[name, ops.read(loss(ops, output))[0]!] as const],
      );
      return { metrics: routerMetrics(ops, routing), losses: Object.fromEntries(losses) };
    };
    const expected = run(0, 0);
    expect(Object.keys(expected.losses).length).toBeGreaterThan(2);
    for (const value of [0, 9, -3]) {
      const { metrics, losses } = run(5, value);
      for (const [name, loss] of Object.entries(expected.losses)) expect(losses[name], name).toBeCloseTo(loss, 9);
      expect(metrics.normalizedEntropy).toBeCloseTo(expected.metrics.normalizedEntropy, 9);
      expectClose(metrics.load, expected.metrics.load);
      expect(metrics.unroutedFraction).toBe(expected.metrics.unroutedFraction);
    }
  });

  test('refuse a mask of another shape, and a router that jitters', () => {
    const parameters = toTensors(ops, initLoraMoe(createRng(1), config));
    const tokenMask = ops.fill([B, T + 1], 1);
    expect(() => applyLoraMoe(ops, parameters, tokens, frozen, config, { tokenMask })).toThrow(/inputs.tokenMask/);
    const router = { type: 'switch', inputJitter: 0.1 } as const;
    expect(() => applyLoraMoe(ops, parameters, tokens, frozen, { ...config, router })).toThrow(
      'LoRA MoE: the router "switch" has an inputJitter of 0.1, which its gate does not do here; expected 0',
    );
  });
});

test('spawnExperts: share 0 copies, share 1 clears the kernels, and in between about that share is cleared', () => {
  const trained = initTopKMoe(createRng(1), { tokenSize: 20, hiddenSize: 30, numExperts: 1 });
  const experts = Object.fromEntries(Object.entries(trained).filter(([name]) => name.includes('ExpertModel')));
  const kernel = 'params/ExpertModel_0/net/kernel';
  const same = spawnExperts(createRng(2), experts, 3, 0)[kernel]!;
  expect(same.shape).toEqual([3, 20, 30]);
  expect(Array.from(same.data.slice(600, 1200))).toEqual(Array.from(experts[kernel]!.data));
  expect(spawnExperts(createRng(2), experts, 3, 1)[kernel]!.data.every((value) => value === 0)).toBe(true);
  const half = spawnExperts(createRng(2), experts, 3, 0.5)[kernel]!.data;
  expect(half.filter((value) => value === 0).length / half.length).toBeCloseTo(0.5, 1);
  expect(() => spawnExperts(createRng(2), experts, 3, 2)).toThrow(/maskedShare is 2; expected a number from 0 to 1/);
});

describe('bad input', () => {
  const parameters = toTensors(ops, initTopKMoe(createRng(1), { ...base, router: { type: 'deepseek', k: 2 } }));
  const tokens = ops.tensor(numbers(T * D), [T, D]);
  const apply = (router: RouterConfig, inputs = {}) =>
    applyTopKMoe(ops, parameters, tokens, { ...base, router }, inputs);

  test.each<[RouterConfig, RegExp]>([
    [{ type: 'token-choice', k: 5 }, /k is 5; expected an integer from 1 to 4/],
    [{ type: 'token-choice', k: 0 }, /k is 0/],
    [{ type: 'token-choice', capacity: 0 }, /capacity is 0; expected an integer of at least 1/],
    [{ type: 'switch', capacityFactor: 0 }, /capacityFactor is 0; expected a number above 0/],
    [{ type: 'token-choice', capacityFactor: Number.NaN }, /capacityFactor is NaN/],
    [{ type: 'token-choice', capacityMultipleOf: 0 }, /capacityMultipleOf is 0/],
    [{ type: 'gshard-top-2' }, /inputs.uniformNoise is undefined; expected a tensor for router "gshard-top-2"/],
    [{ type: 'random' }, /inputs.uniformNoise is undefined/],
    [{ type: 'hash' }, /inputs.tokenIds is undefined/],
    [{ type: 'stable', stage: 2, distillationUpdates: 0 }, /inputs.distilledLogits is undefined/],
    [{ type: 'stable', stage: 3 as 2 }, /router "stable": stage is 3; expected an integer of at least 1 and at most 2/],
    [{ type: 'expert-prototyping', numPrototypes: 3 }, /numPrototypes is 3; expected a divisor of the 4 experts/],
    [{ type: 'deepseek', k: 2, numGroups: 3 }, /numGroups is 3; expected a divisor of the 4 experts/],
    [{ type: 'deepseek', k: 3, numGroups: 4, numKeptGroups: 2 }, /k is 3; expected an integer from 1 to 2/],
    [{ type: 'dynmole', topP: 1.5 }, /topP is 1.5/],
    [{ type: 'dynmole', entropyIndex: 3 }, /entropyIndex is 3/],
    [{ type: 'expert-choice', maxExpertsPerToken: 9 }, /maxExpertsPerToken is 9; expected an integer from 1 to 4/],
    [
      { type: 'expert-choice', capacity: 5, maxExpertsPerToken: 1 },
      /maxExpertsPerToken is 1: 8 tokens have 8 places; expected at least 4 experts \* capacity 5 = 20/,
    ],
    [{ type: 'hash', table: [4] }, /table\[0\] is 4; expected an integer from 0 to 3/],
    [{ type: 'topk' as 'base' }, /router type is "topk"; expected one of token-choice, switch, gshard-top-2/],
    [{ type: 'toString' as 'base' }, /router type is "toString"/],
    [
      { type: 'deepseek', numExpert: 4 } as RouterConfig,
      /router "deepseek" has no option "numExpert"; expected one of k, scoring/,
    ],
  ])('%o', (router, message) => {
    expect(() => apply(router)).toThrow(message);
  });

  test('tokens, logits and options of the layer', () => {
    expect(() => applyTopKMoe(ops, parameters, ops.tensor([], [0, D]), base)).toThrow(/tokens have shape \[0,5\]/);
    expect(() => applyTopKMoe(ops, parameters, ops.fill([T, 6], 0), base)).toThrow(
      /tokens have shape \[8,6\]; expected \[T,5\] or \[B,T,5\]/,
    );
    expect(() => applyTopKMoe(ops, parameters, ops.fill([T, D], Number.NaN), base)).toThrow(/tokens hold NaN at 0/);
    expect(() => applyTopKMoe(ops, parameters, tokens, { ...base, numExpert: 4 } as TopKMoeConfig)).toThrow(
      /sparse MoE has no option "numExpert"; expected one of numExperts, .*did you mean numExperts/,
    );
    for (const name of ['isResidual', 'normalizesInput', 'hasGateBias', 'isNoisy', 'checkFinite']) {
      expect(() => applyTopKMoe(ops, parameters, tokens, { ...base, [name]: 'no' })).toThrow(
        `${name} is "no"; expected true or false`,
      );
    }
    const huge = { ...parameters, 'params/MoE_0/router/Dense_0/kernel': ops.fill([D, E], 1e308) };
    expect(() => applyTopKMoe(ops, huge, ops.fill([T, D], 10), base)).toThrow(
      /router logits hold Infinity at 0; expected finite numbers/,
    );
    const tfOps = createTfjsOps(tf);
    const bad = tfOps.fill([T, D], Number.NaN);
    const checked = { ...base, checkFinite: true };
    expect(() => applyTopKMoe(tfOps, toTensors(tfOps, parameters), bad, checked)).toThrow(/tokens hold NaN/);
    expect(() => initTopKMoe(createRng(1), { ...base, dispatcher: 'sparse' as 'dense' })).toThrow(
      /dispatcher is "sparse"; expected one of dense, indices/,
    );
    expect(() => initTopKMoe(createRng(1), { ...base, gateTransform: 'sin' as 'cos' })).toThrow(
      /gateTransform is "sin"/,
    );
    expect(() => initTopKMoe(createRng(1), { ...base, numExperts: 0 })).toThrow(/numExperts is 0/);
  });

  test('errors are typed', () => {
    expect.assertions(2);
    try {
      apply({ type: 'token-choice', k: 5 });
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      expect((error as { code: string }).code).toBe('INVALID_ARGUMENT');
    }
  });
});

test('an input by another name, which would let padding in, is refused', () => {
  const tokens = ops.tensor(numbers(B * T * D), [B, T, D]);
  const mask = { tokensMask: ops.fill([B, T], 1) } as object;
  const parameters = toTensors(ops, initTopKMoe(createRng(1), base));
  expect(() => applyTopKMoe(ops, parameters, tokens, base, mask)).toThrow(
    /^inputs of sparse MoE has no option "tokensMask"; .*did you mean tokenMask/,
  );
  const lora = { numExperts: 4, inputSize: D, outputSize: 3, rank: 2 };
  const own = toTensors(ops, initLoraMoe(createRng(1), lora));
  expect(() => applyLoraMoe(ops, own, tokens, ops.fill([D, 3], 1), lora, mask)).toThrow(/^inputs of LoRA MoE has no/);
});
