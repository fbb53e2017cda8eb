// Values, optimal policies and state occupancies of a small decision process: exact up to rounding, by sweeps that use each new value at once.
import { requireFinite } from '@moe-rl/core';
import { expectedNext, type Mdp, requirePolicy, requireTable } from './mdp.ts';

/** Gap, as a share of the largest action value, below which two actions count as equally good. */
export const TIE = 1e-9;

export interface Solution {
  /** `[S]` */
  readonly values: Float64Array;
  /** `[S, A]` */
  readonly actionValues: Float64Array;
  /** `[S, A]`: 1 where the action is as good as the best one. */
  readonly isOptimal: Uint8Array;
  /** `[S]`: the first of the best actions. */
  readonly policy: Int32Array;
}

/** Optimal values and policies under `rewards` `[S, A]`; by default the true ones. */
export function valueIteration(mdp: Mdp, rewards: Float64Array = mdp.rewards): Solution {
  requireTable('rewards', mdp, rewards);
  const { stateCount, actionCount, discount, isTerminal } = mdp;
  const values = new Float64Array(stateCount);
  sweepUntilStill(mdp, rewards, values, (state) => {
    let best = Number.NEGATIVE_INFINITY;
    for (let at = state * actionCount; at < (state + 1) * actionCount; at++) {
      best = Math.max(best, rewards[at]! + discount * expectedNext(mdp, values, at));
    }
    return best;
  });
  const actionValues = actionValuesOf(mdp, rewards, values);
  const scale = actionValues.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isOptimal = new Uint8Array(stateCount * actionCount);
  const policy = new Int32Array(stateCount);
  for (let state = 0; state < stateCount; state++) {
    const row = actionValues.subarray(state * actionCount, (state + 1) * actionCount);
    const best = Math.max(...row);
    for (let action = actionCount - 1; action >= 0; action--) {
      if (isTerminal[state] || row[action]! >= best - TIE * scale) {
        isOptimal[state * actionCount + action] = 1;
        policy[state] = action;
      }
    }
  }
  return { values, actionValues, isOptimal, policy };
}

/**
 * Values `[S]` of a policy, `[S]` actions or `[S, A]` probabilities, under `rewards`; by default the true ones.
 * @param values a first guess, changed in place and returned; default: zeros
 */
export function policyValues(
  mdp: Mdp,
  policy: Int32Array | Float64Array,
  rewards: Float64Array = mdp.rewards,
  values: Float64Array = new Float64Array(mdp.stateCount),
): Float64Array {
  const { actionCount, discount } = mdp;
  const backup = (at: number): number => rewards[at]! + discount * expectedNext(mdp, values, at);
  sweepUntilStill(
    mdp,
    rewards,
    values,
    policy instanceof Int32Array
      ? (state) => backup(state * actionCount + policy[state]!)
      : (state) => {
          let sum = 0;
          for (let at = state * actionCount; at < (state + 1) * actionCount; at++) {
            if (policy[at]! > 0) sum += policy[at]! * backup(at);
          }
          return sum;
        },
  );
  return values;
}

/** Action values `[S, A]` for given values of what comes after. 0 at terminal states. */
export function actionValuesOf(mdp: Mdp, rewards: Float64Array, values: Float64Array): Float64Array {
  const { actionCount, discount, isTerminal } = mdp;
  return rewards.map((reward, at) =>
    isTerminal[Math.floor(at / actionCount)] ? 0 : reward + discount * expectedNext(mdp, values, at),
  );
}

/** Mean over first states. */
export function startValue({ start }: Mdp, values: Float64Array): number {
  return start.reduce((sum, probability, state) => sum + (probability > 0 ? probability * values[state]! : 0), 0);
}

/**
 * Discounted state occupancy `[S]` of a policy `[S, A]`: how often each state is visited, later visits counting less; 0 at terminal states, sum 1.
 * @throws ShapeError or InvalidArgumentError for what is no policy
 */
export function stateOccupancy(mdp: Mdp, policy: Float64Array): Float64Array {
  requirePolicy('policy', mdp, policy);
  const { stateCount, actionCount, discount, offsets, successors, probabilities, isTerminal, start } = mdp;
  let mass = start.slice();
  const occupancy = new Float64Array(stateCount);
  for (let weight = 1; weight > 1e-17; weight *= discount) {
    const next = new Float64Array(stateCount);
    let left = 0;
    for (let state = 0; state < stateCount; state++) {
      if (isTerminal[state] || mass[state] === 0) continue;
      occupancy[state]! += weight * mass[state]!;
      left += mass[state]!;
      for (let action = 0; action < actionCount; action++) {
        const at = state * actionCount + action;
        const taken = mass[state]! * policy[at]!;
        if (taken === 0) continue;
        for (let index = offsets[at]!; index < offsets[at + 1]!; index++) {
          next[successors[index]!]! += taken * probabilities[index]!;
        }
      }
    }
    if (left * weight < 1e-17) break;
    mass = next;
  }
  const total = occupancy.reduce((sum, value) => sum + value, 0);
  return total === 0 ? occupancy : occupancy.map((value) => value / total);
}

/**
 * The policy `[S, A]` that explores with probability `epsilon` and else takes an action of `isBest` `[S, A]`, any of them alike.
 * @throws InvalidArgumentError for an epsilon that is no probability
 */
export function epsilonGreedy({ stateCount, actionCount }: Mdp, isBest: Uint8Array, epsilon: number): Float64Array {
  requireFinite('epsilon', epsilon, 0, 1);
  const policy = new Float64Array(stateCount * actionCount);
  for (let state = 0; state < stateCount; state++) {
    const best = isBest.subarray(state * actionCount, (state + 1) * actionCount);
    const count = best.reduce((sum, value) => sum + value, 0);
    for (let action = 0; action < actionCount; action++) {
      policy[state * actionCount + action] = epsilon / actionCount + (best[action] ? (1 - epsilon) / count : 0);
    }
  }
  return policy;
}

/** Updates states one by one, each seeing the newest values of the others, until nothing moves any more. */
function sweepUntilStill(
  mdp: Mdp,
  rewards: Float64Array,
  values: Float64Array,
  update: (state: number) => number,
): void {
  const { stateCount, discount, isTerminal } = mdp;
  const scale = rewards.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);
  const tolerance = 1e-14 * scale;
  // Each sweep shrinks the error by the discount at least: so many are enough for full precision.
  const most = discount === 0 ? 2 : 2 + Math.ceil(Math.log(1e-17 * (1 - discount)) / Math.log(discount));
  for (let sweep = 0; sweep < most; sweep++) {
    let change = 0;
    for (let state = stateCount - 1; state >= 0; state--) {
      const value = isTerminal[state] ? 0 : update(state);
      change = Math.max(change, Math.abs(value - values[state]!));
      values[state] = value;
    }
    if (change <= tolerance) return;
  }
}
