// Carrying out an assignment that drops nothing: one row per choice, sorted by expert, so that the work grows with the number of choices and not with
// the number of experts. Exact: no capacity, no padding.
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { TokenChoice } from './assignment.ts';
import { sumChoices, valuesAt } from './dispatch.ts';

/** Rows of one choice each, sorted by expert. */
export interface GroupedDispatch<Tensor> {
  /** [N, D], N = B*T*K: the token of each choice, those of expert 0 first; choices that are not carried out come last. */
  readonly rows: Tensor;
  /** Rows of each expert [E], integers. */
  readonly counts: Tensor;
  /** Weighted sum of the experts' outputs [N, O] for each token: [B, T, O]. */
  combine(outputs: Tensor): Tensor;
  /** Values of rows [N, H] in slots of their own [B, E, T, H], zeros in unused ones: the layout without grouping. */
  toSlots(values: Tensor): Tensor;
}

/** Sorts the choices of a dropless assignment for tokens [B, T, D]. */
export function groupedDispatch<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokens: Tensor,
): GroupedDispatch<Tensor> {
  const { experts, kept, numExperts: E } = assignment;
  const [B, T, D] = ops.shape(tokens) as [number, number, number];
  const K = ops.shape(experts)[2]!;
  const N = B * T * K;
  const isKept = ops.greater(kept, ops.fill([], 0));
  const wanted = ops.where(isKept, ops.toFloat(experts), ops.fill([B, T, K], -1));
  const { order, places, counts } = ops.groupRows(ops.reshape(ops.toInteger(wanted), [N]), E);
  const placesOfToken = ops.reshape(places, [B * T, K]);
  // floor(choice / K), in numbers that a float holds exactly
  const tokenOfRow =
    K === 1 ? order : ops.toInteger(ops.divide(ops.add(ops.toFloat(order), ops.fill([], 0.5)), ops.fill([], K)));
  const inChoiceOrder = (values: Tensor): Tensor => ops.takeRows(values, places, ops.reshape(order, [N, 1]), true);
  return {
    rows: ops.takeRows(ops.reshape(tokens, [B * T, D]), tokenOfRow, placesOfToken, true),
    counts,
    combine: (outputs) => sumChoices(ops, inChoiceOrder(outputs), assignment),
    toSlots(values) {
      const H = ops.shape(values)[1]!;
      const firsts = ops.tensor(
        Float32Array.from({ length: B * T }, (_, row) => Math.floor(row / T) * E * T + (row % T)),
        [B, T, 1],
      );
      const slot = ops.add(ops.multiply(ops.toFloat(experts), ops.fill([], T)), firsts);
      const slots = ops.toInteger(ops.reshape(ops.where(isKept, slot, ops.fill([B, T, K], -1)), [N]));
      const choices = Array.from({ length: N }, (_, choice) => choice);
      const choiceOfSlot = valuesAt(ops, choices, slots, B * E * T);
      const taken = ops.takeRows(inChoiceOrder(values), choiceOfSlot, ops.reshape(slots, [N, 1]));
      return ops.reshape(taken, [B, E, T, H]);
    },
  };
}
