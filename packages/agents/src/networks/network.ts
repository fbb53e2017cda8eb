// Puts encoder, tokens, mixture and head together into one pure function over a flat parameter tree, with the official implementation's names.
// Usable alone: `createNetwork(config, input).apply(parameters, observations)`.
import {
  elementCount,
  InvalidArgumentError,
  type NamedTensors,
  type ObservationSpec,
  type Rng,
  requireInteger,
} from '@moe-rl/core';
import {
  applyHead,
  countParameters,
  dense,
  denseParameters,
  flatten,
  type HeadConfig,
  headOutputs,
  headParameters,
  initializeParameters,
  type NoisyDenseNoise,
  noisyDense,
  noisyDenseParameters,
  type ParameterSpecs,
  type ParameterTensors,
  relu,
  tokenize,
  tokenizerParameters,
  tokenShape,
} from '@moe-rl/encoders';
import type { Mixture } from '@moe-rl/moe-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { mixtureOf, type NetworkConfig } from './config.ts';
import { createEncoder } from './encoders.ts';
import { createMoeLayer, type ExpertsNoise, type MoeLayer, type MoeRecord } from './moe.ts';
import type { RoutingPass } from './routing.ts';

/** What a network is built for. */
export interface NetworkInput {
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  /** Atoms of the value distribution; 1: plain values. Default 1. */
  readonly atoms?: number;
}

/** Standard normal draws for one pass, `[1 or B, n]` with `n` from `Network.noiseSizes`; left out: the noisy layers' means. */
export interface NetworkNoise {
  readonly experts?: ExpertsNoise;
  /** One draw for the head and the dense layer before it: each layer takes the first entries it needs (they share a key in the official code). */
  readonly head?: NoisyDenseNoise;
}

export interface NetworkOutput {
  /** Action values `[B, A]`, or logits `[B, A, Z]` when the network has several atoms. */
  readonly values: Tensor;
  /** What the head sees: `[B, N]`. */
  readonly features: Tensor;
  /** The encoder's output `[B, H, W, C]` or `[B, N]`. */
  readonly encoded: Tensor;
  /** Activations of the dense layer before the head `[B, N]`; undefined where a mixture replaces it. */
  readonly hidden: Tensor | undefined;
  /** One record per mixture. */
  readonly mixtures: readonly MoeRecord[];
}

/** Input and output sizes of the noise of one pass. */
export interface NoiseSizes {
  readonly experts?: { readonly inputs: number; readonly outputs: number };
  readonly head?: { readonly inputs: number; readonly outputs: number };
}

/** A part of the network and its number of parameters. */
export interface ParameterBlock {
  readonly block: 'encoder' | 'tokens' | 'dense' | 'router' | 'experts' | 'head';
  readonly parameters: number;
}

export interface Network {
  readonly config: NetworkConfig;
  readonly input: NetworkInput;
  /** Names and shapes of all parameters. */
  readonly parameterShapes: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  /** Names of parameters that gradients reach. */
  readonly trainableParameters: readonly string[];
  /** Names of the routers' parameters. */
  readonly routerParameters: readonly string[];
  readonly noiseSizes: NoiseSizes;
  /** Parameters by block, in the order data flows. */
  readonly parameterBlocks: readonly ParameterBlock[];
  readonly parameterCount: number;
  /** In the order data flows. */
  readonly mixtures: readonly Mixture[];
  /** `[T, D]` of the first mixture, or undefined. */
  readonly tokenShape: readonly [number, number] | undefined;
  /** Draws initial parameters with the official initializers. */
  initialize(rng: Rng): NamedTensors;
  /**
   * Runs the network on planar observations `[B, F, H, W]` (or `[B, F, planes, H, W]`, `[B, 1, D]`), bytes or floats; `augment` maps the image `[B, H, W, F]` (divided to
   * [0, 1]) before the encoder.
   */
  apply(
    parameters: ParameterTensors,
    observations: Tensor,
    options?: {
      readonly noise?: NetworkNoise;
      readonly augment?: (image: Tensor) => Tensor;
      readonly routing?: RoutingPass;
    },
  ): NetworkOutput;
}

/**
 * Builds a network.
 * @throws InvalidArgumentError when parts don't fit together (a patch larger than the features, an image encoder on vectors)
 */
export function createNetwork(config: NetworkConfig, input: NetworkInput): Network {
  const { observationSpec, actionCount } = input;
  const atoms = requireInteger('atoms', input.atoms ?? 1, 1);
  const prefix = config.naming === 'rainbow' || config.encoder.type !== 'nature' ? 'encoder/' : '';
  const encoder = createEncoder(config.encoder, observationSpec, prefix);
  const numbered = numberLayers(config.noisy);
  const blocks: ParameterBlock[] = [];
  const specs: ParameterSpecs = { ...encoder.specs };
  const addBlock = (block: ParameterBlock['block'], parameters: number): void => {
    if (parameters > 0) blocks.push({ block, parameters });
  };
  addBlock('encoder', countParameters(encoder.specs));

  const mixture = mixtureOf(config.moe);
  const replacesDense = mixture !== undefined && mixture.placement !== 'final';
  const denseInput = config.denseInput ?? 'flattened';
  const usesTokens = replacesDense || denseInput === 'tokenSum' || denseInput === 'tokenMean';
  const { embeddingSize = 0, ...tokensRest } = config.tokens ?? { type: 'perConv' as const };
  const tokensConfig = { ...tokensRest, ...(embeddingSize > 0 ? { embeddingSize } : {}) };
  const [tokenCount, tokenSize] = tokenShape(tokensConfig, encoder.features);
  if (usesTokens) {
    if (tokenCount < 1) {
      throw new InvalidArgumentError(
        `network.tokens.patchSize is ${tokensConfig.patchSize}; expected at most the features' size, ${encoder.features.slice(0, 2).join('x')}`,
      );
    }
    const tokenSpecs = tokenizerParameters(tokensConfig, encoder.features);
    Object.assign(specs, tokenSpecs);
    addBlock('tokens', countParameters(tokenSpecs));
  }

  // The dense layer before the head, where there is one.
  const featureCount = elementCount(encoder.features);
  const hiddenUnits = config.hiddenUnits * (config.hiddenUnitsScale ?? 1);
  let width: number;
  let headInputNoise = 0;
  let headOutputNoise = 0;
  let hiddenName: string | undefined;
  const layerSpecs = (name: string, inputs: number, outputs: number): ParameterSpecs => {
    if (!config.noisy) return denseParameters(name, inputs, outputs);
    headInputNoise = Math.max(headInputNoise, inputs);
    headOutputNoise = Math.max(headOutputNoise, outputs);
    return noisyDenseParameters(name, inputs, outputs);
  };
  if (replacesDense) {
    width = tokenCount * tokenSize;
  } else {
    hiddenName = numbered();
    const inputs = {
      flattened: featureCount,
      tokenSum: tokenSize,
      tokenMean: tokenSize,
      globalAveragePool: encoder.features[2],
    }[denseInput];
    const denseSpecs = layerSpecs(hiddenName, inputs, hiddenUnits);
    Object.assign(specs, denseSpecs);
    addBlock('dense', countParameters(denseSpecs));
    width = hiddenUnits;
  }

  const mixtures: MoeLayer[] = [];
  if (mixture !== undefined) {
    const count = mixture.placement === 'both' ? 2 : 1;
    const [T, D] = replacesDense ? [tokenCount, tokenSize] : [1, width];
    for (let index = 0; index < count; index++) mixtures.push(createMoeLayer(mixture, T, D, config.noisy, index));
    const shapes = Object.assign({}, ...mixtures.map((layer) => layer.parameterShapes)) as MoeLayer['parameterShapes'];
    const routers = new Set(mixtures.flatMap((layer) => layer.routerParameters));
    const countOf = (isRouter: boolean): number =>
      countParameters(Object.fromEntries(Object.entries(shapes).filter(([name]) => routers.has(name) === isRouter)));
    addBlock('router', countOf(true));
    addBlock('experts', countOf(false));
  }

  let extraName: string | undefined;
  if (config.extraLinearLayer) {
    // A plain layer also in noisy networks, as in the official code.
    extraName = config.noisy ? 'Dense_0' : numbered();
    const extraUnits = config.extraLinearUnits!;
    const extraSpecs = denseParameters(extraName, width, extraUnits);
    Object.assign(specs, extraSpecs);
    addBlock('dense', countParameters(extraSpecs));
    width = extraUnits;
  }

  const head: HeadConfig = { actionCount, atoms, dueling: config.dueling, noisy: config.noisy };
  const names = { advantage: numbered(), value: config.dueling ? numbered() : '' };
  const headSpecs = headParameters(head, width, names);
  Object.assign(specs, headSpecs);
  addBlock('head', countParameters(headSpecs));
  if (config.noisy) {
    headInputNoise = Math.max(headInputNoise, width);
    headOutputNoise = Math.max(headOutputNoise, headOutputs(head).advantage);
  }

  const parameterShapes: Record<string, { shape: readonly number[] }> = {};
  const untrainable = new Set<string>();
  for (const [name, { shape }] of Object.entries(specs)) parameterShapes[name] = { shape };
  for (const layer of mixtures) {
    for (const [name, { shape, isTrainable }] of Object.entries(layer.parameterShapes)) {
      parameterShapes[name] = { shape };
      if (!isTrainable) untrainable.add(name);
    }
  }
  const noiseSizes: NoiseSizes = config.noisy
    ? {
        ...(mixture !== undefined
          ? { experts: { inputs: replacesDense ? tokenSize : hiddenUnits, outputs: mixture.expertHiddenUnits } }
          : {}),
        head: { inputs: headInputNoise, outputs: headOutputNoise },
      }
    : {};

  const cutNoise = (
    noise: NoisyDenseNoise | undefined,
    inputs: number,
    outputs: number,
  ): NoisyDenseNoise | undefined =>
    noise === undefined
      ? undefined
      : {
          inputNoise: firstColumns(noise.inputNoise, inputs),
          outputNoise: firstColumns(noise.outputNoise, outputs),
        };

  return {
    config,
    input,
    parameterShapes,
    trainableParameters: Object.keys(parameterShapes).filter((name) => !untrainable.has(name)),
    routerParameters: mixtures.flatMap((layer) => layer.routerParameters),
    noiseSizes,
    mixtures: mixtures.map((layer) => layer.mixture),
    parameterBlocks: blocks,
    parameterCount: countParameters(parameterShapes),
    tokenShape: replacesDense ? [tokenCount, tokenSize] : mixture !== undefined ? [1, hiddenUnits] : undefined,
    initialize: (rng) => ({
      ...initializeParameters(rng, specs),
      ...Object.assign({}, ...mixtures.map((layer, index) => layer.initialize(rng.fork(`mixture_${index}`)))),
    }),
    apply(parameters, observations, options = {}) {
      const { noise } = options;
      const encoded = encoder.apply(parameters, observations, options.augment);
      const batch = encoded.shape[0]!;
      const asFeatures = (): Tensor =>
        encoded.rank === 4 ? encoded : tf.reshape(encoded, [batch, ...encoder.features]);
      let x: Tensor;
      let hidden: Tensor | undefined;
      if (replacesDense) {
        x = tokenize(parameters, asFeatures(), tokensConfig);
      } else {
        const layer = (features: Tensor): Tensor =>
          config.noisy
            ? noisyDense(parameters, hiddenName!, features, cutNoise(noise?.head, features.shape[1]!, hiddenUnits))
            : dense(parameters, hiddenName!, features);
        switch (denseInput) {
          case 'flattened':
            hidden = relu(layer(flatten(encoded)));
            break;
          case 'globalAveragePool':
            hidden = relu(layer(tf.mean(asFeatures(), [1, 2])));
            break;
          case 'tokenSum':
          case 'tokenMean': {
            // The sum over tokens of W x + b is W (sum of x) + T b: one product instead of T.
            const tokens = tokenize(parameters, asFeatures(), tokensConfig);
            const mean = layer(tf.mean(tokens, 1));
            hidden = relu(denseInput === 'tokenMean' ? mean : tf.mul(mean, tokenCount));
            break;
          }
        }
        x = mixture !== undefined ? tf.reshape(hidden, [batch, 1, hiddenUnits]) : hidden;
      }
      const records: MoeRecord[] = [];
      for (const layer of mixtures) {
        const record = layer.apply(parameters, x, noise?.experts, options.routing);
        records.push(record);
        x = record.output;
      }
      let features = flatten(x);
      if (extraName !== undefined) features = relu(dense(parameters, extraName, features));
      const headNoise = config.noisy
        ? cutNoise(noise?.head, features.shape[1]!, headOutputs(head).advantage)
        : undefined;
      return {
        values: applyHead(parameters, features, head, names, headNoise),
        features,
        encoded,
        hidden,
        mixtures: records,
      };
    },
  };
}

/** A table of the network's parameters by block, for logs and papers. */
export function formatParameterBlocks(network: Network): string {
  const rows = [
    ...network.parameterBlocks.map(({ block, parameters }) => [block, parameters] as const),
    ['total', network.parameterCount] as const,
  ];
  const width = Math.max(...rows.map(([, count]) => count.toLocaleString('en-US').length));
  return rows.map(([name, count]) => `${name.padEnd(8)} ${count.toLocaleString('en-US').padStart(width)}`).join('\n');
}

function firstColumns(x: Tensor, count: number): Tensor {
  return x.shape[1] === count ? x : tf.slice(x, [0, 0], [x.shape[0]!, count]);
}

/** Names layers as flax does: `Dense_0`, `Dense_1`, ... or `NoisyNetwork_0`, ... */
function numberLayers(noisy: boolean): () => string {
  let next = 0;
  return () => `${noisy ? 'NoisyNetwork' : 'Dense'}_${next++}`;
}
