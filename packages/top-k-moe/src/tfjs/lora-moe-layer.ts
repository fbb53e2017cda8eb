// DynMoLE's layer as a tf.layers.Layer: a frozen dense layer plus a mixture of LoRA experts on it, of which only the experts and the router learn.
import { createRng, InvalidArgumentError, requireFinite, requireInteger } from '@moe-rl/core';
import { lazyRecord, type Mixture, type MoeOutput, routingOutput, xavierUniform } from '@moe-rl/moe-core';
import { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
import {
  add,
  cast,
  dropout,
  keep,
  ones,
  type Scalar,
  scalar,
  serialization,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { hasDistilledRouter } from '../config.ts';
import { routerDefinition } from '../definitions/registry.ts';
import { applyLoraMoe, initLoraMoe, type LoraMoeConfig, type LoraMoeOutput, loraRouter } from '../lora.ts';
import { createSparseMixture } from '../mixture.ts';
import {
  drawInputs,
  maskOf,
  ownOptions,
  startingAt,
  totalLoss,
  type WeighedLosses,
  weighedLosses,
} from './layer-parts.ts';

/** Options of the layer, and those every tf.layers.Layer takes. */
export interface LoraMoeLayerConfig extends Omit<LoraMoeConfig, 'inputSize' | 'outputSize' | 'scope'> {
  /** O: outputs. */
  readonly units: number;
  /** Whether the frozen dense layer adds a bias. Default true. */
  readonly useBias?: boolean;
  /** Share of what the experts see that is dropped in training. Default 0. */
  readonly dropoutRate?: number;
  /** Weights of losses that model.fit adds to the model's own, for instance the paper's `{ entropy: 0.01, dynMoleBalance: 0.001 }`. Default none. */
  readonly auxiliaryLosses?: Readonly<Record<string, number>>;
  /** Seed of the initial weights. Default: a new one for every layer, kept in its configuration. */
  readonly seed?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: Shape;
  readonly batchInputShape?: Shape;
}

const OPTIONS = [
  'units',
  'useBias',
  'numExperts',
  'rank',
  'alpha',
  'router',
  'dropoutRate',
  'auxiliaryLosses',
  'seed',
] as const;

/** `x W0 + b0 + sum over experts of weight * (alpha / r) * (x A) B` over tokens [B, T, D]: [B, T, units]. W0 and b0 are frozen. */
export class LoraMoeLayer extends layers.Layer {
  static className = 'LoraMoeLayer';
  readonly #options: LoraMoeLayerConfig;
  readonly #seed: number;
  readonly #variables = new Map<string, LayerVariable>();
  /** Values of W0 and b0 from the dense layer that this one is put in the place of, until it is built. */
  #frozen: Float32Array[] | undefined;
  #config: LoraMoeConfig | undefined;
  #losses: WeighedLosses = [];
  #auxiliary: Scalar | undefined;

  /**
   * @throws InvalidArgumentError for an unknown option, router or auxiliary loss, a loss that doesn't fit the router, or a router that needs more than this layer
   *   has, with the reason
   */
  constructor(config: LoraMoeLayerConfig) {
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    this.#options = ownOptions('LoraMoeLayer', config, OPTIONS) as LoraMoeLayerConfig;
    requireInteger('units', config.units, 1);
    requireFinite('dropoutRate', config.dropoutRate ?? 0, 0, 0.999);
    this.#seed = config.seed ?? Math.floor(Math.random() * 2 ** 32);
    requireFed(config);
    this.#losses = weighedLosses(this.#mixture(1), config.auxiliaryLosses ?? {});
    this.supportsMasking = true;
  }

  /**
   * A layer in the place of a trained dense layer (without activation): the same outputs at first, its weights frozen.
   * @throws InvalidArgumentError when the dense layer has no weights yet
   */
  static fromDense(dense: layers.Layer, config: Omit<LoraMoeLayerConfig, 'units' | 'useBias'> = {}): LoraMoeLayer {
    const weights = dense.getWeights();
    const kernel = weights[0];
    if (kernel?.rank !== 2) {
      throw new InvalidArgumentError(
        `layer ${dense.name} has ${weights.length} weights; expected a dense layer that was built, with a kernel [inputs, units]`,
      );
    }
    const layer = new LoraMoeLayer({ ...config, units: kernel.shape[1]!, useBias: weights.length > 1 });
    layer.#frozen = weights.map((weight) => Float32Array.from(weight.dataSync()));
    return layer;
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    const [D, O] = [shape.at(-1), this.#options.units];
    if (shape.length !== 3 || !D) {
      throw new RangeError(`LoraMoeLayer got input shape [${shape}]; expected [batch, tokens, size]`);
    }
    const {
      units: _units,
      useBias = true,
      dropoutRate: _rate,
      auxiliaryLosses: _losses,
      seed: _seed,
      ...rest
    } = this.#options;
    this.#config = { ...rest, inputSize: D, outputSize: O, scope: '' };
    const rng = createRng(this.#seed);
    const addOne = (name: string, size: readonly number[], data: Float32Array, isTrainable: boolean): void => {
      const initializer = startingAt(data, size);
      const variable = this.addWeight(name, size as number[], 'float32', initializer, undefined, isTrainable);
      this.#variables.set(name, variable);
    };
    addOne('frozen/kernel', [D, O], this.#frozen?.[0] ?? xavierUniform(rng, D * O, D, O), false);
    if (useBias) addOne('frozen/bias', [O], this.#frozen?.[1] ?? new Float32Array(O), false);
    for (const [name, { data, shape: size }] of Object.entries(initLoraMoe(rng, this.#config))) {
      addOne(name, size, data, true);
    }
    this.#frozen = undefined;
    if (this.#losses.length > 0) this.addLoss(() => this.#auxiliary ?? scalar(0));
    super.build(inputShape);
  }

  override call(
    inputs: Tensor | Tensor[],
    kwargs: { readonly training?: boolean; readonly mask?: Tensor | Tensor[] },
  ): Tensor {
    const isTraining = kwargs?.training ?? false;
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tidy(() => {
      const result = this.#apply(input, maskOf(kwargs?.mask, input.shape[0]! * input.shape[1]!), isTraining);
      this.#auxiliary?.dispose();
      this.#auxiliary = undefined;
      if (isTraining) {
        const loss = totalLoss(this.#losses, outputOf(result));
        this.#auxiliary = loss && keep(loss);
      }
      const bias = this.#variables.get('frozen/bias');
      return bias ? add(result.output, bias.read()) : result.output;
    });
  }

  /** Outputs without the frozen bias, and the routing, as `applyLoraMoe` returns them. Evaluation mode. */
  explain(input: Tensor): LoraMoeOutput<Tensor> {
    return tidy(() => {
      if (!this.built) this.apply(input);
      return this.#apply(input, undefined, false) as unknown as Tensor;
    }) as unknown as LoraMoeOutput<Tensor>;
  }

  #apply(input: Tensor, mask: Tensor | undefined, isTraining: boolean): LoraMoeOutput<Tensor> {
    const config = this.#config!;
    const parameters = Object.fromEntries([...this.#variables].map(([name, variable]) => [name, variable.read()]));
    const [B, T, D] = input.shape as [number, number, number];
    const rate = this.#options.dropoutRate ?? 0;
    const E = config.numExperts ?? 8;
    const router = loraRouter(config);
    return applyLoraMoe(tfjsOps, parameters, input, parameters['frozen/kernel']!, config, {
      isTraining,
      ...(mask ? { tokenMask: tfjsOps.reshape(cast(mask, 'float32'), [B, T]) } : {}),
      ...drawInputs(router, { B, T, E, D }, isTraining),
      ...(isTraining && rate > 0 ? { dropoutMask: dropout(ones([B, T, D]), rate) } : {}),
    });
  }

  /** The mixture whose losses these are; it computes nothing here. */
  #mixture(tokenSize: number): Mixture {
    const { router = { type: 'dynmole' }, numExperts = 8 } = this.#options;
    const { type, ...options } = router;
    const sizes = { numExperts, numTokens: 1, tokenSize, hiddenSize: 1 };
    return createSparseMixture(routerDefinition(type), options, sizes);
  }

  override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor {
    return (Array.isArray(mask) ? mask[0] : mask) as Tensor;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    return [...shape.slice(0, -1), this.#options.units];
  }

  override dispose(): ReturnType<layers.Layer['dispose']> {
    this.#auxiliary?.dispose();
    this.#auxiliary = undefined;
    return super.dispose();
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), ...this.#options, seed: this.#seed } as unknown as serialization.ConfigDict;
  }
}

/**
 * Refuses routers that need what the layer can't give them: it has one projection of the tokens, and no inputs beside them.
 * @throws InvalidArgumentError naming the router and what it needs
 */
function requireFed({ router = { type: 'dynmole' } }: Pick<LoraMoeLayerConfig, 'router'>): void {
  const { type, inputs = [] } = loraRouter({ router });
  const given = inputs.find(({ distribution }) => distribution === 'given');
  const needed =
    type === 'noisy-top-k'
      ? 'a second projection of the tokens, for its noise'
      : type === 'dense-to-sparse'
        ? 'a temperature that falls'
        : hasDistilledRouter(router)
          ? 'a router that is distilled (distillationUpdates above 0)'
          : given?.name;
  if (needed === undefined) return;
  throw new InvalidArgumentError(
    `LoraMoeLayer: the router "${type}" needs ${needed}, which this layer does not have; expected another router, or applyLoraMoe with inputs of your own`,
  );
}

/** The record of a mixture. Experts are linear here: they have no hidden activations. */
function outputOf({ output, routing }: LoraMoeOutput<Tensor>): MoeOutput<Tensor> {
  return lazyRecord<MoeOutput<Tensor>>({
    ...routingOutput(tfjsOps, routing),
    output: () => output,
    expertsHidden: () => {
      throw new InvalidArgumentError(
        'expertsHidden is read of LoRA experts; expected an MLP, which has hidden activations',
      );
    },
  });
}

serialization.registerClass(LoraMoeLayer);
