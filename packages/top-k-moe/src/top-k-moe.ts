// The sparse MoE layer: gate logits -> router -> dispatch -> experts -> combine, as pure functions over a parameter tree. One layer for all routers.
import { InvalidArgumentError, type Rng, requireInteger, requireOneOf } from '@moe-rl/core';
import {
  applyExperts,
  batchTokens,
  checkFinite,
  type ExpertConfig,
  type ExpertNoise,
  expertParameterSpecs,
  type InitialParameters,
  initExperts,
  lazyRecord,
  lecunNormal,
  orthogonal,
  type ParameterSpec,
  type Parameters,
  parameter,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { RouterInputs, Routing } from './assignment.ts';
import { type DispatcherName, dispatch, dispatcherNames } from './dispatch.ts';
import { createRouter, type RouterConfig } from './router.ts';

const gateTransforms = ['none', 'sigmoid', 'tanh', 'cos'] as const;

/** Options of a sparse MoE layer. */
export interface TopKMoeConfig {
  /** E. Default 8. */
  readonly numExperts?: number;
  /** D: size of a token. */
  readonly tokenSize: number;
  /** H: width of each expert's hidden layer. Default 512. */
  readonly hiddenSize?: number;
  /** Default `{ type: 'token-choice' }`, the Top-1 router of Obando Ceron et al. (2024). */
  readonly router?: RouterConfig;
  /** How tokens move; the results are equal. Default 'indices'. */
  readonly dispatcher?: DispatcherName;
  /** Experts that every token uses, without weights (DeepSeekMoE); kept as one MLP of that many times the width. Default 0. */
  readonly numSharedExperts?: number;
  /** Adds the tokens to the output. Default false: a token that no expert kept gives zeros. */
  readonly isResidual?: boolean;
  /** Normalizes what experts see to mean 0 and variance 1 per token, with a learned scale and offset per expert (BASE). Default false. */
  readonly normalizesInput?: boolean;
  /** Function of the tokens before the gate (modified softmax gating, Nguyen et al., 2023). Default 'none'. */
  readonly gateTransform?: (typeof gateTransforms)[number];
  /** Adds a learned number per expert to the logits. Default false. */
  readonly hasGateBias?: boolean;
  /** Factorized Gaussian noise on the experts' first layer. Default false. */
  readonly isNoisy?: boolean;
  /** Put before every parameter name. Default 'params/'. */
  readonly scope?: string;
  /** Number in the module names `MoE_0`, `ExpertModel_0`. Default 0. */
  readonly moduleIndex?: number;
  /** Also check tokens and logits for NaN and infinity where that means reading them back. Default false. */
  readonly checkFinite?: boolean;
}

/** What changes from call to call: the router's inputs, and noise for noisy experts. */
export interface TopKMoeInputs<Tensor> extends Omit<RouterInputs<Tensor>, 'noiseLogits'> {
  readonly expertNoise?: ExpertNoise<Tensor>;
  /**
   * Experts of your own, for instance with noise per sample. Gets the slots [E, B, C, D] (unused ones are zeros) and returns outputs of the same
   * shape and hidden activations [E, B, C, H].
   */
  readonly experts?: (slots: Tensor) => { readonly output: Tensor; readonly hidden: Tensor };
}

/** Result of a sparse MoE layer. All but `output` and `routing` is computed when first read. */
export interface TopKMoeOutput<Tensor> {
  /** Tokens of the same shape as the input. */
  readonly output: Tensor;
  /** The assignment, logits and probabilities; always with a batch axis. */
  readonly routing: Routing<Tensor>;
  /** Hidden activations [B, E, C, H]; an unused slot's are those of a token of zeros. */
  readonly expertsHidden: Tensor;
}

interface Resolved extends ExpertConfig {
  readonly router: RouterConfig;
  readonly dispatcher: DispatcherName;
  readonly shared: ExpertConfig | undefined;
  readonly transform: (typeof gateTransforms)[number];
  readonly moeScope: string;
  readonly expertScope: string;
  readonly sharedScope: string;
}

function resolve(config: TopKMoeConfig): Resolved {
  const scope = config.scope ?? 'params/';
  const index = requireInteger('moduleIndex', config.moduleIndex ?? 0, 0);
  const tokenSize = requireInteger('tokenSize', config.tokenSize, 1);
  const hiddenSize = requireInteger('hiddenSize', config.hiddenSize ?? 512, 1);
  const numShared = requireInteger('numSharedExperts', config.numSharedExperts ?? 0, 0);
  return {
    numExperts: requireInteger('numExperts', config.numExperts ?? 8, 1),
    tokenSize,
    hiddenSize,
    isNoisy: config.isNoisy ?? false,
    router: config.router ?? { type: 'token-choice' },
    dispatcher: requireOneOf('dispatcher', config.dispatcher ?? 'indices', dispatcherNames),
    shared: numShared > 0 ? { numExperts: 1, tokenSize, hiddenSize: numShared * hiddenSize } : undefined,
    transform: requireOneOf('gateTransform', config.gateTransform ?? 'none', gateTransforms),
    moeScope: `${scope}MoE_${index}/`,
    expertScope: `${scope}ExpertModel_${index}/`,
    sharedScope: `${scope}SharedExpertModel_${index}/`,
  };
}

/** The layer's parameters. */
export function topKMoeParameterSpecs(config: TopKMoeConfig): ParameterSpec[] {
  const layer = resolve(config);
  createRouter(layer.router);
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const own: [string, number[]][] = [[`${moeScope}router/Dense_0/kernel`, [D, E]]];
  if (config.hasGateBias) own.push([`${moeScope}router/Dense_0/bias`, [E]]);
  if (layer.router.type === 'noisy-top-k') own.push([`${moeScope}router/noise/kernel`, [D, E]]);
  if (config.normalizesInput)
    own.push([`${moeScope}LayerNorm_0/scale`, [E, D]], [`${moeScope}LayerNorm_0/bias`, [E, D]]);
  return [
    ...own.map(([name, shape]) => ({ name, shape, isTrainable: true })),
    ...expertParameterSpecs(layer, layer.expertScope),
    ...(layer.shared ? expertParameterSpecs(layer.shared, layer.sharedScope) : []),
  ];
}

/**
 * Draws initial parameters: gate LeCun normal as in the official code (zeros for 'noisy-top-k', orthogonal times 0.1 for 'base', as there), experts
 * Xavier uniform; for 'base' the experts' output kernels are 0, so that the layer starts as the identity.
 */
export function initTopKMoe(rng: Rng, config: TopKMoeConfig): InitialParameters {
  const layer = resolve(config);
  const { numExperts: E, tokenSize: D, moeScope, expertScope } = layer;
  const initial: InitialParameters = {
    ...initExperts(rng, layer, expertScope),
    ...(layer.shared ? initExperts(rng, layer.shared, layer.sharedScope) : {}),
  };
  for (const { name, shape } of topKMoeParameterSpecs(config)) {
    if (!name.startsWith(moeScope)) continue;
    let data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith('LayerNorm_0/scale')) data.fill(1);
    else if (name.endsWith('Dense_0/kernel') && layer.router.type !== 'noisy-top-k') {
      data = (layer.router.type === 'base' ? orthogonal(rng, D, E, 0.1) : lecunNormal(rng, D * E, D)) as typeof data;
    }
    initial[name] = { shape, data };
  }
  if (layer.router.type === 'base') initial[`${expertScope}Dense_0/kernel`]!.data.fill(0);
  return initial;
}

/**
 * Applies a sparse MoE layer.
 * @param parameters as `initTopKMoe` makes them, moved to the tensor library with `toTensors`
 * @param tokens [B, T, D] or [T, D]; tokens of different samples never compete for slots
 * @throws ShapeError, InvalidArgumentError naming the argument, its value and the bound
 * @throws NonFiniteError for NaN or infinite tokens or logits, on host adapters or with `config.checkFinite`
 */
export function applyTopKMoe<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  config: TopKMoeConfig,
  inputs: TopKMoeInputs<Tensor> = {},
): TopKMoeOutput<Tensor> {
  const layer = resolve(config);
  const { numExperts: E, tokenSize: D, hiddenSize: H, moeScope } = layer;
  const batch = batchTokens(ops, tokens, { tokenSize: D });
  const { batchSize: B, numTokens: T } = batch;
  checkFinite(ops, 'tokens', tokens, config.checkFinite);

  const rows = ops.reshape(batch.tokens, [B * T, D]);
  const transformed = layer.transform === 'none' ? rows : ops[layer.transform](rows);
  const project = (name: string): Tensor =>
    ops.reshape(ops.matmul(transformed, parameter(ops, parameters, moeScope + name, [D, E])), [B, T, E]);
  let logits = project('router/Dense_0/kernel');
  if (config.hasGateBias) logits = ops.add(logits, parameter(ops, parameters, `${moeScope}router/Dense_0/bias`, [E]));
  checkFinite(ops, 'router logits', logits, config.checkFinite);

  const noiseLogits = layer.router.type === 'noisy-top-k' ? project('router/noise/kernel') : undefined;
  const routing = createRouter(layer.router).route(ops, logits, { ...inputs, noiseLogits });
  const moved = dispatch(ops, routing.assignment, batch.tokens, layer.dispatcher);
  const slots = config.normalizesInput ? normalizeSlots(ops, parameters, moved.slots, layer) : moved.slots;
  const own = inputs.experts?.(ops.reshape(slots, [E, B, routing.assignment.capacity, D]));
  const experts = own
    ? { output: ops.reshape(own.output, ops.shape(slots)), hidden: own.hidden }
    : applyExperts(ops, parameters, slots, layer, layer.expertScope, inputs.expertNoise);
  let output = moved.combine(experts.output);
  if (layer.shared) {
    const all = ops.reshape(rows, [1, B * T, D]);
    const shared = applyExperts(ops, parameters, all, layer.shared, layer.sharedScope);
    output = ops.add(output, ops.reshape(shared.output, [B, T, D]));
  }
  if (config.isResidual) output = ops.add(output, batch.tokens);

  return lazyRecord<TopKMoeOutput<Tensor>>({
    output: () => batch.unbatch(output),
    routing: () => routing,
    expertsHidden: () => {
      const hidden = ops.reshape(experts.hidden, [E, B, routing.assignment.capacity, H]);
      return batch.unbatch(ops.transpose(hidden, [1, 0, 2, 3]));
    },
  });
}

/** Layer normalization of slots [E, N, D] with each expert's scale and offset. */
function normalizeSlots<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  layer: Resolved,
): Tensor {
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const get = (name: string): Tensor =>
    ops.reshape(parameter(ops, parameters, `${moeScope}LayerNorm_0/${name}`, [E, D]), [E, 1, D]);
  const centered = ops.subtract(slots, ops.mean(slots, [2], true));
  const variance = ops.mean(ops.multiply(centered, centered), [2], true);
  const scaled = ops.divide(centered, ops.sqrt(ops.add(variance, ops.fill([], 1e-5))));
  return ops.add(ops.multiply(scaled, get('scale')), get('bias'));
}

/**
 * EvoMoE's expert-diversify: E experts out of one trained MLP, each with a random share of the weights set to zero.
 * @param trained one expert's parameters, with a leading axis of 1 (a layer with `numExperts: 1`)
 * @param maskedShare share of the kernels' weights that each expert loses, from 0 (all equal) to 1
 * @throws InvalidArgumentError for a share out of range or parameters of more than one expert
 */
export function spawnExperts(
  rng: Rng,
  trained: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  numExperts: number,
  maskedShare: number,
): InitialParameters {
  requireInteger('numExperts', numExperts, 1);
  if (!(maskedShare >= 0 && maskedShare <= 1)) {
    throw new InvalidArgumentError(`maskedShare is ${maskedShare}; expected a number from 0 to 1`);
  }
  return Object.fromEntries(
    Object.entries(trained).map(([name, { shape, data }]) => {
      if (shape[0] !== 1) throw new InvalidArgumentError(`${name} has shape [${shape}]; expected one expert, [1, ...]`);
      const isKernel = name.endsWith('kernel');
      const copies = Float32Array.from({ length: numExperts * data.length }, (_, index) => {
        const isMasked = isKernel && rng.nextFloat() < maskedShare;
        return isMasked ? 0 : data[index % data.length]!;
      });
      return [name, { shape: [numExperts, ...shape.slice(1)], data: copies }];
    }),
  );
}
