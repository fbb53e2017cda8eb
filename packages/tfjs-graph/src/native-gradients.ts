// Gradients that TensorFlow computes with one operation where tfjs' own need several. Registered over tfjs' ones; on other backends than
// tfjs-node those are called as before.

import * as tf from '@tensorflow/tfjs-core';
import { executeOp, tensorFlowBackend } from './binding.ts';

let registered = false;

/** Makes tfjs use TensorFlow's own gradient of relu on tfjs-node: one operation instead of eight. Results are equal. */
export function registerNativeGradients(): void {
  if (registered) return;
  registered = true;
  replaceGradient('Relu', (dy, saved) => {
    const backend = tensorFlowBackend();
    if (!backend || dy.dtype !== 'float32') return undefined;
    const T = { type: backend.binding.TF_FLOAT };
    return { x: () => executeOp(backend, 'ReluGrad', { T }, [dy, saved[0]!]) };
  });
}

type Gradients = ReturnType<tf.GradFunc>;

function replaceGradient(
  kernelName: string,
  native: (dy: tf.Tensor, saved: tf.Tensor[]) => Gradients | undefined,
): void {
  const before = tf.getGradient(kernelName);
  if (!before) return;
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...before,
    gradFunc: (dy, saved, attributes) => native(dy as tf.Tensor, saved) ?? before.gradFunc(dy, saved, attributes),
  });
}
