// Simplicial embeddings against the worked examples, initializers, token layouts and parameter checks.
import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { createTypedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import { describe, expect, test } from 'vitest';
import {
  applyExperts,
  applySimplicial,
  batchTokens,
  checkFinite,
  initExperts,
  initSimplicial,
  lazyRecord,
  lecunNormal,
  orthogonal,
  parameter,
  routerChangeRate,
  routerStatistics,
  simplicialEmbedding,
  simplicialFeatureMap,
  slotsFromExperts,
  slotsToExperts,
  toTensors,
} from './index.ts';

const examples = JSON.parse(readFileSync(new URL('../../../testdata/examples.json', import.meta.url), 'utf8'));
const ops = createTypedArrayOps({ precision: 'float64' });

function expectClose(actual: { data: ArrayLike<number> }, expected: number[], tolerance = 1e-6): void {
  expect(actual.data.length).toBe(expected.length);
  expected.forEach((value, index) => {
    expect(Math.abs(actual.data[index]! - value), `element ${index}`).toBeLessThan(tolerance);
  });
}

describe('simplicial embeddings', () => {
  test('simplicial', () => {
    const { logits, tau } = examples.simplicial;
    for (const [temperature, expected] of Object.entries<number[][]>(tau)) {
      const embedded = simplicialEmbedding(ops, ops.tensor(logits.flat(), [1, 8]), 2, Number(temperature));
      expectClose(embedded, expected.flat());
    }
  });

  test('simplicial_v1_axis: version 1 is a softmax over width, not channels', () => {
    const { feature_map_hwc, tau, softmax_over_axis1_w } = examples.simplicial_v1_axis;
    const features = ops.tensor(feature_map_hwc.flat(2), [1, 2, 2, 2]);
    expectClose(simplicialFeatureMap(ops, features, tau), softmax_over_axis1_w.flat(2));
  });

  test('version 2 sums to the number of groups, and a constant added to a group changes nothing', () => {
    const config = { inputSize: 6, numExperts: 3, hiddenSize: 4 };
    const parameters = toTensors(ops, initSimplicial(createRng(1), config));
    const x = ops.tensor(
      Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      [2, 6],
    );
    const out = applySimplicial(ops, parameters, x, config);
    expect(out.shape).toEqual([2, 12]);
    expectClose(ops.sum(out, [1]), [3, 3]);
    const bias = { 'params/Dense_0/bias': ops.tensor([7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0], [12]) };
    expectClose(applySimplicial(ops, { ...parameters, ...bias }, x, config), Array.from(out.data), 1e-12);
    expect(() => simplicialEmbedding(ops, x, 4)).toThrow(/x has shape \[2,6\]; expected \[\?,8\]/);
    expect(() => simplicialEmbedding(ops, x, 2, 0)).toThrow(/temperature is 0/);
  });
});

describe('initializers', () => {
  test('lecunNormal has the standard deviation sqrt(1/fanIn) and no value beyond 2 cut deviations', () => {
    const values = lecunNormal(createRng(3), 20_000, 16);
    const std = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
    expect(std).toBeCloseTo(0.25, 2);
    expect(Math.max(...values)).toBeLessThanOrEqual(0.5 / 0.8796256 + 1e-6);
  });

  test.each([
    [3, 5],
    [5, 3],
    [4, 4],
  ])('orthogonal %i x %i', (rows, columns) => {
    const q = ops.tensor(orthogonal(createRng(5), rows, columns, 0.1), [rows, columns]);
    const gram = rows <= columns ? ops.matmul(q, q, false, true) : ops.matmul(q, q, true, false);
    const n = Math.min(rows, columns);
    expectClose(
      gram,
      Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 0.01 : 0)),
      1e-7,
    );
  });
});

test('slots move to experts and back', () => {
  const x = ops.tensor(
    Array.from({ length: 2 * 6 * 2 }, (_, i) => i),
    [2, 6, 2],
  );
  const byExpert = slotsToExperts(ops, x, 3);
  expect(byExpert.shape).toEqual([3, 4, 2]);
  // expert 1 has slots 2 and 3 of both samples
  expect(Array.from(byExpert.data.slice(8, 16))).toEqual([4, 5, 6, 7, 16, 17, 18, 19]);
  expect(slotsFromExperts(ops, byExpert, 2)).toEqual(x);
});

test('experts are independent of each other', () => {
  const config = { numExperts: 2, tokenSize: 3, hiddenSize: 4 };
  const initial = initExperts(createRng(1), config, 'e/');
  const slots = ops.tensor(
    Array.from({ length: 12 }, (_, i) => Math.cos(i)),
    [2, 2, 3],
  );
  const both = applyExperts(ops, toTensors(ops, initial), slots, config, 'e/');
  const second = Object.fromEntries(
    Object.entries(initial).map(([name, { shape, data }]) => [
      name,
      { shape: [1, ...shape.slice(1)], data: data.slice(data.length / 2) },
    ]),
  );
  const alone = applyExperts(
    ops,
    toTensors(ops, second),
    ops.tensor(slots.data.slice(6), [1, 2, 3]),
    { ...config, numExperts: 1 },
    'e/',
  );
  expectClose(alone.output, Array.from(both.output.data.slice(6)), 1e-12);
  expectClose(alone.hidden, Array.from(both.hidden.data.slice(8)), 1e-12);
});

test('routerStatistics: entropy is 1 for uniform scores and 0 for certain ones', () => {
  const pairs = [{ token: 0, expert: 1, isKept: true }];
  expect(routerStatistics(pairs, [0.5, 0.5], 1, 2).normalizedEntropy).toBeCloseTo(1, 12);
  expect(routerStatistics(pairs, [0, 2], 1, 2).normalizedEntropy).toBe(0);
  expect(() => routerChangeRate([[0]], [])).toThrow(/sets are of 1 and 0 tokens/);
});

test('bad shapes and values are named', () => {
  expect(() => batchTokens(ops, ops.fill([4], 1), { tokenSize: 4 })).toThrow(
    /tokens have shape \[4\]; expected \[T,4\] or \[B,T,4\]/,
  );
  expect(() => parameter(ops, {}, 'params/x', [2])).toThrow(/parameter params\/x is missing; expected shape \[2\]/);
  expect(() => parameter(ops, { 'params/x': ops.fill([3], 0) }, 'params/x', [2])).toThrow(
    /has shape \[3\]; expected \[2\]/,
  );
  expect(() => checkFinite(ops, 'logits', ops.tensor([0, 1, 2, Number.POSITIVE_INFINITY], [2, 2]))).toThrow(
    /logits hold Infinity at 3/,
  );
});

test('lazyRecord computes each property once, when read', () => {
  let calls = 0;
  const record = lazyRecord<{ a: number; b: number }>({ a: () => ++calls, b: () => 10 });
  expect(calls).toBe(0);
  expect([record.a, record.a, record.b]).toEqual([1, 1, 10]);
});
