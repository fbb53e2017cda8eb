// Every sparse router as a mixture: what agents and trainers use. `registerRouter` makes one of your own a router and a mixture at once.
import { requireDescribed, requireFunctions } from '@moe-rl/core';
import {
  type Mixture,
  type MixtureDefinition,
  type MixtureSizes,
  type MoeOutput,
  type ParameterSpec,
  type Parameters,
  parameter,
  registerMixture,
  routingCounts,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import {
  BALANCE_BIAS,
  balanceBiasRate,
  DISTILLED,
  drawTopKMoe,
  resolveTopKMoe,
  type TopKMoeConfig,
  topKMoeParameterSpecs,
  topKMoeWarnings,
} from './config.ts';
import type { RouterDefinition } from './definitions/definition.ts';
import { definitions } from './definitions/definitions.ts';
import { lossOffers } from './definitions/losses.ts';
import { layerOptions } from './definitions/options.ts';
import {
  addRouter,
  createRouter,
  type OpenRouterConfig,
  type RouterConfig,
  requireNewType,
} from './definitions/registry.ts';
import type { ScheduledNames } from './schedules/names.ts';
import { applyTopKMoe } from './top-k-moe.ts';

/** A sparse mixture as plain data: a router, its options and those of the layer, in one record. */
export type SparseMixtureConfig = RouterConfig & Pick<TopKMoeConfig, LayerOption>;

type LayerOption =
  | 'dispatcher'
  | 'numSharedExperts'
  | 'isResidual'
  | 'normalizesInput'
  | 'gateTransform'
  | 'hasGateBias';

/** All sparse mixtures of this package: `registerMixture(...topKMixtures)`. */
export const topKMixtures: readonly MixtureDefinition[] = Object.values(definitions).map((definition) =>
  mixtureOf(definition as unknown as RouterDefinition),
);

/** The mixture of each router that was registered: the same router again is the same mixture. */
const ownMixtures = new WeakMap<RouterDefinition, MixtureDefinition>();

/**
 * Makes a router of your own known to `createRouter`, to the layer and its tf.layers version, and to `createMixture`. Registering the same definition again
 * changes nothing.
 * @throws InvalidArgumentError when its type is taken, or naming what it lacks; it is then known to none of them
 */
export function registerRouter<Options extends object>(definition: RouterDefinition<Options>): void {
  const open = definition as unknown as RouterDefinition;
  const what = `router "${open?.type}"`;
  requireFunctions(what, open, ['create']);
  requireDescribed(`${what}: options`, open.options, ['type', ...Object.keys(layerOptions)]);
  requireNewType(open);
  const mixture = ownMixtures.get(open) ?? mixtureOf(open);
  registerMixture(mixture);
  addRouter(open);
  ownMixtures.set(open, mixture);
}

function mixtureOf(definition: RouterDefinition): MixtureDefinition {
  return {
    type: definition.type,
    description: definition.description,
    options: { ...definition.options, ...layerOptions },
    create: (options, sizes) => createSparseMixture(definition, options, sizes),
  };
}

/** Makes the mixture of a router. `options` are the router's and the layer's, in one record. */
export function createSparseMixture(
  definition: RouterDefinition,
  options: Readonly<Record<string, unknown>>,
  sizes: MixtureSizes,
): Mixture {
  const isOfLayer = ([name]: [string, unknown]): boolean => Object.hasOwn(layerOptions, name);
  const entries = Object.entries(options);
  const routerOptions = Object.fromEntries(entries.filter((entry) => !isOfLayer(entry)));
  const routerConfig: OpenRouterConfig = { type: definition.type, ...routerOptions };
  const config: TopKMoeConfig = {
    ...Object.fromEntries(entries.filter(isOfLayer)),
    router: routerConfig,
    numExperts: sizes.numExperts,
    tokenSize: sizes.tokenSize,
    hiddenSize: sizes.hiddenSize,
    isNoisy: sizes.isNoisy ?? false,
    scope: sizes.scope ?? 'params/',
  };
  const router = createRouter(routerConfig);
  const traits = definition.traits?.(routerOptions, sizes.numExperts) ?? {};
  const sizeOf = { T: sizes.numTokens, E: sizes.numExperts, D: sizes.tokenSize };
  return {
    type: definition.type,
    sizes,
    parameters: topKMoeParameterSpecs(config),
    initialize: (rng) => drawTopKMoe(rng, config),
    apply: (ops, parameters, tokens, inputs = {}) => applyTopKMoe(ops, parameters, tokens, config, inputs),
    inputs: (router.inputs ?? []).map(({ name, distribution, axes, phase }) => ({
      name,
      distribution,
      phase,
      shape: (batchSize) => axes.map((axis) => (axis === 'B' ? batchSize : sizeOf[axis])),
    })),
    runsOnHost: router.runsOnHost ?? 'never',
    auxiliaryLosses: lossOffers(traits.auxiliaryLosses),
    updateState: balanceBiasRate(routerConfig) > 0 ? biasUpdate(config) : undefined,
    schedule: definition.schedule?.(routerOptions, namesOf(config, sizes)),
    warnings: topKMoeWarnings(config),
  };
}

/** Whose parameters are whose, for schedules. */
function namesOf(config: TopKMoeConfig, { numTokens }: MixtureSizes): ScheduledNames {
  const { sharedScope } = resolveTopKMoe(config);
  const specs = topKMoeParameterSpecs(config);
  const namesWhere = (test: (spec: ParameterSpec) => boolean): string[] => specs.filter(test).map(({ name }) => name);
  return {
    expertNames: namesWhere(({ name, role }) => role === 'expert' && !name.startsWith(sharedScope)),
    routerNames: namesWhere(({ role }) => role === 'router'),
    distilledNames: namesWhere(({ name }) => name.endsWith(DISTILLED.embedding) || name.endsWith(DISTILLED.kernel)),
    numTokens,
  };
}

/** The step of the balance bias after an update, as tensors. */
function biasUpdate(config: TopKMoeConfig): NonNullable<Mixture['updateState']> {
  const { router, moeScope, numExperts: E } = resolveTopKMoe(config);
  const name = moeScope + BALANCE_BIAS;
  const rate = balanceBiasRate(router);
  return <Tensor>(
    ops: TensorOps<Tensor>,
    parameters: Parameters<Tensor>,
    { routing }: MoeOutput<Tensor>,
  ): Record<string, Tensor> => {
    const load = routingCounts(ops, routing!).wanted;
    const missing = ops.subtract(ops.mean(load, [0], true), load);
    const zero = ops.fill([E], 0);
    const sign = ops.subtract(ops.greater(missing, zero), ops.greater(zero, missing));
    return { [name]: ops.add(parameter(ops, parameters, name, [E]), ops.multiply(sign, ops.fill([], rate))) };
  };
}
