// The sparse MoE layer with every router, on every adapter: both dispatchers agree, samples are independent, invariants, gradients, bad input.

import * as jax from '@jax-js/jax';
import { createRng } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { createJaxOps } from '@moe-rl/tensor-ops/jax';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import type { TypedArrayTensor } from '@moe-rl/tensor-ops/typed-array';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  applyTopKMoe,
  bestAssignment,
  combineMatrix,
  createRouter,
  dispatch,
  dispatcherNames,
  dispatchMatrices,
  initTopKMoe,
  type RouterConfig,
  routerTypes,
  type TopKMoeConfig,
  type TopKMoeInputs,
  tokenChoiceRouter,
  topKMoeParameterSpecs,
  toTensors,
} from './index.ts';
import { B, base, D, E, expectClose, H, numbers, ops, T, uniforms } from './test-support.ts';

const routers: RouterConfig[] = [
  { type: 'token-choice' },
  { type: 'token-choice', k: 2, capacityCountsChoices: true, hasBatchPriority: true },
  { type: 'token-choice', k: 3, isRenormalized: true, capacity: 3, noiseStd: 1 },
  { type: 'switch', capacityFactor: 1 },
  { type: 'gshard-top-2' },
  { type: 'noisy-top-k', k: 2 },
  { type: 'random', k: 2 },
  { type: 'expert-prototyping', numPrototypes: 2 },
  { type: 'expert-choice' },
  { type: 'expert-choice', capacityFactor: 2, maxExpertsPerToken: 2 },
  { type: 'base' },
  { type: 'hash', table: [3, 1, 0, 2] },
  { type: 'hash', capacity: 2 },
  { type: 'stable' },
  { type: 'stable', stage: 2, capacityFactor: 1 },
  { type: 'dense-to-sparse', threshold: 0.2 },
  { type: 'dense-to-sparse', isHard: true },
  { type: 'deepseek', k: 2 },
  { type: 'deepseek', k: 2, scoring: 'softmax', numGroups: 2, numKeptGroups: 1, routeScale: 16, capacityFactor: 1 },
  { type: 'dynmole' },
];
const named = routers.map((router) => [JSON.stringify(router), router] as const);

function inputsFor<Tensor>(any: TensorOps<Tensor>, router: RouterConfig, batch = B): TopKMoeInputs<Tensor> {
  const size = batch * T * E;
  return {
    normalNoise: any.tensor(numbers(size, 1), [batch, T, E]),
    uniformNoise:
      router.type === 'gshard-top-2'
        ? any.tensor(uniforms(batch * T), [batch, T])
        : any.tensor(uniforms(size), [batch, T, E]),
    bias: any.tensor([0.1, -0.2, 0, 0.3], [E]),
    tokenIds: any.toInteger(
      any.tensor(
        Array.from({ length: batch * T }, (_, index) => index % 4),
        [batch, T],
      ),
    ),
    distilledLogits: any.tensor(numbers(size, 2), [batch, T, E]),
    temperature: 0.7,
  };
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await jax.init();
  jax.defaultDevice('wasm');
});

test('every router has its test here', () => {
  expect([...new Set(routers.map((router) => router.type))].sort()).toEqual([...routerTypes].sort());
});

describe.each(named)('%s', (_, router) => {
  const config = { ...base, router };
  const initial = initTopKMoe(createRng(5), config);
  // away from the zero gates of noisy-top-k and the zero experts of base
  for (const each of Object.values(initial))
    if (each.data.every((value) => value === 0)) each.data.set(numbers(each.data.length));
  const values = numbers(B * T * D);
  const run = <Tensor>(any: TensorOps<Tensor>, dispatcher: 'dense' | 'indices') =>
    applyTopKMoe(
      any,
      toTensors(any, initial),
      any.tensor(values, [B, T, D]),
      { ...config, dispatcher },
      inputsFor(any, router),
    );
  const reference = run(ops, 'dense');

  test('both dispatchers give the same slots and outputs', () => {
    const { output, expertsHidden, routing } = run(ops, 'indices');
    expectClose(output.data, reference.output.data);
    const used = ops.sum(dispatchMatrices(ops, routing.assignment, T).dispatch, [1]);
    const mask = ops.reshape(used, [B, E, routing.assignment.capacity, 1]);
    expectClose(ops.multiply(expertsHidden, mask).data, ops.multiply(reference.expertsHidden, mask).data);
  });

  test('runs alike on tfjs and jax-js', () => {
    for (const dispatcher of dispatcherNames) {
      const tfOps = createTfjsOps(tf);
      expectClose(tfOps.read(run(tfOps, dispatcher).output), reference.output.data, 1e-4);
    }
    const jaxOps = createJaxOps(jax);
    expectClose(jaxOps.read(run(jaxOps, 'dense').output), reference.output.data, 1e-4);
  });

  test('the assignment obeys its invariants', () => {
    const { assignment } = reference.routing;
    const { dispatch: matrix, combine } = dispatchMatrices(ops, assignment, T);
    expect(matrix.data.every((value) => value === 0 || value === 1)).toBe(true);
    // each slot holds at most one token
    expect(Math.max(...ops.sum(matrix, [1]).data)).toBeLessThanOrEqual(1);
    // no expert has more than its capacity
    expect(Math.max(...ops.sum(matrix, [1, 3]).data)).toBeLessThanOrEqual(assignment.capacity);
    // weights sit where tokens sit, and agree with the matrix without slots
    expectClose(ops.sum(combine, [3]).data, combineMatrix(ops, assignment, T).data);
    combine.data.forEach((weight, index) => {
      if (matrix.data[index] === 0) expect(weight).toBe(0);
    });
    // the output is the weighted sum of each expert on each token: computed without any dispatch
    const identity = dispatch(ops, assignment, ops.tensor(values, [B, T, D]));
    const direct = ops.multiply(ops.sum(combineMatrix(ops, assignment, T), [2], true), ops.tensor(values, [B, T, D]));
    expectClose(identity.combine(identity.slots).data, direct.data);
  });

  // The identity of experts matters to these by design.
  const namesExperts = ['random', 'hash', 'noisy-top-k', 'stable', 'dense-to-sparse', 'expert-prototyping', 'deepseek'];
  test.skipIf(namesExperts.includes(router.type) || 'noiseStd' in router)('permuting experts changes nothing', () => {
    const order = [2, 0, 3, 1];
    const permuted = Object.fromEntries(
      Object.entries(toTensors(ops, initial)).map(([name, tensor]) => {
        const experts = ops.tensor(order, [E]);
        if (!name.includes('router')) return [name, ops.gather(tensor, experts)];
        return [name, ops.transpose(ops.gather(ops.transpose(tensor, [1, 0]), experts), [1, 0])];
      }),
    );
    const { output } = applyTopKMoe(ops, permuted, ops.tensor(values, [B, T, D]), config, inputsFor(ops, router));
    expectClose(output.data, reference.output.data);
  });

  test('gradients on tfjs reach experts and, where weights are learned, the gate; they are finite', () => {
    const tfOps = createTfjsOps(tf);
    for (const dispatcher of dispatcherNames) {
      tf.tidy(() => {
        const variables = Object.fromEntries(
          Object.entries(initial).map(([name, { shape, data }]) => [
            name,
            tf.variable(tf.tensor(data, shape as number[])),
          ]),
        );
        const { grads } = tf.variableGrads(() => {
          const tokens = tf.tensor(values, [B, T, D]);
          const { output } = applyTopKMoe(
            tfOps,
            variables,
            tokens,
            { ...config, dispatcher },
            inputsFor(tfOps, router),
          );
          return tf.sum(tf.square(output)) as tf.Scalar;
        });
        const isTaught = (name: string) => {
          const gradient = grads[variables[name]!.name];
          if (!gradient) return false;
          const data = Array.from(gradient.dataSync());
          expect(data.every(Number.isFinite), name).toBe(true);
          return data.some((value) => value !== 0);
        };
        expect(isTaught('params/ExpertModel_0/net/kernel')).toBe(true);
        expect(isTaught('params/ExpertModel_0/Dense_0/bias')).toBe(true);
        expect(isTaught('params/MoE_0/router/Dense_0/kernel')).toBe(!['random', 'hash'].includes(router.type));
        if (router.type === 'noisy-top-k') expect(isTaught('params/MoE_0/router/noise/kernel')).toBe(true);
      });
    }
  });

  test.skipIf(router.type === 'random')('evaluation needs no random numbers', () => {
    const { tokenIds, distilledLogits } = inputsFor(ops, router);
    const { output } = applyTopKMoe(ops, toTensors(ops, initial), ops.tensor(values, [B, T, D]), config, {
      tokenIds,
      distilledLogits,
      isTraining: false,
    });
    expect(output.shape).toEqual([B, T, D]);
  });
});

test('samples of a batch do not compete', () => {
  const config: TopKMoeConfig = { ...base, router: { type: 'token-choice', k: 2, capacity: 2 } };
  const parameters = toTensors(ops, initTopKMoe(createRng(1), config));
  const values = numbers(B * T * D);
  const both = applyTopKMoe(ops, parameters, ops.tensor(values, [B, T, D]), config).output;
  const single = [0, 1].flatMap((sample) => {
    const tokens = ops.tensor(values.slice(sample * T * D, (sample + 1) * T * D), [T, D]);
    const { output, expertsHidden } = applyTopKMoe(ops, parameters, tokens, config);
    expect(output.shape).toEqual([T, D]);
    expect(expertsHidden.shape).toEqual([E, 2, H]);
    return Array.from(output.data);
  });
  expectClose(both.data, single);
});

describe('options of the layer', () => {
  const tokens = ops.tensor(numbers(T * D), [T, D]);
  const plain = toTensors(ops, initTopKMoe(createRng(1), base));
  const output = applyTopKMoe(ops, plain, tokens, base).output;

  test('isResidual adds the tokens; a dropped token passes through it', () => {
    const config: TopKMoeConfig = { ...base, router: { type: 'token-choice', capacity: 1 } };
    const dropped = applyTopKMoe(ops, plain, tokens, config);
    const kept = (dropped.routing.assignment as { kept: TypedArrayTensor }).kept.data;
    const residual = applyTopKMoe(ops, plain, tokens, { ...config, isResidual: true }).output;
    expectClose(ops.subtract(residual, tokens).data, dropped.output.data);
    expect(kept.includes(0)).toBe(true);
    kept.forEach((flag, token) => {
      if (flag) return;
      expect(Array.from(dropped.output.data.slice(token * D, (token + 1) * D))).toEqual(new Array(D).fill(0));
    });
  });

  test('a capacity factor of 1e9 drops nothing', () => {
    const config: TopKMoeConfig = { ...base, router: { type: 'token-choice', capacityFactor: 1e3 } };
    const { routing } = applyTopKMoe(ops, plain, tokens, config);
    expect(Array.from((routing.assignment as { kept: TypedArrayTensor }).kept.data)).toEqual(new Array(T).fill(1));
  });

  test('shared experts work on every token with weight 1: the layer minus them is the layer without', () => {
    const config: TopKMoeConfig = { ...base, numSharedExperts: 2 };
    const initial = initTopKMoe(createRng(1), config);
    expect(initial['params/SharedExpertModel_0/net/kernel']!.shape).toEqual([1, D, 2 * H]);
    const all = { ...toTensors(ops, initial), ...plain };
    const shared = ops.subtract(applyTopKMoe(ops, all, tokens, config).output, output);
    const first = applyTopKMoe(ops, all, ops.gather(tokens, ops.tensor([3], [1])), config);
    const firstRouted = applyTopKMoe(ops, plain, ops.gather(tokens, ops.tensor([3], [1])), base);
    expectClose(ops.subtract(first.output, firstRouted.output).data, shared.data.slice(3 * D, 4 * D));
  });

  test('gate transforms change the gate only', () => {
    for (const gateTransform of ['sigmoid', 'tanh', 'cos'] as const) {
      const { routing } = applyTopKMoe(ops, plain, tokens, { ...base, gateTransform });
      const expected = ops.matmul(ops[gateTransform](tokens), plain['params/MoE_0/router/Dense_0/kernel']!);
      expectClose(routing.logits.data, expected.data);
    }
  });

  test('hasGateBias and normalizesInput have parameters that matter', () => {
    const config: TopKMoeConfig = { ...base, hasGateBias: true, normalizesInput: true };
    expect(topKMoeParameterSpecs(config).map((spec) => spec.name.replace('params/MoE_0/', ''))).toEqual(
      expect.arrayContaining(['router/Dense_0/bias', 'LayerNorm_0/scale', 'LayerNorm_0/bias']),
    );
    const all = toTensors(ops, initTopKMoe(createRng(1), config));
    const lead = ops.tensor([50, 0, 0, 0], [E]);
    const { routing } = applyTopKMoe(ops, { ...all, 'params/MoE_0/router/Dense_0/bias': lead }, tokens, config);
    const chosen = (routing.assignment as { experts: TypedArrayTensor }).experts.data;
    expect(Array.from(chosen)).toEqual(new Array(T).fill(0));
    // normalized: shifting and scaling a token leaves what experts see as it was
    const moved = ops.add(ops.multiply(tokens, ops.fill([], 3)), ops.fill([], 1));
    const fixed: TopKMoeConfig = { ...config, router: { type: 'hash' } };
    const ids = { tokenIds: ops.tensor(new Array(T).fill(1), [1, T]) };
    expectClose(
      applyTopKMoe(ops, all, moved, fixed, ids).output.data,
      applyTopKMoe(ops, all, tokens, fixed, ids).output.data,
      1e-4,
    );
  });

  test('"base" starts as the identity', () => {
    const config: TopKMoeConfig = { ...base, router: { type: 'base' }, isResidual: true, normalizesInput: true };
    const start = applyTopKMoe(ops, toTensors(ops, initTopKMoe(createRng(1), config)), tokens, config).output;
    expectClose(start.data, tokens.data);
  });

  test('hardcoded routing teaches only the experts that own the task', () => {
    const config: TopKMoeConfig = { ...base, router: { type: 'hash' } };
    const tfOps = createTfjsOps(tf);
    const variable = tf.variable(tf.tensor(Array.from(plain['params/ExpertModel_0/net/kernel']!.data), [E, D, H]));
    const { grads } = tf.variableGrads(() => {
      const parameters = { ...toTensors(tfOps, plain), 'params/ExpertModel_0/net/kernel': variable };
      const ids = tfOps.toInteger(tfOps.fill([1, T], 2));
      const { output: y } = applyTopKMoe(tfOps, parameters, tf.tensor(numbers(T * D), [T, D]), config, {
        tokenIds: ids,
      });
      return tf.sum(tf.square(y)) as tf.Scalar;
    }, [variable]);
    const perExpert = tf.sum(tf.abs(grads[variable.name]!), [1, 2]).dataSync();
    expect(Array.from(perExpert, (value) => value > 0)).toEqual([false, false, true, false]);
  });
});

describe('routers, beyond the worked examples', () => {
  test('ties go to the lowest expert, and overflow to the last tokens', () => {
    const { assignment } = tokenChoiceRouter({ k: 2, capacity: 3 }).route(ops, ops.fill([1, 5, 4], 0), {});
    const { experts, kept } = assignment as { experts: TypedArrayTensor; kept: TypedArrayTensor };
    expect(Array.from(experts.data)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    expect(Array.from(kept.data)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
  });

  test('all first choices come before any second choice', () => {
    const logits = ops.tensor([3, 2, 0, 0, 2, 3, 0, 0], [1, 2, 4]);
    const { assignment } = tokenChoiceRouter({ k: 2, capacity: 1 }).route(ops, logits, {});
    expect(Array.from((assignment as { kept: TypedArrayTensor }).kept.data)).toEqual([1, 0, 1, 0]);
  });

  test('batch priority gives slots to the surest tokens', () => {
    const logits = ops.tensor([1, 0, 3, 0, 2, 0], [1, 3, 2]);
    const kept = (hasBatchPriority: boolean) =>
      Array.from(
        (
          tokenChoiceRouter({ capacity: 1, hasBatchPriority }).route(ops, logits, {}).assignment as {
            kept: TypedArrayTensor;
          }
        ).kept.data,
      );
    expect(kept(false)).toEqual([1, 0, 0]);
    expect(kept(true)).toEqual([0, 1, 0]);
  });

  test('dense-to-sparse with fixed noise: the selected set only shrinks as the temperature falls', () => {
    const logits = ops.tensor(numbers(T * E), [1, T, E]);
    const uniformNoise = ops.tensor(uniforms(T * E), [1, T, E]);
    const router = createRouter({ type: 'dense-to-sparse' });
    let before: ArrayLike<number> = new Array(T * E).fill(1);
    for (const temperature of [2, 1, 0.5, 0.2, 0.05]) {
      const { assignment } = router.route(ops, logits, { uniformNoise, temperature });
      const wanted = (assignment as { wanted: TypedArrayTensor }).wanted.data;
      wanted.forEach((flag, index) => {
        expect(flag).toBeLessThanOrEqual(before[index]!);
      });
      before = wanted;
    }
    expect(Array.from(before).reduce((a, b) => a + b, 0)).toBeLessThan(1.5 * T);
  });

  test('bestAssignment equals brute force', () => {
    const rng = createRng(9);
    for (let trial = 0; trial < 60; trial++) {
      const [experts, tokens, capacity, cap] = trial % 2 ? [2, 4, 2, 1] : [3, 4, 2, 2];
      const scores = Array.from({ length: experts! * tokens! }, () => Math.round(rng.nextNormal() * 4) / 4);
      const chosen = bestAssignment(scores, experts!, tokens!, capacity!, cap!);
      const total = scores.reduce((sum, score, index) => sum + (chosen[index] ? score : 0), 0);
      let best = Number.NEGATIVE_INFINITY;
      for (let bits = 0; bits < 2 ** scores.length; bits++) {
        const has = (expert: number, token: number) => (bits >> (expert * tokens! + token)) & 1;
        const rowsFit = Array.from({ length: experts! }, (_, e) => e).every(
          (e) => Array.from({ length: tokens! }, (_, t) => has(e, t)).reduce<number>((a, b) => a + b, 0) === capacity,
        );
        const columnsFit =
          rowsFit &&
          Array.from({ length: tokens! }, (_, t) => t).every(
            (t) => Array.from({ length: experts! }, (_, e) => has(e, t)).reduce<number>((a, b) => a + b, 0) <= cap!,
          );
        if (columnsFit)
          best = Math.max(
            best,
            scores.reduce((sum, score, index) => sum + ((bits >> index) & 1 ? score : 0), 0),
          );
      }
      expect(total).toBeCloseTo(best, 9);
    }
  });
});
