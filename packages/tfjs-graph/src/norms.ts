// The norm of all gradients together, for logs. On TensorFlow one operation per tensor that reads it once and stores nothing; elsewhere a product of the tensor
// with itself, which stores no squares either.

import * as tf from '@tensorflow/tfjs-core';
import { executeOp, tensorFlowBackend } from './binding.ts';

/** The l2 norm of float32 tensors of any shapes as if they were one vector: a scalar. Not differentiable. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(0);
  const backend = tensorFlowBackend();
  return tf.tidy(() => {
    if (backend) {
      // L2Loss is half the sum of squares.
      const type = { T: { type: backend.binding.TF_FLOAT } };
      const halves = tensors.map((tensor) => executeOp(backend, 'L2Loss', type, [tensor]));
      return tf.sqrt(tf.mul(tf.addN(halves), 2)) as tf.Scalar;
    }
    const squares = tensors.map((tensor) => {
      const row = tf.reshape(tensor, [1, tensor.size]) as tf.Tensor2D;
      return tf.reshape(tf.matMul(row, row, false, true), []);
    });
    return tf.sqrt(tf.addN(squares)) as tf.Scalar;
  });
}
