// Slips: what happens when another action than the chosen one is taken now and then.
import { requireFinite } from '@moe-rl/core';

type Successors = readonly (readonly [state: number, probability: number])[];

/**
 * Transitions `[S][A]` from intended ones: with `slipProbability` another of the slipping actions, any of them alike, is taken instead.
 * @param canSlip which actions slip, and into each other; default: all
 */
export function slipping(
  intended: readonly (readonly number[])[],
  slipProbability: number,
  canSlip: (action: number) => boolean = () => true,
): Successors[][] {
  requireFinite('slipProbability', slipProbability, 0, 1);
  return intended.map((row) =>
    row.map((next, action) => {
      if (!canSlip(action)) return [[next, 1]];
      const others = row.filter((_, other) => other !== action && canSlip(other));
      return [[next, 1 - slipProbability], ...others.map((state) => [state, slipProbability / others.length] as const)];
    }),
  );
}
