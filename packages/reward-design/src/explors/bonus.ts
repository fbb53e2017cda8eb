// ExploRS's bonus for what has been seen seldom (Devidze et al., NeurIPS 2022).
import { requireFinite } from '@moe-rl/core';

/**
 * lambda / sqrt(N) with N = (lambda / largest)^2 + visits: `largest` where nothing has been seen, falling as 1 / sqrt(visits).
 * @param scale lambda, above 0. Default 1
 * @param largest the bonus at no visits, above 0. Default 1
 */
export function visitBonus(visits: number, scale = 1, largest = 1): number {
  requireFinite('visits', visits, 0);
  requireFinite('scale', scale, Number.MIN_VALUE);
  requireFinite('largest', largest, Number.MIN_VALUE);
  return scale / Math.sqrt((scale / largest) ** 2 + visits);
}
