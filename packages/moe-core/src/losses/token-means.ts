// Sums and means over tokens that leave padding out, whatever stands in its place.
import type { TensorOps } from '@moe-rl/tensor-ops';
import { ratioOrZero } from '../routing-statistics.ts';

/** Sum over T: [B, T, ...] to [B, ...]. */
export function sumTokens<Tensor>(ops: TensorOps<Tensor>, x: Tensor, tokenMask?: Tensor): Tensor {
  if (tokenMask === undefined) return ops.sum(x, [1]);
  const shape = ops.shape(x);
  const [B, T, ...rest] = shape as [number, number, ...number[]];
  const nothing = ops.fill(shape, 0);
  const everywhere = ops.add(ops.reshape(tokenMask, [B, T, ...rest.map(() => 1)]), nothing);
  return ops.sum(ops.where(everywhere, x, nothing), [1]);
}

/** Mean over T: [B, T, ...] to [B, ...]; 0 where all is padding. */
export function tokenMean<Tensor>(ops: TensorOps<Tensor>, x: Tensor, tokenMask?: Tensor): Tensor {
  if (tokenMask === undefined) return ops.mean(x, [1]);
  const [B, T, ...rest] = ops.shape(x) as [number, number, ...number[]];
  const count = ops.reshape(countTokens(ops, [B, T], tokenMask), [B, ...rest.map(() => 1)]);
  return ratioOrZero(ops, sumTokens(ops, x, tokenMask), count);
}

/** Tokens of each sample [B, 1]. */
export function countTokens<Tensor>(
  ops: TensorOps<Tensor>,
  [B, T]: readonly [number, number],
  tokenMask?: Tensor,
): Tensor {
  return tokenMask === undefined ? ops.fill([B, 1], T) : ops.sum(tokenMask, [1], true);
}
