// Entropies of gate probabilities, normalized to 1 for the uniform distribution: Shannon's and Tsallis's. 0 for one expert.
import { requireFinite } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { ratioOrZero } from '../routing-statistics.ts';

/** Added to probabilities before logarithms and powers, as in DynMoLE. */
const EPSILON = 1e-5;

/**
 * Normalized entropy of each token's distribution: [..., E] to [...]. Tsallis with index q, `(1 - sum p^q) / (1 - E^(1-q))`; Shannon for q = 1.
 * @param epsilon added to every probability; default 1e-5. With 0 a probability of 0 counts as 0, as it should, and has no gradient.
 */
export function normalizedEntropy<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  q = 1,
  epsilon = EPSILON,
): Tensor {
  requireFinite('q', q, Number.MIN_VALUE);
  const shape = ops.shape(probabilities);
  const E = shape.at(-1)!;
  const axis = [shape.length - 1];
  // One expert: nothing to be uncertain about. A sum, so that the gradient's way stays whole.
  if (E === 1) return ops.multiply(ops.sum(probabilities, axis), ops.fill([], 0));
  const p =
    epsilon > 0 ? ops.add(probabilities, ops.fill([], epsilon)) : ops.maximum(probabilities, ops.fill([], 1e-30));
  const log = ops.log(p);
  if (q === 1) return ops.multiply(ops.sum(ops.multiply(p, log), axis), ops.fill([], -1 / Math.log(E)));
  const powers = ops.exp(ops.multiply(log, ops.fill([], q)));
  const numerator = ops.subtract(ops.fill([], 1), ops.sum(powers, axis));
  return ops.multiply(numerator, ops.fill([], 1 / (1 - E ** (1 - q))));
}

/** Mean normalized entropy over all tokens, a scalar; padding (0 in `tokenMask` [B, T]) left out. Minimizing it makes the router more certain. */
export function entropyLoss<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  q = 1,
  tokenMask?: Tensor,
  epsilon = EPSILON,
): Tensor {
  const entropy = normalizedEntropy(ops, probabilities, q, epsilon);
  const axes = ops.shape(entropy).map((_, axis) => axis);
  if (tokenMask === undefined) return ops.mean(entropy, axes);
  const nothing = ops.fill(ops.shape(entropy), 0);
  return ratioOrZero(ops, ops.sum(ops.where(tokenMask, entropy, nothing), axes), ops.sum(tokenMask, axes));
}
