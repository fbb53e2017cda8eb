// Masks of sparse training: random, by magnitude, and drop-and-grow (SET: Mocanu et al. 2018; RigL: Evci et al. 2020). On the host: masks change every
// few thousand updates.
import { type Rng, requireInteger } from '@moe-rl/core';
import { keptCount } from './distribution.ts';

/** A random mask with exactly `kept` ones. */
export function randomMask(rng: Rng, size: number, kept: number): Float32Array {
  const order = shuffled(rng, size);
  const mask = new Float32Array(size);
  for (let index = 0; index < kept; index++) mask[order[index]!] = 1;
  return mask;
}

/** Keeps the weights of largest magnitude at a sparsity, `keptCount` of them; of equal ones the first. */
export function magnitudeMask(weights: ArrayLike<number>, sparsity: number): Float32Array {
  return largestMask(weights, keptCount(weights.length, sparsity));
}

/** A mask of the `kept` weights of largest magnitude; of equal ones the first. */
export function largestMask(weights: ArrayLike<number>, kept: number): Float32Array {
  requireInteger('kept', kept, 0, weights.length);
  const mask = new Float32Array(weights.length);
  const order = orderBy(weights.length, (index) => -Math.abs(weights[index]!));
  for (let index = 0; index < kept; index++) mask[order[index]!] = 1;
  return mask;
}

/** Share of active weights to drop: `fraction / 2 (1 + cos(pi t / end))`, 0 after the end. */
export function cosineDropFraction(fraction: number, update: number, endUpdates: number): number {
  return update >= endUpdates ? 0 : (fraction / 2) * (1 + Math.cos((Math.PI * update) / endUpdates));
}

/** Sparsity of gradual magnitude pruning at `update` (arXiv 2402.12479 eq. 1): cubic from 0 at `start` to `final` at `end`. */
export function gradualSparsity(final: number, update: number, start: number, end: number): number {
  if (update < start) return 0;
  const progress = Math.min(1, (update - start) / (end - start));
  return final * (1 - (1 - progress) ** 3);
}

/** By what score inactive positions grow. */
export type GrowBy =
  | { readonly method: 'gradient'; readonly gradients: ArrayLike<number> }
  | { readonly method: 'random'; readonly rng: Rng };

/**
 * One drop-and-grow step on one layer, in place. Drops the `floor(fraction x active)` smallest active weights, then grows as many among all positions
 * that were not kept (a dropped one may come right back and keeps its weight); newly active weights start at 0, inactive ones are 0.
 */
export function dropAndGrow(weights: Float32Array, mask: Float32Array, fraction: number, grow: GrowBy): void {
  const size = weights.length;
  let active = 0;
  for (let index = 0; index < size; index++) active += mask[index]!;
  const changed = Math.floor(fraction * active);
  if (changed === 0) return;
  const byMagnitude = orderBy(size, (index) =>
    mask[index] === 1 ? -Math.abs(weights[index]!) : Number.POSITIVE_INFINITY,
  );
  const next = new Float32Array(size);
  for (let index = 0; index < active - changed; index++) next[byMagnitude[index]!] = 1;
  const candidates =
    grow.method === 'random' ? shuffled(grow.rng, size) : orderBy(size, (index) => -Math.abs(grow.gradients[index]!));
  let grown = 0;
  for (const index of candidates) {
    if (grown === changed) break;
    if (next[index] === 1) continue;
    next[index] = 1;
    grown++;
  }
  for (let index = 0; index < size; index++) {
    if (next[index] === 0 || mask[index] === 0) weights[index] = 0;
    mask[index] = next[index]!;
  }
}

/** Indices by ascending score; equal ones in order. */
function orderBy(size: number, score: (index: number) => number): Uint32Array {
  const scores = Float64Array.from({ length: size }, (_, index) => score(index));
  return Uint32Array.from({ length: size }, (_, index) => index).sort(
    (left, right) => scores[left]! - scores[right]! || left - right,
  );
}

function shuffled(rng: Rng, size: number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let index = size - 1; index > 0; index--) {
    const other = rng.nextInteger(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
