// What ExploRS is compared with: SORS (rewards that rank episodes as their returns do) and LIRPG without its meta-gradient, both beside the true reward.
import { type Rng, requireFinite, requireInteger } from '@moe-rl/core';
import { draw, sampleNext } from '../environments/tabular-environment.ts';
import type { Mdp } from '../mdp/mdp.ts';
import { type RewardEpisode, returnsToGo } from './episodes.ts';

export interface RankingOptions {
  readonly discount: number;
  /** Default 0.01. */
  readonly learningRate?: number;
  /** Pairs of episodes in an update, drawn where there are more. Default 10. */
  readonly pairs?: number;
}

/**
 * SORS's update of `phi` `[S, A]`, in place: gradient descent on -log sigmoid(R_phi(better) - R_phi(worse)), averaged over pairs of episodes whose true returns
 * differ, R_phi the discounted sum of phi along an episode. Without such a pair nothing changes.
 */
export function rankingUpdate(
  phi: Float64Array,
  actionCount: number,
  episodes: readonly RewardEpisode[],
  rng: Rng,
  { discount, learningRate = 0.01, pairs = 10 }: RankingOptions,
): void {
  requireFinite('learningRate', learningRate, 0);
  requireInteger('pairs', pairs, 1);
  const returns = episodes.map(({ rewards }) => returnsToGo(rewards, discount)[0] ?? 0);
  const ranked = returns.flatMap((better, i) =>
    returns.flatMap((worse, j) => (better > worse ? [[i, j] as const] : [])),
  );
  if (ranked.length === 0) return;
  const used =
    ranked.length <= pairs ? ranked : Array.from({ length: pairs }, () => ranked[rng.nextInteger(ranked.length)]!);
  const along = episodes.map(({ states, actions, rewards }) =>
    Array.from(
      { length: rewards.length },
      (_, time) => [states[time]! * actionCount + actions[time]!, discount ** time] as const,
    ),
  );
  const worth = along.map((steps) => steps.reduce((sum, [at, weight]) => sum + weight * phi[at]!, 0));
  const gradient = new Float64Array(phi.length);
  for (const [better, worse] of used) {
    const lacking = 1 / (1 + Math.exp(worth[better]! - worth[worse]!));
    for (const [at, weight] of along[better]!) gradient[at]! += lacking * weight;
    for (const [at, weight] of along[worse]!) gradient[at]! -= lacking * weight;
  }
  for (let at = 0; at < phi.length; at++) phi[at]! += (learningRate * gradient[at]!) / used.length;
}

export interface SimulatedOptions {
  readonly discount: number;
  /** Default 0.01. */
  readonly learningRate?: number;
  /** Steps of a simulated episode. */
  readonly horizon: number;
}

/**
 * LIRPG's update without meta-gradient, in place: phi(s, a) += eta / episodes x pi(a|s) (G - V(s)) x (visits of (s, a) after a at s - after an action of the
 * policy there), the discounted visits counted in two simulated episodes. It needs the process itself.
 * @param phi `[S, A]`
 * @param critic `[S]`
 * @param policy `[S, A]`, the learner's
 */
export function simulatedUpdate(
  mdp: Mdp,
  phi: Float64Array,
  critic: Float64Array,
  episodes: readonly RewardEpisode[],
  policy: Float64Array,
  rng: Rng,
  { discount, learningRate = 0.01, horizon }: SimulatedOptions,
): void {
  requireFinite('learningRate', learningRate, 0);
  const { actionCount, isTerminal } = mdp;
  const actionAt = (state: number): number =>
    draw(policy.subarray(state * actionCount, (state + 1) * actionCount), rng);
  const visitsFrom = (start: number, first: number): number => {
    const watched = start;
    let visits = 0;
    let at = first;
    for (let time = 0, weight = 1; time < horizon; time++, weight *= discount) {
      if (at === watched) visits += weight;
      const next = sampleNext(mdp, at, rng);
      if (isTerminal[next]) break;
      at = next * actionCount + actionAt(next);
    }
    return visits;
  };
  const change = new Float64Array(phi.length);
  for (const { states, actions, rewards } of episodes) {
    const returns = returnsToGo(rewards, discount);
    for (let time = 0; time < returns.length; time++) {
      const state = states[time]!;
      const at = state * actionCount + actions[time]!;
      const advantage = policy[at]! * (returns[time]! - critic[state]!);
      if (advantage === 0) continue;
      const other = state * actionCount + actionAt(state);
      change[at]! += advantage * (visitsFrom(at, at) - visitsFrom(at, other));
    }
  }
  for (let at = 0; at < phi.length; at++) phi[at]! += (learningRate * change[at]!) / Math.max(1, episodes.length);
}
