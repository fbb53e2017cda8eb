// Priorities of prioritized replay (Schaul et al. 2016) as the official Rainbow has them.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** A transition's new priority: `sqrt(loss + 1e-10)` of its unweighted loss, `[B]` -> `[B]`. */
export function prioritiesFromLosses(losses: Tensor): Tensor {
  return tf.sqrt(tf.add(losses, 1e-10));
}
