// Soft MoE as a tf.layers.Layer: usable in tf.sequential and tf.model, saved and loaded by TensorFlow.js. Importing this file registers the class.
import { createRng } from '@moe-rl/core';
import { requireKnownOptions } from '@moe-rl/moe-core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import { cast, randomNormal, serialization, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { type initializers, type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { initSoftMoe, type SoftMoeConfig, softMoeParameterSpecs } from './config.ts';
import { applySoftMoe, type SoftMoeOutput } from './soft-moe.ts';

/** TensorOps on TensorFlow.js, for the functions of this package: `createTfjsOps(tf)` on a namespace of yours, `tfjsOps` on the installed tfjs-core. */
export { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
export { tfjsOps };

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

/** Options that go to `applySoftMoe`. */
const OPTIONS = [
  'numExperts',
  'hiddenSize',
  'capacityFactor',
  'slotsPerExpert',
  'isNormalized',
  'phi',
  'isNoisy',
  'routing',
  'tokensPerSlot',
  'slotsPerToken',
] as const;
/** Those that every tf.layers.Layer takes. TensorFlow.js adds customObjects when it loads a model. */
const LAYER_OPTIONS = [
  'seed',
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
 * Soft MoE over tokens [B, T, D], or over a feature map [B, H, W, C] whose H*W positions are the tokens (PerConv). Output shape = input shape.
 * Noisy experts draw new noise in training and use their mean weights otherwise. A mask from a layer before it (tf.layers.masking, an embedding with
 * maskZero) is honoured: masked tokens move no slots and come out as zeros; the mask goes on to the next layer.
 */
export class SoftMoeLayer extends layers.Layer {
  static className = 'SoftMoeLayer';
  readonly #options: Pick<SoftMoeLayerConfig, (typeof OPTIONS)[number]>;
  readonly #seed: number;
  #config: SoftMoeConfig | undefined;
  readonly #variables = new Map<string, LayerVariable>();

  /** @throws InvalidArgumentError for an unknown option */
  constructor(config: SoftMoeLayerConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    requireKnownOptions('SoftMoeLayer', config, [...OPTIONS, ...LAYER_OPTIONS]);
    const given = OPTIONS.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]);
    this.#options = Object.fromEntries(given);
    this.#seed = config.seed ?? Math.floor(Math.random() * 2 ** 32);
    this.supportsMasking = true;
  }

  override build(inputShape: Shape | Shape[]): void {
    const { numTokens, tokenSize } = tokenSizes(inputShape as Shape);
    const config: SoftMoeConfig = { ...this.#options, numTokens, tokenSize, scope: '' };
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

  override call(
    inputs: Tensor | Tensor[],
    kwargs: { readonly training?: boolean; readonly mask?: Tensor | Tensor[] },
  ): Tensor {
    return tidy(() => {
      const input = Array.isArray(inputs) ? inputs[0]! : inputs;
      const given = Array.isArray(kwargs?.mask) ? kwargs.mask[0] : kwargs?.mask;
      // TensorFlow.js leaves the last mask in kwargs after a layer that ends it: one of other sizes is not this input's.
      const mask = given?.size === input.shape[0]! * this.#config!.numTokens ? given : undefined;
      return tfjsOps.reshape(this.#apply(input, mask, kwargs?.training ?? false).output, input.shape);
    });
  }

  /**
   * Dispatch and combine weights, router statistics and hidden activations for an input, as `applySoftMoe` returns them. Evaluation mode.
   * @param mask 1 (or true) for tokens, 0 for padding [B, T]
   */
  explain(input: Tensor, mask?: Tensor): SoftMoeOutput<Tensor> {
    return tidy(() => {
      // Called, not built: TensorFlow.js gives weights their names when it calls a layer, and a saved model finds them by those.
      if (!this.built) this.apply(input);
      return this.#apply(input, mask, false);
    });
  }

  #apply(input: Tensor, mask: Tensor | undefined, isTraining: boolean): SoftMoeOutput<Tensor> {
    const config = this.#config!;
    const parameters = Object.fromEntries([...this.#variables].map(([name, variable]) => [name, variable.read()]));
    const [B, T] = [input.shape[0]!, config.numTokens];
    const tokens = tfjsOps.reshape(input, [B, T, config.tokenSize]);
    const noise =
      config.isNoisy && isTraining
        ? { input: randomNormal([config.tokenSize]), output: randomNormal([config.hiddenSize ?? 512]) }
        : undefined;
    return applySoftMoe(tfjsOps, parameters, tokens, config, {
      ...(noise ? { noise } : {}),
      ...(mask ? { tokenMask: tfjsOps.reshape(cast(mask, 'float32'), [B, T]) } : {}),
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...this.#options, seed: this.#seed } as serialization.ConfigDict;
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
