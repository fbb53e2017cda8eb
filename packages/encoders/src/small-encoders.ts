// Encoders for small environments: the MinAtar convolution (one 3x3 layer of 16 filters) and the classic-control perceptron that first maps each
// number of the observation from its known range to [-1, 1]. (dopamine/jax/networks.py, ClassicControlDQNNetwork; labs/environments/minatar.)

import { InvalidArgumentError, requireFinite, ShapeError } from '@moe-rl/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { convolution, convolutionParameters, dense, denseParameters, flatten, relu } from './layers.ts';
import { type AfterStack, scaled } from './nature-cnn.ts';
import type { ImageShape } from './observations.ts';
import type { ParameterSpecs, ParameterTensors } from './parameters.ts';

export interface MinatarCnnConfig {
  /** Multiplies the 16 filters. Default 1. */
  readonly widthScale?: number;
}

/** Shape of the features, `[H, W, C]`. */
export function minatarCnnOutputShape(config: MinatarCnnConfig, input: ImageShape): readonly [number, number, number] {
  return [input.height, input.width, scaled(16, config.widthScale)];
}

/** Parameters `<prefix>Conv_0/{kernel,bias}`. */
export function minatarCnnParameters(config: MinatarCnnConfig, input: ImageShape, prefix = ''): ParameterSpecs {
  const filters = scaled(16, config.widthScale);
  return convolutionParameters(`${prefix}Conv_0`, 3, input.channels, filters, { type: 'xavierUniform' });
}

/** Image `[B, H, W, F]` -> features `[B, H, W, C]`. */
export function applyMinatarCnn(
  parameters: ParameterTensors,
  image: Tensor,
  prefix = '',
  inputScale = 1,
  afterStack: AfterStack = (features) => features,
): Tensor {
  return afterStack(relu(convolution(parameters, `${prefix}Conv_0`, image, 1, 'same', inputScale)), 0);
}

export interface PerceptronConfig {
  /** Widths of the hidden layers, each followed by a ReLU. Default `[512]`. */
  readonly hiddenUnits?: readonly number[];
  /** Smallest value of each number of the observation; with `maximumValues`, maps them to [-1, 1]. */
  readonly minimumValues?: readonly number[];
  readonly maximumValues?: readonly number[];
}

/** A range that is empty would make infinite numbers, one that is missing would leave observations as they are, one of another length be spread over all. */
function requireRanges({ minimumValues, maximumValues }: PerceptronConfig, inputs: number): void {
  if (minimumValues === undefined && maximumValues === undefined) return;
  const [lows, highs] = [minimumValues?.length ?? 0, maximumValues?.length ?? 0];
  if (lows !== inputs || highs !== inputs) {
    throw new ShapeError(`minimumValues and maximumValues have ${lows} and ${highs} numbers; expected ${inputs} each`);
  }
  minimumValues!.forEach((low, index) => {
    const high = requireFinite(`maximumValues[${index}]`, maximumValues![index]);
    if (requireFinite(`minimumValues[${index}]`, low) < high) return;
    throw new InvalidArgumentError(
      `minimumValues[${index}] is ${low}; expected less than maximumValues[${index}], ${high}`,
    );
  });
}

/**
 * Parameters `<prefix>Dense_i/{kernel,bias}`.
 * @throws ShapeError or InvalidArgumentError for ranges that are not those of the inputs
 */
export function perceptronParameters(config: PerceptronConfig, inputs: number, prefix = ''): ParameterSpecs {
  requireRanges(config, inputs);
  const specs: ParameterSpecs = {};
  let width = inputs;
  for (const [index, units] of (config.hiddenUnits ?? [512]).entries()) {
    Object.assign(specs, denseParameters(`${prefix}Dense_${index}`, width, units));
    width = units;
  }
  return specs;
}

/** Numbers `[B, ...]` -> features `[B, units]`. */
export function applyPerceptron(
  parameters: ParameterTensors,
  observation: Tensor,
  config: PerceptronConfig = {},
  prefix = '',
): Tensor {
  requireRanges(config, observation.size / observation.shape[0]!);
  let x = flatten(observation.dtype === 'float32' ? observation : tf.cast(observation, 'float32'));
  if (config.minimumValues !== undefined && config.maximumValues !== undefined) {
    const low = config.minimumValues;
    const scale = config.maximumValues.map((high, index) => 2 / (high - low[index]!));
    // 2 (x - low) / (high - low) - 1
    x = tf.add(tf.mul(x, tf.tensor1d(scale)), tf.tensor1d(scale.map((factor, index) => -low[index]! * factor - 1)));
  }
  for (let index = 0; index < (config.hiddenUnits ?? [512]).length; index++) {
    x = relu(dense(parameters, `${prefix}Dense_${index}`, x));
  }
  return x;
}
