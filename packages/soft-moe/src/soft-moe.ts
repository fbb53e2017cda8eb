// Soft Mixture of Experts as a pure function: tokens -> slots (dispatch) -> experts -> tokens (combine).
// Layouts are chosen for few operations on a batch: one matmul for all logits (logits.ts), dispatch kept as [B, S, T] so that both softmaxes run over the
// last axis (weights.ts), and one batched matmul per expert layer over [E, B*P, D].
import {
  applyExpertsToSlots,
  batchTokens,
  checkFinite,
  type ExpertNoise,
  type ExpertOutput,
  lazyRecord,
  type Parameters,
  requireKnownOptions,
  requireShape,
  slotsFromExperts,
  slotsToExperts,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { type ResolvedSoftMoe, resolveSoftMoe, type SoftMoeConfig } from './config.ts';
import { softMoeLogits } from './logits.ts';
import { keepMasked, weighTokens } from './weights.ts';

/** Things that change from call to call. */
export interface SoftMoeInputs<Tensor> {
  /** One draw of noise for noisy experts. Without it they use their mean weights (evaluation). */
  readonly noise?: ExpertNoise<Tensor>;
  /**
   * Experts of your own, for instance the whole networks of `expertType: 'big'`. Gets the slot inputs [E, B, P, D] (P slots are an image of
   * sqrt(P) x sqrt(P) for big experts) and returns outputs of the same shape, and hidden activations if it likes.
   */
  readonly experts?: (slots: Tensor) => { readonly output: Tensor; readonly hidden?: Tensor };
  /**
   * 1 for tokens, 0 for padding [B, T] (or [T], as the tokens are). Padding moves no slot, whatever it holds, gets zeros, and its rows of the weights and
   * shares are zeros. Left out: all are tokens.
   */
  readonly tokenMask?: Tensor;
}

/**
 * Result of a Soft MoE layer. All but `output` is computed when first read; read it within the same `tidy`. (A type and no interface, so that tf.tidy takes
 * it.)
 */
export type SoftMoeOutput<Tensor> = {
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
  /** Expert with the largest probability for each token [B, T, 1]; integers, 0 for padding. */
  readonly topExperts: Tensor;
  /** Hidden activations of the experts [B, E, P, H]; undefined when experts of your own give none. */
  readonly expertsHidden: Tensor | undefined;
};

/**
 * Applies a Soft MoE layer (Puigcerver et al., 2023, algorithm 1; in RL: Obando Ceron et al., 2024, section 3).
 * @param parameters as `initSoftMoe` makes them, moved to the tensor library with `toTensors`; others in the same record are ignored
 * @param tokens [B, T, D] or [T, D]; samples never mix. Without a batch axis the results have none either.
 * @throws ShapeError when tokens or parameters don't have the shapes of `config`
 * @throws InvalidArgumentError for a bad configuration, or an option or input that is unknown
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
  requireKnownOptions('inputs of Soft MoE', inputs, ['noise', 'experts', 'tokenMask']);
  const { numExperts: E, slotsPerExpert: P, numTokens: T } = layer;
  const batch = batchTokens(ops, tokens, layer);
  const { batchSize: B, unbatch } = batch;
  const mask = inputs.tokenMask && tokenMask(ops, inputs.tokenMask, tokens);
  // Zeros in the place of padding: a weight of 0 would let NaN through.
  const real = mask ? keepMasked(ops, batch.tokens, mask, 1, 0) : batch.tokens;
  checkFinite(ops, 'tokens', real, layer.checkFinite);

  const logits = softMoeLogits(ops, parameters, real, layer);
  checkFinite(ops, 'router logits', logits, layer.checkFinite);

  const weighting = weighTokens(ops, logits, layer, mask);
  const experts = runExperts(ops, parameters, weighting.toSlots(real), layer, B, inputs);
  const output = weighting.toTokens(experts.output);

  const split = (x: Tensor): Tensor => ops.reshape(x, [B, T, E, P]);
  const weights = lazyRecord({
    dispatch: () => split(ops.transpose(weighting.dispatchWeights(), [0, 2, 1])),
    combine: () => split(weighting.combineWeights()),
  });
  const scores = lazyRecord({ probabilities: () => ops.mean(weights.combine, [3]) });
  return lazyRecord<SoftMoeOutput<Tensor>>({
    output: () => unbatch(output),
    dispatchWeights: () => unbatch(weights.dispatch),
    combineWeights: () => unbatch(weights.combine),
    routerLogits: () => unbatch(split(logits)),
    routerProbabilities: () => unbatch(scores.probabilities),
    expertShares: () => unbatch(ops.sum(weights.combine, [3])),
    topExperts: () => unbatch(ops.topK(scores.probabilities, 1).indices),
    expertsHidden: () => {
      if (!experts.hidden || inputs.experts) return experts.hidden;
      const hidden = ops.reshape(experts.hidden, [E, B, P, layer.hiddenSize]);
      return unbatch(ops.transpose(hidden, [1, 0, 2, 3]));
    },
  });
}

/** The mask as [B, T]. @throws ShapeError when it is not that of the tokens */
function tokenMask<Tensor>(ops: TensorOps<Tensor>, mask: Tensor, tokens: Tensor): Tensor {
  const shape = ops.shape(tokens).slice(0, -1);
  requireShape(ops, 'inputs.tokenMask', mask, shape);
  return shape.length === 2 ? mask : ops.reshape(mask, [1, ...shape]);
}

/** Runs the layer's own experts, or the caller's, on slots [B, E*P, D]. */
function runExperts<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  layer: ResolvedSoftMoe,
  batchSize: number,
  inputs: SoftMoeInputs<Tensor>,
): { readonly output: Tensor; readonly hidden?: Tensor } | ExpertOutput<Tensor> {
  if (!inputs.experts) {
    return applyExpertsToSlots(ops, parameters, slots, layer, layer.expertScope, inputs.noise);
  }
  const { numExperts: E, slotsPerExpert: P, tokenSize: D } = layer;
  const result = inputs.experts(ops.reshape(slotsToExperts(ops, slots, E), [E, batchSize, P, D]));
  requireShape(ops, 'output of inputs.experts', result.output, [E, batchSize, P, D]);
  const rows = ops.reshape(result.output, [E, batchSize * P, D]);
  return { ...result, output: slotsFromExperts(ops, rows, batchSize) };
}
