// DrQ's augmentation (Yarats et al. 2021) as the official data-efficient agents do it: pad each side by 4 by repeating the edge, cut out at a random
// offset of 0..7 (8 never occurs in the official code), then multiply by 1 + 0.05 clip(r, -2, 2). All frames of an image share offset and factor.
import { InvalidArgumentError, type ObservationSpec, type Rng } from '@moe-rl/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { LearningConfig } from '../config/agent-config.ts';

const PADDING = 4;
const OFFSETS = 8;

/** Random numbers of one batch: two offsets and one normal per image. */
export interface AugmentationDraws {
  /** `[2, B]`: rows, then columns. */
  readonly offsets: Int32Array;
  /** `[B]` */
  readonly intensities: Float32Array;
}

/** Pixels of a batch that float indices can tell apart: all whole numbers up to here are exact in float32. */
const MOST_PIXELS = 2 ** 24;

/**
 * Refuses batches with more pixels than `augmentImages` can address.
 * @throws InvalidArgumentError naming the batch size and the largest for such images
 */
export function requireAugmentable(
  { dataAugmentation, batchSize }: LearningConfig,
  { frameShape }: ObservationSpec,
): void {
  const [height = 1, width = 1] = frameShape.slice(-2);
  const most = Math.floor(MOST_PIXELS / (height * width));
  if (dataAugmentation && batchSize > most) {
    throw new InvalidArgumentError(
      `agent.batchSize is ${batchSize} and agent.dataAugmentation is true; expected at most ${most} images of ${height} x ${width}, or no augmentation`,
    );
  }
}

export function drawAugmentation(rng: Rng, batchSize: number): AugmentationDraws {
  const offsets = new Int32Array(2 * batchSize);
  const intensities = new Float32Array(batchSize);
  for (let index = 0; index < offsets.length; index++) offsets[index] = rng.nextInteger(OFFSETS);
  for (let index = 0; index < batchSize; index++) intensities[index] = rng.nextNormal();
  return { offsets, intensities };
}

/**
 * Augments images `[B, H, W, C]`, in the graph: one gather of whole pixels. Not clipped to [0, 1], as in the official code.
 * @param offsets int32 `[2, B]`
 * @param intensities `[B]`
 */
export function augmentImages(images: Tensor, offsets: Tensor, intensities: Tensor): Tensor {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  // Index of the source pixel of each target pixel: edges repeat, so coordinates are clipped.
  const coordinates = (axis: number, size: number): Tensor => {
    const offset = tf.reshape(tf.slice(offsets, [axis, 0], [1, batch]), [batch, 1]);
    const shifted = tf.add(tf.cast(offset, 'float32'), tf.range(-PADDING, size - PADDING));
    return tf.clipByValue(shifted, 0, size - 1);
  };
  const image = tf.reshape(tf.range(0, batch), [batch, 1]);
  const rows = tf.mul(tf.add(coordinates(0, height), tf.mul(image, height)), width);
  // Float arithmetic on indices is exact up to 2^24 (`requireAugmentable`).
  const pixels = tf.add(tf.reshape(rows, [batch, height, 1]), tf.reshape(coordinates(1, width), [batch, 1, width]));
  // gatherND, because tfjs-node's gather reads its indices back to check them.
  const shiftedImages = tf.gatherND(
    tf.reshape(images, [batch * height * width, channels]),
    tf.cast(tf.reshape(pixels, [batch * height * width, 1]), 'int32'),
  );
  const factors = tf.add(tf.mul(tf.clipByValue(intensities, -2, 2), 0.05), 1);
  return tf.mul(tf.reshape(shiftedImages, [batch, height, width, channels]), tf.reshape(factors, [batch, 1, 1, 1]));
}
