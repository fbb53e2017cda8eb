// The few layers that every encoder and head is made of. Gradients are written so that a training step needs few operations: a recorded step pays
// for every one of them.

import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  type Initializer,
  type ParameterSpecs,
  type ParameterTensors,
  parameterOf,
  shapedParameter,
} from './parameters.ts';

/**
 * `max(x, 0)`. Recorded programs (`@moe-rl/tfjs-graph`) replace its gradient by TensorFlow's own single operation.
 */
export function relu(x: Tensor): Tensor {
  return tf.relu(x);
}

/** Adds `bias` `[C]` to the last axis of `x` `[..., C]`. */
export function addBias(x: Tensor, bias: Tensor): Tensor {
  return tf.customGrad((input, offset) => ({
    value: tf.add(input as Tensor, offset as Tensor),
    gradFunc: (gradient) => {
      const dy = gradient as Tensor;
      return [dy, tf.sum(dy, dy.shape.map((_, axis) => axis).slice(0, -1))];
    },
  }))(x, bias);
}

/** Parameters of a convolution: kernel `[size, size, inputs, outputs]` (HWIO) and bias `[outputs]`. */
export function convolutionParameters(
  name: string,
  size: number,
  inputs: number,
  outputs: number,
  initializer: Initializer,
): ParameterSpecs {
  return {
    [`${name}/kernel`]: { shape: [size, size, inputs, outputs], initializer },
    [`${name}/bias`]: { shape: [outputs], initializer: { type: 'zeros' } },
  };
}

/**
 * Convolution and bias over `x` `[B, H, W, C]`. SAME padding is TensorFlow's and flax': the smaller half before, the larger after.
 * `inputScale` multiplies the input (1/255 for bytes); it is applied to the kernel, which is smaller.
 */
export function convolution(
  parameters: ParameterTensors,
  name: string,
  x: Tensor,
  stride: number,
  padding: 'same' | 'valid' = 'same',
  inputScale = 1,
): Tensor {
  const [size = 0, , , outputs = 0] = parameterOf(parameters, `${name}/kernel`).shape;
  let kernel = shapedParameter(parameters, `${name}/kernel`, [size, size, x.shape[3]!, outputs]) as Tensor4D;
  if (inputScale !== 1) kernel = tf.mul(kernel, inputScale);
  return addBias(
    tf.conv2d(x as Tensor4D, kernel, stride, padding),
    shapedParameter(parameters, `${name}/bias`, [outputs]),
  );
}

/** Parameters of a dense layer: kernel `[inputs, outputs]` and bias `[outputs]`. */
export function denseParameters(
  name: string,
  inputs: number,
  outputs: number,
  initializer: Initializer = { type: 'xavierUniform' },
): ParameterSpecs {
  return {
    [`${name}/kernel`]: { shape: [inputs, outputs], initializer },
    [`${name}/bias`]: { shape: [outputs], initializer: { type: 'zeros' } },
  };
}

/** `x W + b` over `x` `[B, inputs]`. */
export function dense(parameters: ParameterTensors, name: string, x: Tensor): Tensor {
  const outputs = parameterOf(parameters, `${name}/kernel`).shape[1] ?? 0;
  const kernel = shapedParameter(parameters, `${name}/kernel`, [x.shape[1]!, outputs]) as Tensor2D;
  return addBias(tf.matMul(x as Tensor2D, kernel), shapedParameter(parameters, `${name}/bias`, [outputs]));
}

/** `[B, ...]` -> `[B, N]`, row-major. */
export function flatten(x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.reshape(x, [x.shape[0]!, x.size / x.shape[0]!]);
}
