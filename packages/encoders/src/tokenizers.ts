// Tokenizers: encoder features `[B, H, W, C]` -> tokens `[B, T, D]` (arXiv 2402.08609 section 3 and 4.2; 2410.01930). Routing is per sample, so tokens
// of different samples never meet.
import { createRng, InvalidArgumentError } from '@moe-rl/core';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { convolution, convolutionParameters } from './layers.ts';
import type { ParameterSpecs, ParameterTensors } from './parameters.ts';

/**
 * - `perConv` (code: PER_PIXEL): one token per position, T = H W, D = C. The paper's default.
 * - `perFeat` (PER_FEATUREMAP): one token per feature map, T = C, D = H W.
 * - `perSamp` (PER_SAMPLE): one token, T = 1, D = H W C.
 * - `perPatch` (PER_PATCH): one token per 3x3 patch, by a convolution of stride 3 (VALID) to `embeddingSize`.
 * - `averagePool` (PER_PATCH with use_avg_pool_for_tokens): one token per 3x3 patch, by averaging; D = C.
 * - `shuffled`: `perConv` after one fixed random permutation of all H W C numbers; a control that destroys the spatial structure.
 */
export type TokenizerType = 'perConv' | 'perFeat' | 'perSamp' | 'perPatch' | 'averagePool' | 'shuffled';

/** All tokenizers, for messages and validation. */
export const TOKENIZER_TYPES = [
  'perConv',
  'perFeat',
  'perSamp',
  'perPatch',
  'averagePool',
  'shuffled',
] as const satisfies readonly TokenizerType[];

export interface TokenizerConfig {
  readonly type: TokenizerType;
  /** Token width of `perPatch`. Default: the number of channels (the official 32 for IMPALA and 64 for Nature). */
  readonly embeddingSize?: number;
  /** Side of a patch, and its stride. Default 3. */
  readonly patchSize?: number;
  /** Seed of the permutation of `shuffled`. Default 0. */
  readonly shuffleSeed?: number;
}

/** `[T, D]` for features `[H, W, C]`. */
export function tokenShape(
  config: TokenizerConfig,
  features: readonly [number, number, number],
): readonly [number, number] {
  const [height, width, channels] = features;
  const patch = config.patchSize ?? 3;
  const patches = (Math.floor((height - patch) / patch) + 1) * (Math.floor((width - patch) / patch) + 1);
  switch (config.type) {
    case 'perConv':
    case 'shuffled':
      return [height * width, channels];
    case 'perFeat':
      return [channels, height * width];
    case 'perSamp':
      return [1, height * width * channels];
    case 'perPatch':
      return [patches, config.embeddingSize ?? channels];
    case 'averagePool':
      return [patches, channels];
  }
}

/** Parameters of a tokenizer: `embedding/{kernel,bias}` for `perPatch`, none for the others. */
export function tokenizerParameters(
  config: TokenizerConfig,
  features: readonly [number, number, number],
): ParameterSpecs {
  if (config.type !== 'perPatch') return {};
  const channels = features[2];
  return convolutionParameters('embedding', config.patchSize ?? 3, channels, config.embeddingSize ?? channels, {
    type: 'lecunNormal',
  });
}

/** Features `[B, H, W, C]` -> tokens `[B, T, D]`. */
export function tokenize(parameters: ParameterTensors, features: Tensor, config: TokenizerConfig): Tensor {
  const [batch, height, width, channels] = features.shape as [number, number, number, number];
  const patch = config.patchSize ?? 3;
  switch (config.type) {
    case 'perConv':
      return tf.reshape(features, [batch, height * width, channels]);
    case 'perFeat':
      return tf.transpose(tf.reshape(features, [batch, height * width, channels]), [0, 2, 1]);
    case 'perSamp':
      return tf.reshape(features, [batch, 1, height * width * channels]);
    case 'perPatch': {
      const embedded = convolution(parameters, 'embedding', features, patch, 'valid');
      return tf.reshape(embedded, [batch, embedded.shape[1]! * embedded.shape[2]!, embedded.shape[3]!]);
    }
    case 'averagePool': {
      const pooled = averagePatches(features, patch);
      return tf.reshape(pooled, [batch, pooled.shape[1]! * pooled.shape[2]!, channels]);
    }
    case 'shuffled': {
      const flat = tf.reshape(features, [batch, height * width * channels]);
      return tf.reshape(permuteFeatures(flat, shuffledOrder(flat.shape[1]!, config.shuffleSeed ?? 0)), [
        batch,
        height * width,
        channels,
      ]);
    }
  }
}

/** Mean of each patch. Patches don't overlap, so it is a reshape and a mean: cheap, and its gradient is right on every backend. */
function averagePatches(features: Tensor, patch: number): Tensor {
  const [batch, height, width, channels] = features.shape as [number, number, number, number];
  const rows = Math.floor((height - patch) / patch) + 1;
  const columns = Math.floor((width - patch) / patch) + 1;
  const cut = tf.slice(features as Tensor4D, [0, 0, 0, 0], [batch, rows * patch, columns * patch, channels]);
  // tfjs transposes at most six axes, and this needs none: [B r, p, c, p C] summed over p, then over the inner p.
  const overRows = tf.mean(tf.reshape(cut, [batch * rows, patch, columns * patch * channels]), 1);
  return tf.reshape(tf.mean(tf.reshape(overRows, [batch * rows * columns, patch, channels]), 1), [
    batch,
    rows,
    columns,
    channels,
  ]);
}

/** The permutation of `shuffled`. */
function shuffledOrder(size: number, seed: number): Int32Array {
  const permutation = Int32Array.from({ length: size }, (_, index) => index);
  const rng = createRng(seed, 'tokenizer/shuffled');
  for (let index = size - 1; index > 0; index--) {
    const other = rng.nextInteger(index + 1);
    [permutation[index], permutation[other]] = [permutation[other]!, permutation[index]!];
  }
  return permutation;
}

/**
 * `x[:, permutation]` of x [B, N]: what the tokenizer `shuffled` does to the numbers of a feature map, with a permutation of yours. The gradient gathers
 * with the inverse permutation (tfjs' own would scatter).
 * @throws InvalidArgumentError for what is no permutation of 0 to N - 1
 */
export function permuteFeatures(x: Tensor, permutation: ArrayLike<number>): Tensor {
  const size = x.shape[1]!;
  const inverse = new Int32Array(size).fill(-1);
  for (let index = 0; index < permutation.length; index++) inverse[permutation[index]!] = index;
  if (permutation.length !== size || inverse.includes(-1))
    throw new InvalidArgumentError(
      `permutation has ${permutation.length} entries; expected each of 0 to ${size - 1} once`,
    );
  // Rows of the transpose, because tfjs-node's gather along an axis reads its indices back, which a recorded step can't.
  const pick = (input: Tensor, indices: Int32Array): Tensor =>
    tf.transpose(tf.gatherND(tf.transpose(input, [1, 0]), tf.tensor2d(indices, [size, 1], 'int32')), [1, 0]);
  return tf.customGrad((input) => ({
    value: pick(input as Tensor, Int32Array.from(permutation)),
    gradFunc: (gradient) => pick(gradient as Tensor, inverse),
  }))(x);
}
