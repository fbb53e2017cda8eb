// Value heads: features `[B, N]` -> action values `[B, A]` or, for categorical agents, logits `[B, A, Z]`. Linear, dueling (Wang et al. 2016), categorical
// (Bellemare et al. 2017), each also noisy. As the official code: advantage and value streams come straight from the same features.
import { requireInteger } from '@moe-rl/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dense, denseParameters } from './layers.ts';
import { type NoisyDenseNoise, noisyDense, noisyDenseParameters } from './noisy-dense.ts';
import type { Initializer, ParameterSpecs, ParameterTensors } from './parameters.ts';

export interface HeadConfig {
  readonly actionCount: number;
  /** Atoms of the value distribution; 1 for plain values. Default 1. */
  readonly atoms?: number;
  /** Separate advantage and value streams. Default false. */
  readonly dueling?: boolean;
  /** Noisy layers. Default false. */
  readonly noisy?: boolean;
}

/** Names of the head's layers: `Dense_k` or `NoisyNetwork_k`, numbered after the layers before them. */
export interface HeadNames {
  readonly advantage: string;
  /** Used by dueling heads only. */
  readonly value: string;
}

/** Widths of the head's layers. */
export function headOutputs(config: HeadConfig): { readonly advantage: number; readonly value: number } {
  const atoms = config.atoms ?? 1;
  return { advantage: config.actionCount * atoms, value: config.dueling ? atoms : 0 };
}

/** Parameters of the head. */
export function headParameters(
  config: HeadConfig,
  inputs: number,
  names: HeadNames,
  initializer: Initializer = { type: 'xavierUniform' },
): ParameterSpecs {
  requireInteger('head.actionCount', config.actionCount, 1);
  requireInteger('head.atoms', config.atoms ?? 1, 1);
  const outputs = headOutputs(config);
  const layer = (name: string, width: number): ParameterSpecs =>
    config.noisy ? noisyDenseParameters(name, inputs, width) : denseParameters(name, inputs, width, initializer);
  return { ...layer(names.advantage, outputs.advantage), ...(config.dueling ? layer(names.value, outputs.value) : {}) };
}

/**
 * Features `[B, N]` -> values `[B, A]` (one atom) or logits `[B, A, Z]`.
 * One draw of noise serves both streams, as in the official code, where they share a random key: the value stream has the advantage stream's input
 * noise, and its output noise is the first entries of the advantage's.
 */
export function applyHead(
  parameters: ParameterTensors,
  features: Tensor,
  config: HeadConfig,
  names: HeadNames,
  noise?: NoisyDenseNoise,
): Tensor {
  const atoms = config.atoms ?? 1;
  const layer = (name: string, width: number): Tensor => {
    if (!config.noisy) return dense(parameters, name, features);
    const own =
      noise === undefined
        ? undefined
        : {
            inputNoise: noise.inputNoise,
            outputNoise: tf.slice(noise.outputNoise, [0, 0], [noise.outputNoise.shape[0]!, width]),
          };
    return noisyDense(parameters, name, features, own);
  };
  const outputs = headOutputs(config);
  const advantage = layer(names.advantage, outputs.advantage);
  return combineStreams(
    advantage,
    config.dueling ? layer(names.value, outputs.value) : undefined,
    config.actionCount,
    atoms,
  );
}

/** Advantages `[B, A Z]` and, for dueling heads, values `[B, Z]` -> `[B, A]` or `[B, A, Z]`: `value + advantage - mean over actions`. */
export function combineStreams(
  advantage: Tensor,
  value: Tensor | undefined,
  actionCount: number,
  atoms: number,
): Tensor {
  const batch = advantage.shape[0]!;
  const shaped = atoms === 1 ? advantage : tf.reshape(advantage, [batch, actionCount, atoms]);
  if (value === undefined) return shaped;
  const baseline = tf.reshape(value, atoms === 1 ? [batch, 1] : [batch, 1, atoms]);
  return tf.add(tf.sub(shaped, tf.mean(shaped, 1, true)), baseline);
}

/** Expected values `[B, A]` of the distributions with these logits `[B, A, Z]` over `support` `[Z]`. */
export function expectedValues(logits: Tensor, support: Tensor): Tensor {
  return tf.sum(tf.mul(tf.softmax(logits, 2), support), 2);
}

/** The atoms `[Z]` of the value distribution, evenly spaced from `minimum` to `maximum`. */
export function atomSupport(minimum: number, maximum: number, atoms: number): Float32Array {
  return Float32Array.from({ length: atoms }, (_, index) =>
    atoms === 1 ? minimum : minimum + ((maximum - minimum) * index) / (atoms - 1),
  );
}
