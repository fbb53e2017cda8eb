// The best assignment under two limits, solved exactly on the host: every expert takes exactly C tokens, every token goes to at most b experts.
// With b = 1 and C = T/E it is BASE's balanced assignment; with b > 1 capped expert choice.
import { InvalidArgumentError } from '@moe-rl/core';

/**
 * Maximizes the sum of chosen scores, by successive shortest augmenting paths: pairs are added one by one, each time along the path that costs least,
 * which keeps the partial choice optimal. Time about E*C*E*T.
 * @param scores [E, T], row-major, finite
 * @returns 1 where chosen [E, T]
 * @throws InvalidArgumentError when E * C > T * b or C > T: no such assignment exists
 */
export function bestAssignment(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
): Uint8Array {
  if (capacity > numTokens || numExperts * capacity > numTokens * cap) {
    throw new InvalidArgumentError(
      `${numExperts} experts with capacity ${capacity} need ${numExperts * capacity} places; expected at most ${numTokens} tokens * ${cap} experts per token = ${numTokens * cap}`,
    );
  }
  const isChosen = new Uint8Array(numExperts * numTokens);
  const experts = new Int32Array(numExperts);
  const tokens = new Int32Array(numTokens);
  for (let pair = 0; pair < numExperts * capacity; pair++) {
    const path = cheapestPath(scores, isChosen, experts, tokens, numExperts, numTokens, capacity, cap);
    tokens[path[0]! % numTokens]!++;
    experts[Math.floor(path.at(-1)! / numTokens)]!++;
    for (const edge of path) isChosen[edge] = isChosen[edge] ? 0 : 1;
  }
  return isChosen;
}

/** Edges (expert * T + token) of the cheapest way from an expert that needs a token to a token with room, last edge first. Bellman-Ford. */
function cheapestPath(
  scores: ArrayLike<number>,
  isChosen: Uint8Array,
  experts: Int32Array,
  tokens: Int32Array,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
): number[] {
  const expertCost = Float64Array.from(experts, (used) => (used < capacity ? 0 : Number.POSITIVE_INFINITY));
  const tokenCost = new Float64Array(numTokens).fill(Number.POSITIVE_INFINITY);
  // The edge by which a node was reached best; -1 at a start.
  const expertEdge = new Int32Array(numExperts).fill(-1);
  const tokenEdge = new Int32Array(numTokens).fill(-1);
  // Costs closer than this are equal: rounding must not make a cycle look profitable.
  const slack = 1e-12;
  let pending = Array.from({ length: numExperts }, (_, expert) => expert).filter((expert) => expertCost[expert] === 0);
  while (pending.length > 0) {
    const reached = new Set<number>();
    for (const expert of pending) {
      for (let token = 0; token < numTokens; token++) {
        const edge = expert * numTokens + token;
        const cost = expertCost[expert]! - scores[edge]!;
        if (isChosen[edge] || cost >= tokenCost[token]! - slack) continue;
        tokenCost[token] = cost;
        tokenEdge[token] = edge;
        reached.add(token);
      }
    }
    const next = new Set<number>();
    for (const token of reached) {
      for (let expert = 0; expert < numExperts; expert++) {
        const edge = expert * numTokens + token;
        const cost = tokenCost[token]! + scores[edge]!;
        if (!isChosen[edge] || cost >= expertCost[expert]! - slack) continue;
        expertCost[expert] = cost;
        expertEdge[expert] = edge;
        next.add(expert);
      }
    }
    pending = [...next];
  }
  let end = -1;
  for (let token = 0; token < numTokens; token++) {
    if (tokens[token]! < cap && tokenEdge[token]! >= 0 && (end < 0 || tokenCost[token]! < tokenCost[end]!)) end = token;
  }
  const path: number[] = [];
  for (let token = end; ; ) {
    const into = tokenEdge[token]!;
    path.push(into);
    const out = expertEdge[Math.floor(into / numTokens)]!;
    if (out < 0) return path;
    path.push(out);
    token = out % numTokens;
  }
}
