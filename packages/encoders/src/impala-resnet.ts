// The IMPALA residual encoder (Espeholt et al. 2018, figure 3), as the official MoE code has it: three stacks of conv 3x3, max-pool 3x3 / 2 and two
// residual blocks, then a ReLU. 84x84 gives 11x11x32 (121 tokens). (dopamine/jax/networks.py, ImpalaEncoder.)

import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { convolution, convolutionParameters, relu } from './layers.ts';
import { type AfterStack, scaled } from './nature-cnn.ts';
import type { ImageShape } from './observations.ts';
import type { ParameterSpecs, ParameterTensors } from './parameters.ts';

export interface ImpalaResnetConfig {
  /** Multiplies every stack's number of filters (16, 32, 32). Default 1. */
  readonly widthScale?: number;
  /** Filters per stack. Default `[16, 32, 32]`. */
  readonly stackFilters?: readonly number[];
  /** Residual blocks per stack. Default 2. */
  readonly residualBlocks?: number;
}

const STACK_FILTERS: readonly number[] = [16, 32, 32];

/** Shape of the features after each stack, `[H, W, C]`. */
export function impalaResnetStackShapes(
  config: ImpalaResnetConfig,
  input: ImageShape,
): readonly (readonly [number, number, number])[] {
  let { height, width } = input;
  return (config.stackFilters ?? STACK_FILTERS).map((filters) => {
    height = Math.ceil(height / 2);
    width = Math.ceil(width / 2);
    return [height, width, scaled(filters, config.widthScale)] as const;
  });
}

/** Shape of the features, `[H, W, C]`. */
export function impalaResnetOutputShape(
  config: ImpalaResnetConfig,
  input: ImageShape,
): readonly [number, number, number] {
  return impalaResnetStackShapes(config, input).at(-1)!;
}

/**
 * Parameters `<prefix>_stacks_i/Conv_j/{kernel,bias}`: the first convolution of a stack is drawn Xavier uniform, those in residual blocks LeCun normal
 * (flax' default), as in the official code.
 */
export function impalaResnetParameters(config: ImpalaResnetConfig, input: ImageShape, prefix = ''): ParameterSpecs {
  const specs: ParameterSpecs = {};
  let inputs = input.channels;
  for (const [stack, filters] of (config.stackFilters ?? STACK_FILTERS).entries()) {
    const outputs = scaled(filters, config.widthScale);
    for (let index = 0; index <= 2 * (config.residualBlocks ?? 2); index++) {
      Object.assign(
        specs,
        convolutionParameters(`${prefix}_stacks_${stack}/Conv_${index}`, 3, index === 0 ? inputs : outputs, outputs, {
          type: index === 0 ? 'xavierUniform' : 'lecunNormal',
        }),
      );
    }
    inputs = outputs;
  }
  return specs;
}

/** Image `[B, H, W, F]` -> features `[B, H', W', C]`, all non-negative. `inputScale` is 1/255 for bytes. `afterStack` may put a layer behind each stack. */
export function applyImpalaResnet(
  parameters: ParameterTensors,
  image: Tensor,
  config: ImpalaResnetConfig = {},
  prefix = '',
  inputScale = 1 / 255,
  afterStack: AfterStack = (features) => features,
): Tensor {
  let x = image;
  for (let stack = 0; stack < (config.stackFilters ?? STACK_FILTERS).length; stack++) {
    const name = `${prefix}_stacks_${stack}/Conv_`;
    x = convolution(parameters, `${name}0`, x, 1, 'same', stack === 0 ? inputScale : 1);
    x = tf.maxPool(x as Tensor4D, 3, 2, 'same');
    for (let block = 0; block < (config.residualBlocks ?? 2); block++) {
      const inner = relu(convolution(parameters, `${name}${2 * block + 1}`, relu(x), 1));
      x = tf.add(x, convolution(parameters, `${name}${2 * block + 2}`, inner, 1));
    }
    x = afterStack(x, stack);
  }
  return relu(x);
}
