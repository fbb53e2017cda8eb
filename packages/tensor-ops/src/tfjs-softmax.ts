// Averages weighted by a softmax on TensorFlow.js, with a gradient of their own: tfjs', step by step, would pass over the weights once more each way. Where
// @moe-rl/tfjs-native added operations for them to TensorFlow, those never write the weights down at all.
import type * as tfjs from '@tensorflow/tfjs-core';
import { execute, type NativeBackend, nativeBackend } from './tfjs-backend.ts';
import type { TfjsCore } from './tfjs-namespace.ts';

type Tensor = tfjs.Tensor;

const FORWARD = 'MoeRlSoftmaxMatmul';
const BACKWARD = 'MoeRlSoftmaxMatmulGrad';

/** `softmaxMatmul` of the adapter. */
export function createSoftmaxMatmul(
  tf: TfjsCore,
): (logits: Tensor, values: Tensor, transposeLogits?: boolean) => Tensor {
  /** The backend where it has both operations and they take these tensors. */
  const fused = (logits: Tensor, values: Tensor): NativeBackend | undefined => {
    const backend = nativeBackend(tf);
    if (!backend?.addedOperations?.has(FORWARD)) return undefined;
    const fits = [logits, values].every(({ rank, dtype }) => rank === 3 && dtype === 'float32');
    return fits ? backend : undefined;
  };
  const flip = (x: Tensor, transpose: boolean): Tensor => {
    if (!transpose) return x;
    const axes = x.shape.map((_, axis) => axis);
    return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
  };

  /** The gradients in operations that have gradients again. */
  const gradients = (dy: Tensor, weights: Tensor, values: Tensor, result: Tensor, transpose: boolean): Tensor[] => {
    // Softmax's gradient takes from each row its weighted mean, sum(w * (dy @ values')): that is dy . result, D products instead of M.
    const mean = tf.sum(tf.mul(dy, result), -1, true);
    const inner = tf.sub(tf.matMul(dy, values, false, true), mean);
    return [flip(tf.mul(weights, inner), transpose), tf.matMul(weights, dy, true, false)];
  };

  return (logits, values, transpose = false) =>
    tf.customGrad((a, b, save) => {
      const [l, v] = [a as Tensor, b as Tensor];
      const backend = fused(l, v);
      const kept = backend
        ? execute(backend, FORWARD, { transpose }, [l, v], 3)
        : (() => {
            const weights = tf.softmax(flip(l, transpose));
            return [tf.matMul(weights, v), weights];
          })();
      (save as tfjs.GradSaveFunc)([l, v, ...kept]);
      return {
        value: kept[0]!,
        gradFunc: (dy, saved) => {
          const [savedLogits, savedValues, result, ...rest] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
          // What was kept is on no tape: whoever differentiates this gradient again needs it made from the inputs.
          if (tf.engine().state.gradientDepth > 0) {
            const weights = tf.softmax(flip(savedLogits, transpose));
            return gradients(dy, weights, savedValues, tf.matMul(weights, savedValues), transpose);
          }
          if (backend)
            return execute(backend, BACKWARD, { transpose }, [savedLogits, savedValues, result, ...rest, dy], 2);
          return gradients(dy, rest[0]!, savedValues, result, transpose);
        },
      };
    })(logits, values);
}
