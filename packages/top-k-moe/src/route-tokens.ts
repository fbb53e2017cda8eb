// Routing with padding left out, for all layers of this package: the router sees the mask, and so does whoever reads what it chose.
import {
  maskAssignment,
  type Router,
  type RouterInputs,
  type Routing,
  requireShape,
  type TokenBatch,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/**
 * Routes logits [B, T, E] of a batch. Padding (0 in `inputs.tokenMask` [B, T], or [T] for tokens without a batch axis) gets no expert and counts in no loss or
 * metric.
 * @throws ShapeError for a mask of another shape
 */
export function routeTokens<Tensor>(
  ops: TensorOps<Tensor>,
  router: Router,
  logits: Tensor,
  batch: TokenBatch<Tensor>,
  inputs: RouterInputs<Tensor>,
): Routing<Tensor> {
  const tokenMask = inputs.tokenMask && maskOf(ops, inputs.tokenMask, batch);
  const routed = router.route(ops, logits, { ...inputs, tokenMask });
  return tokenMask ? { ...routed, tokenMask, assignment: maskAssignment(ops, routed.assignment, tokenMask) } : routed;
}

/** The mask of padding [B, T], checked. */
function maskOf<Tensor>(ops: TensorOps<Tensor>, mask: Tensor, batch: TokenBatch<Tensor>): Tensor {
  const { batchSize, numTokens } = batch;
  const isBatch = ops.shape(mask).length === 2;
  requireShape(ops, 'inputs.tokenMask', mask, isBatch ? [batchSize, numTokens] : [batchSize * numTokens]);
  return ops.reshape(mask, [batchSize, numTokens]);
}
