// How many tokens an expert takes.
import { requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';

/** How many slots an expert has per sample. */
export interface CapacityConfig {
  /** C itself. */
  readonly capacity?: number;
  /** C = T * capacityFactor * (K where the router counts choices) / E, rounded. */
  readonly capacityFactor?: number;
  /** Default 'ceil'. */
  readonly capacityRounding?: 'ceil' | 'floor';
  /** C is rounded up to a multiple of this, as far as there are tokens. Default 1. */
  readonly capacityMultipleOf?: number;
}

/** What a capacity is counted from. */
export interface CapacitySizes {
  /** T */
  readonly numTokens: number;
  /** E */
  readonly numExperts: number;
  /** Choices per token that count, K or 1. Default 1. */
  readonly choices?: number;
}

/**
 * Capacity C of each expert, from 1 to T: a token takes at most one slot of an expert, so more are never of use.
 * @param defaultFactor where neither capacity nor factor is set; left out: C is undefined, nothing is dropped
 * @throws InvalidArgumentError naming the option, its value and the bound
 */
export function capacityOf(config: CapacityConfig, sizes: CapacitySizes, defaultFactor: number): number;
export function capacityOf(config: CapacityConfig, sizes: CapacitySizes): number | undefined;
export function capacityOf(config: CapacityConfig, sizes: CapacitySizes, defaultFactor?: number): number | undefined {
  const { numTokens: T, numExperts: E, choices = 1 } = sizes;
  const rounding = requireOneOf('capacityRounding', config.capacityRounding ?? 'ceil', ['ceil', 'floor']);
  const multiple = requireInteger('capacityMultipleOf', config.capacityMultipleOf ?? 1, 1);
  if (config.capacity !== undefined) return Math.min(T, requireInteger('capacity', config.capacity, 1));
  const given = config.capacityFactor ?? defaultFactor;
  if (given === undefined) return undefined;
  const factor = requireFinite('capacityFactor', given, Number.MIN_VALUE);
  // The official order of operations: ceil(T * factor / E). Rounding down forgives what multiplying lost (23 tokens as 22.999999999999996).
  const exact = (T * choices * factor) / E;
  const rounded = rounding === 'ceil' ? Math.ceil(exact) : Math.floor(exact + 1e-9);
  return Math.min(T, Math.ceil(Math.max(1, rounded) / multiple) * multiple);
}
