// Puts encoder, tokens, mixture and head together into one pure function over a flat parameter tree, with the official implementation's names.
// Usable alone: `createNetwork(config, input).apply(parameters, observations)`.
import { elementCount, InvalidArgumentError, requireInteger } from '@moe-rl/core';
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
  relu,
  tokenize,
  tokenizerParameters,
  tokenShape,
} from '@moe-rl/encoders';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { createBigNetwork } from './big-network.ts';
import { type MixtureConfig, mixtureOf, type NetworkConfig } from './config.ts';
import type { Encoder } from './encoder.ts';
import { createEncoder } from './encoders.ts';
import { createMoeLayer, type MoeLayer, type MoeRecord } from './moe.ts';
import {
  type Network,
  type NetworkInput,
  type NoiseSizes,
  numberLayers,
  type ParameterBlock,
} from './network-interface.ts';

/**
 * Builds a network.
 * @throws InvalidArgumentError when parts don't fit together (a patch larger than the features, an image encoder on vectors)
 */
export function createNetwork(config: NetworkConfig, input: NetworkInput): Network {
  const mixture = mixtureOf(config.moe);
  if (mixture?.expertType === 'big') return createBigNetwork(config, mixture, input);
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

  const stacks = mixture?.placement === 'all' ? stackMixtures(config, mixture, encoder) : [];
  const mixtures: MoeLayer[] = [...stacks];
  if (mixture !== undefined) {
    const [T, D] = replacesDense ? [tokenCount, tokenSize] : [1, width];
    for (let number = 0; number < (mixture.placement === 'both' ? 2 : 1); number++) {
      // The first has the official names; a later one the same names in a scope of its own.
      const scope = number === 0 ? '' : `mixture_${number}/`;
      const index = mixtures.length;
      mixtures.push(createMoeLayer(mixture, { tokenCount: T, tokenSize: D, scope, index, isNoisy: config.noisy }));
    }
    const shapes = Object.assign({}, ...mixtures.map((layer) => layer.parameterShapes)) as MoeLayer['parameterShapes'];
    const routers = new Set(mixtures.flatMap((layer) => layer.routerParameters));
    const countOf = (isRouter: boolean): number =>
      countParameters(Object.fromEntries(Object.entries(shapes).filter(([name]) => routers.has(name) === isRouter)));
    addBlock('router', countOf(true));
    addBlock('experts', countOf(false));
  }

  let extraName: string | undefined;
  if (config.extraLinearLayer === true) {
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
  const expertInputs = Math.max(...mixtures.map((layer) => layer.mixture.sizes.tokenSize));
  const noiseSizes: NoiseSizes = config.noisy
    ? {
        ...(mixture !== undefined ? { experts: { inputs: expertInputs, outputs: mixture.expertHiddenUnits! } } : {}),
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
      ...Object.assign(
        {},
        ...mixtures.map((layer, index) => layer.initialize(rng.fork(forkName(index - stacks.length)))),
      ),
    }),
    apply(parameters, observations, options = {}) {
      const { noise } = options;
      const records: MoeRecord[] = [];
      const runMixture = (layer: MoeLayer, tokens: Tensor): Tensor => {
        const record = layer.apply(parameters, tokens, noise?.experts, options.routing);
        records.push(record);
        return record.output;
      };
      const encoded = encoder.apply(
        parameters,
        observations,
        options.augment,
        stacks.length === 0
          ? undefined
          : (features, stack) => {
              const [B, H, W, C] = features.shape as [number, number, number, number];
              return tf.reshape(runMixture(stacks[stack]!, tf.reshape(features, [B, H * W, C])), [B, H, W, C]);
            },
      );
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
      for (const layer of mixtures.slice(stacks.length)) x = runMixture(layer, x);
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

/** A mixture behind each stack of the encoder, over its positions. */
function stackMixtures(config: NetworkConfig, mixture: MixtureConfig, { stacks = [] }: Encoder): MoeLayer[] {
  if (stacks.length === 0) {
    throw new InvalidArgumentError(
      `network.moe.placement is "all", but the encoder ${config.encoder.type} has no stacks; expected another placement`,
    );
  }
  return stacks.map(([height, width, channels], index) =>
    createMoeLayer(mixture, {
      tokenCount: height * width,
      tokenSize: channels,
      scope: `stack_${index}/`,
      index,
      isNoisy: config.noisy,
    }),
  );
}

/** The random stream that a mixture's first values come from; those behind stacks have negative numbers. */
function forkName(number: number): string {
  return number < 0 ? `stack_mixture_${-number}` : `mixture_${number}`;
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
