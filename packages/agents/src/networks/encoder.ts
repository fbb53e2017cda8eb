// What an encoder is. It may be somebody's own, so it is held to what it says of itself: names of parameters, shape of its features, and that it lets images be
// augmented and stacks be followed where that is asked for. Without this a forgotten call would be an agent that silently learns something else.
import { elementCount, InvalidArgumentError, ShapeError } from '@moe-rl/core';
import type { AfterStack, ParameterSpecs, ParameterTensors } from '@moe-rl/encoders';
import type { Tensor } from '@tensorflow/tfjs-core';

/** `[H, W, C]` */
export type FeatureShape = readonly [number, number, number];

/** An encoder for one kind of observation. */
export interface Encoder {
  /** Its parameters by name; names start with the prefix that it was made with. */
  readonly specs: ParameterSpecs;
  /** Shape of what it gives, without the batch: `[H, W, C]`; vectors are `[1, 1, N]`. */
  readonly features: FeatureShape;
  /** Shapes behind each of its stacks, where a mixture may stand (`network.moe.placement: 'all'`); none: it has no such place. */
  readonly stacks?: readonly FeatureShape[];
  /**
   * @param observations planar, `[B, F, H, W]`, `[B, F, planes, H, W]` or `[B, 1, D]`; bytes come as floats from 0 to 255
   * @param augment maps the image `[B, H, W, C]`, divided as the configuration says, before the first layer; where it is given, it has to be called
   * @param afterStack what stands behind each stack: has to be called once for each
   * @returns `[B, H, W, C]` or `[B, N]`
   */
  apply(
    parameters: ParameterTensors,
    observations: Tensor,
    augment?: (image: Tensor) => Tensor,
    afterStack?: AfterStack,
  ): Tensor;
}

/**
 * The same encoder, checked; `apply` throws ShapeError for other features than it announced, and InvalidArgumentError where it leaves out what it was given.
 * @param type its name, for messages
 * @throws InvalidArgumentError for a parameter whose name does not start with the prefix
 */
export function checkedEncoder(type: string, encoder: Encoder, prefix: string): Encoder {
  const { specs, features, stacks = [] } = encoder;
  const foreign = Object.keys(specs).find((name) => !name.startsWith(prefix));
  if (foreign !== undefined) {
    throw new InvalidArgumentError(
      `encoder "${type}": the parameter ${foreign} doesn't start with the prefix ${JSON.stringify(prefix)} that it was given`,
    );
  }
  return {
    ...encoder,
    apply(parameters, observations, augment, afterStack) {
      let isAugmented = false;
      let followed = 0;
      const augmentSeen = (image: Tensor): Tensor => {
        isAugmented = true;
        return augment!(image);
      };
      const afterStackSeen: AfterStack = (stackFeatures, stack) => {
        followed++;
        return afterStack!(stackFeatures, stack);
      };
      const encoded = encoder.apply(parameters, observations, augment && augmentSeen, afterStack && afterStackSeen);
      if (augment !== undefined && !isAugmented) {
        throw new InvalidArgumentError(
          `agent.dataAugmentation is true, but encoder "${type}" does not call the augment that its apply is given`,
        );
      }
      if (afterStack !== undefined && followed !== stacks.length) {
        throw new InvalidArgumentError(
          `encoder "${type}" has ${stacks.length} stacks, but its apply calls afterStack ${followed} times`,
        );
      }
      requireFeatures(type, encoded, [observations.shape[0]!, ...features]);
      return encoded;
    },
  };
}

function requireFeatures(type: string, { shape }: Tensor, expected: readonly number[]): void {
  const [batch, ...features] = expected;
  const flat = [batch, elementCount(features)];
  if ([expected, flat].some((one) => one.join() === shape.join())) return;
  throw new ShapeError(
    `encoder "${type}" gives [${shape.join(', ')}]; expected [${expected.join(', ')}] or [${flat.join(', ')}], as its features say`,
  );
}
