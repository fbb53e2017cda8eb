// How many tokens an expert takes.
import { InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';

/** How many slots an expert has per sample. */
export interface CapacityConfig {
  /** C itself. */
  readonly capacity?: number;
  /** C = T * capacityFactor * (K where the router counts choices) / E, rounded. */
  readonly capacityFactor?: number;
  /** Default 'ceil'. */
  readonly capacityRounding?: 'ceil' | 'floor';
  /** C is rounded up to a multiple of this. Default 1. */
  readonly capacityMultipleOf?: number;
}

/**
 * Capacity C of each expert.
 * @param share tokens per expert if they were spread evenly: T * K / E
 * @throws InvalidArgumentError when it comes out below 1
 */
export function capacityOf(config: CapacityConfig, share: number, defaultFactor: number): number {
  if (config.capacity !== undefined) return requireInteger('capacity', config.capacity, 1);
  const factor = requireFinite('capacityFactor', config.capacityFactor ?? defaultFactor, 0);
  const rounding = requireOneOf('capacityRounding', config.capacityRounding ?? 'ceil', ['ceil', 'floor']);
  const multiple = requireInteger('capacityMultipleOf', config.capacityMultipleOf ?? 1, 1);
  const capacity = Math.ceil(Math[rounding](share * factor) / multiple) * multiple;
  if (capacity < 1) {
    throw new InvalidArgumentError(
      `capacityFactor is ${factor}: capacity ${capacity}; expected at least 1 slot per expert`,
    );
  }
  return capacity;
}
