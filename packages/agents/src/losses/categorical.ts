// Categorical (C51) targets and loss (Bellemare et al. 2017), batched.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { actionMask } from './temporal-difference.ts';

/**
 * Projects distributions onto an evenly spaced support (algorithm 1 of Bellemare et al. 2017; rainbow_agent.project_distribution):
 * `out_i = sum_j clip(1 - |clip(z'_j, vmin, vmax) - z_i| / dz, 0, 1) p_j`.
 * @param targetSupports `[B, Z]`, where each atom's mass is
 * @param probabilities `[B, Z]`
 * @param support `[Z]`, evenly spaced
 * @param minimum first atom; `maximum` last atom
 * @returns `[B, Z]`
 */
export function projectDistribution(
  targetSupports: Tensor,
  probabilities: Tensor,
  support: Tensor,
  minimum: number,
  maximum: number,
): Tensor {
  const [batch, atoms] = targetSupports.shape as [number, number];
  const spacing = (maximum - minimum) / (atoms - 1);
  const clipped = tf.reshape(tf.clipByValue(targetSupports, minimum, maximum), [batch, 1, atoms]);
  const distance = tf.abs(tf.sub(clipped, tf.reshape(support, [1, atoms, 1])));
  const shares = tf.clipByValue(tf.sub(1, tf.div(distance, spacing)), 0, 1);
  return tf.sum(tf.mul(shares, tf.reshape(probabilities, [batch, 1, atoms])), 2);
}

/** Of logits or probabilities `[B, A, Z]`, those of each taken action: `[B, Z]`. */
export function selectActionDistributions(distributions: Tensor, actions: Tensor): Tensor {
  const [batch, actionCount] = distributions.shape as [number, number];
  const mask = tf.reshape(actionMask(actions, actionCount), [batch, actionCount, 1]);
  return tf.sum(tf.mul(distributions, mask), 1);
}

/** Target distributions `[B, Z]`: `r + discount * z` weighted with the next action's probabilities, projected. */
export function categoricalTargets(
  rewards: Tensor,
  discounts: Tensor,
  nextProbabilities: Tensor,
  support: Tensor,
  minimum: number,
  maximum: number,
): Tensor {
  const batch = rewards.shape[0]!;
  const supports = tf.add(
    tf.reshape(rewards, [batch, 1]),
    tf.mul(tf.reshape(discounts, [batch, 1]), tf.reshape(support, [1, support.shape[0]!])),
  );
  return projectDistribution(supports, nextProbabilities, support, minimum, maximum);
}

/** `-sum_i target_i log softmax(logits)_i`: `[B, Z]`, `[B, Z]` -> `[B]`. */
export function categoricalCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1));
}
