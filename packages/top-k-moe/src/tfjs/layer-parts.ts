// What both layers share: options by name, random inputs, weights of auxiliary losses, and the mask that TensorFlow.js hands on.
import { requireFinite } from '@moe-rl/core';
import {
  type AuxiliaryLoss,
  auxiliaryLossOf,
  type Mixture,
  type MoeOutput,
  type Router,
  requireKnownOptions,
} from '@moe-rl/moe-core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import { add, mul, randomNormal, randomUniform, type Scalar, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { initializers } from '@tensorflow/tfjs-layers';

/** Those that every tf.layers.Layer takes. TensorFlow.js adds customObjects when it loads a model. */
const EVERY_LAYER = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'weights',
  'inputDType',
  'updatable',
  'customObjects',
];

/**
 * A layer's own options out of its configuration.
 * @throws InvalidArgumentError for an unknown option, naming those that exist
 */
export function ownOptions<Config extends object>(
  layer: string,
  config: Config,
  names: readonly (keyof Config & string)[],
): Partial<Config> {
  requireKnownOptions(layer, config, [...names, ...EVERY_LAYER]);
  const given = names.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]);
  return Object.fromEntries(given) as Partial<Config>;
}

/** Auxiliary losses with their weights. */
export type WeighedLosses = readonly { readonly loss: AuxiliaryLoss; readonly weight: number }[];

/** @throws InvalidArgumentError for a loss that is unknown or doesn't fit the router, with the reason */
export function weighedLosses(mixture: Mixture, weights: Readonly<Record<string, number>>): WeighedLosses {
  for (const [name, weight] of Object.entries(weights)) requireFinite(`auxiliaryLosses.${name}`, weight);
  return Object.entries(weights)
    .filter(([, weight]) => weight !== 0)
    .map(([name, weight]) => ({ loss: auxiliaryLossOf(mixture, name), weight }));
}

/** Their weighted sum, each averaged over the batch; undefined where there are none. */
export function totalLoss(losses: WeighedLosses, output: MoeOutput<Tensor>): Scalar | undefined {
  let total: Tensor | undefined;
  for (const { loss, weight } of losses) {
    const value = mul(tfjsOps.mean(loss(tfjsOps, output), [0]), scalar(weight));
    total = total ? add(total, value) : value;
  }
  return total as Scalar | undefined;
}

/** Draws what a router wants to have drawn. */
export function drawInputs(
  router: Router,
  sizes: Readonly<Record<'B' | 'T' | 'E' | 'D', number>>,
  isTraining: boolean,
): Record<string, Tensor> {
  const drawn: Record<string, Tensor> = {};
  for (const { name, distribution, axes, phase } of router.inputs ?? []) {
    if (distribution === 'given' || (phase === 'training' && !isTraining)) continue;
    const shape = axes.map((axis) => sizes[axis]) as [number];
    drawn[name] = distribution === 'normal' ? randomNormal(shape) : randomUniform(shape);
  }
  return drawn;
}

/** The mask for an input of `size` tokens. TensorFlow.js leaves the last mask in kwargs after a layer that ends it: one of another size is not this input's. */
export function maskOf(given: Tensor | Tensor[] | null | undefined, size: number): Tensor | undefined {
  const mask = Array.isArray(given) ? given[0] : given;
  return mask?.size === size ? mask : undefined;
}

/** An initializer for `addWeight` that gives these values: TensorFlow.js asks for its class, and uses `apply` alone. */
export function startingAt(data: Float32Array, shape: readonly number[]): ReturnType<typeof initializers.zeros> {
  const initializer = { apply: () => tensor(data, shape as number[]) };
  return initializer as unknown as ReturnType<typeof initializers.zeros>;
}
