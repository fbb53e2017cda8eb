// Router metrics on the host: load, drops, entropy, utilization, and how a router changes over training (saturation, change rate).
import { InvalidArgumentError } from '@moe-rl/core';

/** Numbers about one routing. A type and no interface, so that `tf.tidy` takes it as a result. */
export type RouterStatistics = {
  /** Share of the wanted choices that fall on each expert, dropped ones included [E]: for one expert per token the share of tokens. Sums to 1. */
  readonly load: number[];
  /** Share of the carried-out choices that each expert has [E]; sums to 1. */
  readonly work: number[];
  /** Share of wanted choices that found the expert full. */
  readonly droppedFraction: number;
  /** Share of tokens that no expert worked on. */
  readonly unroutedFraction: number;
  /** Mean over tokens of the Shannon entropy of the router's scores (normalized to sum 1), divided by log E; 0 for one expert. */
  readonly normalizedEntropy: number;
  /** Jain's index of the work, from 1/E (one expert does everything) to 1 (all do the same). */
  readonly utilization: number;
};

/**
 * Statistics of a list of choices.
 * @param pairs wanted choices; `isKept` false for dropped ones
 * @param probabilities the router's scores [N, E]
 * @param isToken 0 for padding [N], which counts nowhere; left out: all are tokens
 */
export function routerStatistics(
  pairs: readonly { readonly token: number; readonly expert: number; readonly isKept: boolean }[],
  probabilities: ArrayLike<number>,
  numTokens: number,
  numExperts: number,
  isToken?: ArrayLike<number>,
): RouterStatistics {
  const counts = new Array<number>(numExperts).fill(0);
  const wanted = new Array<number>(numExperts).fill(0);
  const routed = new Set<number>();
  let [kept, asked, tokens] = [0, 0, 0];
  for (const { token, expert, isKept } of pairs) {
    if (isToken?.[token] === 0) continue;
    wanted[expert]!++;
    asked++;
    if (!isKept) continue;
    counts[expert]!++;
    routed.add(token);
    kept++;
  }
  let entropy = 0;
  for (let token = 0; token < numTokens; token++) {
    if (isToken?.[token] === 0) continue;
    tokens++;
    let total = 0;
    for (let expert = 0; expert < numExperts; expert++) total += probabilities[token * numExperts + expert]!;
    for (let expert = 0; expert < numExperts; expert++) {
      const p = probabilities[token * numExperts + expert]! / total;
      // Scores that all underflow to 0 are no distribution; they count as certain.
      if (p > 0 && total > 0) entropy -= p * Math.log(p);
    }
  }
  return {
    load: wanted.map((count) => (asked === 0 ? 0 : count / asked)),
    work: counts.map((count) => (kept === 0 ? 0 : count / kept)),
    droppedFraction: asked === 0 ? 0 : 1 - kept / asked,
    unroutedFraction: tokens === 0 ? 0 : 1 - routed.size / tokens,
    normalizedEntropy: numExperts === 1 || tokens === 0 ? 0 : entropy / tokens / Math.log(numExperts),
    utilization: expertUtilization(counts),
  };
}

/** Jain's fairness index `(sum r)^2 / (n sum r^2)` of the experts' loads; 0 when there is no load. */
export function expertUtilization(loads: readonly number[]): number {
  const sum = loads.reduce((a, b) => a + b, 0);
  const squares = loads.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : (sum * sum) / (loads.length * squares);
}

/** The experts of each token at one moment of training: `sets[token]` is the list of its experts. */
export type ExpertSets = readonly (readonly number[])[];

/** Mean share of a token's experts that are also its experts at the end of training (Nguyen et al., 2025, appendix H). */
export function routerSaturation(sets: ExpertSets, finalSets: ExpertSets): number {
  return meanShare(sets, finalSets, (experts, final) => experts.filter((expert) => final.includes(expert)).length);
}

/** Mean share of a token's experts that are no longer its experts at the next moment. */
export function routerChangeRate(sets: ExpertSets, nextSets: ExpertSets): number {
  return meanShare(sets, nextSets, (experts, next) => experts.filter((expert) => !next.includes(expert)).length);
}

function meanShare(
  sets: ExpertSets,
  others: ExpertSets,
  count: (experts: readonly number[], other: readonly number[]) => number,
): number {
  if (sets.length !== others.length || sets.length === 0) {
    throw new InvalidArgumentError(
      `sets are of ${sets.length} and ${others.length} tokens; expected the same number, at least 1`,
    );
  }
  let total = 0;
  sets.forEach((experts, token) => {
    total += experts.length === 0 ? 0 : count(experts, others[token]!) / experts.length;
  });
  return total / sets.length;
}
