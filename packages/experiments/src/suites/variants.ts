// Variants: what is compared. Each is the suite's preset with changes; the built-in ones are those of the paper and the controls that its follow-ups ask for.
import { didYouMean, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import type { Settings } from './settings.ts';

/** A variant by name, or one of the user's. */
export interface VariantSpec {
  readonly name: string;
  /** The built-in variant that `set` changes. */
  readonly from?: string;
  /** Another preset than the suite's. */
  readonly preset?: string;
  /** Changes, by dotted path. */
  readonly set?: Settings;
}

interface BuiltInVariant {
  readonly name: string;
  readonly description: string;
  /** Changes to the suite's preset. */
  changes(base: VariantBase): Settings;
  /** Paths of the changes that make it what its name says: the plan's settings may not say otherwise. */
  readonly fixed: readonly string[];
  /** Paths of the changes that follow from what the plan says at these paths, and stand in their place. */
  readonly derived?: readonly string[];
  /** True when the width of the dense layer is chosen so that the network has as many parameters as the Soft MoE of `soft`. */
  readonly matchesParametersOfSoft?: boolean;
}

/** What the changes of a variant depend on. */
export interface VariantBase {
  readonly preset: string;
  readonly isNoisy: boolean;
  /** Width of an expert: the plan's, that of the preset's mixture, or of the dense layer that a mixture replaces. */
  readonly expertHiddenUnits: number;
  /** Experts of a mixture whose name does not say, where the plan does. */
  readonly experts?: number;
}

/** Experts of a mixture where the variant's name does not say: the official configurations have 4 for Rainbow, DER and classic control, 8 for DQN. */
function defaultExperts({ preset, experts }: VariantBase): number {
  return experts ?? (/^(rainbow|der|classic)/.test(preset) ? 4 : 8);
}

const mixture = (base: VariantBase, router: string, experts: number, more: Settings = {}): Settings => ({
  'network.moe.router.type': router,
  'network.moe.experts': experts,
  // An expert is as wide as the layer it replaces.
  'network.moe.expertHiddenUnits': base.expertHiddenUnits,
  // As the official agents with mixtures: names of the Rainbow networks, noise drawn for each sample.
  ...(base.isNoisy ? { 'network.naming': 'rainbow', 'agent.perSampleNoise': true } : {}),
  ...more,
});

const dense = (more: Settings = {}): Settings => ({ 'network.moe.router.type': 'none', ...more });

const ROUTER = 'network.moe.router.type';
const EXPERTS = 'network.moe.experts';

const softWith = (experts: number): BuiltInVariant => ({
  name: `soft-${experts}`,
  description: `Soft MoE with ${experts} expert${experts === 1 ? '' : 's'} (arXiv 2402.08609)`,
  changes: (base) => mixture(base, 'soft', experts),
  fixed: [ROUTER, EXPERTS],
});

const BUILT_IN: readonly BuiltInVariant[] = [
  { name: 'baseline', description: 'flattened features into one dense layer', changes: () => dense(), fixed: [ROUTER] },
  {
    name: 'wide',
    description: 'the dense layer as many times as wide as the mixture has experts (scale_hidden_layer)',
    changes: (base) => dense({ 'network.hiddenUnitsScale': defaultExperts(base) }),
    fixed: [ROUTER, 'network.hiddenUnitsScale'],
  },
  {
    name: 'dense-matched',
    description: 'a dense layer such that the network has as many parameters as with Soft MoE',
    changes: () => dense(),
    fixed: [ROUTER],
    matchesParametersOfSoft: true,
  },
  {
    name: 'gap',
    description: 'global average pooling instead of flattening (arXiv 2505.17749)',
    changes: () => dense({ 'network.denseInput': 'globalAveragePool' }),
    fixed: [ROUTER, 'network.denseInput'],
  },
  {
    name: 'token-mean',
    description: 'the dense layer over each token, averaged: tokens without a router (arXiv 2410.01930)',
    changes: () => dense({ 'network.denseInput': 'tokenMean' }),
    fixed: [ROUTER, 'network.denseInput'],
  },
  {
    name: 'one-scaled',
    description: 'Soft MoE with one expert as wide as all together (arXiv 2410.01930)',
    changes: (base) =>
      mixture(base, 'soft', 1, {
        'network.moe.expertHiddenUnits': base.expertHiddenUnits * defaultExperts(base),
      }),
    fixed: [ROUTER],
    derived: [EXPERTS, 'network.moe.expertHiddenUnits'],
  },
  {
    name: 'soft',
    description: 'Soft MoE with the official number of experts (arXiv 2402.08609)',
    changes: (base) => mixture(base, 'soft', defaultExperts(base)),
    fixed: [ROUTER],
  },
  softWith(1),
  softWith(2),
  softWith(4),
  softWith(8),
  {
    name: 'soft-normalized',
    description: 'Soft MoE whose tokens and slots are normalized, for encoders with small features (arXiv 2308.00951)',
    changes: (base) =>
      mixture(base, 'soft', defaultExperts(base), {
        'network.moe.router.isNormalized': true,
        'network.moe.router.initialScale': 8,
      }),
    fixed: [ROUTER, 'network.moe.router.isNormalized'],
  },
  {
    name: 'top1',
    description: 'top-1 MoE with 8 experts and capacity (arXiv 2402.08609)',
    changes: (base) => mixture(base, 'token-choice', 8),
    fixed: [ROUTER],
  },
  {
    name: 'sparse-90',
    description: 'the dense network with 90 % of its weights at zero, at random and for good (arXiv 2506.17204)',
    changes: () => dense({ 'sparsity.method': 'static', 'sparsity.sparsity': 0.9 }),
    fixed: [ROUTER, 'sparsity.method', 'sparsity.sparsity'],
  },
];

/** Names that stand for several variants. */
const GROUPS: Readonly<Record<string, { readonly description: string; readonly variants: readonly string[] }>> = {
  explain: {
    description:
      'what explains the gain? flattened, wide, matched, pooled, tokens, one expert, Soft MoE 1 to 8, top-1, sparse',
    variants: [
      'baseline',
      'wide',
      'dense-matched',
      'gap',
      'token-mean',
      'one-scaled',
      'soft-1',
      'soft-2',
      'soft-4',
      'soft-8',
      'top1',
      'sparse-90',
    ],
  },
};

export const VARIANT_NAMES: readonly string[] = [...BUILT_IN.map(({ name }) => name), ...Object.keys(GROUPS)];

/** Names and descriptions of the built-in variants and groups of variants. */
export function listVariants(): readonly { readonly name: string; readonly description: string }[] {
  const groups = Object.entries(GROUPS).map(([name, { description }]) => ({ name, description }));
  return [...BUILT_IN.map(({ name, description }) => ({ name, description })), ...groups];
}

/** Replaces the names of groups by their members. A variant that the plan defines itself stays as it is. */
export function expandVariants(variants: readonly VariantSpec[]): readonly VariantSpec[] {
  return variants.flatMap((variant) => {
    const group = isBare(variant) && Object.hasOwn(GROUPS, variant.name) ? GROUPS[variant.name]!.variants : undefined;
    return group === undefined ? [variant] : group.map((name) => ({ name }));
  });
}

/**
 * What a variant changes: a built-in one, beside what the plan sets for all; a variant with a preset or settings of its own starts from the suite's preset as it is.
 * @param planned settings of the plan for every run
 * @throws InvalidArgumentError where the plan would make another variant of it; NotFoundError for an unknown one
 */
export function variantSettings(
  variant: VariantSpec,
  base: VariantBase,
  planned: Settings = {},
): { readonly settings: Settings; readonly matchesParametersOfSoft: boolean } {
  const wanted = variant.from ?? variant.name;
  const builtIn = BUILT_IN.find(({ name }) => name === wanted);
  if (builtIn !== undefined && variant.preset === undefined) {
    const { fixed, derived = [] } = builtIn;
    const changes = builtIn.changes(base);
    const isOther = (path: string): boolean =>
      Object.hasOwn(planned, path) &&
      !Object.hasOwn(variant.set ?? {}, path) &&
      String(planned[path]) !== String(changes[path]);
    const other = fixed.find(isOther);
    if (other !== undefined) {
      throw new InvalidArgumentError(
        `set.${other} is ${JSON.stringify(planned[other])}, but ${wanted} is the variant with ${JSON.stringify(changes[other])}; expected it in a variant of your own, {name: ..., from: ${wanted}, set: {${other}: ...}}`,
      );
    }
    const kept = Object.entries(planned).filter(([path]) => !derived.includes(path));
    return {
      settings: { ...changes, ...Object.fromEntries(kept), ...variant.set },
      matchesParametersOfSoft: builtIn.matchesParametersOfSoft === true,
    };
  }
  if (isBare(variant) || variant.from !== undefined) {
    throw new NotFoundError(
      `there is no variant "${wanted}" (one of your own needs a preset or a set of changes)${didYouMean(wanted, VARIANT_NAMES) || `; there are ${VARIANT_NAMES.join(', ')}`}`,
    );
  }
  return { settings: { ...planned, ...variant.set }, matchesParametersOfSoft: false };
}

function isBare({ from, preset, set }: VariantSpec): boolean {
  return from === undefined && preset === undefined && set === undefined;
}
