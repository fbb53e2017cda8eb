// Losses on the routers of a network's mixtures. The published agents use none; one ablation adds them to top-1 routing (arXiv 2402.08609 fig. 9).

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AuxiliaryLossesConfig } from '../config/agent-config.ts';
import type { MoeRecord } from '../networks/moe.ts';

/** The weighted sum over all mixtures, or undefined where every weight is 0. */
export function auxiliaryLoss(config: AuxiliaryLossesConfig, mixtures: readonly MoeRecord[]): Tensor | undefined {
  const terms: Tensor[] = [];
  for (const mixture of mixtures) {
    if (config.importance > 0) terms.push(tf.mul(importanceLoss(mixture.expertShares), config.importance));
    if (config.gshard > 0) terms.push(tf.mul(gshardLoss(mixture.expertShares), config.gshard));
    if (config.routerZ > 0) terms.push(tf.mul(routerZLoss(mixture.routerLogits), config.routerZ));
  }
  return terms.length === 0 ? undefined : tf.addN(terms);
}

/** Squared coefficient of variation of each sample's summed probabilities, mean over the batch; `[B, T, E]`. */
export function importanceLoss(probabilities: Tensor): Tensor {
  const importance = tf.sum(probabilities, 1);
  const mean = tf.mean(importance, 1, true);
  const variance = tf.mean(tf.square(tf.sub(importance, mean)), 1);
  return tf.mean(tf.div(variance, tf.square(tf.squeeze(mean, [1]))));
}

/** `E^2 mean_e(fraction of tokens whose largest is e x mean probability of e)`, mean over the batch; `[B, T, E]`. */
export function gshardLoss(probabilities: Tensor): Tensor {
  const experts = probabilities.shape[2]!;
  // The choice is constant to differentiation: argMax and oneHot have no gradient.
  const chosen = tf.customGrad((input) => ({
    value: tf.cast(tf.oneHot(tf.argMax(input as Tensor, 2) as tf.Tensor2D, experts), 'float32'),
    gradFunc: () => tf.zerosLike(input as Tensor),
  }))(probabilities);
  const product = tf.mul(tf.mean(chosen, 1), tf.mean(probabilities, 1));
  return tf.mul(tf.mean(product), experts * experts);
}

/** `mean (logsumexp_e logits)^2`; `[B, T, E]`. */
export function routerZLoss(logits: Tensor): Tensor {
  return tf.mean(tf.square(tf.logSumExp(logits, 2)));
}
