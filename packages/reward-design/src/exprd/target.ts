// What EXPRD (Devidze et al., NeurIPS 2021) wants of a reward: that a target policy stays the best, and by how much the other actions fall behind it.
import { InvalidArgumentError } from '@moe-rl/core';
import { expectedNext, type Mdp, requireTable } from '../mdp/mdp.ts';
import { actionValuesOf, policyValues, type Solution, valueIteration } from '../mdp/solve.ts';

/** The target policy and the gaps of the true reward. */
export interface DesignTarget {
  readonly mdp: Mdp;
  /** Optimal values, actions and policy under the true reward; `solution.policy` is the target policy. */
  readonly solution: Solution;
  /** `[S, A]`: by how much (s, a) falls behind the target under the true reward, for ever: V*(s) - Q*(s, a). */
  readonly gaps: Float64Array;
  /** `[S]`: the smallest gap of an action that is not optimal; 0 where all are. */
  readonly stateGaps: Float64Array;
}

/** Solves the process under its true reward. */
export function designTarget(mdp: Mdp): DesignTarget {
  const { stateCount, actionCount } = mdp;
  const solution = valueIteration(mdp);
  const { values, actionValues, isOptimal } = solution;
  const gaps = actionValues.map((value, at) => (isOptimal[at] ? 0 : values[Math.floor(at / actionCount)]! - value));
  const stateGaps = new Float64Array(stateCount);
  for (let state = 0; state < stateCount; state++) {
    const others = Array.from({ length: actionCount }, (_, action) => state * actionCount + action).filter(
      (at) => !isOptimal[at],
    );
    if (others.length > 0) stateGaps[state] = Math.min(...others.map((at) => gaps[at]!));
  }
  return { mdp, solution, gaps, stateGaps };
}

/**
 * Gaps `[S, A]` of the target policy within a horizon: V_h(s) - Q_h(s, a), where h-step values are discounted rewards of times 0 to h, following the target
 * after the first action (h + 1 rewards; the authors' code counts h).
 * @param horizon h, an integer of at least 0, or Infinity
 */
export function horizonGaps(
  { mdp, solution: { policy } }: DesignTarget,
  rewards: Float64Array,
  horizon: number,
): Float64Array {
  requireTable('rewards', mdp, rewards);
  requireHorizon('horizon', horizon);
  const { stateCount, actionCount, discount, isTerminal } = mdp;
  let later: Float64Array = new Float64Array(stateCount);
  if (horizon === Number.POSITIVE_INFINITY) later = policyValues(mdp, policy, rewards);
  else {
    for (let step = 0; step < horizon; step++) {
      const before = later;
      later = before.map((_, state) => {
        if (isTerminal[state]) return 0;
        const at = state * actionCount + policy[state]!;
        return rewards[at]! + discount * expectedNext(mdp, before, at);
      });
    }
  }
  const actionValues = actionValuesOf(mdp, rewards, later);
  return actionValues.map((value, at) => {
    const state = Math.floor(at / actionCount);
    return actionValues[state * actionCount + policy[state]!]! - value;
  });
}

/**
 * How much `rewards` `[S, A]` break the invariance constraints: the largest amount by which an action, not optimal under the true reward, comes closer to the
 * target policy than the smallest true gap of its state, or an optimal one exceeds it. At most 0 where the constraints hold.
 */
export function invarianceViolation(target: DesignTarget, rewards: Float64Array): number {
  const { mdp, solution, stateGaps } = target;
  const gaps = horizonGaps(target, rewards, Number.POSITIVE_INFINITY);
  let worst = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < gaps.length; at++) {
    const state = Math.floor(at / mdp.actionCount);
    if (mdp.isTerminal[state] || at % mdp.actionCount === solution.policy[state]) continue;
    worst = Math.max(worst, (solution.isOptimal[at] ? 0 : stateGaps[state]!) - gaps[at]!);
  }
  return worst;
}

/**
 * @throws InvalidArgumentError naming the state and action where `rewards` make an action optimal that is not optimal under the true reward
 */
export function requireInvariant(target: DesignTarget, rewards: Float64Array): void {
  const { mdp, solution } = target;
  const { actionCount, isTerminal } = mdp;
  const designed = valueIteration(mdp, rewards);
  for (let at = 0; at < designed.isOptimal.length; at++) {
    const state = Math.floor(at / actionCount);
    if (isTerminal[state] || !designed.isOptimal[at] || solution.isOptimal[at]) continue;
    const action = at % actionCount;
    throw new InvalidArgumentError(
      `the rewards make action ${action} optimal in state ${state}, where the true reward has ${solution.policy[state]} (it is worth ${solution.actionValues[at]} against ${solution.values[state]}); expected rewards under which optimal policies stay optimal`,
    );
  }
}

/** True where every action that is optimal under `rewards` is optimal under the true reward. */
export function isInvariant(target: DesignTarget, rewards: Float64Array): boolean {
  const { isTerminal, actionCount } = target.mdp;
  const { isOptimal } = valueIteration(target.mdp, rewards);
  return isOptimal.every(
    (best, at) => !best || isTerminal[Math.floor(at / actionCount)] === 1 || target.solution.isOptimal[at] === 1,
  );
}

/** @throws InvalidArgumentError for what is no integer of at least 0, Infinity aside */
export function requireHorizon(name: string, horizon: number): number {
  if (horizon === Number.POSITIVE_INFINITY || (Number.isInteger(horizon) && horizon >= 0)) return horizon;
  throw new InvalidArgumentError(`${name} is ${horizon}; expected an integer of at least 0`);
}

/** Indices of (s, a) that are not optimal under the true reward. */
export function inferiorActions({ mdp, solution }: DesignTarget): readonly number[] {
  const { actionCount, isTerminal } = mdp;
  return Array.from(solution.isOptimal.keys()).filter(
    (at) => !isTerminal[Math.floor(at / actionCount)] && !solution.isOptimal[at],
  );
}
