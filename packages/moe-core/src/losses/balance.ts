// Auxiliary losses that keep the load of experts even. Each takes [B, T, E] tensors and returns one value per sample [B]; average and weigh as you like.
import { InvalidArgumentError, requireFinite, requireInteger } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { combineMatrix, type TokenChoice } from '../assignment.ts';

/** Square of (population standard deviation / mean) over the last axis: [B, E] to [B]. 0 for a single expert. */
export function squaredVariation<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const mean = ops.mean(x, [1], true);
  const deviation = ops.divide(ops.subtract(x, mean), mean);
  return ops.mean(ops.multiply(deviation, deviation), [1]);
}

/** Importance loss (Shazeer et al., 2017; V-MoE): squared variation of the summed probabilities of each expert. */
export function importanceLoss<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor): Tensor {
  return squaredVariation(ops, ops.sum(probabilities, [1]));
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
): Tensor {
  return squaredVariation(ops, ops.mean(stayProbabilities(ops, logits, noise, config), [1]));
}

/** Probability [B, T, E] that `loadLoss` averages: 1 - Phi((threshold - logit) / noiseStd), threshold = the K-th largest noisy logit. */
export function stayProbabilities<Tensor>(
  ops: TensorOps<Tensor>,
  logits: Tensor,
  noise: Tensor,
  config: LoadLossConfig = {},
): Tensor {
  const [B, T, E] = ops.shape(logits) as [number, number, number];
  const k = requireInteger('k', config.k ?? 1, 1, E);
  const noiseStd = requireFinite('noiseStd', config.noiseStd ?? 1 / E, Number.MIN_VALUE);
  const threshold = kthLargest(ops, ops.add(logits, noise), k, [B, T, 1]);
  return normalCdf(ops, ops.divide(ops.subtract(logits, threshold), ops.fill([], noiseStd)));
}

/**
 * Load of noisy top-k gating (Shazeer et al., 2017): [B, E], summed probability that the expert is chosen under new noise of its own.
 * @param clean logits, `noisy` logits, `noiseScale` the standard deviation of each noise; all [B, T, E]
 */
export function noisyTopKLoad<Tensor>(
  ops: TensorOps<Tensor>,
  clean: Tensor,
  noisy: Tensor,
  noiseScale: Tensor,
  k: number,
): Tensor {
  const [B, T, E] = ops.shape(clean) as [number, number, number];
  if (k >= E)
    throw new InvalidArgumentError(
      `k is ${k}; expected less than the ${E} experts, since the load needs one more to compare with`,
    );
  const inside = kthLargest(ops, noisy, k, [B, T, 1]);
  const outside = kthLargest(ops, noisy, k + 1, [B, T, 1]);
  // Without the expert itself the k-th largest is the (k+1)-th of all when the expert is among the best k.
  const isIn = ops.greaterEqual(noisy, inside);
  const threshold = ops.add(inside, ops.multiply(isIn, ops.subtract(outside, inside)));
  return ops.sum(normalCdf(ops, ops.divide(ops.subtract(clean, threshold), noiseScale)), [1]);
}

/** The k-th largest of the last axis, with its gradient. */
function kthLargest<Tensor>(ops: TensorOps<Tensor>, x: Tensor, k: number, shape: readonly number[]): Tensor {
  const { values } = ops.topK(x, k);
  const last = ops.tensor(
    Array.from({ length: k }, (_, rank) => +(rank === k - 1)),
    [1, 1, k],
  );
  return ops.reshape(ops.sum(ops.multiply(values, last), [2]), shape);
}

function normalCdf<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const half = ops.fill([], 0.5);
  return ops.add(half, ops.multiply(half, ops.erf(ops.multiply(x, ops.fill([], Math.SQRT1_2)))));
}

/** Share of tokens whose best expert is e [B, E]; no gradient. */
function firstChoiceShares<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor): Tensor {
  const [B, T, E] = ops.shape(probabilities) as [number, number, number];
  const best = ops.reshape(ops.oneHot(ops.topK(probabilities, 1).indices, E), [B, T, E]);
  return ops.mean(best, [1]);
}

/**
 * Switch's load-balancing loss, which is also GShard's times E*E/E: `E * sum_e f_e P_e`, f the share of tokens with e as best expert, P the mean
 * probability. 1 at uniform routing. Multiply by alpha = 0.01.
 */
export function loadBalancingLoss<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor): Tensor {
  const E = ops.shape(probabilities)[2]!;
  const product = ops.multiply(firstChoiceShares(ops, probabilities), ops.mean(probabilities, [1]));
  return ops.multiply(ops.sum(product, [1]), ops.fill([], E));
}

/** Load-balancing loss of each of Z expert prototypes, on its own E/Z experts: [B, Z]. The paper adds them up. */
export function prototypeBalancingLosses<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  numPrototypes: number,
): Tensor {
  const [B, T, E] = ops.shape(probabilities) as [number, number, number];
  const Z = requireInteger('numPrototypes', numPrototypes, 1, E);
  const grouped = ops.transpose(ops.reshape(probabilities, [B, T, Z, E / Z]), [0, 2, 1, 3]);
  return ops.reshape(loadBalancingLoss(ops, ops.reshape(grouped, [B * Z, T, E / Z])), [B, Z]);
}

/** Router z-loss (ST-MoE): mean squared logsumexp of the logits. Multiply by 0.001. */
export function routerZLoss<Tensor>(ops: TensorOps<Tensor>, logits: Tensor): Tensor {
  const logZ = ops.logSumExp(logits, 2);
  return ops.mean(ops.multiply(logZ, logZ), [1]);
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
): Tensor {
  const [, T, E] = ops.shape(scores) as [number, number, number];
  const K = ops.shape(assignment.experts)[2]!;
  const choices = ops.sum(ops.oneHot(assignment.experts, E), [1, 2]);
  const shares = ops.mean(ops.divide(scores, ops.sum(scores, [2], true)), [1]);
  return ops.multiply(ops.sum(ops.multiply(choices, shares), [1]), ops.fill([], E / (K * T)));
}

/** StableMoE's balance loss: sum over experts of relative excess load times the summed sigmoid scores of its tokens. Multiply by alpha = 0.3. */
export function stableBalanceLoss<Tensor>(ops: TensorOps<Tensor>, assignment: TokenChoice<Tensor>): Tensor {
  const [, T] = ops.shape(assignment.experts) as [number, number];
  const E = assignment.numExperts;
  const mask = ops.oneHot(assignment.experts, E);
  const excess = ops.subtract(ops.divide(ops.sum(mask, [1, 2]), ops.fill([], T / E)), ops.fill([], 1));
  const B = ops.shape(mask)[0]!;
  const sums = ops.sum(ops.multiply(mask, ops.reshape(assignment.weights, [B, T, 1, 1])), [1, 2]);
  return ops.sum(ops.multiply(excess, sums), [1]);
}

/** StableMoE's distillation loss: summed cross-entropy of the distilled scores [B, T, E] with the live assignment as target. */
export function distillationLoss<Tensor>(
  ops: TensorOps<Tensor>,
  distilledLogits: Tensor,
  assignment: TokenChoice<Tensor>,
): Tensor {
  const [B, T, E] = ops.shape(distilledLogits) as [number, number, number];
  const target = ops.reshape(ops.oneHot(assignment.experts, E), [B, T, E]);
  const logZ = ops.logSumExp(distilledLogits, 2);
  return ops.sum(ops.subtract(logZ, ops.sum(ops.multiply(target, distilledLogits), [2])), [1]);
}

/** EvoMoE's balance loss: `E * E * mean_e(mean_t kept gate * mean_t selected)`. E while dense, 1 when one-hot and balanced. */
export function denseToSparseBalanceLoss<Tensor>(ops: TensorOps<Tensor>, assignment: TokenChoice<Tensor>): Tensor {
  const [B, T, K] = ops.shape(assignment.experts) as [number, number, number];
  const E = assignment.numExperts;
  const wanted = ops.reshape(assignment.wanted, [B, T, K, 1]);
  const selected = ops.mean(ops.sum(ops.multiply(ops.oneHot(assignment.experts, E), wanted), [2]), [1]);
  const gates = ops.mean(combineMatrix(ops, assignment, T), [1]);
  return ops.multiply(ops.sum(ops.multiply(gates, selected), [1]), ops.fill([], E));
}

/** DynMoLE's balance loss: `E * sum_e mean_t(weight) * mean_t(probability)`, of kept weights, not counts. Multiply by 0.001. */
export function dynMoleBalanceLoss<Tensor>(
  ops: TensorOps<Tensor>,
  probabilities: Tensor,
  assignment: TokenChoice<Tensor>,
): Tensor {
  const [, T, E] = ops.shape(probabilities) as [number, number, number];
  const weights = ops.mean(combineMatrix(ops, assignment, T), [1]);
  return ops.multiply(ops.sum(ops.multiply(weights, ops.mean(probabilities, [1])), [1]), ops.fill([], E));
}

/**
 * The RL code's "entropy loss" without its weight: 1 - normalized entropy of how often each expert is the best one. Made of counts, so it has no
 * gradient: a metric, whatever its name.
 */
export function bestExpertImbalance<Tensor>(ops: TensorOps<Tensor>, probabilities: Tensor): Tensor {
  const E = ops.shape(probabilities)[2]!;
  const T = ops.shape(probabilities)[1]!;
  const counts = ops.multiply(firstChoiceShares(ops, probabilities), ops.fill([], T));
  const smoothed = ops.add(counts, ops.fill([], 1e-6));
  const p = ops.divide(smoothed, ops.sum(smoothed, [1], true));
  // 1 - H / log E written as sum p log(p E) / log E, which does not subtract nearly equal numbers.
  const relative = ops.log(ops.multiply(p, ops.fill([], E)));
  return ops.multiply(ops.sum(ops.multiply(p, relative), [1]), ops.fill([], 1 / Math.log(E)));
}
