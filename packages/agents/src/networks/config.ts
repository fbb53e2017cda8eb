// What a value network is made of, as plain JSON: encoder, tokens, mixture, head.
import type { TokenizerType } from '@moe-rl/encoders';

/** An encoder by name: one of those built in, or one that was registered. */
export type EncoderType = 'nature' | 'impala' | 'minatar' | 'perceptron' | (string & {});

export interface EncoderConfig {
  /** `nature`, `impala` and `minatar` take images; `perceptron` takes any observation as one vector; others by `registerEncoder`. */
  readonly type: EncoderType;
  /** Multiplies the numbers of filters (the paper's network scale). */
  readonly widthScale: number;
  /** Widths of the perceptron's layers. Images ignore it. */
  readonly hiddenUnits: readonly number[];
  /** Smallest and largest value of each number of a vector observation, mapped to [-1, 1]; empty: taken as they are. */
  readonly minimumValues: readonly number[];
  readonly maximumValues: readonly number[];
  /** Bytes are divided by this (255); other observations by 1. 0: decide by the observation's dtype. */
  readonly inputDivisor: number;
}

export interface TokensConfig {
  readonly type: TokenizerType;
  /** Token width of `perPatch`; 0: the number of channels. */
  readonly embeddingSize: number;
  /** Side of a patch of `perPatch` and `averagePool`. */
  readonly patchSize: number;
  /** Seed of the permutation of `shuffled`. */
  readonly shuffleSeed: number;
}

export interface MoeConfig {
  /** `none`: the baseline's dense layer. `softMoe`: Soft MoE. `topK`: sparse top-k routing with capacity. */
  readonly type: 'none' | 'softMoe' | 'topK';
  /** E */
  readonly experts: number;
  /** H, width of an expert's hidden layer. */
  readonly expertHiddenUnits: number;
  /** K, experts per token of `topK`. */
  readonly selectedExperts: number;
  /** Slots (soft) or capacity (top-k) per expert are ceil(T capacityFactor / E). */
  readonly capacityFactor: number;
  /**
   * `penultimate`: in place of the dense layer before the head (the paper). `final`: after that dense layer, over its activations as one token, right
   * before the head. `both`: two in a row over the same tokens.
   */
  readonly placement: 'penultimate' | 'final' | 'both';
  /** l2-normalizes tokens and slot parameters before the logits (Soft MoE only). */
  readonly isNormalized: boolean;
  /**
   * With `isNormalized`: first value of the learned scale of the logits, 1 in the official code. Near 1 the router starts almost uniform, so every token
   * gets the same output; a larger scale tells tokens apart from the start.
   */
  readonly initialScale: number;
  /** `fixed-random`: slot parameters are drawn once and not trained (Soft MoE only). */
  readonly phi: 'learned' | 'fixed-random';
  /** Soft MoE only: `soft` slots average tokens; with `expert-choice` each slot holds one of its expert's best tokens. */
  readonly routing: 'soft' | 'expert-choice';
  /** Soft MoE only: each slot averages only its best so many tokens; 0: all. */
  readonly tokensPerSlot: number;
  /** Soft MoE only: each token averages only its best so many slots; 0: all. */
  readonly slotsPerToken: number;
  /** Slots per expert of Soft MoE, instead of the capacity factor; 0: by the capacity factor. */
  readonly slotsPerExpert: number;
}

export interface NetworkConfig {
  readonly encoder: EncoderConfig;
  readonly tokens: TokensConfig;
  readonly moe: MoeConfig;
  /** Width of the dense layer before the head, where no mixture replaces it. */
  readonly hiddenUnits: number;
  /** Multiplies `hiddenUnits` by the number of experts (the paper's widened baseline). */
  readonly scaleHiddenUnitsByExperts: boolean;
  /**
   * What the dense layer sees where no mixture replaces it: all features `flattened`; each token, summed (`tokenSum`) or averaged (`tokenMean`) over
   * tokens before the ReLU (the tokenized baselines of arXiv 2410.01930); or the features averaged over positions (`globalAveragePool`).
   */
  readonly denseInput: 'flattened' | 'tokenSum' | 'tokenMean' | 'globalAveragePool';
  /** Another dense layer and a ReLU after the mixture. */
  readonly extraLinearLayer: boolean;
  /** Its width, 512 in the official code. */
  readonly extraLinearUnits: number;
  /** Separate advantage and value streams. */
  readonly dueling: boolean;
  /** Noisy layers in the head, in the dense layer before it, and in the experts' first layer. */
  readonly noisy: boolean;
  /** `dqn`: names of the official DQN networks (Nature's convolutions at the root). `rainbow`: encoders under `encoder/`. */
  readonly naming: 'dqn' | 'rainbow';
}
