// Moving between [T, D], [B, T, D] and the experts' layout [E, B*P, D].
import { ShapeError } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/** Tokens as a batch, and how to give results the caller's rank back. */
export interface TokenBatch<Tensor> {
  /** [B, T, D] */
  readonly tokens: Tensor;
  readonly batchSize: number;
  readonly numTokens: number;
  readonly tokenSize: number;
  /** Removes the batch axis again when the caller gave [T, D]. */
  unbatch(x: Tensor): Tensor;
}

/**
 * Accepts [T, D] or [B, T, D].
 * @throws ShapeError for another rank, zero tokens or another token size than `tokenSize`.
 */
export function batchTokens<Tensor>(ops: TensorOps<Tensor>, tokens: Tensor, tokenSize?: number): TokenBatch<Tensor> {
  const shape = ops.shape(tokens);
  const [T = 0, D = 0] = shape.slice(-2);
  const B = shape.length === 3 ? shape[0]! : 1;
  if (shape.length < 2 || shape.length > 3 || B < 1 || T < 1 || D < 1) {
    throw new ShapeError(`tokens have shape [${shape}]; expected [T, D] or [B, T, D] with every size at least 1`);
  }
  if (tokenSize !== undefined && D !== tokenSize) {
    throw new ShapeError(
      `tokens have shape [${shape}]: token size ${D}; expected ${tokenSize}, the tokenSize of the layer`,
    );
  }
  return {
    tokens: shape.length === 3 ? tokens : ops.reshape(tokens, [1, T, D]),
    batchSize: B,
    numTokens: T,
    tokenSize: D,
    unbatch: (x) => (shape.length === 3 ? x : ops.reshape(x, ops.shape(x).slice(1))),
  };
}

/** [B, E*P, D] to [E, B*P, D]. */
export function slotsToExperts<Tensor>(ops: TensorOps<Tensor>, slots: Tensor, numExperts: number): Tensor {
  const [B, S, D] = ops.shape(slots) as [number, number, number];
  const P = S / numExperts;
  if (B === 1) return ops.reshape(slots, [numExperts, P, D]);
  const byExpert = ops.transpose(ops.reshape(slots, [B, numExperts, P, D]), [1, 0, 2, 3]);
  return ops.reshape(byExpert, [numExperts, B * P, D]);
}

/** [E, B*P, D] back to [B, E*P, D]. */
export function slotsFromExperts<Tensor>(ops: TensorOps<Tensor>, slots: Tensor, batchSize: number): Tensor {
  const [E, N, D] = ops.shape(slots) as [number, number, number];
  const P = N / batchSize;
  if (batchSize === 1) return ops.reshape(slots, [1, E * P, D]);
  const bySample = ops.transpose(ops.reshape(slots, [E, batchSize, P, D]), [1, 0, 2, 3]);
  return ops.reshape(bySample, [batchSize, E * P, D]);
}
