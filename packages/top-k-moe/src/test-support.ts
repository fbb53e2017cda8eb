// What the tests of the layer share: sizes, numbers, and a comparison that names the element.
import { createRng } from '@moe-rl/core';
import { createTypedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import { expect } from 'vitest';
import type { TopKMoeConfig } from './index.ts';

export const ops = createTypedArrayOps({ precision: 'float64' });
export const [B, T, D, E, H] = [2, 8, 5, 4, 6];
export const numbers = (size: number, seed = 7): number[] => {
  const rng = createRng(seed, 'values');
  return Array.from({ length: size }, () => rng.nextNormal());
};
export const uniforms = (size: number): number[] => {
  const rng = createRng(3, 'uniform');
  return Array.from({ length: size }, () => rng.nextFloat());
};
export const base: TopKMoeConfig = { numExperts: E, tokenSize: D, hiddenSize: H };

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++) {
    expect(
      Math.abs(actual[index]! - expected[index]!),
      `element ${index}: ${actual[index]}, expected ${expected[index]}`,
    ).toBeLessThan(tolerance);
  }
}
