// Auxiliary losses that keep the load of experts even. Each takes [B, T, E] tensors and returns one value per sample [B]; average and weigh as you like.
// Padding (0 in `tokenMask` [B, T]) counts nowhere.
import { requireFinite, requireInteger } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { TokenChoice } from '../assignment.ts';
import { normalizeScores, ratioOrZero } from '../routing-statistics.ts';
import { countTokens, sumTokens, tokenMean } from './token-means.ts';

/** Square of (population standard deviation / mean) over the last axis: [B, E] to [B]. 0 for a single expert, and where all is 0. */
export function squaredVariation<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const mean = ops.mean(x, [1], true);
  const deviation = ratioOrZero(ops, ops.subtract(x, mean), mean);
  return ops.mean(ops.multiply(deviation, deviation), [1]);
}

/** Importance loss (Shazeer et al., 2017; V-MoE): squared variation of the summed probabilities of each expert. */
export function importanceLoss<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor, tokenMask?: Tensor): Tensor {
  return squaredVariation(ops, sumTokens(ops, probabilities, tokenMask));
}

/** Options of `loadLoss`. */
export interface LoadLossConfig {
  /** K: how many experts a token gets. Default 1. */
  readonly k?: number;
  /** Standard deviation of the noise; default 1/E, as in V-MoE. */
  readonly noiseStd?: number;
}

/**
 * Load loss (V-MoE): squared variation of the mean probability that an expert would still be among a token's best K if its noise were drawn again.
 * @param noise what was added to the logits [B, T, E], standard deviation `noiseStd`
 */
export function loadLoss<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  noise: Tensor,
  config: LoadLossConfig = {},
  tokenMask?: Tensor,
): Tensor {
  return squaredVariation(ops, tokenMean(ops, stayProbabilities(ops, logits, noise, config), tokenMask));
}

/** Probability [B, T, E] that `loadLoss` averages: 1 - Phi((threshold - logit) / noiseStd), threshold = the K-th largest noisy logit. */
export function stayProbabilities<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  noise: Tensor,
  config: LoadLossConfig = {},
): Tensor {
  const E = ops.shape(logits)[2]!;
  const k = requireInteger('k', config.k ?? 1, 1, E);
  const noiseStd = requireFinite('noiseStd', config.noiseStd ?? 1 / E, Number.MIN_VALUE);
  const threshold = kthLargest(ops, ops.add(logits, noise), k);
  return normalCdf(ops, ops.divide(ops.subtract(logits, threshold), ops.fill([], noiseStd)));
}

/**
 * Load of noisy top-k gating (Shazeer et al., 2017): [B, E], summed probability that the expert is chosen under new noise of its own. With k = E every
 * expert is chosen always.
 * @param clean logits, `noisy` logits, `noiseScale` the standard deviation of each noise; all [B, T, E]
 */
export function noisyTopKLoad<Tensor>(
  ops: TensorOps<Tensor>,
  clean: Tensor,
  noisy: Tensor,
  noiseScale: Tensor,
  k: number,
  tokenMask?: Tensor,
): Tensor {
  const E = ops.shape(clean)[2]!;
  requireInteger('k', k, 1, E);
  // Still on the way of the gradient, which is 0.
  if (k === E) {
    const certain = ops.add(ops.multiply(clean, ops.fill([], 0)), ops.fill([], 1));
    return sumTokens(ops, certain, tokenMask);
  }
  const inside = kthLargest(ops, noisy, k);
  const outside = kthLargest(ops, noisy, k + 1);
  // Without the expert itself the k-th largest is the (k+1)-th of all when the expert is among the best k.
  const isIn = ops.greaterEqual(noisy, inside);
  const threshold = ops.add(inside, ops.multiply(isIn, ops.subtract(outside, inside)));
  return sumTokens(ops, normalCdf(ops, ops.divide(ops.subtract(clean, threshold), noiseScale)), tokenMask);
}

/** The k-th largest of the last axis, which stays with length 1: [..., E] to [..., 1]. Gradients go to that element. */
export function kthLargest<Tensor>(ops: TensorOps<Tensor>, x: Tensor, k: number): Tensor {
  const { values } = ops.topK(x, k);
  const last = ops.tensor(
    Array.from({ length: k }, (_, rank) => +(rank === k - 1)),
    [k],
  );
  return ops.sum(ops.multiply(values, last), [ops.shape(x).length - 1], true);
}

function normalCdf<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const half = ops.fill([], 0.5);
  return ops.add(half, ops.multiply(half, ops.erf(ops.multiply(x, ops.fill([], Math.SQRT1_2)))));
}

/**
 * Load-balancing loss `E * sum_e f_e P_e`: f the share of choices that fall on e, dropped ones included, P the mean probability. 1 at uniform routing.
 * With one choice per token it is Switch's, and GShard's times E; with k it is Mixtral's divided by k. Multiply by alpha = 0.01.
 * @param scores [B, T, E]; made a distribution over experts per token
 * @param assignment whose choices count; left out: each token's best expert alone, as GShard has it for its two
 */
export function loadBalancingLoss<Tensor>(
  ops: TensorOps<Tensor>,
  scores: Tensor,
  assignment?: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  const E = ops.shape(scores)[2]!;
  const probabilities = normalizeScores(ops, scores);
  const shares = assignment
    ? choiceShares(ops, assignment)
    : tokenMean(ops, bestExperts(ops, probabilities), tokenMask);
  const product = ops.multiply(shares, tokenMean(ops, probabilities, tokenMask));
  return ops.multiply(ops.sum(product, [1]), ops.fill([], E));
}

/** The best expert of each token as ones and zeros [B, T, E]; no gradient. */
function bestExperts<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor): Tensor {
  return ops.reshape(
    ops.oneHot(ops.topK(probabilities, 1).indices, ops.shape(probabilities)[2]!),
    ops.shape(probabilities),
  );
}

/** Choices that each token made of each expert, dropped ones included [B, T, E]. */
function wantedChoices<Tensor>(ops: TensorOps<Tensor>, { experts, wanted, numExperts }: TokenChoice<Tensor>): Tensor {
  const [B, T, K] = ops.shape(experts) as [number, number, number];
  const choices = ops.multiply(ops.oneHot(experts, numExperts), ops.reshape(wanted, [B, T, K, 1]));
  return K === 1 ? ops.reshape(choices, [B, T, numExperts]) : ops.sum(choices, [2]);
}

/** Share of choices that fall on each expert [B, E]; no gradient. */
function choiceShares<Tensor>(ops: TensorOps<Tensor>, assignment: TokenChoice<Tensor>): Tensor {
  const counts = ops.sum(wantedChoices(ops, assignment), [1]);
  return ratioOrZero(ops, counts, ops.sum(counts, [1], true));
}

/**
 * Load-balancing loss of each of Z expert prototypes, on its own E/Z experts: [B, Z]. The paper adds them up.
 * @param probabilities one distribution per prototype, side by side
 */
export function prototypeBalancingLosses<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  numPrototypes: number,
  tokenMask?: Tensor,
): Tensor {
  const [B, T, E] = ops.shape(probabilities) as [number, number, number];
  const Z = requireInteger('numPrototypes', numPrototypes, 1, E);
  const grouped = ops.transpose(ops.reshape(probabilities, [B, T, Z, E / Z]), [0, 2, 1, 3]);
  const masks =
    tokenMask && ops.reshape(ops.add(ops.reshape(tokenMask, [B, 1, T]), ops.fill([B, Z, T], 0)), [B * Z, T]);
  const losses = loadBalancingLoss(ops, ops.reshape(grouped, [B * Z, T, E / Z]), undefined, masks);
  return ops.reshape(losses, [B, Z]);
}

/** Router z-loss (ST-MoE): mean squared logsumexp of the logits. Multiply by 0.001. */
export function routerZLoss<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, tokenMask?: Tensor): Tensor {
  const logZ = ops.logSumExp(logits, 2);
  return tokenMean(ops, ops.multiply(logZ, logZ), tokenMask);
}

/**
 * DeepSeek's sequence-wise balance loss: `sum_e f_e P_e`, f_e = E/(K T) * choices of e, P_e = mean of the scores normalized per token.
 * 1 at balance. Multiply by alpha = 0.0001.
 * @param scores unbiased scores [B, T, E]
 */
export function sequenceBalanceLoss<Tensor>(
  ops: TensorOps<Tensor>,
  scores: Tensor,
  assignment: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  return loadBalancingLoss(ops, scores, assignment, tokenMask);
}

/** StableMoE's balance loss: sum over experts of relative excess load times the summed sigmoid scores of its tokens. Multiply by alpha = 0.3. */
export function stableBalanceLoss<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  const [B, T] = ops.shape(assignment.experts) as [number, number];
  const E = assignment.numExperts;
  const chosen = wantedChoices(ops, assignment);
  const even = ops.multiply(countTokens(ops, [B, T], tokenMask), ops.fill([], 1 / E));
  const excess = ops.subtract(ratioOrZero(ops, ops.sum(chosen, [1]), even), ops.fill([], 1));
  const sums = ops.sum(ops.multiply(chosen, ops.reshape(assignment.weights, [B, T, 1])), [1]);
  return ops.sum(ops.multiply(excess, sums), [1]);
}

/** StableMoE's distillation loss: summed cross-entropy of the distilled scores [B, T, E] with the live assignment as target. */
export function distillationLoss<Tensor>(
  ops: TensorOps<Tensor>,
  distilledLogits: Tensor,
  assignment: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  const target = ops.reshape(ops.oneHot(assignment.experts, assignment.numExperts), ops.shape(distilledLogits));
  const logZ = ops.logSumExp(distilledLogits, 2);
  return sumTokens(ops, ops.subtract(logZ, ops.sum(ops.multiply(target, distilledLogits), [2])), tokenMask);
}

/** EvoMoE's balance loss: `E * E * mean_e(mean_t kept gate * mean_t selected)`. E while dense, 1 when one-hot and balanced. */
export function denseToSparseBalanceLoss<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  const selected = tokenMean(ops, wantedChoices(ops, assignment), tokenMask);
  const gates = tokenMean(ops, weightsByExpert(ops, assignment), tokenMask);
  return ops.multiply(ops.sum(ops.multiply(gates, selected), [1]), ops.fill([], assignment.numExperts));
}

/** DynMoLE's balance loss: `E * sum_e mean_t(weight) * mean_t(probability)`, of kept weights, not counts. Multiply by 0.001. */
export function dynMoleBalanceLoss<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  assignment: TokenChoice<Tensor>,
  tokenMask?: Tensor,
): Tensor {
  const weights = tokenMean(ops, weightsByExpert(ops, assignment), tokenMask);
  const product = ops.multiply(weights, tokenMean(ops, probabilities, tokenMask));
  return ops.multiply(ops.sum(product, [1]), ops.fill([], assignment.numExperts));
}

/** Weight of every expert in every token [B, T, E]. */
function weightsByExpert<Tensor>(
  ops: TensorOps<Tensor>,
  { experts, weights, numExperts }: TokenChoice<Tensor>,
): Tensor {
  const [B, T, K] = ops.shape(weights) as [number, number, number];
  return ops.sum(ops.multiply(ops.oneHot(experts, numExperts), ops.reshape(weights, [B, T, K, 1])), [2]);
}

/**
 * The RL code's "entropy loss" without its weight: 1 - normalized entropy of how often each expert is the best one. Made of counts, so it has no
 * gradient: a metric, whatever its name. 0 for one expert.
 * @param epsilon added to every count; default 1e-6, the official code's
 */
export function bestExpertImbalance<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  tokenMask?: Tensor,
  epsilon = 1e-6,
): Tensor {
  const [B, , E] = ops.shape(probabilities) as [number, number, number];
  if (E === 1) return ops.fill([B], 0);
  const counts = sumTokens(ops, bestExperts(ops, probabilities), tokenMask);
  const smoothed = ops.add(counts, ops.fill([], epsilon));
  const p = ops.divide(smoothed, ops.sum(smoothed, [1], true));
  // 1 - H / log E written as sum p log(p E) / log E, which does not subtract nearly equal numbers.
  const relative = ops.log(ops.multiply(p, ops.fill([], E)));
  return ops.multiply(ops.sum(ops.multiply(p, relative), [1]), ops.fill([], 1 / Math.log(E)));
}
