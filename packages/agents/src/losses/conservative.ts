// Losses of offline agents: conservative Q-learning (Kumar et al. 2020) and the co-adaptation penalty DR3 (Kumar et al. 2022), batched.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { selectActions } from './temporal-difference.ts';

/** CQL's penalty per sample, `logsumexp_a Q(s, a) - Q(s, a_data)`: values `[B, A]`, actions `[B]` -> `[B]`. */
export function conservativePenalty(values: Tensor, actions: Tensor): Tensor {
  return tf.sub(tf.logSumExp(values, 1), selectActions(values, actions));
}

/** DR3 per sample: `|phi(s) . phi(s')|`; features `[B, N]` -> `[B]`. */
export function featureCoadaptation(features: Tensor, nextFeatures: Tensor): Tensor {
  return tf.abs(tf.sum(tf.mul(features, nextFeatures), 1));
}
