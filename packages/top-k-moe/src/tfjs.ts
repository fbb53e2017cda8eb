// The sparse MoE layer as a tf.layers.Layer: usable in tf.sequential and tf.model, saved and loaded by TensorFlow.js, with every router.
// Importing this file registers the class.
import { createRng, InvalidArgumentError } from '@moe-rl/core';
import { entropyLoss, importanceLoss, loadBalancingLoss, routerZLoss } from '@moe-rl/moe-core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import {
  add,
  mul,
  randomNormal,
  randomUniform,
  type Scalar,
  scalar,
  serialization,
  sign,
  sub,
  type Tensor,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { type initializers, type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { BALANCE_BIAS, balanceBiasRate, initTopKMoe, type TopKMoeConfig, topKMoeParameterSpecs } from './config.ts';
import { applyTopKMoe, type TopKMoeInputs, type TopKMoeOutput } from './top-k-moe.ts';

const auxiliaryLosses = {
  importance: (routing: TopKMoeOutput<Tensor>['routing']) => importanceLoss(tfjsOps, routing.probabilities),
  loadBalancing: (routing: TopKMoeOutput<Tensor>['routing']) => loadBalancingLoss(tfjsOps, routing.probabilities),
  routerZ: (routing: TopKMoeOutput<Tensor>['routing']) => routerZLoss(tfjsOps, routing.logits),
  entropy: (routing: TopKMoeOutput<Tensor>['routing']) => entropyLoss(tfjsOps, routing.probabilities),
};

/** Options of the layer: the layer's own, which its input shape does not give, and those every tf.layers.Layer takes. */
export interface TopKMoeLayerConfig extends Omit<TopKMoeConfig, 'tokenSize' | 'scope' | 'moduleIndex' | 'checkFinite'> {
  /** Weights of losses that model.fit adds to the model's own, averaged over the batch. Default none. */
  readonly auxiliaryLosses?: { readonly [Name in keyof typeof auxiliaryLosses]?: number };
  /** Temperature of router 'dense-to-sparse'; change the layer's `temperature` while training. Default 2. */
  readonly temperature?: number;
  /** Seed of the initial weights. Default: a new one for every layer, kept in its configuration. */
  readonly seed?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: Shape;
  readonly batchInputShape?: Shape;
}

/**
 * Sparse MoE over tokens [B, T, D], or over a feature map [B, H, W, C] whose H*W positions are the tokens. Output shape = input shape.
 * Routers that need random numbers get them in training; outside of it they choose as in evaluation.
 * 'hash' takes a second input, token ids [B, T] (int32); 'stable' in stage 2 takes distilled scores [B, T, E].
 */
export class TopKMoeLayer extends layers.Layer {
  static className = 'TopKMoeLayer';
  /** Temperature of router 'dense-to-sparse'. */
  temperature: number;
  readonly #options: TopKMoeLayerConfig;
  readonly #seed: number;
  readonly #variables = new Map<string, LayerVariable>();
  #config: TopKMoeConfig | undefined;
  #auxiliary: Scalar | undefined;

  constructor(config: TopKMoeLayerConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    // TensorFlow.js adds customObjects when it loads a model.
    const { customObjects: _, ...options } = config as TopKMoeLayerConfig & { customObjects?: unknown };
    for (const name of Object.keys(options.auxiliaryLosses ?? {})) {
      if (!Object.hasOwn(auxiliaryLosses, name)) {
        throw new InvalidArgumentError(
          `auxiliaryLosses has ${JSON.stringify(name)}; expected one of ${Object.keys(auxiliaryLosses).join(', ')}`,
        );
      }
    }
    this.#options = options;
    this.temperature = options.temperature ?? 2;
    this.#seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    const tokenSize = shape.at(-1);
    if (shape.length < 3 || shape.length > 4 || !tokenSize) {
      throw new RangeError(
        `TopKMoeLayer got input shape [${shape}]; expected [batch, tokens, size] or [batch, height, width, channels]`,
      );
    }
    const { auxiliaryLosses: _, temperature: _temperature, seed: _seed, ...rest } = this.#options;
    const { name: _name, trainable: _trainable, inputShape: _shape, batchInputShape: _batch, ...options } = rest;
    const config: TopKMoeConfig = { ...options, tokenSize, scope: '' };
    const initial = initTopKMoe(createRng(this.#seed), config);
    const addWeight = (
      name: string,
      size: readonly number[],
      data: Float32Array,
      isTrainable: boolean,
    ): LayerVariable => {
      const initializer = { apply: () => tensor(data, size as number[]) } as unknown as ReturnType<
        typeof initializers.zeros
      >;
      return this.addWeight(name, size as number[], 'float32', initializer, undefined, isTrainable);
    };
    for (const { name, shape: size, isTrainable } of topKMoeParameterSpecs(config)) {
      this.#variables.set(name, addWeight(name, size, initial[name]!.data, isTrainable));
    }
    if (this.#options.auxiliaryLosses) this.addLoss(() => this.#auxiliary ?? scalar(0));
    this.#config = config;
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { readonly training?: boolean }): Tensor {
    const isTraining = kwargs?.training ?? false;
    const [input, extra] = Array.isArray(inputs) ? (inputs as [Tensor, Tensor?]) : [inputs];
    const { output, auxiliary } = tidy(() => {
      const result = this.#apply(input, extra, isTraining);
      if (isTraining) this.#updateBias(result.routing);
      const losses = isTraining ? this.#auxiliaryLoss(result.routing) : undefined;
      return { output: tfjsOps.reshape(result.output, input.shape), ...(losses ? { auxiliary: losses } : {}) };
    }) as { output: Tensor; auxiliary?: Scalar };
    // Freed with the tidy of the training step, after its losses have been added up.
    this.#auxiliary = auxiliary;
    return output;
  }

  /** The assignment, probabilities and hidden activations for an input, as `applyTopKMoe` returns them. Evaluation mode. */
  explain(input: Tensor, extra?: Tensor): TopKMoeOutput<Tensor> {
    if (!this.built) this.build(input.shape);
    return tidy(() => this.#apply(input, extra, false) as unknown as Tensor) as unknown as TopKMoeOutput<Tensor>;
  }

  #apply(input: Tensor, extra: Tensor | undefined, isTraining: boolean): TopKMoeOutput<Tensor> {
    const config = this.#config!;
    const parameters = Object.fromEntries([...this.#variables].map(([name, variable]) => [name, variable.read()]));
    const B = input.shape[0]!;
    const D = config.tokenSize;
    const tokens = tfjsOps.reshape(input, [B, input.size / (B * D), D]);
    const shape: [number, number, number] = [B, tokens.shape[1]!, config.numExperts ?? 8];
    const router = config.router?.type ?? 'token-choice';
    const routerInputs: TopKMoeInputs<Tensor> = {
      isTraining,
      temperature: this.temperature,
      tokenIds: router === 'hash' ? extra : undefined,
      distilledLogits: router === 'stable' ? extra : undefined,
      normalNoise:
        isTraining && (router === 'noisy-top-k' || router === 'token-choice') ? randomNormal(shape) : undefined,
      uniformNoise: uniformFor(router, shape, isTraining),
      ...(config.isNoisy && isTraining
        ? { expertNoise: { input: randomNormal([D]), output: randomNormal([config.hiddenSize ?? 512]) } }
        : {}),
    };
    return applyTopKMoe(tfjsOps, parameters, tokens, config, routerInputs);
  }

  #auxiliaryLoss({ logits, probabilities, assignment }: TopKMoeOutput<Tensor>['routing']): Scalar | undefined {
    let total: Tensor | undefined;
    for (const [name, weight] of Object.entries(this.#options.auxiliaryLosses ?? {})) {
      const loss = auxiliaryLosses[name as keyof typeof auxiliaryLosses]({ logits, probabilities, assignment });
      const weighted = mul(
        tfjsOps.mean(
          loss,
          loss.shape.map((_, axis) => axis),
        ),
        scalar(weight),
      );
      total = total ? add(total, weighted) : weighted;
    }
    return total as Scalar | undefined;
  }

  #updateBias({ assignment }: TopKMoeOutput<Tensor>['routing']): void {
    const router = this.#config!.router ?? { type: 'token-choice' };
    const rate = balanceBiasRate(router);
    if (rate === 0 || assignment.kind !== 'token-choice') return;
    const bias = [...this.#variables].find(([name]) => name.endsWith(BALANCE_BIAS))![1];
    const load = tfjsOps.sum(tfjsOps.oneHot(assignment.experts, assignment.numExperts), [0, 1, 2]);
    const step = mul(sign(sub(tfjsOps.mean(load, [0]), load)), scalar(rate));
    bias.write(add(bias.read(), step));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
  }

  override getConfig(): serialization.ConfigDict {
    const { inputShape: _shape, batchInputShape: _batch, ...options } = this.#options;
    return {
      ...super.getConfig(),
      ...options,
      temperature: this.temperature,
      seed: this.#seed,
    } as serialization.ConfigDict;
  }
}

/** Uniform numbers for the routers that draw some; 'random' draws in evaluation too. */
function uniformFor(router: string, shape: [number, number, number], isTraining: boolean): Tensor | undefined {
  if (router === 'random' || (isTraining && router === 'dense-to-sparse')) return randomUniform(shape);
  return isTraining && router === 'gshard-top-2' ? randomUniform([shape[0], shape[1]]) : undefined;
}

serialization.registerClass(TopKMoeLayer);
