// Layers of the network, functions of parameters by name: root mean square normalization, attention by heads, feed-forward.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** Parameters by name. */
export type ParameterTensors = Readonly<Record<string, Tensor>>;

/** [B, heads, t, D / heads] each. */
export interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Root mean square normalization. */
export function norm(x: Tensor, scale: Tensor): Tensor {
  const square = tf.mean(tf.square(x), -1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(square, 1e-6))), scale);
}

/** x [B, t, D] times a matrix [D, D']. */
export function times(x: Tensor, matrix: Tensor): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  const rows = tf.reshape(x, [batch * length, size]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(rows, matrix as tf.Tensor2D), [batch, length, matrix.shape[1]!]);
}

/** x [B, t, D] times a matrix, by heads: [B, heads, t, D / heads]. */
function byHeads(x: Tensor, matrix: Tensor, heads: number): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(times(x, matrix), [batch, length, heads, size / heads]), [0, 2, 1, 3]);
}

export function keysAndValues(parameters: ParameterTensors, name: string, over: Tensor, heads: number): KeysAndValues {
  return {
    keys: byHeads(over, parameters[`${name}/key`]!, heads),
    values: byHeads(over, parameters[`${name}/value`]!, heads),
  };
}

/**
 * Attention of x [B, t, D] over keys and values of s places.
 * @param bias added to the logits [B, heads, t, s], or what broadcasts to it
 */
export function attend(
  parameters: ParameterTensors,
  name: string,
  x: Tensor,
  { keys, values }: KeysAndValues,
  bias: Tensor | undefined,
  heads: number,
): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  const queries = byHeads(x, parameters[`${name}/query`]!, heads);
  const logits = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(size / heads));
  const mixed = tf.matMul(tf.softmax(bias === undefined ? logits : tf.add(logits, bias)), values);
  const rows = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, length, size]);
  return times(rows, parameters[`${name}/output`]!);
}

export function forward(parameters: ParameterTensors, name: string, x: Tensor): Tensor {
  const normed = norm(x, parameters[`${name}/norm`]!);
  const hidden = tf.relu(tf.add(times(normed, parameters[`${name}/first`]!), parameters[`${name}/bias`]!));
  return times(hidden, parameters[`${name}/second`]!);
}
