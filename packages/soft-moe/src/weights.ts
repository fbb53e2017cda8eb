// The two weightings of Soft MoE: slots as averages of tokens (dispatch), tokens as averages of slots (combine). Each routing is one function from
// logits [B, T, S] to both. Averages are taken without writing the weights down where the library can (`softmaxMatmul`): the weights themselves are
// computed when somebody reads them.
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { ResolvedSoftMoe } from './config.ts';

/** Logit of what is left out: its softmax is exactly 0, and unlike minus infinity it makes no NaN. */
const LEFT_OUT = -1e30;

/** How tokens become slots and slots become tokens. */
export interface Weighting<Tensor> {
  /** Slot inputs [B, S, D] of tokens [B, T, D]. */
  toSlots(tokens: Tensor): Tensor;
  /** Tokens [B, T, D] of slot outputs [B, S, D]; zeros for padding. */
  toTokens(slots: Tensor): Tensor;
  /** [B, S, T]; rows sum to 1. */
  dispatchWeights(): Tensor;
  /** [B, T, S]; rows sum to 1 (with 'expert-choice' to at most 1), those of padding to 0. */
  combineWeights(): Tensor;
}

/** The weighting of the layer's routing. @param mask 1 for tokens, 0 for padding [B, T]; undefined: all are tokens */
export function weighTokens<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  layer: ResolvedSoftMoe,
  mask: Tensor | undefined,
): Weighting<Tensor> {
  return layer.routing === 'soft' ? mixTokens(ops, logits, layer, mask) : chooseTokens(ops, logits, layer, mask);
}

/** Values where `mask` [B, T] is 1, `otherwise` elsewhere, along the last axis of a tensor [B, T, N] or [B, N, T]. */
export function keepMasked<Tensor>(
  ops: TensorOps<Tensor>,
  x: Tensor,
  mask: Tensor,
  tokenAxis: 1 | 2,
  otherwise: number,
): Tensor {
  const shape = ops.shape(x);
  const [B = 0, T = 0] = ops.shape(mask);
  const spread = ops.reshape(mask, tokenAxis === 1 ? [B, T, 1] : [B, 1, T]);
  return ops.where(ops.add(spread, ops.fill(shape, 0)), x, ops.fill(shape, otherwise));
}

/** Soft slots: a softmax over tokens for each slot, and over slots for each token, each over its best few only if the layer says so. */
function mixTokens<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  layer: ResolvedSoftMoe,
  mask: Tensor | undefined,
): Weighting<Tensor> {
  const ofTokens = keepTop(ops, logits, layer.slotsPerToken);
  // [B, T, S], as the logits are, where all tokens count; choosing among them wants them along the last axis.
  const isChosen = layer.tokensPerSlot < layer.numTokens;
  const byToken = mask ? keepMasked(ops, logits, mask, 1, LEFT_OUT) : logits;
  const bySlot = (): Tensor => keepTop(ops, ops.transpose(byToken, [0, 2, 1]), layer.tokensPerSlot);
  const average = (weights: Tensor, values: Tensor): Tensor =>
    ops.softmaxMatmul ? ops.softmaxMatmul(weights, values) : ops.matmul(ops.softmax(weights, -1), values);
  const withoutPadding = (x: Tensor): Tensor => (mask ? keepMasked(ops, x, mask, 1, 0) : x);
  return {
    toSlots: (tokens) =>
      ops.softmaxMatmul && !isChosen ? ops.softmaxMatmul(byToken, tokens, true) : average(bySlot(), tokens),
    toTokens: (slots) => withoutPadding(average(ofTokens, slots)),
    dispatchWeights: () => ops.softmax(bySlot(), -1),
    combineWeights: () => withoutPadding(ops.softmax(ofTokens, -1)),
  };
}

/** All but the k largest of the last axis replaced by a logit that counts for nothing. */
function keepTop<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, k: number): Tensor {
  const shape = ops.shape(logits);
  if (k === shape.at(-1)) return logits;
  const picked = ops.sum(ops.oneHot(ops.topK(logits, k).indices, shape.at(-1)!), [shape.length - 1]);
  return ops.where(picked, logits, ops.fill(shape, LEFT_OUT));
}

/**
 * Slots that hold single tokens: each expert takes the P tokens that give it the largest share, and returns them weighted by that share. Padding has no
 * share: it is taken when tokens run out, as a token of zeros with weight 0.
 */
function chooseTokens<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  layer: ResolvedSoftMoe,
  mask: Tensor | undefined,
): Weighting<Tensor> {
  const { numExperts: E, slotsPerExpert: P, numSlots: S, numTokens: T } = layer;
  const B = ops.shape(logits)[0]!;
  const all = ops.sum(ops.reshape(ops.softmax(logits, -1), [B, T, E, P]), [3]);
  const shares = mask ? keepMasked(ops, all, mask, 1, 0) : all;
  const chosen = ops.topK(ops.transpose(shares, [0, 2, 1]), P);
  const dispatch = ops.reshape(ops.oneHot(chosen.indices, T), [B, S, T]);
  const combine = ops.transpose(ops.multiply(dispatch, ops.reshape(chosen.values, [B, S, 1])), [0, 2, 1]);
  return {
    toSlots: (tokens) => ops.matmul(dispatch, tokens),
    toTokens: (slots) => ops.matmul(combine, slots),
    dispatchWeights: () => dispatch,
    combineWeights: () => combine,
  };
}
