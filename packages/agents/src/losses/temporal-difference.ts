// Temporal-difference losses of DQN and Double DQN, batched. Targets are constants to differentiation: compute them outside the loss.

import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** How far apart a prediction and its target are: the square (no factor 1/2), or Huber's. */
export type ErrorType = 'mse' | 'huber';

/** `(target - prediction)^2`, elementwise and without a factor 1/2, as the official code. */
export function squaredError(predictions: Tensor, targets: Tensor): Tensor {
  return tf.squaredDifference(predictions, targets);
}

/** Huber loss, elementwise: `e^2 / 2` for `|e| <= delta`, else `delta (|e| - delta / 2)`. */
export function huberError(predictions: Tensor, targets: Tensor, delta = 1): Tensor {
  const magnitude = tf.abs(tf.sub(targets, predictions));
  const quadratic = tf.minimum(magnitude, delta);
  // q^2 / 2 + delta (|e| - q)
  return tf.add(tf.mul(tf.square(quadratic), 0.5), tf.mul(tf.sub(magnitude, quadratic), delta));
}

/** The elementwise error of this type. */
export function errorOfType(type: ErrorType, predictions: Tensor, targets: Tensor): Tensor {
  return type === 'mse' ? squaredError(predictions, targets) : huberError(predictions, targets);
}

/** The value of each taken action: values `[B, A]`, actions `[B]` -> `[B]`. */
export function selectActions(values: Tensor, actions: Tensor): Tensor {
  return tf.sum(tf.mul(values, actionMask(actions, values.shape[1]!)), 1);
}

/** `[B]` int32 -> `[B, A]` of 0 and 1. */
export function actionMask(actions: Tensor, actionCount: number): Tensor {
  // tf.oneHot wants a depth of at least 2.
  if (actionCount === 1) return tf.ones([actions.shape[0]!, 1]);
  const indices = actions.dtype === 'int32' ? actions : tf.cast(actions, 'int32');
  return tf.cast(tf.oneHot(indices as Tensor1D, actionCount), 'float32');
}

/**
 * `r + discount * value` (Mnih et al. 2015). `discounts` `[B]` is gamma^n, and 0 where the episode terminated within the window; `nextValues` `[B]`.
 */
export function bellmanTargets(rewards: Tensor, discounts: Tensor, nextValues: Tensor): Tensor {
  return tf.add(rewards, tf.mul(discounts, nextValues));
}

/** DQN: the target network's largest value, `[B, A]` -> `[B]`. */
export function greedyValues(targetValues: Tensor): Tensor {
  return tf.max(targetValues, 1);
}

/** Double DQN (van Hasselt et al. 2016): the target network's value of the online network's choice. Ties go to the lowest action. */
export function doubleValues(onlineValues: Tensor, targetValues: Tensor): Tensor {
  return selectActions(targetValues, tf.argMax(onlineValues, 1));
}
