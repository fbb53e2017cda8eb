// The part of a mixture's output that follows from its routing alone.
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { Assignment } from '../assignment.ts';
import type { Routing } from '../router.ts';
import { normalizeScores, type RoutingCounts, ratioOrZero, routingCounts } from '../routing-statistics.ts';
import type { MoeOutput } from './mixture.ts';

/** Everything of `MoeOutput` but the output and the hidden activations, ready for `lazyRecord`. */
export function routingOutput<Tensor>(
  ops: TensorOps<Tensor>,
  routing: Routing<Tensor>,
): { readonly [Name in keyof Omit<MoeOutput<Tensor>, 'output' | 'expertsHidden'>]: () => MoeOutput<Tensor>[Name] } {
  const { assignment, logits, probabilities, tokenMask } = routing;
  let counts: RoutingCounts<Tensor> | undefined;
  const counted = (): RoutingCounts<Tensor> => {
    counts ??= routingCounts(ops, routing);
    return counts;
  };
  const shares = (): Tensor => {
    const normalized = normalizeScores(ops, probabilities);
    const [B = 0, T = 0] = ops.shape(probabilities);
    return tokenMask === undefined ? normalized : ops.multiply(normalized, ops.reshape(tokenMask, [B, T, 1]));
  };
  return {
    routing: () => routing,
    dispatchWeights: () => undefined,
    combineWeights: () => undefined,
    tokenMask: () => tokenMask,
    routerLogits: () => logits,
    routerProbabilities: () => probabilities,
    expertShares: shares,
    topExperts: () =>
      assignment.kind === 'token-choice' ? assignment.experts : ops.topK(ops.stopGradient(probabilities), 1).indices,
    expertLoad: () => ratioOrZero(ops, counted().wanted, ops.sum(counted().wanted, [0], true)),
    droppedFraction: () => {
      const wanted = ops.sum(counted().wanted, [0]);
      return ratioOrZero(ops, ops.subtract(wanted, ops.sum(counted().kept, [0])), wanted);
    },
    unroutedFraction: () => ratioOrZero(ops, counted().unrouted, counted().tokens),
    slotsUsed: () => slotsUsed(ops, assignment),
  };
}

/** 1 for slots that hold a token [B, E, C]. */
export function slotsUsed<Tensor>(ops: TensorOps<Tensor>, assignment: Assignment<Tensor>): Tensor {
  const { numExperts: E, capacity: C, weights } = assignment;
  const [B = 0, T = 0, K = 0] = ops.shape(weights);
  if (assignment.kind === 'expert-choice') return assignment.used ?? ops.fill([B, E, C], 1);
  const { experts, positions, kept } = assignment;
  const samples = ops.tensor(
    Float32Array.from({ length: B }, (_, sample) => sample * E * C),
    [B, 1, 1],
  );
  const slot = ops.add(ops.add(ops.multiply(ops.toFloat(experts), ops.fill([], C)), positions), samples);
  const isKept = ops.greater(kept, ops.fill([], 0));
  const ids = ops.where(isKept, slot, ops.fill([B, T, K], -1));
  const ones = ops.fill([B * T * K, 1], 1);
  const rows = ops.segmentSum(ones, ops.toInteger(ops.reshape(ids, [B * T * K])), B * E * C);
  return ops.reshape(rows, [B, E, C]);
}
