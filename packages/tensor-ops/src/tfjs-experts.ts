// Two layers of experts over slots on TensorFlow.js, in one operation where @moe-rl/tfjs-native added it to TensorFlow's.
import type * as tfjs from '@tensorflow/tfjs-core';
import type { SegmentMlpLayers } from './tensor-ops.ts';
import { execute, type NativeBackend, nativeBackend } from './tfjs-backend.ts';
import type { TfjsCore } from './tfjs-namespace.ts';

type Tensor = tfjs.Tensor;

const FORWARD = 'MoeRlExpertMlp';
const BACKWARD = 'MoeRlExpertMlpGrad';
/** The largest kernel of an expert that stays in the cache while rows go by; beyond it TensorFlow's own products, which cut kernels up, are better. */
const MAXIMUM_KERNEL = 65536;

/** `slotMlp` of the adapter. */
export function createSlotMlp(tf: TfjsCore): (slots: Tensor, layers: SegmentMlpLayers<Tensor>) => Tensor {
  const fused = (inputs: readonly Tensor[]): NativeBackend | undefined => {
    const backend = nativeBackend(tf);
    if (!backend?.addedOperations?.has(FORWARD)) return undefined;
    const [, D = 0, H = 0] = inputs[1]!.shape;
    return D * H <= MAXIMUM_KERNEL && inputs.every(({ dtype }) => dtype === 'float32') ? backend : undefined;
  };

  /** [outer, inner * P, D] to [inner, outer * P, D] */
  const regroup = (x: Tensor, outer: number, inner: number): Tensor => {
    const [, N, D] = x.shape as [number, number, number];
    const P = N / inner;
    const moved = outer === 1 || inner === 1 ? x : tf.transpose(tf.reshape(x, [outer, inner, P, D]), [1, 0, 2, 3]);
    return tf.reshape(moved, [inner, outer * P, D]);
  };

  /** One after another, in operations that have gradients. */
  const steps = (slots: Tensor, kernel: Tensor, bias: Tensor, outputKernel: Tensor, outputBias: Tensor): Tensor => {
    const [E, , H] = kernel.shape as [number, number, number];
    const [B, , D] = slots.shape as [number, number, number];
    const rows = regroup(slots, B, E);
    const hidden = tf.relu(tf.add(tf.matMul(rows, kernel), tf.reshape(bias, [E, 1, H])));
    return regroup(tf.add(tf.matMul(hidden, outputKernel), tf.reshape(outputBias, [E, 1, D])), E, B);
  };

  return (slots, { kernel, bias, outputKernel, outputBias }) => {
    const inputs = [slots, kernel, bias, outputKernel, outputBias] as const;
    const backend = fused(inputs);
    if (!backend) return steps(...inputs);
    return tf.customGrad((...given) => {
      const save = given.at(-1) as tfjs.GradSaveFunc;
      const now = given.slice(0, -1) as unknown as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const [output, hidden] = execute(backend, FORWARD, {}, now, 2) as [Tensor, Tensor];
      save([...now, hidden]);
      return {
        value: output,
        gradFunc: (dy: Tensor, saved: Tensor[]) => {
          const [x, w, b, v, c, activations] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
          // For whoever differentiates this gradient again, in operations that have gradients.
          if (tf.engine().state.gradientDepth > 0)
            return tf.grads(steps as (...inputs: Tensor[]) => Tensor)([x, w, b, v, c], dy);
          const [ofSlots, ofKernel, ofBias, ofOutputKernel, ofOutputBias] = execute(
            backend,
            BACKWARD,
            {},
            [x, w, v, activations, dy],
            5,
          ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
          return [ofSlots, ofKernel, tf.reshape(ofBias, b.shape), ofOutputKernel, tf.reshape(ofOutputBias, c.shape)];
        },
      };
    })(...inputs);
  };
}
