// Sizes of the network and its mixture: what a run's settings keep of it, and which are refused.
import { InvalidArgumentError, requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';

/** A mixture of experts in the place of the encoder's last feed-forward layer: any router by name, with its options. */
export interface MixtureOfExperts {
  /** `soft`, `deepseek`, `switch`, ... */
  readonly type: string;
  readonly experts: number;
  /** Width of each expert. */
  readonly hiddenSize: number;
  /** Options of the router. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Weights of auxiliary losses by name. */
  readonly auxiliaryLosses?: Readonly<Record<string, number>>;
}

export interface NetworkConfig {
  /** Size of a word's embedding. */
  readonly wordSize: number;
  /** D: size of a line. */
  readonly size: number;
  readonly heads: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Width of feed-forward layers. */
  readonly hiddenSize: number;
  readonly mixture?: MixtureOfExperts | null;
}

export const DEFAULT_NETWORK: NetworkConfig = {
  wordSize: 32,
  size: 64,
  heads: 4,
  encoderLayers: 2,
  decoderLayers: 2,
  hiddenSize: 96,
  mixture: null,
};

/** More of anything is a slip: it would take all memory before the first update. */
const MAX_SIZE = 4096;
const MAX_LAYERS = 64;
/** Examples of a role in an update, likewise. */
export const MAX_BATCH_SIZE = 4096;

const MIXTURE_NAMES: readonly (keyof MixtureOfExperts)[] = [
  ...(['type', 'experts', 'hiddenSize', 'options', 'auxiliaryLosses'] as const),
];

/**
 * A network's configuration with defaults for what isn't given, always in the same order.
 * @throws InvalidArgumentError for an unknown name or a bad size, by name
 */
export function requireNetwork(given: Partial<NetworkConfig>): NetworkConfig {
  requireObject('network', given);
  requireKnownOptions('network', given, Object.keys(DEFAULT_NETWORK));
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const network: NetworkConfig = { ...DEFAULT_NETWORK, ...Object.fromEntries(named) };
  for (const name of ['wordSize', 'size', 'heads', 'hiddenSize'] as const) {
    requireInteger(`network.${name}`, network[name], 1, MAX_SIZE);
  }
  for (const name of ['encoderLayers', 'decoderLayers'] as const) {
    requireInteger(`network.${name}`, network[name], 1, MAX_LAYERS);
  }
  const { size, heads, mixture } = network;
  if (size % heads !== 0) {
    throw new InvalidArgumentError(`network.size is ${size}; expected a multiple of heads, ${heads}`);
  }
  if (mixture) requireMixture(mixture);
  return network;
}

function requireMixture(mixture: MixtureOfExperts): void {
  requireObject('network.mixture', mixture, ' or null');
  requireKnownOptions('network.mixture', mixture, MIXTURE_NAMES);
  const { experts, hiddenSize, options = {}, auxiliaryLosses = {} } = mixture;
  requireInteger('network.mixture.experts', experts, 1, MAX_SIZE);
  requireInteger('network.mixture.hiddenSize', hiddenSize, 1, MAX_SIZE);
  requireObject('network.mixture.options', options);
  requireObject('network.mixture.auxiliaryLosses', auxiliaryLosses);
  for (const [name, weight] of Object.entries(auxiliaryLosses)) {
    requireFinite(`network.mixture.auxiliaryLosses.${name}`, weight, 0);
  }
}

function requireObject(name: string, value: unknown, orElse = ''): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new InvalidArgumentError(`${name} is ${JSON.stringify(value) ?? 'undefined'}; expected an object${orElse}`);
}
