// The logits of Soft MoE: tokens times phi, both normalized if the layer is.
import { type Parameters, parameter } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { ResolvedSoftMoe } from './config.ts';

/** Added to norms before dividing, as in the official code. */
const NORM_EPSILON = 1e-6;

/** Logits [B, T, S] of tokens [B, T, D]. */
export function softMoeLogits<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  layer: ResolvedSoftMoe,
): Tensor {
  const { numExperts: E, slotsPerExpert: P, numSlots: S, tokenSize: D } = layer;
  const [B, T] = ops.shape(tokens) as [number, number, number];
  let phi = ops.reshape(parameter(ops, parameters, layer.phiName, [D, E, P]), [D, S]);
  if (layer.phi === 'fixed-random') phi = withZeroGradient(ops, phi, ops.stopGradient(phi));
  let rows = ops.reshape(tokens, [B * T, D]);
  const scalar = parameters[layer.scalarName];
  if (layer.isNormalized) {
    rows = normalize(ops, rows, 1);
    phi = ops.multiply(parameter(ops, parameters, layer.scalarName, [1]), normalize(ops, phi, 0));
  } else if (scalar !== undefined) {
    phi = ops.add(phi, withZeroGradient(ops, scalar, ops.fill(ops.shape(scalar), 0)));
  }
  return ops.reshape(ops.matmul(rows, phi), [B, T, S]);
}

/**
 * `value`, on which `x` has no influence; its gradient is 0 rather than none. For parameters that don't train: tf.grads refuses to differentiate by what
 * the result doesn't depend on, so that nobody could take gradients of everything `initSoftMoe` makes.
 */
function withZeroGradient<Tensor>(ops: TensorOps<Tensor>, x: Tensor, value: Tensor): Tensor {
  return ops.where(ops.fill(ops.shape(x), 1), value, x);
}

/** x / (l2 norm + 1e-6). The floor keeps the square root's gradient finite at an all-zero token, where the official code makes NaN. */
function normalize<Tensor>(ops: TensorOps<Tensor>, x: Tensor, axis: number): Tensor {
  const squares = ops.sum(ops.multiply(x, x), [axis], true);
  const norm = ops.sqrt(ops.maximum(squares, ops.fill([], 1e-24)));
  return ops.divide(x, ops.add(norm, ops.fill([], NORM_EPSILON)));
}
