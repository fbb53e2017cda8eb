// Gradients that TensorFlow computes with one operation where tfjs' own need several. Registered over tfjs' ones; on other backends than
// tfjs-node those are called as before.

import * as tf from '@tensorflow/tfjs-core';
import { executeOp, tensorFlowBackend } from './binding.ts';

let registered = false;

/**
 * Makes tfjs use TensorFlow's own gradient of relu on tfjs-node: one operation instead of eight. It is computed from relu's output, which is positive where the input is: a gradient that
 * reads the input keeps TensorFlow from fusing convolution, bias and relu. Results are equal.
 */
export function registerNativeGradients(): void {
  if (registered) return;
  registered = true;
  const before = tf.getGradient('Relu');
  if (!before) return;
  tf.unregisterGradient('Relu');
  tf.registerGradient({
    kernelName: 'Relu',
    outputsToSave: [true],
    gradFunc(dy, [output], attributes) {
      const backend = tensorFlowBackend();
      if (!backend || (dy as tf.Tensor).dtype !== 'float32') return before.gradFunc(dy, [output!], attributes);
      const T = { type: backend.binding.TF_FLOAT };
      return { x: () => executeOp(backend, 'ReluGrad', { T }, [dy as tf.Tensor, output!]) };
    },
  });
}
