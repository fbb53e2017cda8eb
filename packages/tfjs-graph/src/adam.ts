// Adam (Kingma and Ba, 2015, algorithm 1), as optax and PyTorch compute it. Recorded on TensorFlow it is one fused operation per parameter that
// updates in place; elsewhere, and eagerly, plain tfjs operations with the same result.

import { ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { activeRecording } from './step-recording.ts';

/** Options of {@link adamUpdate}. The four records have the same names; moments have their parameter's shape and start at zero. */
export interface AdamUpdateConfig {
  readonly parameters: Readonly<Record<string, tf.Variable>>;
  readonly gradients: Readonly<Record<string, tf.Tensor>>;
  readonly firstMoments: Readonly<Record<string, tf.Variable>>;
  readonly secondMoments: Readonly<Record<string, tf.Variable>>;
  /** Scalar, float32 or int32: updates made so far, from 0; it is increased by one. */
  readonly updates: tf.Variable;
  /** A number, or a scalar tensor (for a schedule, fed as an input). */
  readonly learningRate: number | tf.Tensor;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the bias-corrected second moment; default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Makes one Adam update of all parameters: `m += (1 - b1)(g - m)`, `v += (1 - b2)(g^2 - v)`,
 * `p -= lr * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon)`.
 * @throws ShapeError when a gradient or a moment is missing or has another shape than its parameter.
 */
export function adamUpdate(config: AdamUpdateConfig): void {
  const { parameters, gradients, firstMoments, secondMoments, updates } = config;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = config;
  tf.tidy(() => {
    const count = tf.add(tf.cast(updates, 'float32'), 1);
    updates.assign(tf.cast(count, updates.dtype as 'float32'));
    const correction1 = oneMinusPower(beta1, count);
    const correction2 = tf.sqrt(oneMinusPower(beta2, count));
    const rate = tf.div(tf.mul(config.learningRate, correction2), correction1);
    const scaledEpsilon = tf.mul(epsilon, correction2);
    const recording = activeRecording();
    const kernel = recording === undefined ? kernelAttributes(rate, scaledEpsilon, beta1, beta2) : undefined;
    for (const [name, parameter] of Object.entries(parameters)) {
      const gradient = matching(name, 'gradient', gradients[name], parameter);
      const first = matching(name, 'first moment', firstMoments[name], parameter);
      const second = matching(name, 'second moment', secondMoments[name], parameter);
      // The corrections are in the rate and in epsilon, so the operation's own (from the betas' powers) are switched off by zeros.
      const scalars = [tf.scalar(0), tf.scalar(0), rate, tf.scalar(beta1), tf.scalar(beta2), scaledEpsilon];
      const attributes = {
        T: { kind: 'type', value: 1 },
        use_locking: { kind: 'flag', value: false },
        use_nesterov: { kind: 'flag', value: false },
      } as const;
      const fused = recording?.applyInPlace(
        'ResourceApplyAdam',
        attributes,
        [parameter, first, second],
        [...scalars, gradient],
      );
      if (fused) continue;
      if (kernel !== undefined) {
        const inputs = { value: parameter, firstMoment: first, secondMoment: second, gradient };
        const [value, firstMoment, secondMoment] = tf.engine().runKernel(ADAM_KERNEL, inputs, kernel) as tf.Tensor[];
        first.assign(firstMoment!);
        second.assign(secondMoment!);
        parameter.assign(value!);
        continue;
      }
      const newFirst = tf.add(first, tf.mul(tf.sub(gradient, first), 1 - beta1));
      const newSecond = tf.add(second, tf.mul(tf.sub(tf.square(gradient), second), 1 - beta2));
      first.assign(newFirst);
      second.assign(newSecond);
      parameter.assign(tf.sub(parameter, tf.div(tf.mul(newFirst, rate), tf.add(tf.sqrt(newSecond), scaledEpsilon))));
    }
  });
}

/** A kernel that makes the whole update in one pass over memory, where a backend has it (wasm, with `@moe-rl/tfjs-kernels`). */
const ADAM_KERNEL = 'MoeRlAdamStep';

function kernelAttributes(
  rate: tf.Tensor,
  epsilon: tf.Tensor,
  beta1: number,
  beta2: number,
): Record<string, number> | undefined {
  if (tf.getKernel(ADAM_KERNEL, tf.getBackend()) == null) return undefined;
  // Reading a value back costs nothing on the backend that has the kernel. Rate and epsilon hold the bias corrections already.
  return { beta1, beta2, stepSize: rate.dataSync()[0]!, secondMomentScale: 1, epsilon: epsilon.dataSync()[0]! };
}

/** `1 - base^exponent`, without the cancellation that the plain form suffers in float32 for a base near 1. */
function oneMinusPower(base: number, exponent: tf.Tensor): tf.Tensor {
  const logarithm = tf.mul(exponent, Math.log(base));
  return tf.neg(tf.mul(tf.tanh(tf.div(logarithm, 2)), tf.add(tf.exp(logarithm), 1)));
}

function matching<T extends tf.Tensor>(name: string, what: string, tensor: T | undefined, parameter: tf.Tensor): T {
  if (tensor === undefined) throw new ShapeError(`adamUpdate: parameter "${name}" has no ${what}`);
  if (!tf.util.arraysEqual(tensor.shape, parameter.shape)) {
    throw new ShapeError(`adamUpdate: the ${what} of "${name}" is [${tensor.shape}]; expected [${parameter.shape}]`);
  }
  return tensor;
}
