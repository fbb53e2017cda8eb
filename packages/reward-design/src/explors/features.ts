// What designs see of observations where states are not known: features for networks, and cells in which visits are counted.
import { type Observation, type ObservationSpec, requireFinite } from '@moe-rl/core';

/** Larger frames are averaged over blocks until a frame has at most so many values. */
const MOST_VALUES = 256;
/** Pictures are counted by frames of at most so many values ... */
const CELL_VALUES = 64;
/** ... with so many levels of brightness. */
const LEVELS = 8;

export interface FeatureMap {
  readonly length: number;
  /** Features `[length]` of an observation; pictures of bytes are scaled to 0 .. 1. */
  features(observation: Observation): Float32Array;
  /** A number that observations of one cell share: vectors by the cell's width, pictures by a small picture of their newest frame. */
  cell(observation: Observation): number;
}

/**
 * Features and cells for observations of this form.
 * @param cellWidth of vectors
 */
export function featureMap({ frameShape, stackSize, dtype }: ObservationSpec, cellWidth: number): FeatureMap {
  requireFinite('cellWidth', cellWidth, Number.MIN_VALUE);
  const scale = dtype === 'uint8' ? 1 / 255 : 1;
  const frameLength = frameShape.reduce((product, size) => product * size, 1);
  const coarse = pooling(frameShape, MOST_VALUES);
  const small = pooling(frameShape, CELL_VALUES);
  const isPicture = frameShape.length >= 2;
  const frame = (observation: Observation, index: number): Observation =>
    observation.subarray(index * frameLength, (index + 1) * frameLength);
  return {
    length: coarse.length * stackSize,
    features(observation) {
      const features = new Float32Array(coarse.length * stackSize);
      for (let index = 0; index < stackSize; index++) {
        coarse.pool(frame(observation, index), scale, features.subarray(index * coarse.length));
      }
      return features;
    },
    cell(observation) {
      const newest = frame(observation, stackSize - 1);
      if (!isPicture) return hash(newest.length, (index) => Math.floor(newest[index]! / cellWidth));
      const pooled = new Float32Array(small.length);
      small.pool(newest, scale, pooled);
      return hash(pooled.length, (index) => Math.floor(pooled[index]! * LEVELS * 0.999));
    },
  };
}

/** Means over square blocks of the last two axes, as large as needed for at most `most` values; vectors stay as they are. */
function pooling(frameShape: readonly number[], most: number) {
  const [height = 1, width = 1] = frameShape.slice(-2);
  const total = frameShape.reduce((product, size) => product * size, 1);
  const isPicture = frameShape.length >= 2;
  const planes = isPicture ? total / (height * width) : 1;
  let block = 1;
  const count = (): number => planes * Math.ceil(height / block) * Math.ceil(width / block);
  while (isPicture && count() > most && block < Math.max(height, width)) block++;
  if (block === 1) {
    return {
      length: total,
      pool(frame: Observation, scale: number, target: Float32Array) {
        for (let index = 0; index < total; index++) target[index] = frame[index]! * scale;
      },
    };
  }
  const [rows, columns] = [Math.ceil(height / block), Math.ceil(width / block)];
  return {
    length: planes * rows * columns,
    pool(frame: Observation, scale: number, target: Float32Array) {
      for (let plane = 0, at = 0; plane < planes; plane++) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++, at++) {
            let [sum, seen] = [0, 0];
            for (let y = row * block; y < Math.min(height, (row + 1) * block); y++) {
              for (let x = column * block; x < Math.min(width, (column + 1) * block); x++, seen++) {
                sum += frame[(plane * height + y) * width + x]!;
              }
            }
            target[at] = (sum / seen) * scale;
          }
        }
      }
    },
  };
}

/** 32-bit FNV-1a over integers. */
function hash(length: number, value: (index: number) => number): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < length; index++) {
    let bits = value(index) | 0;
    for (let byte = 0; byte < 4; byte++, bits >>>= 8) sum = Math.imul(sum ^ (bits & 255), 0x01000193);
  }
  return sum | 0;
}
