// Carrying out an assignment: tokens to expert slots, expert outputs back to tokens. Two dispatchers with equal results and different costs:
// 'dense' multiplies with one-hot matrices [B, T, E*C] (runs on any adapter, best for few slots), 'indices' gathers and scatters rows.
import { requireOneOf } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { Assignment, ExpertChoice, TokenChoice } from './assignment.ts';
import { slotsFromExperts, slotsToExperts } from './tokens.ts';

/** Names of the dispatchers. */
export const dispatcherNames = ['dense', 'indices'] as const;
export type DispatcherName = (typeof dispatcherNames)[number];

/** Moves tokens to the slots of an assignment and the experts' outputs back. */
export interface Dispatch<Tensor> {
  /** Tokens in the experts' layout [E, B*C, D]; an unused slot holds zeros. */
  readonly slots: Tensor;
  /** Weighted sum of expert outputs [E, B*C, O] for each token: [B, T, O]. A token that no expert kept gets zeros. */
  combine(expertOutputs: Tensor): Tensor;
}

/**
 * Prepares an assignment for tokens [B, T, D].
 * @throws InvalidArgumentError for an unknown dispatcher
 */
export function dispatch<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  tokens: Tensor,
  dispatcher: DispatcherName = 'dense',
): Dispatch<Tensor> {
  requireOneOf('dispatcher', dispatcher, dispatcherNames);
  if (dispatcher === 'dense') return denseDispatch(ops, assignment, tokens);
  return assignment.kind === 'token-choice'
    ? tokenChoiceByIndex(ops, assignment, tokens)
    : expertChoiceByIndex(ops, assignment, tokens);
}

/** One-hot matrices of an assignment: which token is in which slot, and with which weight it comes back. Both [B, T, E, C]. */
export function dispatchMatrices<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  numTokens: number,
): { readonly dispatch: Tensor; readonly combine: Tensor } {
  const { numExperts: E, capacity: C, weights } = assignment;
  if (assignment.kind === 'expert-choice') {
    const B = ops.shape(weights)[0]!;
    const rows = ops.oneHot(assignment.tokens, numTokens);
    const weighted = ops.multiply(rows, ops.reshape(weights, [B, E, C, 1]));
    const axes = [0, 3, 1, 2];
    return { dispatch: ops.transpose(rows, axes), combine: ops.transpose(weighted, axes) };
  }
  const [B, T, K] = ops.shape(weights) as [number, number, number];
  const slot = ops.add(ops.multiply(ops.toFloat(assignment.experts), ops.fill([], C)), assignment.positions);
  const columns = ops.oneHot(keptOnly(ops, slot, assignment.kept), E * C);
  const weighted = ops.multiply(columns, ops.reshape(weights, [B, T, K, 1]));
  const merge = (x: Tensor): Tensor => ops.reshape(K === 1 ? x : ops.sum(x, [2]), [B, T, E, C]);
  return { dispatch: merge(columns), combine: merge(weighted) };
}

function denseDispatch<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  tokens: Tensor,
): Dispatch<Tensor> {
  const { numExperts: E, capacity: C } = assignment;
  const [B, T] = ops.shape(tokens) as [number, number, number];
  const matrices = dispatchMatrices(ops, assignment, T);
  const slots = ops.matmul(ops.reshape(matrices.dispatch, [B, T, E * C]), tokens, true);
  return {
    slots: slotsToExperts(ops, slots, E),
    combine: (outputs) => ops.matmul(ops.reshape(matrices.combine, [B, T, E * C]), slotsFromExperts(ops, outputs, B)),
  };
}

/** Slot numbers as integers, -1 where not kept. */
function keptOnly<Tensor>(ops: TensorOps<Tensor>, slot: Tensor, kept: Tensor): Tensor {
  const one = ops.fill([], 1);
  return ops.toInteger(ops.subtract(ops.multiply(ops.add(slot, one), kept), one));
}

/** Row of sample b's first element, [B, 1, 1], when every sample has `size` rows. */
function sampleOffsets<Tensor>(ops: TensorOps<Tensor>, B: number, size: number): Tensor {
  return ops.tensor(
    Float32Array.from({ length: B }, (_, sample) => sample * size),
    [B, 1, 1],
  );
}

function tokenChoiceByIndex<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokens: Tensor,
): Dispatch<Tensor> {
  const { numExperts: E, capacity: C, experts, kept, positions, weights } = assignment;
  const [B, T, D] = ops.shape(tokens) as [number, number, number];
  const K = ops.shape(experts)[2]!;
  // Row of the slot in [E, B, C]: expert, then sample, then position.
  const expertOffsets = ops.multiply(ops.toFloat(experts), ops.fill([], B * C));
  const row = ops.add(ops.add(expertOffsets, positions), sampleOffsets(ops, B, C));
  const ids = ops.reshape(keptOnly(ops, row, kept), [B * T * K]);
  const repeated = K === 1 ? tokens : ops.add(ops.reshape(tokens, [B, T, 1, D]), ops.fill([B, T, K, D], 0));
  const slots = ops.segmentSum(ops.reshape(repeated, [B * T * K, D]), ids, E * B * C);
  return {
    slots: ops.reshape(slots, [E, B * C, D]),
    combine(outputs) {
      const O = ops.shape(outputs)[2]!;
      // A dropped choice reads row 0 with weight 0.
      const rows = ops.toInteger(ops.reshape(ops.multiply(row, kept), [B * T * K]));
      const picked = ops.reshape(ops.gather(ops.reshape(outputs, [E * B * C, O]), rows), [B, T, K, O]);
      return ops.sum(ops.multiply(picked, ops.reshape(weights, [B, T, K, 1])), [2]);
    },
  };
}

function expertChoiceByIndex<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: ExpertChoice<Tensor>,
  tokens: Tensor,
): Dispatch<Tensor> {
  const { numExperts: E, capacity: C } = assignment;
  const [B, T, D] = ops.shape(tokens) as [number, number, number];
  const rows = ops.add(ops.toFloat(assignment.tokens), sampleOffsets(ops, B, T));
  const byExpert = (x: Tensor): Tensor => ops.reshape(ops.transpose(x, [1, 0, 2]), [E * B * C]);
  const ids = ops.toInteger(byExpert(rows));
  const slots = ops.gather(ops.reshape(tokens, [B * T, D]), ids);
  return {
    slots: ops.reshape(slots, [E, B * C, D]),
    combine(outputs) {
      const O = ops.shape(outputs)[2]!;
      const weights = ops.reshape(byExpert(assignment.weights), [E * B * C, 1]);
      const weighted = ops.multiply(ops.reshape(outputs, [E * B * C, O]), weights);
      return ops.reshape(ops.segmentSum(weighted, ids, B * T), [B, T, O]);
    },
  };
}
