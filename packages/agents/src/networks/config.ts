// What a value network is made of, as plain JSON: encoder, tokens, mixture, head. Settings that belong to one type only are absent elsewhere.
import type { SettingValue } from '@moe-rl/core';
import type { TokenizerType } from '@moe-rl/encoders';

export interface EncoderConfig {
  /** One of `encoderTypes()`: `nature`, `impala` and `minatar` take images, `perceptron` takes any observation as one vector; others by `registerEncoder`. */
  readonly type: string;
  /** Observations are divided by this; 0: by 255 for bytes, by 1 for others. */
  readonly inputDivisor: number;
  /** nature, impala, minatar: multiplies the numbers of filters (the paper's network scale). */
  readonly widthScale?: number;
  /** perceptron: widths of the layers. */
  readonly hiddenUnits?: readonly number[];
  /** perceptron: smallest and largest value of each number of an observation, mapped to [-1, 1]; empty: taken as they are. */
  readonly minimumValues?: readonly number[];
  readonly maximumValues?: readonly number[];
  /** Settings of encoders that others registered. */
  readonly [setting: string]: SettingValue | undefined;
}

export interface TokensConfig {
  readonly type: TokenizerType;
  /** perPatch: token width; 0: the number of channels. */
  readonly embeddingSize?: number;
  /** perPatch, averagePool: side of a patch. */
  readonly patchSize?: number;
  /** shuffled: seed of the permutation. */
  readonly shuffleSeed?: number;
}

/** A router by its name, with its own options: those of `@moe-rl/soft-moe`'s `softMixture` for `soft`, of the router in `@moe-rl/top-k-moe` for others. */
export interface RouterSettings {
  readonly type: string;
  readonly [option: string]: SettingValue | undefined;
}

export interface MoeConfig {
  /** `{ type: 'none' }`: the baseline's dense layer. Any other router makes a mixture. */
  readonly router: RouterSettings;
  /** E */
  readonly experts?: number;
  /** H, width of an expert's hidden layer. */
  readonly expertHiddenUnits?: number;
  /**
   * `penultimate`: in place of the dense layer before the head (the paper). `final`: after that dense layer, over its activations as one token, right
   * before the head. `both`: two in a row over the same tokens. `all`: also one behind each stack of the encoder, over its positions. Absent with `big` experts.
   */
  readonly placement?: 'penultimate' | 'final' | 'both' | 'all';
  /**
   * `mlp`: two dense layers. `big`: each expert is a whole network, encoder included, over the observation as one token; in agents of plain values without
   * dueling it has a linear head of its own, else all share one (arXiv 2402.08609 section 5.3).
   */
  readonly expertType?: 'mlp' | 'big';
}

/** A configuration with a mixture. */
export type MixtureConfig = Required<Omit<MoeConfig, 'placement' | 'expertHiddenUnits'>> &
  Pick<MoeConfig, 'placement' | 'expertHiddenUnits'>;

/** The mixture of a network; undefined for a baseline. */
export function mixtureOf(moe: MoeConfig): MixtureConfig | undefined {
  return moe.router.type === 'none' ? undefined : (moe as MixtureConfig);
}

export interface NetworkConfig {
  readonly encoder: EncoderConfig;
  /** Absent where nothing sees tokens: no mixture over the features, and a dense layer over all of them. */
  readonly tokens?: TokensConfig;
  readonly moe: MoeConfig;
  /** Width of the dense layer before the head, where no mixture replaces it. */
  readonly hiddenUnits: number;
  /** Multiplies `hiddenUnits`: the paper's widened baselines, with the number of experts that they stand beside. */
  readonly hiddenUnitsScale?: number;
  /**
   * What the dense layer sees where no mixture replaces it: all features `flattened`; each token, summed (`tokenSum`) or averaged (`tokenMean`) over
   * tokens before the ReLU (the tokenized baselines of arXiv 2410.01930); or the features averaged over positions (`globalAveragePool`).
   */
  readonly denseInput?: 'flattened' | 'tokenSum' | 'tokenMean' | 'globalAveragePool';
  /** Another dense layer and a ReLU after the mixture. */
  readonly extraLinearLayer?: boolean;
  /** Its width, 512 in the official code. */
  readonly extraLinearUnits?: number;
  /** Separate advantage and value streams. */
  readonly dueling: boolean;
  /** Noisy layers in the head, in the dense layer before it, and in the experts' first layer. */
  readonly noisy: boolean;
  /** `dqn`: names of the official DQN networks (Nature's convolutions at the root). `rainbow`: encoders under `encoder/`. */
  readonly naming: 'dqn' | 'rainbow';
}
