// EXPRD's measure of how soon a reward tells good actions from bad ones.
import { InvalidArgumentError } from '@moe-rl/core';
import { type DesignTarget, horizonGaps, inferiorActions, requireHorizon } from './target.ts';

/** The paper's horizons. */
export const DEFAULT_HORIZONS: readonly number[] = [1, 2, 4, 8, 16, 32];

/**
 * Informativeness of `rewards` `[S, A]`: minus the sum, over horizons and over actions that are not optimal, of what the gap within the horizon lacks of the
 * true gap (EXPRD, section 3: `sum_h sum_s sum_a -max(0, gap_inf(s, a) - gap_h(s, a))`). At most 0; 0 where every horizon shows the true gaps, as with shaping by V*.
 * @throws InvalidArgumentError for no horizon or one that is no integer of at least 0
 */
export function informativeness(
  target: DesignTarget,
  rewards: Float64Array,
  horizons: readonly number[] = DEFAULT_HORIZONS,
): number {
  requireHorizons(horizons);
  const inferior = inferiorActions(target);
  let lacking = 0;
  for (const horizon of horizons) {
    const gaps = horizonGaps(target, rewards, horizon);
    for (const at of inferior) lacking += Math.max(0, target.gaps[at]! - gaps[at]!);
  }
  // Not -0.
  return lacking === 0 ? 0 : -lacking;
}

/** @throws InvalidArgumentError for an empty list, or one with anything but integers of at least 0 */
export function requireHorizons(horizons: readonly number[]): readonly number[] {
  if (horizons.length === 0) throw new InvalidArgumentError('horizons are empty; expected at least one');
  for (const [index, horizon] of horizons.entries()) requireHorizon(`horizons[${index}]`, horizon);
  return horizons;
}
