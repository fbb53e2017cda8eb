// Covariates mapped to [-1, 1], where the powers of a polynomial stay apart from each other and gate slopes have no units.
import { ShapeError } from '@moe-rl/core';
import { requireFiniteNumbers, requirePositiveNumbers } from './numbers.ts';
import type { Matrix } from './samples.ts';

/** x is used as (x - center) / scale, column by column. */
export interface Standardization {
  readonly center: readonly number[];
  readonly scale: readonly number[];
}

/** Mid-range and half-range of every column, over the rows that count: one of weight 0 would decide the units of all others. */
export function rangeStandardization(x: Matrix, weights: Float64Array): Standardization {
  const center: number[] = [];
  const scale: number[] = [];
  for (let column = 0; column < x.columns; column++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < x.rows; row++) {
      if (weights[row] === 0) continue;
      const value = x.values[row * x.columns + column]!;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    // Halved first: the difference of two large numbers may be none.
    center.push(low + (high / 2 - low / 2));
    scale.push(high / 2 - low / 2);
  }
  return { center, scale };
}

/** @throws ShapeError for another number of columns; NonFiniteError or InvalidArgumentError for a number that would map x to none */
export function requireStandardization(standardization: Standardization, columns: number): void {
  for (const name of ['center', 'scale'] as const) {
    const found = standardization?.[name]?.length;
    if (found !== columns) throw new ShapeError(`standardization.${name} has ${found} entries; expected ${columns}`);
  }
  requireFiniteNumbers('standardization.center', standardization.center);
  requirePositiveNumbers('standardization.scale', standardization.scale);
}

/** Leaves x as it is. */
export function noStandardization(columns: number): Standardization {
  return { center: new Array(columns).fill(0), scale: new Array(columns).fill(1) };
}

export function standardize(x: Matrix, { center, scale }: Standardization): Matrix {
  const values = new Float64Array(x.values.length);
  for (let row = 0; row < x.rows; row++) {
    for (let column = 0; column < x.columns; column++) {
      const index = row * x.columns + column;
      values[index] = (x.values[index]! - center[column]!) / scale[column]!;
    }
  }
  return { ...x, values };
}

/** [n, s + 1]: an intercept, then x. What gates and logistic experts are linear in. */
export function withIntercept(x: Matrix): Float64Array {
  const width = x.columns + 1;
  const design = new Float64Array(x.rows * width);
  for (let row = 0; row < x.rows; row++) {
    design[row * width] = 1;
    for (let column = 0; column < x.columns; column++) {
      design[row * width + column + 1] = x.values[row * x.columns + column]!;
    }
  }
  return design;
}
