// Random numbers as a pure function of a shape and a seed. On TensorFlow they are its own counter-based (Philox) operations, the same eagerly
// and recorded (and on an engine that has a kernel for them); elsewhere they are drawn in JavaScript: other numbers, but as well determined by the seed.

import { createRng, InvalidArgumentError, ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { executeOp, tensorFlowBackend } from './binding.ts';

// Values of the tensors that a program made from its caller's arrays, so that a seed needs no reading back (WebGPU can't synchronously).
const hostValues = new WeakMap<tf.Tensor, number[]>();

export function rememberHostValues(tensor: tf.Tensor, values: ArrayLike<number>): tf.Tensor {
  if (values.length <= 2) hostValues.set(tensor, Array.from(values));
  return tensor;
}

/**
 * Standard normal float32 numbers.
 * @param seed int32 tensor `[2]`; different seeds give independent numbers. Feed it as an input of the entry point.
 */
export function randomNormal(shape: readonly number[], seed: tf.Tensor): tf.Tensor {
  return draw('StatelessRandomNormal', 'MoeRlRandomNormal', shape, seed, (rng) => rng.nextNormal());
}

/**
 * Uniform float32 numbers in `[0, 1)`.
 * @param seed int32 tensor `[2]`; different seeds give independent numbers. Feed it as an input of the entry point.
 */
export function randomUniform(shape: readonly number[], seed: tf.Tensor): tf.Tensor {
  // Rounding to float32 may give 1: the largest float32 below it is returned instead.
  return draw('StatelessRandomUniform', 'MoeRlRandomUniform', shape, seed, (rng) =>
    Math.min(rng.nextFloat(), 1 - 2 ** -24),
  );
}

function draw(
  op: string,
  kernelName: string,
  shape: readonly number[],
  seed: tf.Tensor,
  next: (rng: ReturnType<typeof createRng>) => number,
): tf.Tensor {
  if (seed.dtype !== 'int32' || seed.rank !== 1 || seed.shape[0] !== 2) {
    throw new ShapeError(`seed is ${seed.dtype} [${seed.shape}]; expected int32 [2]`);
  }
  if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new InvalidArgumentError(`shape is [${shape}]; expected integers of at least 0`);
  }
  const backend = tensorFlowBackend();
  if (backend) {
    const { TF_FLOAT, TF_INT32 } = backend.binding;
    return tf.tidy(() =>
      executeOp(backend, op, { dtype: { type: TF_FLOAT }, T: { type: TF_INT32 }, Tseed: { type: TF_INT32 } }, [
        tf.tensor1d([...shape], 'int32'),
        seed,
      ]),
    );
  }
  // An engine's own kernel: TensorFlow's numbers, computed where the step is.
  if (tf.getKernel(kernelName, tf.getBackend()) != null) {
    return tf.engine().runKernel(kernelName, { seed }, { shape: [...shape] }) as tf.Tensor;
  }
  const [low = 0, high = 0] = hostValues.get(seed) ?? (seed.dataSync() as Int32Array);
  const rng = createRng((high >>> 11) * 2 ** 32 + (low >>> 0), String(high & 2047));
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) values[i] = next(rng);
  return tf.tensor(values, [...shape], 'float32');
}
