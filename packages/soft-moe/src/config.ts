// Configuration of a Soft MoE layer and the sizes and parameter names that follow from it.
import {
  InvalidArgumentError,
  type Rng,
  requireBoolean,
  requireFinite,
  requireInteger,
  requireOneOf,
} from '@moe-rl/core';
import {
  expertParameterSpecs,
  type InitialParameters,
  initExperts,
  lecunNormal,
  type ParameterSpec,
  requireKnownOptions,
  standardNormal,
} from '@moe-rl/moe-core';

/** Options of a Soft MoE layer. Defaults are the official configuration's (Dopamine, labs/moes). */
export interface SoftMoeConfig {
  /** E. Default 8. */
  readonly numExperts?: number;
  /** T: tokens per sample. Fixed, because phi has one column per slot and slots follow from it. */
  readonly numTokens: number;
  /** D: size of a token. */
  readonly tokenSize: number;
  /** H: width of each expert's hidden layer. Default 512. */
  readonly hiddenSize?: number;
  /** Slots per expert P = ceil(T * capacityFactor / E). Default 1. */
  readonly capacityFactor?: number;
  /** P itself, instead of a capacity factor. */
  readonly slotsPerExpert?: number;
  /** Divides tokens and phi's columns by their l2 norm before the logits, and scales phi by a learned number. Default false. */
  readonly isNormalized?: boolean;
  /** 'fixed-random': phi is drawn once from N(0, 1) and never trained. Default 'learned'. */
  readonly phi?: 'learned' | 'fixed-random';
  /** Factorized Gaussian noise on the experts' first layer; see `SoftMoeInputs.noise`. Default false. */
  readonly isNoisy?: boolean;
  /**
   * 'big': every expert is a network of your own over an image of slots, see `SoftMoeInputs.experts`; P is rounded down to a square.
   * Default 'small', a two-layer MLP.
   */
  readonly expertType?: 'small' | 'big';
  /**
   * 'soft': slots average tokens, and tokens average slots. 'expert-choice': each slot holds one token, the P best ones of its expert, and returns
   * it weighted by the expert's share of the token. Default 'soft'.
   */
  readonly routing?: 'soft' | 'expert-choice';
  /** Each slot averages only its best `tokensPerSlot` tokens; 1 makes slots single tokens. Default: all of them. Only with 'soft'. */
  readonly tokensPerSlot?: number;
  /** Each token averages only its best `slotsPerToken` slots. Default: all of them. Only with 'soft'. */
  readonly slotsPerToken?: number;
  /** Put before every parameter name. Default 'params/'. */
  readonly scope?: string;
  /** Number in the module names `SoftMoE_0`, `ExpertModel_0`, for networks with several. Default 0. */
  readonly moduleIndex?: number;
  /** Also check tokens and logits for NaN and infinity where that means reading them back. Default false. */
  readonly checkFinite?: boolean;
}

/** A checked configuration with everything filled in. */
export interface ResolvedSoftMoe extends Required<SoftMoeConfig> {
  /** S = E * P */
  readonly numSlots: number;
  readonly phiName: string;
  readonly scalarName: string;
  readonly expertScope: string;
}

/** Slots per expert as the official code counts them: ceil(T * capacityFactor / E), for big experts rounded down to a square. */
export function slotsPerExpert(
  numTokens: number,
  numExperts: number,
  capacityFactor = 1,
  expertType: 'small' | 'big' = 'small',
): number {
  const slots = Math.ceil((numTokens * capacityFactor) / numExperts);
  return expertType === 'big' ? Math.floor(Math.sqrt(slots)) ** 2 : slots;
}

const OPTIONS: Readonly<Record<keyof SoftMoeConfig, true>> = {
  numExperts: true,
  numTokens: true,
  tokenSize: true,
  hiddenSize: true,
  capacityFactor: true,
  slotsPerExpert: true,
  isNormalized: true,
  phi: true,
  isNoisy: true,
  expertType: true,
  routing: true,
  tokensPerSlot: true,
  slotsPerToken: true,
  scope: true,
  moduleIndex: true,
  checkFinite: true,
};

/**
 * Fills in defaults and checks every value.
 * @throws InvalidArgumentError naming the option, its value and the bound, or an unknown option
 */
export function resolveSoftMoe(config: SoftMoeConfig): ResolvedSoftMoe {
  requireKnownOptions('Soft MoE', config, Object.keys(OPTIONS));
  const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  const layer = {
    numExperts: 8,
    hiddenSize: 512,
    capacityFactor: 1,
    isNormalized: false,
    phi: 'learned' as const,
    isNoisy: false,
    expertType: 'small' as const,
    routing: 'soft' as const,
    scope: 'params/',
    moduleIndex: 0,
    checkFinite: false,
    ...(given as unknown as SoftMoeConfig),
  };
  for (const name of ['numExperts', 'numTokens', 'tokenSize', 'hiddenSize'] as const)
    requireInteger(name, layer[name], 1);
  for (const name of ['isNormalized', 'isNoisy', 'checkFinite'] as const) requireBoolean(name, layer[name]);
  requireFinite('capacityFactor', layer.capacityFactor, Number.MIN_VALUE);
  if (config.capacityFactor !== undefined && config.slotsPerExpert !== undefined) {
    throw new InvalidArgumentError(
      `capacityFactor is ${config.capacityFactor} and slotsPerExpert is ${config.slotsPerExpert}, which decides alone; expected one of them`,
    );
  }
  requireOneOf('phi', layer.phi, ['learned', 'fixed-random']);
  requireOneOf('expertType', layer.expertType, ['small', 'big']);
  requireOneOf('routing', layer.routing, ['soft', 'expert-choice']);
  const { numExperts, numTokens, scope, moduleIndex } = layer;
  const { tokensPerSlot, slotsPerToken } = config;
  const isChoice = layer.routing !== 'soft';
  if (isChoice && (tokensPerSlot ?? slotsPerToken) !== undefined) {
    throw new InvalidArgumentError(
      'tokensPerSlot or slotsPerToken is set; expected neither with routing "expert-choice"',
    );
  }
  const counted = slotsPerExpert(numTokens, numExperts, layer.capacityFactor, layer.expertType);
  const slots = requireInteger(
    'slotsPerExpert',
    // No expert can choose more tokens than there are, whatever the factor.
    config.slotsPerExpert ?? (isChoice ? Math.min(counted, numTokens) : counted),
    1,
    isChoice ? numTokens : undefined,
  );
  const numSlots = numExperts * slots;
  return {
    ...layer,
    slotsPerExpert: slots,
    numSlots,
    tokensPerSlot: requireInteger('tokensPerSlot', tokensPerSlot ?? numTokens, 1, numTokens),
    slotsPerToken: requireInteger('slotsPerToken', slotsPerToken ?? numSlots, 1, numSlots),
    phiName: `${scope}SoftMoE_${moduleIndex}/phi_weights`,
    scalarName: `${scope}SoftMoE_${moduleIndex}/scalar`,
    expertScope: `${scope}ExpertModel_${moduleIndex}/`,
  };
}

/** The layer's parameters: names, shapes and whether a gradient ever reaches them. Big experts bring their own. */
export function softMoeParameterSpecs(config: SoftMoeConfig): ParameterSpec[] {
  const layer = resolveSoftMoe(config);
  return [
    {
      name: layer.phiName,
      shape: [layer.tokenSize, layer.numExperts, layer.slotsPerExpert],
      isTrainable: layer.phi === 'learned',
      role: 'router',
    },
    { name: layer.scalarName, shape: [1], isTrainable: layer.isNormalized, role: 'router' },
    ...(layer.expertType === 'small' ? expertParameterSpecs(layer, layer.expertScope) : []),
  ];
}

/**
 * Draws initial parameters with the official initializers: phi LeCun normal with fan-in D*E (what flax computes for a [D, E, P] array), scalar 1,
 * expert kernels Xavier uniform, biases 0.
 * @throws InvalidArgumentError for a bad configuration.
 */
export function initSoftMoe(rng: Rng, config: SoftMoeConfig): InitialParameters {
  const layer = resolveSoftMoe(config);
  const shape = [layer.tokenSize, layer.numExperts, layer.slotsPerExpert];
  const count = layer.tokenSize * layer.numSlots;
  const phi =
    layer.phi === 'learned' ? lecunNormal(rng, count, layer.tokenSize * layer.numExperts) : standardNormal(rng, count);
  return {
    [layer.phiName]: { shape, data: phi },
    [layer.scalarName]: { shape: [1], data: new Float32Array([1]) },
    ...(layer.expertType === 'small' ? initExperts(rng, layer, layer.expertScope) : {}),
  };
}
