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
  const weighted = ops.multiply(columns, ops.reshape(keptWeights(ops, assignment), [B, T, K, 1]));
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
  const isKept = ops.greater(kept, ops.fill([], 0));
  return ops.toInteger(ops.where(isKept, slot, ops.fill(ops.shape(slot), -1)));
}

/** Row of sample b's first element, [B, 1, 1], when every sample has `size` rows. */
function sampleOffsets<Tensor>(ops: TensorOps<Tensor>, B: number, size: number): Tensor {
  return ops.tensor(
    Float32Array.from({ length: B }, (_, sample) => sample * size),
    [B, 1, 1],
  );
}

/**
 * Which of `values` [N] (numbers of at least 0) stands at each of `size` places, -1 where none does: integers [size].
 * @param places [N], integers, each at most once, negative for none
 */
export function valuesAt<Tensor>(
  ops: TensorOps<Tensor>,
  values: ArrayLike<number>,
  places: Tensor,
  size: number,
): Tensor {
  const N = values.length;
  const shifted = ops.tensor(
    Float32Array.from({ length: N }, (_, index) => values[index]! + 1),
    [N, 1],
  );
  const sums = ops.segmentSum(shifted, places, size);
  return ops.toInteger(ops.subtract(ops.reshape(sums, [size]), ops.fill([], 1)));
}

/** The weights of choices, 0 where not carried out, also where the router made NaN. */
function keptWeights<Tensor>(ops: TensorOps<Tensor>, { kept, weights }: TokenChoice<Tensor>): Tensor {
  return ops.where(ops.greater(kept, ops.fill([], 0)), weights, ops.fill(ops.shape(weights), 0));
}

/** Weighted sum over the K choices of each token; what a token did not get counts as 0, whatever is there. */
export function sumChoices<Tensor>(ops: TensorOps<Tensor>, picked: Tensor, assignment: TokenChoice<Tensor>): Tensor {
  const [B, T, K] = ops.shape(assignment.weights) as [number, number, number];
  const O = ops.shape(picked).at(-1)!;
  const safe = ops.reshape(keptWeights(ops, assignment), [B, T, K, 1]);
  const weighted = ops.multiply(ops.reshape(picked, [B, T, K, O]), safe);
  return K === 1 ? ops.reshape(weighted, [B, T, O]) : ops.sum(weighted, [2]);
}

function tokenChoiceByIndex<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokens: Tensor,
): Dispatch<Tensor> {
  const { numExperts: E, capacity: C, experts, kept, positions } = assignment;
  const [B, T, D] = ops.shape(tokens) as [number, number, number];
  const K = ops.shape(experts)[2]!;
  const [N, S] = [B * T * K, E * B * C];
  // Row of the slot in [E, B, C]: expert, then sample, then position.
  const expertOffsets = ops.multiply(ops.toFloat(experts), ops.fill([], B * C));
  const row = ops.add(ops.add(expertOffsets, positions), sampleOffsets(ops, B, C));
  const slotOfChoice = ops.reshape(keptOnly(ops, row, kept), [N]);
  const choices = Array.from({ length: N }, (_, choice) => choice);
  const choiceOfSlot = valuesAt(ops, choices, slotOfChoice, S);
  const tokenOfSlot =
    K === 1
      ? choiceOfSlot
      : valuesAt(
          ops,
          choices.map((choice) => Math.floor(choice / K)),
          slotOfChoice,
          S,
        );
  const slots = ops.takeRows(ops.reshape(tokens, [B * T, D]), tokenOfSlot, ops.reshape(slotOfChoice, [B * T, K]));
  return {
    slots: ops.reshape(slots, [E, B * C, D]),
    combine(outputs) {
      const O = ops.shape(outputs)[2]!;
      const rows = ops.reshape(outputs, [S, O]);
      return sumChoices(ops, ops.takeRows(rows, slotOfChoice, ops.reshape(choiceOfSlot, [S, 1])), assignment);
    },
  };
}

function expertChoiceByIndex<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: ExpertChoice<Tensor>,
  tokens: Tensor,
): Dispatch<Tensor> {
  const { numExperts: E, capacity: C, used } = assignment;
  const [B, T, D] = ops.shape(tokens) as [number, number, number];
  const S = E * B * C;
  const byExpert = (x: Tensor): Tensor => ops.reshape(ops.transpose(x, [1, 0, 2]), [S]);
  const rows = ops.add(ops.toFloat(assignment.tokens), sampleOffsets(ops, B, T));
  const isUsed = used && byExpert(used);
  const ids = ops.toInteger(isUsed ? ops.where(isUsed, byExpert(rows), ops.fill([S], -1)) : byExpert(rows));
  const first = ops.fill([S], 0);
  const gathered = ops.gather(
    ops.reshape(tokens, [B * T, D]),
    isUsed ? ops.toInteger(ops.where(isUsed, byExpert(rows), first)) : ids,
  );
  const mask = isUsed && ops.add(ops.reshape(isUsed, [S, 1]), ops.fill([S, D], 0));
  const slots = mask ? ops.where(mask, gathered, ops.fill([S, D], 0)) : gathered;
  return {
    slots: ops.reshape(slots, [E, B * C, D]),
    combine(outputs) {
      const O = ops.shape(outputs)[2]!;
      const weights = ops.reshape(byExpert(assignment.weights), [S, 1]);
      const weighted = ops.multiply(ops.reshape(outputs, [S, O]), weights);
      return ops.reshape(ops.segmentSum(weighted, ids, B * T), [B, T, O]);
    },
  };
}
