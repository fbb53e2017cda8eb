// Encoders by name: the one place where `network.encoder.type` becomes a function of the observation. Open to others by `registerEncoder`.
import {
  createRegistry,
  elementCount,
  InvalidArgumentError,
  type ObservationSpec,
  requireDescribed,
  type Setting,
  ShapeError,
  setting,
  type UnionSetting,
  type UnionVariant,
} from '@moe-rl/core';
import {
  type AfterStack,
  applyImpalaResnet,
  applyMinatarCnn,
  applyNatureCnn,
  applyPerceptron,
  type ImageShape,
  impalaResnetParameters,
  impalaResnetStackShapes,
  minatarCnnOutputShape,
  minatarCnnParameters,
  natureCnnParameters,
  natureCnnStackShapes,
  type ParameterSpecs,
  type ParameterTensors,
  perceptronParameters,
  planarToImage,
} from '@moe-rl/encoders';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { EncoderConfig } from './config.ts';
import { checkedEncoder, type Encoder, type FeatureShape } from './encoder.ts';

/** Makes an encoder. `inputScale` is 1 / `network.encoder.inputDivisor`, by the observation's type where that is 0. */
export type EncoderFactory = (given: {
  readonly config: EncoderConfig;
  readonly observationSpec: ObservationSpec;
  readonly prefix: string;
  readonly inputScale: number;
}) => Encoder;

interface ImageEncoder {
  specs(config: EncoderConfig, image: ImageShape, prefix: string): ParameterSpecs;
  stacks(config: EncoderConfig, image: ImageShape): readonly FeatureShape[];
  apply(
    parameters: ParameterTensors,
    image: Tensor,
    config: EncoderConfig,
    prefix: string,
    scale: number,
    afterStack?: AfterStack,
  ): Tensor;
}

const encoders = createRegistry<EncoderFactory>('encoder', {
  nature: imageEncoder({
    specs: (config, image, prefix) => natureCnnParameters(config, image, prefix),
    stacks: natureCnnStackShapes,
    apply: (parameters, x, _, prefix, scale, afterStack) => applyNatureCnn(parameters, x, prefix, scale, afterStack),
  }),
  impala: imageEncoder({
    specs: (config, image, prefix) => impalaResnetParameters(config, image, prefix),
    stacks: impalaResnetStackShapes,
    apply: applyImpalaResnet,
  }),
  minatar: imageEncoder({
    specs: (config, image, prefix) => minatarCnnParameters(config, image, prefix),
    stacks: (config, image) => [minatarCnnOutputShape(config, image)],
    apply: (parameters, x, _, prefix, scale, afterStack) => applyMinatarCnn(parameters, x, prefix, scale, afterStack),
  }),
  perceptron: createPerceptron,
});

const widthScale = setting.positive('Multiplies the numbers of filters', 1, { maximum: 1024 });
const bounds = (which: string) =>
  setting.numbers(`${which} value of each number of an observation; empty: not rescaled`, []);

/** What each type takes beside `inputDivisor`. */
const variants: Record<string, UnionVariant> = {
  nature: { doc: 'The CNN of Mnih et al. 2015', fields: { widthScale } },
  impala: { doc: 'The ResNet of Espeholt et al. 2018', fields: { widthScale } },
  minatar: { doc: 'The small CNN of MinAtar (Young and Tian 2019)', fields: { widthScale } },
  perceptron: {
    doc: 'Dense layers over any observation as one vector',
    fields: {
      hiddenUnits: setting.numbers('Widths of the layers', [512], {
        minimum: 1,
        maximum: 1_048_576,
        isInteger: true,
        maximumLength: 64,
      }),
      minimumValues: bounds('Smallest'),
      maximumValues: bounds('Largest'),
    },
  },
};

/** The setting `network.encoder`. */
export function encoderSettings(): UnionSetting {
  return {
    kind: 'union',
    doc: 'Encoder of the observation',
    discriminator: 'type',
    default: 'nature',
    common: {
      inputDivisor: setting.atLeastZero('Observations are divided by this; 0: 255 for bytes, 1 for others', 0),
    },
    variants,
  };
}

/**
 * Adds an encoder, which `network.encoder.type` can name from then on.
 * @param settings what it takes under `network.encoder` beside `type` and `inputDivisor`
 * @throws InvalidArgumentError when the name is taken by another, the factory is no function, or a member of `settings` describes none
 */
export function registerEncoder(
  name: string,
  factory: EncoderFactory,
  settings: Readonly<Record<string, Setting>> = {},
): void {
  if (typeof factory !== 'function') {
    throw new InvalidArgumentError(`encoder "${name}": the factory is ${typeof factory}; expected a function`);
  }
  requireDescribed(`encoder "${name}": settings`, settings, ['type', 'inputDivisor']);
  encoders.register(name, factory);
  variants[name] = { doc: `The encoder ${name}`, fields: settings };
}

/** Names that `network.encoder.type` takes. */
export function encoderTypes(): readonly string[] {
  return encoders.names();
}

/**
 * Makes the encoder of a configuration.
 * @throws InvalidArgumentError or ShapeError when it does not take such observations
 */
export function createEncoder(config: EncoderConfig, observationSpec: ObservationSpec, prefix: string): Encoder {
  const inputScale = inputScaleOf(config, observationSpec);
  const encoder = encoders.get(config.type)({ config, observationSpec, prefix, inputScale });
  return checkedEncoder(config.type, encoder, prefix);
}

/** What observations are multiplied by. MinAtar's bytes are 0 and 1. */
export function inputScaleOf(config: EncoderConfig, observationSpec: ObservationSpec): number {
  const isByteImage = observationSpec.dtype === 'uint8' && config.type !== 'minatar';
  return 1 / (config.inputDivisor > 0 ? config.inputDivisor : isByteImage ? 255 : 1);
}

/** An encoder of images that multiplies by the input's scale where it is cheapest (in the first layer's weights). */
function imageEncoder(encoder: ImageEncoder): EncoderFactory {
  return ({ config, observationSpec, prefix, inputScale }) => {
    const [planes, height, width] = imageShape(observationSpec, config.type);
    const image = { height, width, channels: planes * observationSpec.stackSize };
    const stacks = encoder.stacks(config, image);
    return {
      specs: encoder.specs(config, image, prefix),
      features: stacks.at(-1)!,
      stacks,
      apply: (parameters, observations, augment, afterStack) => {
        const x = planarToImage(tf.reshape(observations, [observations.shape[0]!, image.channels, height, width]));
        return augment === undefined
          ? encoder.apply(parameters, x, config, prefix, inputScale, afterStack)
          : encoder.apply(parameters, augment(tf.mul(x, inputScale)), config, prefix, 1, afterStack);
      },
    };
  };
}

function createPerceptron({ config, observationSpec, prefix, inputScale }: Parameters<EncoderFactory>[0]): Encoder {
  const { hiddenUnits = [], minimumValues = [], maximumValues = [] } = config;
  const inputs = elementCount(observationSpec.frameShape) * observationSpec.stackSize;
  if (minimumValues.length !== maximumValues.length || ![0, inputs].includes(minimumValues.length)) {
    throw new ShapeError(
      `network.encoder.minimumValues and maximumValues have ${minimumValues.length} and ${maximumValues.length} numbers; expected none or ${inputs} each`,
    );
  }
  const perceptron = { hiddenUnits, ...(minimumValues.length > 0 ? { minimumValues, maximumValues } : {}) };
  return {
    specs: perceptronParameters(perceptron, inputs, prefix),
    features: [1, 1, hiddenUnits.at(-1) ?? inputs],
    apply: (parameters, observations) => {
      const numbers = tf.reshape(observations, [observations.shape[0]!, inputs]);
      return applyPerceptron(parameters, inputScale === 1 ? numbers : tf.mul(numbers, inputScale), perceptron, prefix);
    },
  };
}

/**
 * Planar observations as an image encoder sees them in training: divided and augmented, `[B, F, H, W]` (planes of a frame one behind the other). Observations that
 * are no images come back divided only.
 */
export function augmentPlanar(
  observations: Tensor,
  { frameShape, stackSize }: ObservationSpec,
  inputScale: number,
  augment: ((image: Tensor) => Tensor) | undefined,
): Tensor {
  const scaled = (x: Tensor): Tensor => (inputScale === 1 ? x : tf.mul(x, inputScale));
  if (augment === undefined || frameShape.length < 2) return scaled(observations);
  const [height, width] = frameShape.slice(-2) as [number, number];
  const channels = (elementCount(frameShape) / (height * width)) * stackSize;
  const image = planarToImage(tf.reshape(observations, [observations.shape[0]!, channels, height, width]));
  return tf.transpose(augment(scaled(image)), [0, 3, 1, 2]);
}

/** `[planes, H, W]` of one frame: Atari's are `[H, W]`, MinAtar's `[planes, H, W]`. */
function imageShape(spec: ObservationSpec, encoder: string): readonly [number, number, number] {
  const { frameShape } = spec;
  if (frameShape.length !== 2 && frameShape.length !== 3) {
    throw new InvalidArgumentError(
      `network.encoder.type is "${encoder}", which takes images, but frames have shape [${frameShape}]; expected [H, W] or [planes, H, W], or encoder "perceptron"`,
    );
  }
  const [planes, height, width] = frameShape.length === 2 ? [1, ...frameShape] : frameShape;
  return [planes!, height!, width!];
}
