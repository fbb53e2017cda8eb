// What a routing did, as numbers for logs.

import type { Routing } from '@moe-rl/moe-core';
import { type RouterStatistics, routerStatistics } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/** Statistics of a routing; reads it back to the host. Averages are over samples and tokens. */
export function routerMetrics<Tensor>(ops: TensorOps<Tensor>, routing: Routing<Tensor>): RouterStatistics {
  const { assignment, probabilities, tokenMask } = routing;
  const [B = 0, T = 0, E = 0] = ops.shape(probabilities);
  const pairs: { token: number; expert: number; isKept: boolean }[] = [];
  if (assignment.kind === 'token-choice') {
    const experts = ops.read(assignment.experts);
    const wanted = ops.read(assignment.wanted);
    const kept = ops.read(assignment.kept);
    const K = experts.length / (B * T);
    experts.forEach((expert, index) => {
      if (wanted[index]) pairs.push({ token: Math.floor(index / K), expert, isKept: kept[index] === 1 });
    });
  } else {
    const perSample = E * assignment.capacity;
    ops.read(assignment.tokens).forEach((token, index) => {
      const sample = Math.floor(index / perSample);
      const expert = Math.floor((index % perSample) / assignment.capacity);
      if (token >= 0) pairs.push({ token: sample * T + token, expert, isKept: true });
    });
  }
  return routerStatistics(pairs, ops.read(probabilities), B * T, E, tokenMask && ops.read(tokenMask));
}
