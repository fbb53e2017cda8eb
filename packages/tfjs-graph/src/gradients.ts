// Loss, gradients and whatever else a step computed on the way, named like the parameters.

import { ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';

export interface LossAndGradients {
  /** Scalar. */
  readonly loss: tf.Scalar;
  /** The other tensors that the function returned. */
  readonly auxiliary: Record<string, tf.Tensor>;
  /** By the parameters' names; zeros for a parameter that the loss doesn't depend on. */
  readonly gradients: Record<string, tf.Tensor>;
}

/**
 * Differentiates a loss. Unlike `tf.variableGrads` it also hands out other results of the same forward pass (errors for priorities, metrics),
 * which tfjs would have disposed. Call it within an entry point or `tf.tidy`.
 * @throws ShapeError when `loss` is missing or no scalar.
 */
export function lossAndGradients(
  parameters: Readonly<Record<string, tf.Variable>>,
  compute: () => { loss: tf.Tensor } & Record<string, tf.Tensor>,
): LossAndGradients {
  const kept: Record<string, tf.Tensor> = {};
  const { value, grads } = tf.variableGrads(() => {
    const { loss, ...others } = compute();
    if (!(loss instanceof tf.Tensor) || loss.size !== 1) {
      throw new ShapeError(
        `loss is ${loss instanceof tf.Tensor ? `[${loss.shape}]` : typeof loss}; expected a scalar tensor`,
      );
    }
    for (const [name, tensor] of Object.entries(others)) kept[name] = tf.keep(tf.clone(tensor));
    return tf.reshape(loss, []) as tf.Scalar;
  }, Object.values(parameters));
  const auxiliary: Record<string, tf.Tensor> = {};
  for (const [name, tensor] of Object.entries(kept)) {
    auxiliary[name] = tf.clone(tensor);
    tensor.dispose();
  }
  const gradients: Record<string, tf.Tensor> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    gradients[name] = grads[parameter.name] ?? tf.zerosLike(parameter);
  }
  return { loss: value, auxiliary, gradients };
}
