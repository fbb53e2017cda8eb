// Soft MoE as a tf.layers.Layer: usable in tf.sequential and tf.model, saved and loaded by TensorFlow.js. Importing this file registers the class.
import { createRng } from '@moe-rl/core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import { randomNormal, serialization, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { type initializers, type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { initSoftMoe, type SoftMoeConfig, softMoeParameterSpecs } from './config.ts';
import { applySoftMoe, type SoftMoeOutput } from './soft-moe.ts';

/** Options of the layer: the layer's own, which its input shape does not give, and those every tf.layers.Layer takes. */
export interface SoftMoeLayerConfig
  extends Omit<SoftMoeConfig, 'numTokens' | 'tokenSize' | 'scope' | 'moduleIndex' | 'checkFinite' | 'expertType'> {
  /** Seed of the initial weights. Default: a new one for every layer, kept in its configuration. */
  readonly seed?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: Shape;
  readonly batchInputShape?: Shape;
}

/**
 * Soft MoE over tokens [B, T, D], or over a feature map [B, H, W, C] whose H*W positions are the tokens (PerConv). Output shape = input shape.
 * Noisy experts draw new noise in training and use their mean weights otherwise.
 */
export class SoftMoeLayer extends layers.Layer {
  static className = 'SoftMoeLayer';
  readonly #options: SoftMoeLayerConfig;
  readonly #seed: number;
  #config: SoftMoeConfig | undefined;
  readonly #variables = new Map<string, LayerVariable>();

  constructor(config: SoftMoeLayerConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    // TensorFlow.js adds customObjects when it loads a model.
    const { customObjects: _, ...options } = config as SoftMoeLayerConfig & { customObjects?: unknown };
    this.#options = options;
    this.#seed = config.seed ?? Math.floor(Math.random() * 2 ** 32);
  }

  override build(inputShape: Shape | Shape[]): void {
    const { numTokens, tokenSize } = tokenSizes(inputShape as Shape);
    const {
      seed: _,
      name: _name,
      trainable: _trainable,
      inputShape: _shape,
      batchInputShape: _batch,
      ...options
    } = this.#options;
    const config: SoftMoeConfig = { ...options, numTokens, tokenSize, scope: '' };
    const initial = initSoftMoe(createRng(this.#seed), config);
    for (const { name, shape, isTrainable } of softMoeParameterSpecs(config)) {
      const initializer = { apply: () => tensor(initial[name]!.data, shape as number[]) };
      const variable = this.addWeight(
        name,
        shape as number[],
        'float32',
        initializer as unknown as Initializer,
        undefined,
        isTrainable,
      );
      this.#variables.set(name, variable);
    }
    this.#config = config;
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { readonly training?: boolean }): Tensor {
    return tidy(() => {
      const input = Array.isArray(inputs) ? inputs[0]! : inputs;
      return tfjsOps.reshape(this.#apply(input, kwargs?.training ?? false).output, input.shape);
    });
  }

  /** Dispatch and combine weights, router statistics and hidden activations for an input, as `applySoftMoe` returns them. Evaluation mode. */
  explain(input: Tensor): SoftMoeOutput<Tensor> {
    if (!this.built) this.build(input.shape);
    return tidy(() => this.#apply(input, false) as unknown as Tensor) as unknown as SoftMoeOutput<Tensor>;
  }

  #apply(input: Tensor, isTraining: boolean): SoftMoeOutput<Tensor> {
    const config = this.#config!;
    const parameters = Object.fromEntries([...this.#variables].map(([name, variable]) => [name, variable.read()]));
    const tokens = tfjsOps.reshape(input, [input.shape[0]!, config.numTokens, config.tokenSize]);
    const noise =
      config.isNoisy && isTraining
        ? { input: randomNormal([config.tokenSize]), output: randomNormal([config.hiddenSize ?? 512]) }
        : undefined;
    return applySoftMoe(tfjsOps, parameters, tokens, config, noise ? { noise } : {});
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): serialization.ConfigDict {
    const { inputShape: _shape, batchInputShape: _batch, ...options } = this.#options;
    return { ...super.getConfig(), ...options, seed: this.#seed } as serialization.ConfigDict;
  }
}

type Initializer = ReturnType<typeof initializers.zeros>;

/** T and D of a shape [B, T, D] or [B, H, W, C]. */
function tokenSizes(shape: Shape): { numTokens: number; tokenSize: number } {
  const sizes = shape.slice(1);
  if (sizes.length < 2 || sizes.length > 3 || sizes.some((size) => !size)) {
    throw new RangeError(
      `SoftMoeLayer got input shape [${shape}]; expected [batch, tokens, size] or [batch, height, width, channels]`,
    );
  }
  const known = sizes as number[];
  return { numTokens: known.slice(0, -1).reduce((a, b) => a * b, 1), tokenSize: known.at(-1)! };
}

serialization.registerClass(SoftMoeLayer);
