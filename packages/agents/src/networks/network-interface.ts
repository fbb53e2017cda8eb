// A value network as others see it: a pure function over a flat parameter tree, with what it is made of.
import type { NamedTensors, ObservationSpec, Rng } from '@moe-rl/core';
import type { NoisyDenseNoise, ParameterTensors } from '@moe-rl/encoders';
import type { Mixture } from '@moe-rl/moe-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { NetworkConfig } from './config.ts';
import type { ExpertsNoise, MoeRecord } from './moe.ts';
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

/** Names layers as flax does: `Dense_0`, `Dense_1`, ... or `NoisyNetwork_0`, ... */
export function numberLayers(noisy: boolean): () => string {
  let next = 0;
  return () => `${noisy ? 'NoisyNetwork' : 'Dense'}_${next++}`;
}
