// Soft Mixture of Experts as a pure function: tokens -> slots (dispatch) -> experts -> tokens (combine).
// Layouts are chosen for few operations on a batch: one matmul for all logits, dispatch kept as [B, S, T] so that both softmaxes run over the last
// axis, and one batched matmul per expert layer over [E, B*P, D].
import {
  applyExperts,
  batchTokens,
  checkFinite,
  type ExpertNoise,
  type ExpertOutput,
  lazyRecord,
  type Parameters,
  parameter,
  requireShape,
  slotsFromExperts,
  slotsToExperts,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { type ResolvedSoftMoe, resolveSoftMoe, type SoftMoeConfig } from './config.ts';

/** Added to norms before dividing, as in the official code. */
const NORM_EPSILON = 1e-6;
/** Logit of what a sparse variant leaves out: its softmax is exactly 0, and unlike minus infinity it makes no NaN. */
const LEFT_OUT = -1e30;

/** Things that change from call to call. */
export interface SoftMoeInputs<Tensor> {
  /** One draw of noise for noisy experts. Without it they use their mean weights (evaluation). */
  readonly noise?: ExpertNoise<Tensor>;
  /**
   * Experts of your own, for instance the whole networks of `expertType: 'big'`. Gets the slot inputs [E, B, P, D] (P slots are an image of
   * sqrt(P) x sqrt(P) for big experts) and returns outputs of the same shape, and hidden activations if it likes.
   */
  readonly experts?: (slots: Tensor) => { readonly output: Tensor; readonly hidden?: Tensor };
}

/** Result of a Soft MoE layer. All but `output` is computed when first read. */
export interface SoftMoeOutput<Tensor> {
  /** Tokens of the same shape as the input. */
  readonly output: Tensor;
  /** Weight of each token in each slot [B, T, E, P]; sums to 1 over T. */
  readonly dispatchWeights: Tensor;
  /** Weight of each slot in each token [B, T, E, P]; sums to 1 over E and P. */
  readonly combineWeights: Tensor;
  /** Logits [B, T, E, P] before both softmaxes. */
  readonly routerLogits: Tensor;
  /** Mean combine weight over an expert's slots [B, T, E], the official code's `router_probabilities`. Rows sum to 1/P. */
  readonly routerProbabilities: Tensor;
  /** Summed combine weight of an expert's slots [B, T, E]: a distribution over experts. */
  readonly expertShares: Tensor;
  /** Expert with the largest probability for each token [B, T, 1]; integers. */
  readonly topExperts: Tensor;
  /** Hidden activations of the experts [B, E, P, H]; undefined when experts of your own give none. */
  readonly expertsHidden: Tensor | undefined;
}

/**
 * Applies a Soft MoE layer (Puigcerver et al., 2023, algorithm 1; in RL: Obando Ceron et al., 2024, section 3).
 * @param parameters as `initSoftMoe` makes them, moved to the tensor library with `toTensors`; others in the same record are ignored
 * @param tokens [B, T, D] or [T, D]; samples never mix. Without a batch axis the results have none either.
 * @throws ShapeError when tokens or parameters don't have the shapes of `config`
 * @throws InvalidArgumentError for a bad configuration
 * @throws NonFiniteError for NaN or infinite tokens or logits, on host adapters or with `config.checkFinite`
 */
export function applySoftMoe<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  config: SoftMoeConfig,
  inputs: SoftMoeInputs<Tensor> = {},
): SoftMoeOutput<Tensor> {
  const layer = resolveSoftMoe(config);
  const { numExperts: E, slotsPerExpert: P, numTokens: T } = layer;
  const batch = batchTokens(ops, tokens, layer);
  const { batchSize: B, unbatch } = batch;
  checkFinite(ops, 'tokens', tokens, layer.checkFinite);

  const logits = softMoeLogits(ops, parameters, batch.tokens, layer);
  checkFinite(ops, 'router logits', logits, layer.checkFinite);

  const routing = layer.routing === 'soft' ? mixTokens(ops, logits, layer) : chooseTokens(ops, logits, layer);
  const slots = slotsToExperts(ops, ops.matmul(routing.dispatch, batch.tokens), E);
  const experts = runExperts(ops, parameters, slots, layer, B, inputs);
  const output = ops.matmul(routing.combine, slotsFromExperts(ops, experts.output, B));

  const split = (x: Tensor): Tensor => ops.reshape(x, [B, T, E, P]);
  const probabilities = (): Tensor => ops.mean(split(routing.combine), [3]);
  return lazyRecord<SoftMoeOutput<Tensor>>({
    output: () => unbatch(output),
    dispatchWeights: () => unbatch(split(ops.transpose(routing.dispatch, [0, 2, 1]))),
    combineWeights: () => unbatch(split(routing.combine)),
    routerLogits: () => unbatch(split(logits)),
    routerProbabilities: () => unbatch(probabilities()),
    expertShares: () => unbatch(ops.sum(split(routing.combine), [3])),
    topExperts: () => unbatch(ops.topK(probabilities(), 1).indices),
    expertsHidden: () => {
      if (!experts.hidden || inputs.experts) return experts.hidden;
      const hidden = ops.reshape(experts.hidden, [E, B, P, layer.hiddenSize]);
      return unbatch(ops.transpose(hidden, [1, 0, 2, 3]));
    },
  });
}

/** Logits [B, T, S]: tokens times phi, both normalized if the layer is. */
function softMoeLogits<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  layer: ResolvedSoftMoe,
): Tensor {
  const { numExperts: E, slotsPerExpert: P, numSlots: S, tokenSize: D } = layer;
  const [B, T] = ops.shape(tokens) as [number, number, number];
  let phi = ops.reshape(parameter(ops, parameters, layer.phiName, [D, E, P]), [D, S]);
  if (layer.phi === 'fixed-random') phi = ops.stopGradient(phi);
  let rows = ops.reshape(tokens, [B * T, D]);
  if (layer.isNormalized) {
    rows = normalize(ops, rows, 1);
    phi = ops.multiply(parameter(ops, parameters, layer.scalarName, [1]), normalize(ops, phi, 0));
  }
  return ops.reshape(ops.matmul(rows, phi), [B, T, S]);
}

/** x / (l2 norm + 1e-6). The floor keeps the square root's gradient finite at an all-zero token, where the official code makes NaN. */
function normalize<Tensor>(ops: TensorOps<Tensor>, x: Tensor, axis: number): Tensor {
  const squares = ops.sum(ops.multiply(x, x), [axis], true);
  const norm = ops.sqrt(ops.maximum(squares, ops.fill([], 1e-24)));
  return ops.divide(x, ops.add(norm, ops.fill([], NORM_EPSILON)));
}

interface Routing<Tensor> {
  /** [B, S, T] */
  readonly dispatch: Tensor;
  /** [B, T, S] */
  readonly combine: Tensor;
}

/** Soft slots: a softmax over tokens for each slot, and over slots for each token, each over its best few only if the layer says so. */
function mixTokens<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, layer: ResolvedSoftMoe): Routing<Tensor> {
  const bySlot = ops.transpose(logits, [0, 2, 1]);
  return {
    dispatch: ops.softmax(keepTop(ops, bySlot, layer.tokensPerSlot), -1),
    combine: ops.softmax(keepTop(ops, logits, layer.slotsPerToken), -1),
  };
}

/** All but the k largest of the last axis replaced by a logit that counts for nothing. */
function keepTop<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, k: number): Tensor {
  const shape = ops.shape(logits);
  if (k === shape.at(-1)) return logits;
  const picked = ops.sum(ops.oneHot(ops.topK(logits, k).indices, shape.at(-1)!), [shape.length - 1]);
  return ops.where(picked, logits, ops.fill(shape, LEFT_OUT));
}

/** Slots that hold single tokens: each expert takes the P tokens that give it the largest share, and returns them weighted by that share. */
function chooseTokens<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, layer: ResolvedSoftMoe): Routing<Tensor> {
  const { numExperts: E, slotsPerExpert: P, numSlots: S, numTokens: T } = layer;
  const B = ops.shape(logits)[0]!;
  const shares = ops.sum(ops.reshape(ops.softmax(logits, -1), [B, T, E, P]), [3]);
  const chosen = ops.topK(ops.transpose(shares, [0, 2, 1]), P);
  const dispatch = ops.reshape(ops.oneHot(chosen.indices, T), [B, S, T]);
  const weighted = ops.multiply(dispatch, ops.reshape(chosen.values, [B, S, 1]));
  return { dispatch, combine: ops.transpose(weighted, [0, 2, 1]) };
}

/** Runs the layer's own experts, or the caller's, on [E, B*P, D]. */
function runExperts<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  layer: ResolvedSoftMoe,
  batchSize: number,
  inputs: SoftMoeInputs<Tensor>,
): { readonly output: Tensor; readonly hidden?: Tensor } | ExpertOutput<Tensor> {
  if (!inputs.experts) {
    return applyExperts(ops, parameters, slots, layer, layer.expertScope, inputs.noise);
  }
  const { numExperts: E, slotsPerExpert: P, tokenSize: D } = layer;
  const result = inputs.experts(ops.reshape(slots, [E, batchSize, P, D]));
  requireShape(ops, 'output of inputs.experts', result.output, [E, batchSize, P, D]);
  return { ...result, output: ops.reshape(result.output, [E, batchSize * P, D]) };
}
