// The Nature DQN's convolutional encoder (Mnih et al. 2015), as the official MoE code has it: SAME padding, so 84x84 gives 11x11x64
// (121 tokens), not the paper's 7x7x64. (dopamine/labs/moes/architectures/networks.py, NatureDQNMoE; dopamine/jax/networks.py.)
import type { Tensor } from '@tensorflow/tfjs-core';
import { convolution, convolutionParameters, relu } from './layers.ts';
import type { ImageShape } from './observations.ts';
import type { ParameterSpecs, ParameterTensors } from './parameters.ts';

export interface NatureCnnConfig {
  /** Multiplies the numbers of filters 32, 64, 64. Default 1. */
  readonly widthScale?: number;
}

const LAYERS = [
  { size: 8, stride: 4, filters: 32 },
  { size: 4, stride: 2, filters: 64 },
  { size: 3, stride: 1, filters: 64 },
] as const;

/** Shape of the features after each convolution, `[H, W, C]`. */
export function natureCnnStackShapes(
  config: NatureCnnConfig,
  input: ImageShape,
): readonly (readonly [number, number, number])[] {
  let { height, width } = input;
  return LAYERS.map(({ stride, filters }) => {
    height = Math.ceil(height / stride);
    width = Math.ceil(width / stride);
    return [height, width, scaled(filters, config.widthScale)] as const;
  });
}

/** Shape of the features, `[H, W, C]`. */
export function natureCnnOutputShape(config: NatureCnnConfig, input: ImageShape): readonly [number, number, number] {
  return natureCnnStackShapes(config, input).at(-1)!;
}

/** Parameters `<prefix>Conv_0..2/{kernel,bias}`. */
export function natureCnnParameters(config: NatureCnnConfig, input: ImageShape, prefix = ''): ParameterSpecs {
  const specs: ParameterSpecs = {};
  let inputs = input.channels;
  for (const [index, { size, filters }] of LAYERS.entries()) {
    const outputs = scaled(filters, config.widthScale);
    Object.assign(
      specs,
      convolutionParameters(`${prefix}Conv_${index}`, size, inputs, outputs, { type: 'xavierUniform' }),
    );
    inputs = outputs;
  }
  return specs;
}

/**
 * What may stand behind each stack of an encoder (a mixture): same shape in and out.
 * @param features `[B, H, W, C]`
 */
export type AfterStack = (features: Tensor, stack: number) => Tensor;

/** Image `[B, H, W, F]` -> features `[B, H', W', C]`, all non-negative. `inputScale` is 1/255 for bytes. `afterStack` may put a layer behind each convolution. */
export function applyNatureCnn(
  parameters: ParameterTensors,
  image: Tensor,
  prefix = '',
  inputScale = 1 / 255,
  afterStack: AfterStack = (features) => features,
): Tensor {
  let x = image;
  for (const [index, { stride }] of LAYERS.entries()) {
    x = relu(convolution(parameters, `${prefix}Conv_${index}`, x, stride, 'same', index === 0 ? inputScale : 1));
    x = afterStack(x, index);
  }
  return x;
}

/** `filters * scale`, rounded, at least 1. */
export function scaled(filters: number, scale = 1): number {
  return Math.max(1, Math.round(filters * scale));
}
