// The best assignments under limits, solved exactly on the host. Both start from the best choice without limits and repair it along cheapest paths; there
// are few experts and many tokens, so the paths are searched among experts only, and a step costs little.
import { InvalidArgumentError } from '@moe-rl/core';

/** Costs closer than this, relative to the largest score, are equal: rounding must not make a cycle look profitable. */
const SLACK = 1e-12;

/**
 * Expert of each token, at most `capacity` tokens per expert, with the largest sum of scores: successive shortest paths from experts that have too many
 * tokens to experts that have room, over a graph of E nodes.
 * @param scores [T, E], row-major, finite
 * @throws InvalidArgumentError when there are more tokens than places
 */
export function bestPartition(
  scores: ArrayLike<number>,
  numTokens: number,
  numExperts: number,
  capacity: number,
): Int32Array {
  const [T, E] = [numTokens, numExperts];
  if (T > E * capacity) {
    throw new InvalidArgumentError(
      `${T} tokens need as many places; expected at most ${E} experts * capacity ${capacity}`,
    );
  }
  const slack = SLACK * largestOf(scores);
  const expertOf = new Int32Array(T);
  const load = new Int32Array(E);
  for (let token = 0; token < T; token++) {
    let best = 0;
    for (let expert = 1; expert < E; expert++) {
      if (scores[token * E + expert]! > scores[token * E + best]!) best = expert;
    }
    expertOf[token] = best;
    load[best]!++;
  }
  // Cheapest move of a token from one expert to another, and the token.
  const cost = new Float64Array(E * E);
  const mover = new Int32Array(E * E);
  const refresh = (from: number): void => {
    cost.fill(Number.POSITIVE_INFINITY, from * E, (from + 1) * E);
    for (let token = 0; token < T; token++) {
      if (expertOf[token] !== from) continue;
      const own = scores[token * E + from]!;
      for (let to = 0; to < E; to++) {
        const loss = own - scores[token * E + to]!;
        if (loss < cost[from * E + to]!) {
          cost[from * E + to] = loss;
          mover[from * E + to] = token;
        }
      }
    }
  };
  for (let expert = 0; expert < E; expert++) refresh(expert);
  const isFull = (expert: number): boolean => load[expert]! >= capacity;
  for (;;) {
    const starts = Float64Array.from(load, (count) => (count > capacity ? 0 : Number.POSITIVE_INFINITY));
    if (starts.every((start) => start > 0)) return expertOf;
    const { distance, before } = shortestPaths(starts, cost, E, slack);
    let end = -1;
    for (let expert = 0; expert < E; expert++) {
      if (!isFull(expert) && (end < 0 || distance[expert]! < distance[end]!)) end = expert;
    }
    load[end]!++;
    const changed = [end];
    for (let expert = end; before[expert]! >= 0; ) {
      const from = before[expert]!;
      expertOf[mover[from * E + expert]!] = expert;
      expert = from;
      changed.push(expert);
    }
    load[changed.at(-1)!]!--;
    for (const expert of changed) refresh(expert);
  }
}

/**
 * Exactly `capacity` tokens for each expert, every token at most `cap` times, with the largest sum of scores. Starts from each expert's best tokens; a
 * token that has too many experts sends one of them on to another token, which may send on one of its own.
 * @param scores [E, T], row-major, finite
 * @returns 1 where chosen [E, T]
 * @throws InvalidArgumentError when E * C > T * cap or C > T: no such assignment exists
 */
export function bestAssignment(
  scores: ArrayLike<number>,
  numExperts: number,
  numTokens: number,
  capacity: number,
  cap: number,
): Uint8Array {
  const [E, T] = [numExperts, numTokens];
  if (capacity > T || E * capacity > T * cap) {
    throw new InvalidArgumentError(
      `${E} experts with capacity ${capacity} need ${E * capacity} places; expected at most ${T} tokens * ${cap} experts per token = ${T * cap}`,
    );
  }
  const slack = SLACK * largestOf(scores);
  const isChosen = new Uint8Array(E * T);
  const uses = new Int32Array(T);
  for (let expert = 0; expert < E; expert++) {
    const at = (token: number): number => scores[expert * T + token]!;
    const order = Array.from({ length: T }, (_, token) => token).sort((a, b) => at(b) - at(a) || a - b);
    for (const token of order.slice(0, capacity)) {
      isChosen[expert * T + token] = 1;
      uses[token]!++;
    }
  }
  const exchange = new Exchanges(scores, isChosen, uses, E, T, cap);
  for (;;) {
    if (uses.every((count) => count <= cap)) return isChosen;
    const { distance, before } = shortestPaths(exchange.releaseCost, exchange.cost, E, slack);
    let end = -1;
    for (let expert = 0; expert < E; expert++) {
      const total = distance[expert]! + exchange.takeCost[expert]!;
      if (total < Number.POSITIVE_INFINITY && (end < 0 || total < distance[end]! + exchange.takeCost[end]!))
        end = expert;
    }
    const changes: [token: number, expert: number, isNow: 0 | 1][] = [[exchange.takeToken[end]!, end, 1]];
    let expert = end;
    for (; before[expert]! >= 0; expert = before[expert]!) {
      const token = exchange.token[before[expert]! * E + expert]!;
      changes.push([token, expert, 0], [token, before[expert]!, 1]);
    }
    changes.push([exchange.releaseToken[expert]!, expert, 0]);
    exchange.apply(changes);
  }
}

/** What experts can do at this moment, each with its cheapest token. Kept up to date token by token: a change touches few of the E*E pairs. */
class Exchanges {
  /** Expert e lets an overloaded token go. */
  readonly releaseCost: Float64Array;
  readonly releaseToken: Int32Array;
  /** Expert e takes a token that has room. */
  readonly takeCost: Float64Array;
  readonly takeToken: Int32Array;
  /** Expert e takes a full token, which lets expert o go: [E, E]. */
  readonly cost: Float64Array;
  readonly token: Int32Array;

  private readonly scores: ArrayLike<number>;
  private readonly isChosen: Uint8Array;
  private readonly uses: Int32Array;
  private readonly E: number;
  private readonly T: number;
  private readonly cap: number;

  constructor(scores: ArrayLike<number>, isChosen: Uint8Array, uses: Int32Array, E: number, T: number, cap: number) {
    [this.scores, this.isChosen, this.uses, this.E, this.T, this.cap] = [scores, isChosen, uses, E, T, cap];
    const never = (size: number): Float64Array => new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    [this.releaseCost, this.takeCost, this.cost] = [never(E), never(E), never(E * E)];
    [this.releaseToken, this.takeToken, this.token] = [new Int32Array(E), new Int32Array(E), new Int32Array(E * E)];
    for (let token = 0; token < T; token++) this.offer(token);
  }

  /** Makes the changes, and finds anew what depended on the tokens that changed. */
  apply(changes: readonly (readonly [token: number, expert: number, isNow: 0 | 1])[]): void {
    const { E, T } = this;
    const changed = new Set(changes.map(([token]) => token));
    for (const [token, expert, isNow] of changes) {
      this.isChosen[expert * T + token] = isNow;
      this.uses[token]! += isNow === 1 ? 1 : -1;
    }
    for (let expert = 0; expert < E; expert++) {
      if (changed.has(this.releaseToken[expert]!)) this.rescan(expert, this.releaseCost, expert, this.release);
      if (changed.has(this.takeToken[expert]!)) this.rescan(expert, this.takeCost, expert, this.take);
      for (let other = 0; other < E; other++) {
        const pair = expert * E + other;
        if (changed.has(this.token[pair]!)) {
          this.rescan(pair, this.cost, expert, (each, token) => this.swap(each, other, token));
        }
      }
    }
    for (const token of changed) this.offer(token);
  }

  private readonly release = (expert: number, token: number): void => {
    const index = expert * this.T + token;
    if (this.uses[token]! <= this.cap || !this.isChosen[index]) return;
    const score = this.scores[index]!;
    if (score >= this.releaseCost[expert]!) return;
    this.releaseCost[expert] = score;
    this.releaseToken[expert] = token;
  };

  private readonly take = (expert: number, token: number): void => {
    const index = expert * this.T + token;
    if (this.uses[token]! >= this.cap || this.isChosen[index]) return;
    const score = this.scores[index]!;
    if (-score >= this.takeCost[expert]!) return;
    this.takeCost[expert] = -score;
    this.takeToken[expert] = token;
  };

  private swap(expert: number, other: number, token: number): void {
    const { T, E, isChosen, scores } = this;
    if (this.uses[token] !== this.cap || isChosen[expert * T + token] || !isChosen[other * T + token]) return;
    const change = scores[other * T + token]! - scores[expert * T + token]!;
    if (change >= this.cost[expert * E + other]!) return;
    this.cost[expert * E + other] = change;
    this.token[expert * E + other] = token;
  }

  private rescan(
    index: number,
    costs: Float64Array,
    expert: number,
    visit: (expert: number, token: number) => void,
  ): void {
    costs[index] = Number.POSITIVE_INFINITY;
    for (let token = 0; token < this.T; token++) visit(expert, token);
  }

  /** Lets a token improve on what is known. */
  private offer(token: number): void {
    for (let expert = 0; expert < this.E; expert++) {
      this.release(expert, token);
      this.take(expert, token);
      if (this.uses[token] !== this.cap) continue;
      for (let other = 0; other < this.E; other++) this.swap(expert, other, token);
    }
  }
}

/** Bellman-Ford over E nodes from several starts at once. */
function shortestPaths(
  starts: Float64Array,
  cost: Float64Array,
  E: number,
  slack: number,
): { distance: Float64Array; before: Int32Array } {
  const distance = starts.slice();
  const before = new Int32Array(E).fill(-1);
  for (let round = 0, isChanged = true; isChanged && round < E; round++) {
    isChanged = false;
    for (let from = 0; from < E; from++) {
      for (let to = 0; to < E; to++) {
        const through = distance[from]! + cost[from * E + to]!;
        if (through >= distance[to]! - slack) continue;
        distance[to] = through;
        before[to] = from;
        isChanged = true;
      }
    }
  }
  return { distance, before };
}

function largestOf(scores: ArrayLike<number>): number {
  let largest = 1;
  for (let index = 0; index < scores.length; index++) largest = Math.max(largest, Math.abs(scores[index]!));
  return largest;
}
