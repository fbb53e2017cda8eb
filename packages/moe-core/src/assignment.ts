// Which token goes to which expert: the two ways to say it, and how choices get their slots.
import type { TensorOps } from '@moe-rl/tensor-ops';

/** Tokens choose: up to K experts for each token. */
export interface TokenChoice<Tensor> {
  readonly kind: 'token-choice';
  /** E */
  readonly numExperts: number;
  /** C: slots per expert and sample */
  readonly capacity: number;
  /** Chosen experts [B, T, K]; integers. */
  readonly experts: Tensor;
  /** Place of the token in its expert's buffer [B, T, K], counted on past the capacity. */
  readonly positions: Tensor;
  /** 1 for choices that are carried out [B, T, K]; 0 for those dropped (buffer full) or not wanted by the router. */
  readonly kept: Tensor;
  /** Weight of each expert's output in the token's output [B, T, K]; 0 where not kept. Gradients reach the router through it. */
  readonly weights: Tensor;
  /** 1 for choices that the router wanted, dropped ones included [B, T, K]. */
  readonly wanted: Tensor;
  /** No expert is ever full: C = T, and slot t of every expert is token t's. Then rows can be grouped by expert, at a cost that grows with K, not E. */
  readonly isDropless?: boolean;
}

/** Experts choose: C tokens for each expert. */
export interface ExpertChoice<Tensor> {
  readonly kind: 'expert-choice';
  /** E */
  readonly numExperts: number;
  /** C: tokens per expert and sample */
  readonly capacity: number;
  /** Chosen tokens [B, E, C]; integers. */
  readonly tokens: Tensor;
  /** Weight of the expert's output in the token's output [B, E, C]. */
  readonly weights: Tensor;
  /** 1 for places that hold a token, 0 for empty ones (a sample with fewer tokens than places) [B, E, C]. Left out: all hold one. */
  readonly used?: Tensor | undefined;
}

/** Which tokens each expert works on. Any dispatcher carries out any assignment. */
export type Assignment<Tensor> = TokenChoice<Tensor> | ExpertChoice<Tensor>;

/** Options of `assignTokens`. */
export interface AssignOptions<Tensor> {
  readonly numExperts: number;
  /** Left out: every choice gets a slot, C = T. */
  readonly capacity?: number | undefined;
  /** 1 for choices to carry out [B, T, K]. Left out: all. */
  readonly wanted?: Tensor | undefined;
  /** 1 for tokens, 0 for padding [B, T], which gets no slot. Left out: all are tokens. */
  readonly tokenMask?: Tensor | undefined;
  /** Tokens with a higher value [B, T] get their slots first. Left out: in token order. */
  readonly priority?: Tensor | undefined;
}

/** Gives each choice a slot: all first choices before all second ones, tokens in order; choices past the capacity are dropped. */
export function assignTokens<Tensor>(
  ops: TensorOps<Tensor>,
  experts: Tensor,
  weights: Tensor,
  options: AssignOptions<Tensor>,
): TokenChoice<Tensor> {
  const { numExperts: E } = options;
  const [B, T, K] = ops.shape(experts) as [number, number, number];
  const all = ops.fill([B, T, K], 1);
  const unmasked = options.wanted ?? all;
  const wanted =
    options.tokenMask === undefined ? unmasked : ops.multiply(unmasked, ops.reshape(options.tokenMask, [B, T, 1]));
  const nothing = ops.fill([B, T, K], 0);
  // Not a product: a weight that is not carried out counts as 0 even where it is NaN.
  const weightsOf = (kept: Tensor): Tensor => ops.where(ops.greater(kept, nothing), weights, nothing);
  const rest = { kind: 'token-choice', numExperts: E, experts, wanted } as const;
  if (options.capacity === undefined) {
    // Slot t of every expert is token t's: no counting needed.
    const rows = ops.tensor(
      Float32Array.from({ length: T }, (_, token) => token),
      [1, T, 1],
    );
    const positions = ops.add(rows, ops.fill([B, T, K], 0));
    const isAll = wanted === all;
    return {
      ...rest,
      capacity: T,
      positions,
      kept: wanted,
      weights: isAll ? weights : weightsOf(wanted),
      isDropless: true,
    };
  }
  const order = options.priority && sortingMatrix(ops, options.priority);
  let mask = ops.multiply(ops.oneHot(experts, E), ops.reshape(wanted, [B, T, K, 1]));
  if (order) mask = ops.reshape(ops.matmul(order, ops.reshape(mask, [B, T, K * E])), [B, T, K, E]);
  const byChoice = ops.reshape(K === 1 ? mask : ops.transpose(mask, [0, 2, 1, 3]), [B, K * T, E]);
  const before = ops.cumulativeSum(byChoice, 1, true);
  let positions = ops.reshape(ops.sum(ops.multiply(byChoice, before), [2]), [B, K, T]);
  positions = K === 1 ? ops.reshape(positions, [B, T, 1]) : ops.transpose(positions, [0, 2, 1]);
  if (order) positions = ops.matmul(order, positions, true);
  const isFull = ops.greaterEqual(positions, ops.fill([], options.capacity));
  const kept = ops.subtract(wanted, ops.multiply(wanted, isFull));
  return { ...rest, capacity: options.capacity, positions, kept, weights: weightsOf(kept) };
}

/** The assignment without what it gives to padding (0 in `tokenMask` [B, T]); for routers that don't know of masks. */
export function maskAssignment<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  tokenMask: Tensor,
): Assignment<Tensor> {
  if (assignment.kind === 'expert-choice') return assignment;
  const { experts, kept, wanted, weights } = assignment;
  const shape = ops.shape(experts) as [number, number, number];
  const nothing = ops.fill(shape, 0);
  const isToken = ops.add(ops.reshape(tokenMask, [shape[0], shape[1], 1]), nothing);
  const only = (x: Tensor): Tensor => ops.where(isToken, x, nothing);
  return { ...assignment, kept: only(kept), wanted: only(wanted), weights: only(weights) };
}

/** The permutation matrix [B, T, T] that sorts tokens by descending value; equal ones keep their order. */
function sortingMatrix<Tensor>(ops: TensorOps<Tensor>, values: Tensor): Tensor {
  const T = ops.shape(values)[1]!;
  return ops.oneHot(ops.topK(values, T).indices, T);
}

/** Weight of every expert in every token [B, T, E]: the assignment without its slots. */
export function combineMatrix<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  numTokens: number,
): Tensor {
  if (assignment.kind === 'token-choice') {
    const [B, T, K] = ops.shape(assignment.weights) as [number, number, number];
    const mask = ops.oneHot(assignment.experts, assignment.numExperts);
    return ops.sum(ops.multiply(mask, ops.reshape(assignment.weights, [B, T, K, 1])), [2]);
  }
  const [B, E, C] = ops.shape(assignment.weights) as [number, number, number];
  const mask = ops.oneHot(assignment.tokens, numTokens);
  const byExpert = ops.sum(ops.multiply(mask, ops.reshape(assignment.weights, [B, E, C, 1])), [2]);
  return ops.transpose(byExpert, [0, 2, 1]);
}
