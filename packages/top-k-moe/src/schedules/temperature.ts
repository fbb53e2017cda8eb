// The temperature of EvoMoE's gate over training.
import { requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';

/** Options of `denseToSparseTemperature`. */
export interface TemperatureConfig {
  /** Default 'linear'. */
  readonly decay?: 'linear' | 'exponential';
  /** Default 2. */
  readonly maximum?: number;
  /** Default 0.3. */
  readonly minimum?: number;
  /** Updates until the minimum is reached. */
  readonly decayUpdates: number;
}

/** Temperature of the dense-to-sparse gate after `updates` updates. */
export function denseToSparseTemperature(updates: number, config: TemperatureConfig): number {
  const maximum = requireFinite('maximum', config.maximum ?? 2, Number.MIN_VALUE);
  const minimum = requireFinite('minimum', config.minimum ?? 0.3, Number.MIN_VALUE, maximum);
  const decayUpdates = requireInteger('decayUpdates', config.decayUpdates, 1);
  const decay = requireOneOf('decay', config.decay ?? 'linear', ['linear', 'exponential']);
  const progress = requireInteger('updates', updates, 0) / decayUpdates;
  const value =
    decay === 'linear' ? maximum - progress * (maximum - minimum) : maximum * (minimum / maximum) ** progress;
  return Math.max(value, minimum);
}
