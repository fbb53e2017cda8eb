// One Adam step on one parameter, fused into one pass over memory where the backend has this package's kernel (wasm).

import { ShapeError } from '@moe-rl/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, div, engine, getBackend, getKernel, mul, sqrt, square, sub, tidy, util } from '@tensorflow/tfjs-core';
import { ADAM_STEP } from './wasm/kernels.ts';

/** Hyper-parameters of one step. */
export interface AdamStepConfig {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the bias-corrected second moment (optax's and Kingma and Ba's place for it). */
  readonly epsilon: number;
  /** Number of this update, counted from 1. */
  readonly updateCount: number;
}

// A type, not an interface, so that tidy() may return it.
export type AdamStepOutput = {
  /** The parameter after the step. */
  readonly value: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
};

/**
 * Adam (Kingma and Ba 2015, algorithm 1): m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 * value - learningRate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon).
 * All tensors have the parameter's shape and dtype float32. Returns new tensors and changes none.
 * @throws ShapeError when they don't.
 */
export function adamStep(
  value: Tensor,
  firstMoment: Tensor,
  secondMoment: Tensor,
  gradient: Tensor,
  config: AdamStepConfig,
): AdamStepOutput {
  const { learningRate, beta1, beta2, epsilon, updateCount } = config;
  for (const [name, tensor] of Object.entries({ value, firstMoment, secondMoment, gradient })) {
    if (tensor.dtype !== 'float32' || !util.arraysEqual(tensor.shape, value.shape)) {
      throw new ShapeError(`adamStep: ${name} is ${tensor.dtype} [${tensor.shape}]; expected float32 [${value.shape}]`);
    }
  }
  const stepSize = learningRate / (1 - beta1 ** updateCount);
  const secondMomentScale = 1 / Math.sqrt(1 - beta2 ** updateCount);
  if (getKernel(ADAM_STEP, getBackend()) != null) {
    const outputs = engine().runKernel(
      ADAM_STEP,
      { value, firstMoment, secondMoment, gradient },
      { beta1, beta2, stepSize, secondMomentScale, epsilon },
    ) as Tensor[];
    return { value: outputs[0]!, firstMoment: outputs[1]!, secondMoment: outputs[2]! };
  }
  return tidy(() => {
    const first = add(mul(firstMoment, beta1), mul(gradient, 1 - beta1));
    const second = add(mul(secondMoment, beta2), mul(square(gradient), 1 - beta2));
    const denominator = add(mul(sqrt(second), secondMomentScale), epsilon);
    const next = sub(value, div(mul(first, stepSize), denominator));
    return { value: next, firstMoment: first, secondMoment: second };
  });
}
