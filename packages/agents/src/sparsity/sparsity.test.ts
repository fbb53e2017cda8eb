// Sparse training against the worked examples (testdata/examples.json), and its invariants.
import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import {
  cosineDropFraction,
  dropAndGrow,
  erdosRenyiKernel,
  gradualSparsity,
  keptCount,
  largestMask,
  magnitudeMask,
  randomMask,
} from './index.ts';

const examples = JSON.parse(readFileSync(new URL('../../../../testdata/examples.json', import.meta.url), 'utf8'));

describe('Erdos-Renyi-Kernel', () => {
  it.each([
    ['erk_90', 0.9],
    ['erk_95', 0.95],
    ['erk_tiny_80', 0.8],
  ] as const)('%s', (name, sparsity) => {
    const example = examples[name] as {
      shapes: Record<string, number[]>;
      epsilon: number;
      sparsity: Record<string, number>;
    };
    const { sparsities, epsilon } = erdosRenyiKernel(example.shapes, sparsity);
    expect(epsilon).toBeCloseTo(example.epsilon, 6);
    for (const [layer, expected] of Object.entries(example.sparsity))
      expect(sparsities[layer]).toBeCloseTo(expected, 7);
  });

  it('keeps the overall share, and everything at sparsity 0', () => {
    const shapes = { a: [3, 3, 4, 8], b: [100, 50], c: [50, 4] };
    const { sparsities } = erdosRenyiKernel(shapes, 0.7);
    const size = 288 + 5000 + 200;
    const kept = Object.entries(shapes).reduce(
      (sum, [name, shape]) => sum + shape.reduce((a, b) => a * b, 1) * (1 - sparsities[name]!),
      0,
    );
    expect(Math.abs(kept / size - 0.3)).toBeLessThan(1e-3);
    expect(Object.values(erdosRenyiKernel(shapes, 0).sparsities)).toEqual([0, 0, 0]);
    expect(keptCount(10, 0.999)).toBe(1);
    expect(() => erdosRenyiKernel(shapes, 1)).toThrow('sparsity is 1');
    // to the power of 0 all layers are alike
    const alike = Object.values(erdosRenyiKernel(shapes, 0.7, 0).sparsities);
    for (const layer of alike) expect(Math.abs(layer - 0.7)).toBeLessThan(1e-3);
    expect(() => erdosRenyiKernel(shapes, 0.5, -1)).toThrow('power');
  });
});

describe('masks', () => {
  it('drops and grows as the worked RigL step', () => {
    const { w, mask, grad, drop_fraction, new_mask, new_w } = examples.rigl_step;
    const weights = Float32Array.from(w);
    const current = Float32Array.from(mask);
    dropAndGrow(weights, current, drop_fraction, { method: 'gradient', gradients: grad });
    expect(Array.from(current)).toEqual(new_mask);
    expect(Array.from(weights)).toEqual(Array.from(Float32Array.from(new_w)));
  });

  it('keeps the largest weights, the first of equal ones', () => {
    expect(Array.from(largestMask([1, -3, 2, -2], 2))).toEqual([0, 1, 1, 0]);
    expect(Array.from(largestMask([1, 2], 0))).toEqual([0, 0]);
    expect(() => largestMask([1, 2], 3)).toThrow('kept');
  });

  it('SET keeps the number of weights and starts new ones at zero', () => {
    const rng = createRng(1, 'set');
    const mask = randomMask(rng, 200, 60);
    const weights = mask.map((bit) => bit * (rng.nextFloat() + 0.1));
    const before = { mask: mask.slice(), weights: weights.slice() };
    dropAndGrow(weights, mask, 0.3, { method: 'random', rng });
    expect(mask.reduce((sum, bit) => sum + bit, 0)).toBe(60);
    expect(mask).not.toEqual(before.mask);
    mask.forEach((bit, index) => {
      expect(weights[index]).toBe(bit === 1 && before.mask[index] === 1 ? before.weights[index] : 0);
    });
  });

  it('prunes by magnitude and by the cubic schedule (worked examples)', () => {
    const { w, sparsity, mask } = examples.magnitude_prune;
    expect(Array.from(magnitudeMask(w.flat(), sparsity))).toEqual(mask.flat());
    const { s_final, t_start, t_end, table } = examples.gmp;
    for (const [update, expected] of Object.entries(table)) {
      expect(gradualSparsity(s_final, Number(update), t_start, t_end)).toBeCloseTo(expected as number, 7);
    }
    const cosine = examples.drop_fraction_cosine;
    for (const [update, expected] of Object.entries(cosine.table)) {
      expect(cosineDropFraction(cosine.initial, Number(update), cosine.T_end)).toBeCloseTo(expected as number, 7);
    }
  });
});
