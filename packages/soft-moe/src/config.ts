// Configuration of a Soft MoE layer and the sizes and parameter names that follow from it.
import { InvalidArgumentError, type Rng, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import {
  expertParameterSpecs,
  type InitialParameters,
  initExperts,
  lecunNormal,
  type ParameterSpec,
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
  /** 'big': every expert is a network of its own over an image of slots; P is rounded down to a square. Default 'small', a two-layer MLP. */
  readonly expertType?: 'small' | 'big';
  /**
   * How slots get their input. 'soft': each slot averages all tokens. 'top-k': each averages its `tokensPerSlot` best ones only.
   * 'expert-choice': each slot of an expert holds one token, the expert's P best ones. Default 'soft'.
   */
  readonly dispatch?: 'soft' | 'top-k' | 'expert-choice';
  /** Tokens averaged by a slot when `dispatch` is 'top-k'. Default 1: slots hold single tokens. */
  readonly tokensPerSlot?: number;
  /** Each token averages only its best `slotsPerToken` slots. Default: all of them. Not with 'expert-choice'. */
  readonly slotsPerToken?: number;
  /** Put before every parameter name. Default 'params/'. */
  readonly scope?: string;
  /** Number in the module names `SoftMoE_0`, `ExpertModel_0`, for networks with several. Default 0. */
  readonly moduleIndex?: number;
  /** Also check tokens and logits for NaN and infinity where that means reading them back. Default false. */
  readonly checkFinite?: boolean;
}

/** A checked configuration with everything filled in. */
export interface ResolvedSoftMoe extends Required<Omit<SoftMoeConfig, 'slotsPerToken'>> {
  readonly slotsPerToken: number | undefined;
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

/**
 * Fills in defaults and checks every value.
 * @throws InvalidArgumentError naming the option, its value and the bound.
 */
export function resolveSoftMoe(config: SoftMoeConfig): ResolvedSoftMoe {
  const numExperts = requireInteger('numExperts', config.numExperts ?? 8, 1);
  const numTokens = requireInteger('numTokens', config.numTokens, 1);
  const capacityFactor = requireFinite('capacityFactor', config.capacityFactor ?? 1, 0);
  if (capacityFactor === 0) throw new InvalidArgumentError('capacityFactor is 0; expected a number above 0');
  const expertType = requireOneOf('expertType', config.expertType ?? 'small', ['small', 'big']);
  const slots = requireInteger(
    'slotsPerExpert',
    config.slotsPerExpert ?? slotsPerExpert(numTokens, numExperts, capacityFactor, expertType),
    1,
  );
  if (expertType === 'big' && !Number.isInteger(Math.sqrt(slots))) {
    throw new InvalidArgumentError(`slotsPerExpert is ${slots}; expected a square number, since expertType is "big"`);
  }
  const dispatch = requireOneOf('dispatch', config.dispatch ?? 'soft', ['soft', 'top-k', 'expert-choice']);
  if (dispatch === 'expert-choice') {
    requireInteger('slotsPerExpert', slots, 1, numTokens);
    if (config.slotsPerToken !== undefined) {
      throw new InvalidArgumentError(
        `slotsPerToken is ${config.slotsPerToken}; expected none with dispatch "expert-choice"`,
      );
    }
  }
  if (config.tokensPerSlot !== undefined && dispatch !== 'top-k') {
    throw new InvalidArgumentError(
      `tokensPerSlot is ${config.tokensPerSlot}; expected none unless dispatch is "top-k"`,
    );
  }
  const scope = config.scope ?? 'params/';
  const moduleIndex = requireInteger('moduleIndex', config.moduleIndex ?? 0, 0);
  return {
    numExperts,
    numTokens,
    tokenSize: requireInteger('tokenSize', config.tokenSize, 1),
    hiddenSize: requireInteger('hiddenSize', config.hiddenSize ?? 512, 1),
    capacityFactor,
    slotsPerExpert: slots,
    isNormalized: config.isNormalized ?? false,
    phi: requireOneOf('phi', config.phi ?? 'learned', ['learned', 'fixed-random']),
    isNoisy: config.isNoisy ?? false,
    expertType,
    dispatch,
    tokensPerSlot: requireInteger('tokensPerSlot', config.tokensPerSlot ?? 1, 1, numTokens),
    slotsPerToken:
      config.slotsPerToken === undefined
        ? undefined
        : requireInteger('slotsPerToken', config.slotsPerToken, 1, numExperts * slots),
    scope,
    moduleIndex,
    checkFinite: config.checkFinite ?? false,
    numSlots: numExperts * slots,
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
    },
    { name: layer.scalarName, shape: [1], isTrainable: layer.isNormalized },
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
