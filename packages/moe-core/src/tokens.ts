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
 * @param expected D, and T where the layer fixes it
 * @throws ShapeError for another rank, zero tokens or other sizes than expected
 */
export function batchTokens<Tensor>(
  ops: TensorOps<Tensor>,
  tokens: Tensor,
  expected: { readonly numTokens?: number; readonly tokenSize: number },
): TokenBatch<Tensor> {
  const shape = ops.shape(tokens);
  const isBatch = shape.length === 3;
  const [B, T, D] = (isBatch ? shape : [1, ...shape]) as [number, number, number];
  const { numTokens = T, tokenSize } = expected;
  if ((!isBatch && shape.length !== 2) || B < 1 || T < 1 || T !== numTokens || D !== tokenSize) {
    const wanted = `${expected.numTokens ?? 'T'},${tokenSize}]`;
    throw new ShapeError(`tokens have shape [${shape}]; expected [${wanted} or [B,${wanted}`);
  }
  return {
    tokens: isBatch ? tokens : ops.reshape(tokens, [1, T, D]),
    batchSize: B,
    numTokens: T,
    tokenSize: D,
    unbatch: (x) => (isBatch ? x : ops.reshape(x, ops.shape(x).slice(1))),
  };
}

/** [B, E*P, D] to [E, B*P, D]. */
export function slotsToExperts<Tensor>(ops: TensorOps<Tensor>, slots: Tensor, numExperts: number): Tensor {
  return regroup(ops, slots, ops.shape(slots)[0]!, numExperts);
}

/** [E, B*P, D] back to [B, E*P, D]. */
export function slotsFromExperts<Tensor>(ops: TensorOps<Tensor>, slots: Tensor, batchSize: number): Tensor {
  return regroup(ops, slots, ops.shape(slots)[0]!, batchSize);
}

/** [outer, inner*P, D] to [inner, outer*P, D]; only a change of shape when either is 1. */
function regroup<Tensor>(ops: TensorOps<Tensor>, slots: Tensor, outer: number, inner: number): Tensor {
  const [, N, D] = ops.shape(slots) as [number, number, number];
  const P = N / inner;
  const moved =
    outer === 1 || inner === 1 ? slots : ops.transpose(ops.reshape(slots, [outer, inner, P, D]), [1, 0, 2, 3]);
  return ops.reshape(moved, [inner, outer * P, D]);
}
