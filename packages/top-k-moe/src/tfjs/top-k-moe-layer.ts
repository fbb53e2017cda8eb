// The sparse MoE layer as a tf.layers.Layer: usable in tf.sequential and tf.model, saved and loaded by TensorFlow.js, with every router.
import { createRng, InvalidArgumentError, requireFinite } from '@moe-rl/core';
import type { InitialParameters, Mixture, MixtureInputs, MixtureSchedule } from '@moe-rl/moe-core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import {
  cast,
  keep,
  randomNormal,
  type Scalar,
  scalar,
  serialization,
  type Tensor,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import type { TopKMoeConfig } from '../config.ts';
import { createRouter, routerDefinition } from '../definitions/registry.ts';
import { createSparseMixture } from '../mixture.ts';
import type { TopKMoeOutput } from '../top-k-moe.ts';
import {
  drawInputs,
  maskOf,
  ownOptions,
  startingAt,
  totalLoss,
  type WeighedLosses,
  weighedLosses,
} from './layer-parts.ts';

/** Options of the layer: the layer's own, which its input shape does not give, and those every tf.layers.Layer takes. */
export interface TopKMoeLayerConfig extends Omit<TopKMoeConfig, 'tokenSize' | 'scope' | 'moduleIndex' | 'checkFinite'> {
  /** Weights of losses that model.fit adds to the model's own, averaged over the batch; which ones fit the router is checked. Default none. */
  readonly auxiliaryLosses?: Readonly<Record<string, number>>;
  /** Temperature of router 'dense-to-sparse'; `advance` changes it while training. Default 2. */
  readonly temperature?: number;
  /** Where the router stands in its course of training; `advance` changes it. Default: its first stage. */
  readonly stage?: string;
  /** Seed of the initial weights. Default: a new one for every layer, kept in its configuration. */
  readonly seed?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: Shape;
  readonly batchInputShape?: Shape;
}

/** Options of the mixture beside the router. */
const MIXTURE = [
  'dispatcher',
  'numSharedExperts',
  'isResidual',
  'normalizesInput',
  'gateTransform',
  'hasGateBias',
] as const;
const OPTIONS = [
  ...MIXTURE,
  'numExperts',
  'hiddenSize',
  'router',
  'isNoisy',
  'auxiliaryLosses',
  'temperature',
  'stage',
  'seed',
] as const;

/**
 * Sparse MoE over tokens [B, T, D], or over a feature map [B, H, W, C] whose H*W positions are the tokens. Output shape = input shape.
 * Routers that need random numbers get them in training; outside of it they choose as in evaluation. A mask from a layer before it (tf.layers.masking, an
 * embedding with maskZero) is honoured: padding takes no slot, gets zeros and counts in no loss; the mask goes on to the next layer.
 * 'hash' takes a second input, token ids [B, T] (int32), unless positions are its ids.
 */
export class TopKMoeLayer extends layers.Layer {
  static className = 'TopKMoeLayer';
  /** Temperature of router 'dense-to-sparse'. */
  temperature: number;
  readonly #options: Partial<TopKMoeLayerConfig>;
  readonly #seed: number;
  readonly #variables = new Map<string, LayerVariable>();
  #stage: string | undefined;
  #mixture: Mixture | undefined;
  #losses: WeighedLosses = [];
  #auxiliary: Scalar | undefined;

  /** @throws InvalidArgumentError for an unknown option, router or auxiliary loss, or a loss that doesn't fit the router, with the reason */
  constructor(config: TopKMoeLayerConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.#options = ownOptions('TopKMoeLayer', config, OPTIONS);
    this.temperature = requireFinite('temperature', config.temperature ?? 2, 1e-6);
    this.#stage = config.stage;
    this.#seed = config.seed ?? Math.floor(Math.random() * 2 ** 32);
    this.supportsMasking = true;
    // Sizes that are not known yet play no part in what is checked here.
    const { warnings } = this.#checked(1, 1);
    for (const warning of warnings) console.warn(`TopKMoeLayer: ${warning}`);
  }

  /** The mixture for these sizes, its losses checked. */
  #checked(tokenSize: number, numTokens: number): Mixture {
    const { router = { type: 'token-choice' }, numExperts = 8, hiddenSize = 512, isNoisy = false } = this.#options;
    const { type, ...own } = router;
    const ofLayer = MIXTURE.filter((name) => this.#options[name] !== undefined).map((name) => [
      name,
      this.#options[name],
    ]);
    const sizes = { numExperts, numTokens, tokenSize, hiddenSize, isNoisy, scope: '' };
    const mixture = createSparseMixture(routerDefinition(type), { ...own, ...Object.fromEntries(ofLayer) }, sizes);
    weighedLosses(mixture, this.#options.auxiliaryLosses ?? {});
    const { stage } = this.#options;
    const stages = mixture.schedule?.stages ?? [];
    if (stage !== undefined && !stages.includes(stage)) {
      throw new InvalidArgumentError(
        `stage is ${JSON.stringify(stage)}; expected ${stages.length === 0 ? `none, which router "${type}" has` : `one of ${stages.join(', ')}`}`,
      );
    }
    return mixture;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    const tokenSize = shape.at(-1);
    if (shape.length < 3 || shape.length > 4 || !tokenSize) {
      throw new RangeError(
        `TopKMoeLayer got input shape [${shape}]; expected [batch, tokens, size] or [batch, height, width, channels]`,
      );
    }
    const numTokens = shape.slice(1, -1).reduce<number>((product, size) => product * (size ?? 1), 1);
    const mixture = this.#checked(tokenSize, numTokens);
    const initial = mixture.initialize(createRng(this.#seed));
    for (const { name, shape: size, isTrainable } of mixture.parameters) {
      const initializer = startingAt(initial[name]!.data, size);
      const variable = this.addWeight(name, size as number[], 'float32', initializer, undefined, isTrainable);
      this.#variables.set(name, variable);
    }
    this.#mixture = mixture;
    this.#stage ??= mixture.schedule?.stages[0];
    this.#setLosses(mixture.schedule ? this.#firstUpdate(mixture.schedule) : 0);
    if (this.#options.auxiliaryLosses || mixture.schedule) this.addLoss(() => this.#auxiliary ?? scalar(0));
    super.build(inputShape);
  }

  /**
   * Moves the layer on in its router's course of training (EvoMoE's and StableMoE's stages): temperature, what is frozen, the losses of the stage, and
   * experts spawned from one. Call it before every update, for instance in `onBatchBegin` of model.fit, with the updates done so far.
   * @returns the stage; undefined for routers without a course
   */
  advance(updates: number): string | undefined {
    const schedule = this.#mixture?.schedule;
    if (!schedule) return undefined;
    const stage = schedule.advance(updates);
    const from = schedule.stages.indexOf(this.#stage!);
    const to = schedule.stages.indexOf(stage.name);
    for (const entered of schedule.stages.slice(from + 1, to + 1)) this.#enter(entered);
    this.#stage = stage.name;
    this.temperature = stage.inputs.temperature ?? this.temperature;
    this.#setLosses(updates);
    return stage.name;
  }

  #enter(stage: string): void {
    const present: InitialParameters = {};
    for (const [name, variable] of this.#variables) {
      const value = variable.read();
      present[name] = { shape: value.shape, data: Float32Array.from(value.dataSync()) };
    }
    const changed = this.#mixture!.schedule!.enter(stage, createRng(this.#seed, 'enter'), present);
    for (const [name, { data, shape }] of Object.entries(changed)) {
      tidy(() => {
        this.#variables.get(name)!.write(tensor(data, [...shape]));
      });
    }
  }

  /** The configuration's losses, and those of the stage. */
  #setLosses(updates: number): void {
    const weights: Record<string, number> = { ...this.#mixture!.schedule?.advance(updates).losses };
    for (const [name, weight] of Object.entries(this.#options.auxiliaryLosses ?? {})) {
      weights[name] = (weights[name] ?? 0) + weight;
    }
    this.#losses = weighedLosses(this.#mixture!, weights);
  }

  override call(
    inputs: Tensor | Tensor[],
    kwargs: { readonly training?: boolean; readonly mask?: Tensor | Tensor[] },
  ): Tensor {
    const isTraining = kwargs?.training ?? false;
    const [input, extra] = Array.isArray(inputs) ? (inputs as [Tensor, Tensor?]) : [inputs];
    return tidy(() => {
      const result = this.#apply(input, extra, maskOf(kwargs?.mask, this.#tokensOf(input)), isTraining);
      // Kept beyond the tidy of the model's call, so that model.calculateLosses() finds it; freed with the next call.
      this.#auxiliary?.dispose();
      this.#auxiliary = undefined;
      if (isTraining) {
        const loss = totalLoss(this.#losses, result);
        this.#auxiliary = loss && keep(loss);
        // A layer that does not learn routes as it did.
        if (this.trainable) this.#updateState(result);
      }
      return tfjsOps.reshape(result.output, input.shape);
    });
  }

  /**
   * The assignment, probabilities and hidden activations for an input, as `applyTopKMoe` returns them. Evaluation mode.
   * @param extra token ids [B, T] for 'hash'
   * @param mask 1 (or true) for tokens, 0 for padding [B, T]
   */
  explain(input: Tensor, extra?: Tensor, mask?: Tensor): TopKMoeOutput<Tensor> {
    return tidy(() => {
      // Called, not built: TensorFlow.js gives weights their names when it calls a layer, and a saved model finds them by those.
      if (!this.built) this.apply(extra ? [input, extra] : input);
      return this.#apply(input, extra, mask, false) as unknown as Tensor;
    }) as unknown as TopKMoeOutput<Tensor>;
  }

  #tokensOf(input: Tensor): number {
    return input.size / input.shape.at(-1)!;
  }

  #apply(input: Tensor, extra: Tensor | undefined, mask: Tensor | undefined, isTraining: boolean) {
    const mixture = this.#mixture!;
    const frozen = new Set(mixture.schedule && isTraining ? this.#frozen() : []);
    const parameters = Object.fromEntries(
      [...this.#variables].map(([name, variable]) => [
        name,
        frozen.has(name) ? tfjsOps.stopGradient(variable.read()) : variable.read(),
      ]),
    );
    const { numExperts: E, hiddenSize, tokenSize: D, isNoisy } = mixture.sizes;
    const B = input.shape[0]!;
    const T = this.#tokensOf(input) / B;
    const router = createRouter(this.#options.router ?? { type: 'token-choice' });
    const given: MixtureInputs<Tensor> = {
      isTraining,
      stage: this.#stage,
      temperature: this.temperature,
      ...(extra ? (router.type === 'stable' ? { distilledLogits: extra } : { tokenIds: extra }) : {}),
      ...(mask ? { tokenMask: tfjsOps.reshape(cast(mask, 'float32'), [B, T]) } : {}),
      ...drawInputs(router, { B, T, E, D }, isTraining),
      ...(isNoisy && isTraining
        ? { expertNoise: { input: randomNormal([D]), output: randomNormal([hiddenSize]) } }
        : {}),
    };
    const tokens = tfjsOps.reshape(input, [B, T, D]);
    return mixture.apply(tfjsOps, parameters, tokens, given) as TopKMoeOutput<Tensor>;
  }

  /** Parameters that get no update in the present stage. */
  #frozen(): readonly string[] {
    const schedule = this.#mixture!.schedule!;
    return schedule.advance(this.#firstUpdate(schedule)).frozen;
  }

  /** The first update of the present stage, found by halving, since stages follow one another. */
  #firstUpdate(schedule: MixtureSchedule): number {
    let [low, high] = [0, schedule.totalUpdates];
    const indexAt = (updates: number): number => schedule.stages.indexOf(schedule.advance(updates).name);
    const wanted = schedule.stages.indexOf(this.#stage!);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (indexAt(middle) >= wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Numbers that the mixture changes by itself after a step of training: the balance bias of 'deepseek'. */
  #updateState(output: TopKMoeOutput<Tensor>): void {
    const parameters = Object.fromEntries([...this.#variables].map(([name, variable]) => [name, variable.read()]));
    const changed = this.#mixture!.updateState?.(tfjsOps, parameters, output) ?? {};
    for (const [name, value] of Object.entries(changed)) this.#variables.get(name)!.write(value);
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
    return (Array.isArray(mask) ? mask[0] : mask) as Tensor;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
  }

  override dispose(): ReturnType<layers.Layer['dispose']> {
    this.#auxiliary?.dispose();
    this.#auxiliary = undefined;
    return super.dispose();
  }

  override getConfig(): serialization.ConfigDict {
    return {
      ...super.getConfig(),
      ...this.#options,
      temperature: this.temperature,
      ...(this.#stage === undefined ? {} : { stage: this.#stage }),
      seed: this.#seed,
    } as unknown as serialization.ConfigDict;
  }
}

serialization.registerClass(TopKMoeLayer);
