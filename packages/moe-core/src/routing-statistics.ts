// What a routing did, as tensors: load, drops, shares. Recordable; `routerMetrics` reads them back as numbers.
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { Routing } from './router.ts';

/** Numbers about a routing that metrics are made of. Computed when called, over all samples of the batch. */
export interface RoutingCounts<Tensor> {
  /** Choices that fall on each expert, dropped ones included [E]. */
  readonly wanted: Tensor;
  /** Choices that each expert carries out [E]. */
  readonly kept: Tensor;
  /** Tokens that no expert works on; scalar. */
  readonly unrouted: Tensor;
  /** Tokens; scalar. */
  readonly tokens: Tensor;
}

/** Counts choices of a routing. Padding counts nowhere. */
export function routingCounts<Tensor>(ops: TensorOps<Tensor>, routing: Routing<Tensor>): RoutingCounts<Tensor> {
  const { assignment, probabilities, tokenMask } = routing;
  const [B, T, E] = ops.shape(probabilities) as [number, number, number];
  const mask = tokenMask ?? ops.fill([B, T], 1);
  const tokens = ops.sum(mask, [0, 1]);
  const one = ops.fill([], 1);
  let work: Tensor;
  let wanted: Tensor;
  let kept: Tensor;
  if (assignment.kind === 'token-choice') {
    const K = ops.shape(assignment.experts)[2]!;
    const choices = ops.oneHot(assignment.experts, E);
    const count = (flags: Tensor): Tensor =>
      ops.sum(ops.multiply(choices, ops.reshape(flags, [B, T, K, 1])), [0, 1, 2]);
    wanted = count(assignment.wanted);
    kept = count(assignment.kept);
    work = ops.sum(assignment.kept, [2]);
  } else {
    const C = ops.shape(assignment.tokens)[2]!;
    const used = assignment.used ?? ops.fill([B, E, C], 1);
    kept = ops.sum(used, [0, 2]);
    wanted = kept;
    work = ops.sum(ops.multiply(ops.oneHot(assignment.tokens, T), ops.reshape(used, [B, E, C, 1])), [1, 2]);
  }
  const isRouted = ops.multiply(ops.minimum(work, one), mask);
  return { wanted, kept, unrouted: ops.subtract(tokens, ops.sum(isRouted, [0, 1])), tokens };
}

/** a / b, and 0 where b is 0. */
export function ratioOrZero<Tensor>(ops: TensorOps<Tensor>, a: Tensor, b: Tensor): Tensor {
  const isZero = ops.greaterEqual(ops.fill([], 0), b);
  return ops.divide(a, ops.add(b, isZero));
}

/** Scores [..., E] as distributions over the last axis; a row of zeros stays one. */
export function normalizeScores<Tensor>(ops: TensorOps<Tensor>, scores: Tensor): Tensor {
  return ratioOrZero(ops, scores, ops.sum(scores, [ops.shape(scores).length - 1], true));
}
