// Routing with padding left out, for all layers of this package: the router sees the mask, and so does whoever reads what it chose.
import {
  maskAssignment,
  type Router,
  type RouterInputs,
  type Routing,
  requireKnownOptions,
  requireShape,
  type TokenBatch,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';

const INPUTS: readonly (keyof RouterInputs<unknown>)[] = [
  'normalNoise',
  'uniformNoise',
  'jitterNoise',
  'noiseLogits',
  'bias',
  'tokenIds',
  'distilledLogits',
  'temperature',
  'tokenMask',
  'stage',
  'isTraining',
];

/**
 * Refuses inputs that no router knows: a mask by another name would let padding in.
 * @param further inputs of the layer
 * @throws InvalidArgumentError naming the input, and those that there are
 */
export function requireKnownInputs(layer: string, inputs: object, further: readonly string[]): void {
  requireKnownOptions(`inputs of ${layer}`, inputs, [...INPUTS, ...further]);
}

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
