// The mixture inside a value network: which layer, its parameters, noise, and the record it leaves for metrics and auxiliary losses.
import type { NamedTensors, Rng } from '@moe-rl/core';
import { type ParameterTensors, parameterOf, relu, scaleNoise } from '@moe-rl/encoders';
import { createMixture, type Mixture, type MoeOutput } from '@moe-rl/moe-core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { MixtureConfig } from './config.ts';
import { type RouterMeasures, routerMeasures } from './router-measures.ts';
import { mixtureInputs, type RoutingPass } from './routing.ts';

/** What a mixture left behind, for metrics and losses. Tensors are made when first read. */
export interface MoeRecord extends MoeOutput<Tensor> {
  /** `[B, T, D]` */
  readonly tokens: Tensor;
  /** What the router did, as numbers for logs. */
  readonly measures: RouterMeasures;
}

/** Standard normal noise of the experts' first layer: `[1, n]` for the whole batch or `[B, n]` per sample. */
export interface ExpertsNoise {
  /** `[1 or B, D]` */
  readonly inputNoise: Tensor;
  /** `[1 or B, H]` */
  readonly outputNoise: Tensor;
}

/** One mixture layer of a network. */
export interface MoeLayer {
  readonly mixture: Mixture;
  readonly parameterShapes: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly isTrainable: boolean }>
  >;
  /** Names of the router's parameters: phi and scalar, or the router's kernel. */
  readonly routerParameters: readonly string[];
  initialize(rng: Rng): NamedTensors;
  apply(parameters: ParameterTensors, tokens: Tensor, noise?: ExpertsNoise, routing?: RoutingPass): MoeRecord;
}

/** The tensor operations of mixtures, with the cheap ReLU gradient of this project's layers. */
export const OPS = { ...createTfjsOps(tf), relu };

/** Where a mixture stands. */
export interface MoePlace {
  /** T */
  readonly tokenCount: number;
  /** D */
  readonly tokenSize: number;
  /** Put before its parameters' names: empty for the one with the official names. */
  readonly scope: string;
  /** Its number among the network's mixtures, in the order data flows. */
  readonly index: number;
  readonly isNoisy: boolean;
}

/** Builds a mixture of a network over `[T, D]` tokens. */
export function createMoeLayer(config: MixtureConfig, place: MoePlace): MoeLayer {
  const { tokenCount, tokenSize, scope, index, isNoisy } = place;
  const mixture = createMixture(routerOf(config, tokenCount), {
    numExperts: config.experts,
    numTokens: tokenCount,
    tokenSize,
    hiddenSize: config.expertHiddenUnits!,
    isNoisy,
    scope,
  });
  return {
    mixture,
    parameterShapes: Object.fromEntries(
      mixture.parameters.map(({ name, shape, isTrainable }) => [name, { shape, isTrainable }]),
    ),
    routerParameters: mixture.parameters.filter(({ role }) => role !== 'expert').map(({ name }) => name),
    initialize: (rng) => ({ ...mixture.initialize(rng) }),
    apply(parameters, tokens, noise, routing = {}) {
      const output = mixture.apply<Tensor>(OPS, parameters, tokens, {
        ...mixtureInputs(mixture, index, routing, tokens.shape[0]!),
        ...(isNoisy
          ? { experts: (slots: Tensor) => noisyExperts(parameters, `${scope}ExpertModel_0`, slots, noise) }
          : {}),
      });
      const record = { tokens };
      // Members are computed when read, so they are passed on by their descriptors.
      Object.defineProperties(record, Object.getOwnPropertyDescriptors(output));
      return Object.defineProperty(record, 'measures', { get: () => routerMeasures(output) }) as MoeRecord;
    },
  };
}

/** The router's configuration. Hash routing without a table gives positions to experts in turn, which is balanced whatever their number. */
export function routerOf({ router, experts }: MixtureConfig, tokenCount: number): MixtureConfig['router'] {
  const isWithoutTable = router.type === 'hash' && (router.table as readonly number[] | undefined)?.length === 0;
  return isWithoutTable
    ? { ...router, table: Array.from({ length: tokenCount }, (_, token) => token % experts) }
    : router;
}

/**
 * Experts whose first layer is noisy. One draw is shared by all experts and slots of a sample, as in the official code; because it factorises, noise per
 * sample costs one more product and no weights per sample.
 * @param slots `[E, B, P, D]`
 */
function noisyExperts(
  parameters: ParameterTensors,
  name: string,
  slots: Tensor,
  noise: ExpertsNoise | undefined,
): { readonly output: Tensor; readonly hidden: Tensor } {
  const [experts, batch, perExpert, tokenSize] = slots.shape as [number, number, number, number];
  const flat = tf.reshape(slots, [experts, batch * perExpert, tokenSize]);
  const get = (leaf: string): Tensor => parameterOf(parameters, `${name}/${leaf}`);
  const bias = (leaf: string): Tensor => {
    const value = get(leaf);
    return tf.reshape(value, [experts, 1, value.shape[1]!]);
  };
  let before = tf.add(tf.matMul(flat, get('net/kernel_mu')), bias('net/bias_mu'));
  if (noise !== undefined) {
    const units = noise.outputNoise.shape[1]!;
    const rows = noise.inputNoise.shape[0]!;
    // Where mixtures of several widths stand, each takes the first entries it needs.
    const inputNoise =
      noise.inputNoise.shape[1] === tokenSize
        ? noise.inputNoise
        : tf.slice(noise.inputNoise, [0, 0], [rows, tokenSize]);
    const input = tf.mul(slots, tf.reshape(scaleNoise(inputNoise), [1, rows, 1, tokenSize]));
    const spread = tf.add(
      tf.matMul(tf.reshape(input, [experts, batch * perExpert, tokenSize]), get('net/kernel_sigma')),
      bias('net/bias_sigma'),
    );
    const scaled = tf.mul(
      tf.reshape(spread, [experts, batch, perExpert, units]),
      tf.reshape(scaleNoise(noise.outputNoise), [1, rows, 1, units]),
    );
    before = tf.add(before, tf.reshape(scaled, [experts, batch * perExpert, units]));
  }
  const hidden = relu(before);
  const output = tf.add(tf.matMul(hidden, get('Dense_0/kernel')), bias('Dense_0/bias'));
  return {
    output: tf.reshape(output, [experts, batch, perExpert, tokenSize]),
    hidden: tf.reshape(hidden, [experts, batch, perExpert, hidden.shape[2]!]),
  };
}
