// Noise of noisy networks, drawn inside the graph from a fed seed: new at every call, the same after a resume.
import type { Rng } from '@moe-rl/core';
import { randomNormal } from '@moe-rl/tfjs-graph';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { NetworkNoise, NoiseSizes } from '../networks/network-interface.ts';

/** Shape and type of a seed input. */
export const SEED_INPUT = { shape: [2], dtype: 'int32' } as const;

/** A seed for one pass. */
export function drawSeed(rng: Rng): Int32Array {
  return Int32Array.of(rng.nextUint32() | 0, rng.nextUint32() | 0);
}

/** Draws the noise of one pass: `rows` is 1 (shared by the batch) or B (per sample). One random operation, then slices. */
export function drawNoise(sizes: NoiseSizes, rows: number, seed: Tensor): NetworkNoise {
  const widths = [sizes.experts?.inputs, sizes.experts?.outputs, sizes.head?.inputs, sizes.head?.outputs].map(
    (size) => size ?? 0,
  );
  const all = randomNormal([rows, widths.reduce((sum, width) => sum + width, 0)], seed);
  let start = 0;
  const next = (width: number): Tensor => {
    const part = tf.slice(all, [0, start], [rows, width]);
    start += width;
    return part;
  };
  const experts = sizes.experts && { inputNoise: next(sizes.experts.inputs), outputNoise: next(sizes.experts.outputs) };
  const head = sizes.head && { inputNoise: next(sizes.head.inputs), outputNoise: next(sizes.head.outputs) };
  return { ...(experts ? { experts } : {}), ...(head ? { head } : {}) };
}

/** Where the random numbers of one loss come from. */
export interface NoiseSource {
  /** Noise of one pass through noisy layers, in `rows` rows: 1 (shared by the batch) or B (per sample). */
  layers(pass: 'online' | 'target', rows: number, inputs: Record<string, Tensor>): NetworkNoise;
  /** Standard normal numbers `[B, T, E]` of the load loss, of the network's `mixture`-th mixture. */
  load(shape: readonly number[], mixture: number, inputs: Record<string, Tensor>): Tensor;
}

/** Draws from the seeds among the inputs of the learning step. */
export function seededNoise(sizes: NoiseSizes): NoiseSource {
  return {
    layers: (pass, rows, inputs) => drawNoise(sizes, rows, inputs[`${pass}NoiseSeed`]!),
    load: (shape, mixture, inputs) =>
      randomNormal([...shape], tf.add(inputs.loadNoiseSeed!, tf.tensor1d([mixture, 0], 'int32'))),
  };
}
