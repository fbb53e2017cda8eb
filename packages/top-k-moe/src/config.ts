// Configuration of a sparse MoE layer, and the parameters that follow from it.
import { type Rng, requireBoolean, requireInteger, requireOneOf } from '@moe-rl/core';
import {
  type DispatcherName,
  dispatcherNames,
  type ExpertConfig,
  expertParameterSpecs,
  type InitialParameters,
  initExperts,
  lecunNormal,
  orthogonal,
  type ParameterSpec,
  requireKnownOptions,
} from '@moe-rl/moe-core';
import { gateTransforms, layerOptions } from './definitions/options.ts';
import { createRouter, type OpenRouterConfig, type RouterConfig, routerDefinition } from './definitions/registry.ts';

/** Options of a sparse MoE layer. */
export interface TopKMoeConfig {
  /** E. Default 8. */
  readonly numExperts?: number;
  /** D: size of a token. */
  readonly tokenSize: number;
  /** H: width of each expert's hidden layer. Default 512. */
  readonly hiddenSize?: number;
  /** Default `{ type: 'token-choice' }`, the Top-1 router of Obando Ceron et al. (2024). */
  readonly router?: RouterConfig | OpenRouterConfig;
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

/** A checked configuration with everything filled in. */
export interface ResolvedTopKMoe extends ExpertConfig {
  readonly router: RouterConfig | OpenRouterConfig;
  readonly dispatcher: DispatcherName;
  readonly shared: ExpertConfig | undefined;
  readonly transform: (typeof gateTransforms)[number];
  readonly moeScope: string;
  readonly expertScope: string;
  readonly sharedScope: string;
}

const OPTIONS: readonly string[] = [
  'numExperts',
  'tokenSize',
  'hiddenSize',
  'router',
  ...Object.keys(layerOptions),
  'isNoisy',
  'scope',
  'moduleIndex',
  'checkFinite',
];

const BOOLEANS = ['isResidual', 'normalizesInput', 'hasGateBias', 'isNoisy', 'checkFinite'] as const;

/**
 * Fills in defaults and checks every value.
 * @throws InvalidArgumentError naming the option, its value and the bound, or an unknown option
 */
export function resolveTopKMoe(config: TopKMoeConfig): ResolvedTopKMoe {
  requireKnownOptions('sparse MoE', config, OPTIONS);
  for (const name of BOOLEANS) requireBoolean(name, config[name] ?? false);
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
  const layer = resolveTopKMoe(config);
  createRouter(layer.router);
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const own: ParameterSpec[] = [];
  const add = (name: string, shape: readonly number[], role: ParameterSpec['role']): void => {
    own.push({ name: moeScope + name, shape, isTrainable: role !== 'state', role });
  };
  add('router/Dense_0/kernel', [D, E], 'router');
  if (config.hasGateBias) add('router/Dense_0/bias', [E], 'router');
  if (layer.router.type === 'noisy-top-k') add('router/noise/kernel', [D, E], 'router');
  if (balanceBiasRate(layer.router) > 0) add(BALANCE_BIAS, [E], 'state');
  if (hasDistilledRouter(layer.router)) {
    add(DISTILLED.embedding, [D, DISTILLED.size], 'router');
    add(DISTILLED.kernel, [DISTILLED.size, E], 'router');
  }
  if (config.normalizesInput) {
    add('LayerNorm_0/scale', [E, D], 'expert');
    add('LayerNorm_0/bias', [E, D], 'expert');
  }
  return [
    ...own,
    ...expertParameterSpecs(layer, layer.expertScope),
    ...(layer.shared ? expertParameterSpecs(layer.shared, layer.sharedScope) : []),
  ];
}

/**
 * What this configuration can't do although it runs, as sentences: a router to which the task sends no gradient, for instance, learns from auxiliary losses
 * or not at all. `initTopKMoe` says them on the console.
 * @throws as `resolveTopKMoe`
 */
export function topKMoeWarnings(config: TopKMoeConfig): readonly string[] {
  const { router, numExperts } = resolveTopKMoe(config);
  const { type, ...options } = router;
  return routerDefinition(type).traits?.(options, numExperts).warnings ?? [];
}

/**
 * Draws initial parameters: gate LeCun normal as in the official code (zeros for 'noisy-top-k', orthogonal times 0.1 for 'base', as there), experts
 * Xavier uniform; for 'base' the experts' output kernels are 0, so that the layer starts as the identity. Warns on the console of a router that can't learn.
 */
export function initTopKMoe(rng: Rng, config: TopKMoeConfig): InitialParameters {
  for (const warning of topKMoeWarnings(config)) console.warn(`sparse MoE: ${warning}`);
  return drawTopKMoe(rng, config);
}

/** The same in silence, for callers that pass warnings on themselves. */
export function drawTopKMoe(rng: Rng, config: TopKMoeConfig): InitialParameters {
  const layer = resolveTopKMoe(config);
  const { numExperts: E, tokenSize: D, moeScope, expertScope } = layer;
  const initial: InitialParameters = {
    ...initExperts(rng, layer, expertScope),
    ...(layer.shared ? initExperts(rng, layer.shared, layer.sharedScope) : {}),
  };
  for (const { name, shape } of topKMoeParameterSpecs(config)) {
    if (!name.startsWith(moeScope)) continue;
    let data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith('LayerNorm_0/scale')) data.fill(1);
    else if (name.endsWith(DISTILLED.embedding)) data = lecunNormal(rng, data.length, D) as typeof data;
    else if (name.endsWith(DISTILLED.kernel)) data = orthogonal(rng, DISTILLED.size, E, 0.1) as typeof data;
    else if (name.endsWith('Dense_0/kernel') && layer.router.type !== 'noisy-top-k') {
      data = (layer.router.type === 'base' ? orthogonal(rng, D, E, 0.1) : lecunNormal(rng, D * E, D)) as typeof data;
    }
    initial[name] = { shape, data };
  }
  if (layer.router.type === 'base') initial[`${expertScope}Dense_0/kernel`]!.data.fill(0);
  return initial;
}

/** Name of the bias of router 'deepseek' within the layer. */
export const BALANCE_BIAS = 'router/balance_bias';

/** The light router that 'stable' distills: tokens to 50 numbers, and from there to scores, whatever the gate has learned. */
export const DISTILLED = {
  size: 50,
  embedding: 'router/distilled/embedding',
  kernel: 'router/distilled/kernel',
} as const;

/** Whether the layer has a distilled router of its own. */
export function hasDistilledRouter(router: RouterConfig | OpenRouterConfig): boolean {
  return router.type === 'stable' && ((router as { distillationUpdates?: number }).distillationUpdates ?? 1) > 0;
}

/** Step of the balance bias; 0 for routers without one. */
export function balanceBiasRate(router: RouterConfig | OpenRouterConfig): number {
  return router.type === 'deepseek' ? ((router as { balanceBiasRate?: number }).balanceBiasRate ?? 0.001) : 0;
}
