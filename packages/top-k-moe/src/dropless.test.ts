// Routers without a capacity: the work grows with the choices and not with the experts, and results are those of the dense reference.
import { createRng } from '@moe-rl/core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createTypedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyTopKMoe, initTopKMoe, type RouterConfig, type TopKMoeConfig, toTensors } from './index.ts';

beforeAll(() => tf.setBackend('cpu'));

const ops = createTypedArrayOps({ precision: 'float64' });
const values = (size: number) => Array.from({ length: size }, (_, index) => Math.sin(index * 12.9898) * 2);

describe('cost', () => {
  test.each([4, 16, 64])('%i experts: as many expert rows as choices', (numExperts) => {
    const config: TopKMoeConfig = { numExperts, tokenSize: 8, hiddenSize: 8, router: { type: 'deepseek', k: 2 } };
    let rows = 0;
    let macs = 0;
    const counting: typeof ops = {
      ...ops,
      relu(x) {
        rows += ops
          .shape(x)
          .slice(0, -1)
          .reduce((a, b) => a * b, 1);
        return ops.relu(x);
      },
      matmul(a, b, ...flags) {
        macs += ops.shape(a).reduce((product, size) => product * size, ops.shape(b).at(-1)!);
        return ops.matmul(a, b, ...flags);
      },
    };
    applyTopKMoe(
      counting,
      toTensors(ops, initTopKMoe(createRng(1), config)),
      ops.tensor(values(2 * 64 * 8), [2, 64, 8]),
      config,
    );
    expect(rows).toBe(2 * 64 * 2);
    // The gate's product is the only one over all experts.
    expect(macs).toBe(2 * 64 * 8 * numExperts);
  });
});

const routers: RouterConfig[] = [
  { type: 'deepseek', k: 2 },
  { type: 'deepseek', k: 1 },
  { type: 'noisy-top-k', k: 3 },
  { type: 'stable' },
  { type: 'hash' },
  { type: 'base' },
  { type: 'dynmole' },
  { type: 'dense-to-sparse', threshold: 0.3, evaluationCapacityFraction: 0 },
];

describe.each(routers.map((router) => [JSON.stringify(router), router] as const))('%s', (_, router) => {
  const [B, T, D, E] = [3, 6, 4, 5];
  const config: TopKMoeConfig = { numExperts: E, tokenSize: D, hiddenSize: 7, router, normalizesInput: true };
  const initial = initTopKMoe(createRng(4), config);
  for (const { data } of Object.values(initial)) if (data.every((value) => value === 0)) data.set(values(data.length));

  test('gradients on tfjs equal those of the dense dispatcher', () => {
    const tfOps = createTfjsOps(tf);
    const names = Object.keys(initial);
    const run = (dispatcher: 'dense' | 'indices') =>
      tf.valueAndGrads((tokens: tf.Tensor, ...all: tf.Tensor[]) => {
        const parameters = Object.fromEntries(names.map((name, index) => [name, all[index]!]));
        const { output } = applyTopKMoe(
          tfOps,
          parameters,
          tokens,
          { ...config, dispatcher },
          {
            isTraining: false,
            tokenIds: tf.tensor2d(
              Array.from({ length: B * T }, (_each, index) => index % E),
              [B, T],
              'int32',
            ),
          },
        );
        const loss = tf.sum(tf.mul(output, tf.tensor(values(B * T * D), [B, T, D])));
        // tfjs throws for a parameter that no gradient reaches.
        return all.reduce((total, each) => tf.add(total, tf.mul(tf.sum(each), 0)), loss) as tf.Scalar;
      })([
        tf.tensor(values(B * T * D), [B, T, D]),
        ...names.map((name) => tf.tensor(initial[name]!.data, [...initial[name]!.shape])),
      ]);
    const [dense, grouped] = [run('dense'), run('indices')];
    dense.grads.forEach((gradient, index) => {
      const [a, b] = [gradient.dataSync(), grouped.grads[index]!.dataSync()];
      for (let position = 0; position < a.length; position++) {
        expect(Math.abs(a[position]! - b[position]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(a[position]!)));
      }
    });
  });

  test('hidden activations are those of the slots, zeros where no token is', () => {
    const inputs = {
      isTraining: false,
      tokenIds: ops.tensor(
        Array.from({ length: B * T }, (_each, index) => index % E),
        [B, T],
      ),
    };
    const run = (dispatcher: 'dense' | 'indices') =>
      applyTopKMoe(
        ops,
        toTensors(ops, initial),
        ops.tensor(values(B * T * D), [B, T, D]),
        { ...config, dispatcher },
        inputs,
      );
    const [dense, grouped] = [run('dense'), run('indices')];
    const used = ops.reshape(dense.slotsUsed, [B, E, T, 1]);
    const [a, b] = [ops.multiply(dense.expertsHidden, used).data, grouped.expertsHidden.data];
    for (let index = 0; index < a.length; index++) expect(b[index]).toBeCloseTo(a[index]!, 9);
  });
});

describe('a NaN stays in its sample', () => {
  const configs: RouterConfig[] = [
    { type: 'switch', capacity: 1 },
    { type: 'token-choice', k: 2, capacity: 1 },
    { type: 'expert-choice', capacity: 1 },
    { type: 'deepseek', k: 2 },
    { type: 'dynmole' },
    { type: 'expert-prototyping', capacity: 1 },
  ];
  test.each(
    configs.flatMap((router) =>
      (['dense', 'indices'] as const).map((dispatcher) => [router.type, dispatcher, router] as const),
    ),
  )('%s, %s: output and gradients of the other samples are finite', (_type, dispatcher, router) => {
    const tfOps = createTfjsOps(tf);
    const config: TopKMoeConfig = { numExperts: 2, tokenSize: 2, hiddenSize: 3, router, dispatcher };
    const parameters = toTensors(tfOps, initTopKMoe(createRng(1), config));
    const data = values(3 * 6 * 2);
    data[0] = Number.NaN;
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => {
      const { output } = applyTopKMoe(tfOps, parameters, x, config);
      return tf.sum(tf.slice(output, [1, 0, 0], [2, 6, 2])) as tf.Scalar;
    })(tf.tensor(data, [3, 6, 2]));
    expect(Number.isFinite(value.dataSync()[0])).toBe(true);
    const own = grad.dataSync().slice(12);
    expect(own.every(Number.isFinite)).toBe(true);
    expect(own.some((each) => each !== 0)).toBe(true);
  });
});
