// From what environments and replay hand out (planar frames) to what encoders take (NHWC images), inside the graph.

import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** Size of an image as encoders see it. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Planar frames `[B, F, H, W]` (oldest first) -> image `[B, H, W, F]` of the same numbers: the frames are the channels. Bytes stay 0..255; encoders
 * divide (see `inputScale`).
 */
export function planarToImage(frames: Tensor): Tensor {
  const floats = frames.dtype === 'float32' ? frames : tf.cast(frames, 'float32');
  return tf.transpose(floats, [0, 2, 3, 1]);
}

/**
 * Cuts one observation out of a replay window `[B, F + n, H, W]`: the frames `first .. first + stackSize - 1`.
 * `first = 0` is the state, `first = n` the state n steps later.
 */
export function sliceFrames(window: Tensor, first: number, stackSize: number): Tensor {
  const begin = window.shape.map(() => 0);
  const size = [...window.shape];
  begin[1] = first;
  size[1] = stackSize;
  return tf.slice(window, begin, size);
}
