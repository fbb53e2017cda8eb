// Noisy dense layers (Fortunato et al. 2018, factorised Gaussian noise): w = mu + sigma * f(p) f(q)^T, b = mu + sigma * f(q), f(x) = sign(x) sqrt|x|.
// The noise p and q is an argument: it comes from a named random stream, so a recorded step sees new noise at every call and a run can be resumed exactly.

import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dense } from './layers.ts';
import { type ParameterSpecs, type ParameterTensors, parameterOf } from './parameters.ts';

/**
 * Standard normal draws of one noisy layer. `[1, n]`: one draw for the whole batch; `[B, n]`: one per sample (the official MoE Rainbow's online
 * loss). `undefined` where a network runs without noise (evaluation).
 */
export interface NoisyDenseNoise {
  /** `[1 or B, inputs]` */
  readonly inputNoise: Tensor;
  /** `[1 or B, outputs]` */
  readonly outputNoise: Tensor;
}

/**
 * Parameters `{kernel,bias}_{mu,sigma}`: mu uniform within 1/sqrt(inputs), sigma 0.1/sqrt(inputs) (the official code's; Fortunato et al. use
 * 0.5/sqrt(inputs)). With `copies`, a leading axis of that many independent copies (experts).
 */
export function noisyDenseParameters(name: string, inputs: number, outputs: number, copies?: number): ParameterSpecs {
  const lead = copies === undefined ? [] : [copies];
  const mu = { type: 'uniform', limit: 1 / Math.sqrt(inputs) } as const;
  const sigma = { type: 'constant', value: 0.1 / Math.sqrt(inputs) } as const;
  return {
    [`${name}/kernel_mu`]: { shape: [...lead, inputs, outputs], initializer: mu },
    [`${name}/kernel_sigma`]: { shape: [...lead, inputs, outputs], initializer: sigma },
    [`${name}/bias_mu`]: { shape: [...lead, outputs], initializer: mu },
    [`${name}/bias_sigma`]: { shape: [...lead, outputs], initializer: sigma },
  };
}

/** `f(x) = sign(x) sqrt|x|` */
export function scaleNoise(noise: Tensor): Tensor {
  return tf.mul(tf.sign(noise), tf.sqrt(tf.abs(noise)));
}

/**
 * The noisy layer over `x` `[B, inputs]`; with `noise` undefined, the mean weights alone.
 * Because the noise factorises, x (mu + sigma f(p) f(q)^T) = x mu + ((x f(p)) sigma) f(q): no weight matrix per sample is ever built.
 */
export function noisyDense(
  parameters: ParameterTensors,
  name: string,
  x: Tensor,
  noise: NoisyDenseNoise | undefined,
): Tensor {
  const mean = dense(
    {
      [`${name}/kernel`]: parameterOf(parameters, `${name}/kernel_mu`),
      [`${name}/bias`]: parameterOf(parameters, `${name}/bias_mu`),
    },
    name,
    x,
  );
  if (noise === undefined) return mean;
  const inputNoise = scaleNoise(noise.inputNoise);
  const outputNoise = scaleNoise(noise.outputNoise);
  const sigma = parameterOf(parameters, `${name}/kernel_sigma`) as Tensor2D;
  const spread = tf.add(
    tf.matMul(tf.mul(x, inputNoise) as Tensor2D, sigma),
    parameterOf(parameters, `${name}/bias_sigma`),
  );
  return tf.add(mean, tf.mul(spread, outputNoise));
}
