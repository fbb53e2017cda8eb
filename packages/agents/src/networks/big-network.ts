// Networks as experts: the variant "Big" of arXiv 2402.08609 (section 5.3). Each expert has an encoder and a dense layer of its own; the router sees the
// observation as one token. In agents of plain values each expert has a linear head too; where the head is dueling, noisy or distributional all share it.
import { elementCount, InvalidArgumentError, type NamedTensors } from '@moe-rl/core';
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
} from '@moe-rl/encoders';
import { combineMatrix, createMixture, type MoeOutput } from '@moe-rl/moe-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { MixtureConfig, NetworkConfig } from './config.ts';
import { augmentPlanar, createEncoder, inputScaleOf } from './encoders.ts';
import { type MoeRecord, OPS, routerOf } from './moe.ts';
import { type Network, type NetworkInput, numberLayers, type ParameterBlock } from './network-interface.ts';
import { routerMeasures } from './router-measures.ts';
import { mixtureInputs } from './routing.ts';

/** Options that say something about experts within the layer, which there are none of; `sharedUpdates` would spawn them from one. */
const LAYER_OPTIONS = { numSharedExperts: 0, normalizesInput: false, isResidual: false, sharedUpdates: 0 } as const;

/**
 * Builds a network whose experts are networks.
 * @throws InvalidArgumentError when the router has options that such experts can't have
 */
export function createBigNetwork(config: NetworkConfig, moe: MixtureConfig, input: NetworkInput): Network {
  for (const [name, off] of Object.entries(LAYER_OPTIONS)) {
    const value = moe.router[name];
    if (value !== undefined && value !== off) {
      throw new InvalidArgumentError(
        `network.moe.router.${name} is ${value}, but network.moe.expertType is "big"; expected ${off}`,
      );
    }
  }
  const { observationSpec, actionCount } = input;
  const { noisy, dueling } = config;
  const atoms = input.atoms ?? 1;
  const experts = moe.experts;
  const { hiddenUnits } = config;
  const hasOwnHeads = atoms === 1 && !dueling && !noisy;
  const numbered = numberLayers(noisy);
  const hiddenName = numbered();
  const headNames = { advantage: numbered(), value: dueling ? numbered() : '' };
  const head: HeadConfig = { actionCount, atoms, dueling, noisy };

  const specs: ParameterSpecs = {};
  const encoders = Array.from({ length: experts }, (_, expert) => {
    const encoder = createEncoder(config.encoder, observationSpec, `Expert_${expert}/encoder/`);
    const inputs = elementCount(encoder.features);
    const name = `Expert_${expert}/${hiddenName}`;
    Object.assign(specs, encoder.specs);
    Object.assign(
      specs,
      noisy ? noisyDenseParameters(name, inputs, hiddenUnits) : denseParameters(name, inputs, hiddenUnits),
    );
    if (hasOwnHeads)
      Object.assign(specs, denseParameters(`Expert_${expert}/${headNames.advantage}`, hiddenUnits, actionCount));
    return encoder;
  });
  const expertCount = countParameters(specs);
  const headSpecs = hasOwnHeads ? {} : headParameters(head, hiddenUnits, headNames);
  Object.assign(specs, headSpecs);

  const tokenSize = elementCount(observationSpec.frameShape) * observationSpec.stackSize;
  const mixture = createMixture(routerOf(moe, 1), {
    numExperts: experts,
    numTokens: 1,
    tokenSize,
    hiddenSize: hiddenUnits,
    scope: '',
  });
  const router = mixture.parameters.filter(({ role }) => role !== 'expert');
  const inputScale = inputScaleOf(config.encoder, observationSpec);
  const featureInputs = elementCount(encoders[0]!.features);
  const outputs = headOutputs(head).advantage;

  const parameterShapes = Object.fromEntries([
    ...Object.entries(specs).map(([name, { shape }]) => [name, { shape }] as const),
    ...router.map(({ name, shape }) => [name, { shape }] as const),
  ]);
  const untrainable = new Set(router.flatMap(({ name, isTrainable }) => (isTrainable ? [] : [name])));
  const blocks: ParameterBlock[] = [
    { block: 'router', parameters: countParameters(Object.fromEntries(router.map((spec) => [spec.name, spec]))) },
    { block: 'experts', parameters: expertCount },
    { block: 'head', parameters: countParameters(headSpecs) },
  ];

  return {
    config,
    input,
    parameterShapes,
    trainableParameters: Object.keys(parameterShapes).filter((name) => !untrainable.has(name)),
    routerParameters: router.map(({ name }) => name),
    noiseSizes: noisy
      ? { head: { inputs: Math.max(featureInputs, hiddenUnits), outputs: Math.max(hiddenUnits, outputs) } }
      : {},
    mixtures: [mixture],
    parameterBlocks: blocks.filter(({ parameters }) => parameters > 0),
    parameterCount: countParameters(parameterShapes),
    tokenShape: [1, tokenSize],
    initialize(rng) {
      const drawn: NamedTensors = { ...mixture.initialize(rng.fork('mixture_0')) };
      const own = Object.fromEntries(router.map(({ name }) => [name, drawn[name]!]));
      return { ...initializeParameters(rng, specs), ...own };
    },
    apply(parameters, observations, options = {}) {
      const batch = observations.shape[0]!;
      // The router sees what the experts see.
      const seen = augmentPlanar(observations, observationSpec, inputScale, options.augment);
      const tokens = tf.reshape(seen, [batch, 1, tokenSize]);
      // Only the weights are wanted: the experts below see the observation itself, which is what every slot holds where there is one token.
      const output = mixture.apply<Tensor>(OPS, parameters, tokens, {
        ...mixtureInputs(mixture, 0, options.routing ?? {}, batch),
        experts: (slots: Tensor) => ({ output: slots, hidden: slots }),
      });
      const weights = tf.reshape(expertWeights(output), [batch, experts, 1]);
      const headNoise = options.noise?.head;
      const hidden = encoders.map((encoder, expert) => {
        const encoded = flatten(encoder.apply(parameters, observations, options.augment));
        const name = `Expert_${expert}/${hiddenName}`;
        return relu(
          noisy
            ? noisyDense(parameters, name, encoded, firstOf(headNoise, featureInputs, hiddenUnits))
            : dense(parameters, name, encoded),
        );
      });
      const combine = (rows: readonly Tensor[]): Tensor => tf.sum(tf.mul(tf.stack([...rows], 1), weights), 1);
      const features = combine(hidden);
      const ownValues = (): Tensor =>
        combine(hidden.map((row, expert) => dense(parameters, `Expert_${expert}/${headNames.advantage}`, row)));
      return {
        values: hasOwnHeads
          ? ownValues()
          : applyHead(parameters, features, head, headNames, firstOf(headNoise, hiddenUnits, outputs)),
        features,
        encoded: features,
        hidden: undefined,
        mixtures: [recordOf(output, tokens, hidden)],
      };
    },
  };
}

/** `[B, 1, E]`: what each expert counts in the output. */
function expertWeights({ combineWeights, routing }: MoeOutput<Tensor>): Tensor {
  return combineWeights === undefined ? combineMatrix(OPS, routing!.assignment, 1) : tf.sum(combineWeights, 3);
}

/** The mixture's record with the activations of the experts that ran: `[B, E, 1, H]`. */
function recordOf(output: MoeOutput<Tensor>, tokens: Tensor, hidden: readonly Tensor[]): MoeRecord {
  return Object.defineProperties({} as MoeRecord, {
    ...Object.getOwnPropertyDescriptors(output),
    tokens: { value: tokens, enumerable: true },
    expertsHidden: { get: () => tf.expandDims(tf.stack([...hidden], 1), 2), enumerable: true },
    measures: { get: () => routerMeasures(output), enumerable: true },
  });
}

/** Each noisy layer takes the first entries of the one draw, as in the official code. */
function firstOf(noise: NoisyDenseNoise | undefined, inputs: number, outputs: number): NoisyDenseNoise | undefined {
  if (noise === undefined) return undefined;
  const first = (x: Tensor, count: number): Tensor => tf.slice(x, [0, 0], [x.shape[0]!, count]);
  return { inputNoise: first(noise.inputNoise, inputs), outputNoise: first(noise.outputNoise, outputs) };
}
