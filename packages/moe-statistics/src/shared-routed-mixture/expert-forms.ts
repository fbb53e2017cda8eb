// Mean functions of experts, and their weighted least squares: linear, or one rectified unit with or without an intercept.
// A unit a relu(v . x + c) is unchanged under (v t, c t, a / t), t > 0: fits keep |v| = 1, so that parameters can be compared at all.
import { requireOneOf } from '@moe-rl/core';
import type { Matrix } from '../data/samples.ts';
import { solveDamped } from '../numerics/cholesky.ts';

/** `linear`: slopes . x + intercept. `relu`: output relu(slopes . x + intercept). `relu-origin`: output relu(slopes . x). */
export type ExpertForm = 'linear' | 'relu' | 'relu-origin';
export const EXPERT_FORMS = ['linear', 'relu', 'relu-origin'] as const;

export function requireExpertForm(name: string, form: unknown): ExpertForm {
  return requireOneOf(name, form, EXPERT_FORMS);
}

/** Numbers per expert: slopes [d], then intercept and output where the form has them. */
export function formSize(form: ExpertForm, columns: number): number {
  return columns + (form === 'relu' ? 2 : 1);
}

/** Free parameters per expert: one less than numbers where scale can be moved from the slopes to the output. */
export function formFreedom(form: ExpertForm, columns: number): number {
  return formSize(form, columns) - (form === 'linear' ? 0 : 1);
}

/** Names of an expert's numbers. */
export function formNames(form: ExpertForm, names: readonly string[]): string[] {
  const slopes = names.map((name) => `slope of ${name}`);
  return form === 'linear'
    ? [...slopes, 'intercept']
    : form === 'relu'
      ? [...slopes, 'intercept', 'output']
      : [...slopes, 'output'];
}

/** The mean at row `row` of x, for the numbers that start at `at`. */
export function expertMean(form: ExpertForm, numbers: ArrayLike<number>, at: number, x: Matrix, row: number): number {
  const d = x.columns;
  let u = 0;
  for (let k = 0; k < d; k++) u += numbers[at + k]! * x.values[row * d + k]!;
  if (form === 'linear') return u + numbers[at + d]!;
  if (form === 'relu') u += numbers[at + d]!;
  if (u <= 0) return 0;
  return u * numbers[at + d + (form === 'relu' ? 1 : 0)]!;
}

/** Gives rectified units slopes of length 1 and moves the scale to the output. */
export function canonicalizeExpert(form: ExpertForm, numbers: Float64Array, at: number, columns: number): void {
  if (form === 'linear') return;
  let square = 0;
  for (let k = 0; k < columns; k++) square += numbers[at + k]! ** 2;
  const norm = Math.sqrt(square);
  if (!(norm > 0)) return;
  const output = at + columns + (form === 'relu' ? 1 : 0);
  for (let k = at; k < output; k++) numbers[k]! /= norm;
  numbers[output]! *= norm;
}

/** Weighted least squares of one expert at a time; keeps scratch space. */
export class ExpertRegression {
  readonly #form: ExpertForm;
  readonly #x: Matrix;
  readonly #y: Float64Array;
  readonly #size: number;

  constructor(form: ExpertForm, x: Matrix, y: Float64Array) {
    this.#form = form;
    this.#x = x;
    this.#y = y;
    this.#size = formSize(form, x.columns);
  }

  /** sum_i weight_i (y_i - h(x_i))^2, the weights being every `stride`th number of `weights` from `column` on. */
  residualSquare(numbers: Float64Array, at: number, weights: Float64Array, column: number, stride: number): number {
    let sum = 0;
    for (let row = 0, w = column; row < this.#x.rows; row++, w += stride) {
      const weight = weights[w]!;
      if (weight < 1e-18) continue;
      const error = this.#y[row]! - expertMean(this.#form, numbers, at, this.#x, row);
      sum += weight * error * error;
    }
    return sum;
  }

  /**
   * Lowers the weighted square in place: the least squares solution of a linear expert in one step, `steps` Levenberg-Marquardt steps for a rectified unit.
   * @returns the square reached; never more than before
   */
  improve(
    numbers: Float64Array,
    at: number,
    weights: Float64Array,
    column: number,
    stride: number,
    steps: number,
  ): number {
    const size = this.#size;
    const moments = new Float64Array(size * size);
    const gradient = new Float64Array(size);
    const old = new Float64Array(size);
    let square = Number.NaN;
    for (let step = 0; step < (this.#form === 'linear' ? 1 : steps); step++) {
      square = this.#linearize(numbers, at, weights, column, stride, moments, gradient);
      old.set(numbers.subarray(at, at + size));
      let isImproved = false;
      for (
        let damping = this.#form === 'linear' ? 0 : 1e-6;
        damping < 1e6 && !isImproved;
        damping = damping * 30 + 1e-6
      ) {
        const direction = gradient.slice();
        solveDamped(moments, direction, size, damping);
        for (let k = 0; k < size; k++) numbers[at + k] = old[k]! + direction[k]!;
        canonicalizeExpert(this.#form, numbers, at, this.#x.columns);
        const reached = this.residualSquare(numbers, at, weights, column, stride);
        if (reached < square) {
          isImproved = true;
          square = reached;
        } else if (reached - square <= 1e-13 * square) break;
      }
      if (!isImproved) {
        numbers.set(old, at);
        return square;
      }
    }
    return square;
  }

  #linearize(
    numbers: Float64Array,
    at: number,
    weights: Float64Array,
    column: number,
    stride: number,
    moments: Float64Array,
    gradient: Float64Array,
  ): number {
    const size = this.#size;
    const d = this.#x.columns;
    const form = this.#form;
    const output = form === 'linear' ? 1 : numbers[at + size - 1]!;
    const jacobian = new Float64Array(size);
    moments.fill(0);
    gradient.fill(0);
    let square = 0;
    for (let row = 0, w = column; row < this.#x.rows; row++, w += stride) {
      const weight = weights[w]!;
      if (weight < 1e-18) continue;
      let u = form === 'relu-origin' ? 0 : numbers[at + d]!;
      for (let k = 0; k < d; k++) u += numbers[at + k]! * this.#x.values[row * d + k]!;
      const isActive = form === 'linear' || u > 0;
      const error = this.#y[row]! - (isActive ? u * output : 0);
      square += weight * error * error;
      if (!isActive) continue;
      for (let k = 0; k < d; k++) jacobian[k] = output * this.#x.values[row * d + k]!;
      if (form !== 'relu-origin') jacobian[d] = output;
      if (form !== 'linear') jacobian[size - 1] = u;
      for (let k = 0; k < size; k++) {
        const scaled = weight * jacobian[k]!;
        gradient[k]! += scaled * error;
        for (let l = 0; l <= k; l++) moments[k * size + l]! += scaled * jacobian[l]!;
      }
    }
    return square;
  }
}
