// A Markov decision process small enough to be written down: what designs that know the environment work on. Typed arrays, transitions stored sparsely.
import { InvalidArgumentError, NonFiniteError, requireFinite, requireInteger, ShapeError } from '@moe-rl/core';

/** S states, A actions; `[S, A]` tables are flat, the action last. */
export interface Mdp {
  readonly stateCount: number;
  readonly actionCount: number;
  /** From 0 up to 1, 1 itself not. */
  readonly discount: number;
  /** `[S * A + 1]`: where the successors of (s, a) begin in `successors`. */
  readonly offsets: Int32Array;
  readonly successors: Int32Array;
  readonly probabilities: Float64Array;
  /** `[S, A]`: the true reward, expected over successors. 0 at terminal states. */
  readonly rewards: Float64Array;
  /** `[S]`: 1 where the episode has ended; nothing is paid and nothing happens there. */
  readonly isTerminal: Uint8Array;
  /** `[S]`: probabilities of the first state. */
  readonly start: Float64Array;
}

export interface MdpDescription {
  readonly discount: number;
  /** `[S][A]` */
  readonly rewards: readonly (readonly number[])[];
  /** Successors of every (s, a) with their probabilities, as `[S][A]` lists of `[state, probability]`; or `[S][A]` states, for deterministic ones. */
  readonly transitions: readonly (readonly (number | readonly (readonly [state: number, probability: number])[])[])[];
  /** States that end the episode. Default: none. */
  readonly terminalStates?: readonly number[];
  /** The first state, or probabilities `[S]`. Default: state 0. */
  readonly start?: number | readonly number[];
}

const PROBABILITY_TOLERANCE = 1e-9;

/**
 * Checks a description and makes the process.
 * @throws InvalidArgumentError for a discount, state or probability out of range; NonFiniteError for a reward that is NaN or infinite; ShapeError for rows of
 *   different lengths; all name the state and the action
 */
export function createMdp(description: MdpDescription): Mdp {
  const { rewards: rows, transitions, terminalStates = [], start = 0 } = description;
  const stateCount = rows.length;
  const actionCount = rows[0]?.length ?? 0;
  if (stateCount === 0 || actionCount === 0) {
    throw new ShapeError(`rewards have ${stateCount} states and ${actionCount} actions; expected at least one of each`);
  }
  const discount = requireFinite('discount', description.discount, 0);
  if (discount >= 1) throw new InvalidArgumentError(`discount is ${discount}; expected a number below 1`);
  if (transitions.length !== stateCount) {
    throw new ShapeError(`transitions have ${transitions.length} states; expected ${stateCount}, as the rewards`);
  }
  const isTerminal = new Uint8Array(stateCount);
  for (const state of terminalStates) isTerminal[requireState('terminalStates', state, stateCount)] = 1;
  const rewards = rewardTable({ stateCount, actionCount }, rows);
  const offsets = new Int32Array(stateCount * actionCount + 1);
  const successors: number[] = [];
  const probabilities: number[] = [];
  for (let state = 0; state < stateCount; state++) {
    const row = transitions[state]!;
    if (row.length !== actionCount) {
      throw new ShapeError(`transitions of state ${state} have ${row.length} actions; expected ${actionCount}`);
    }
    for (let action = 0; action < actionCount; action++) {
      const at = state * actionCount + action;
      const where = `transitions of state ${state}, action ${action}`;
      const given = row[action]!;
      if (typeof given !== 'number' && !Array.isArray(given))
        throw new ShapeError(
          `${where} are ${JSON.stringify(given)}; expected a state, or a list of [state, probability]`,
        );
      const list = isTerminal[state]
        ? [[state, 1] as const]
        : typeof given === 'number'
          ? [[given, 1] as const]
          : given;
      const merged = new Map<number, number>();
      for (const [next, probability] of list) {
        requireState(where, next, stateCount);
        requireFinite(`${where}: probability`, probability, 0, 1 + PROBABILITY_TOLERANCE);
        if (probability > 0) merged.set(next, (merged.get(next) ?? 0) + probability);
      }
      const sum = [...merged.values()].reduce((total, value) => total + value, 0);
      if (Math.abs(sum - 1) > PROBABILITY_TOLERANCE) {
        throw new InvalidArgumentError(`${where}: the probabilities sum to ${sum}; expected 1`);
      }
      if (isTerminal[state]) rewards[at] = 0;
      for (const [next, probability] of merged) {
        successors.push(next);
        probabilities.push(probability / sum);
      }
      offsets[at + 1] = successors.length;
    }
  }
  return {
    stateCount,
    actionCount,
    discount,
    offsets,
    successors: Int32Array.from(successors),
    probabilities: Float64Array.from(probabilities),
    rewards,
    isTerminal,
    start: startDistribution(start, stateCount),
  };
}

/** The process with another reward table `[S, A]`. */
export function withRewards(mdp: Mdp, rewards: Float64Array): Mdp {
  return { ...mdp, rewards: requireTable('rewards', mdp, rewards) };
}

/**
 * A reward table `[S, A]` from rows.
 * @throws ShapeError for another shape; NonFiniteError for NaN or an infinite reward, naming state and action
 */
export function rewardTable(
  { stateCount, actionCount }: Pick<Mdp, 'stateCount' | 'actionCount'>,
  rows: readonly (readonly number[])[],
): Float64Array {
  if (rows.length !== stateCount) throw new ShapeError(`rewards have ${rows.length} states; expected ${stateCount}`);
  const table = new Float64Array(stateCount * actionCount);
  for (const [state, row] of rows.entries()) {
    if (row.length !== actionCount) {
      throw new ShapeError(`rewards of state ${state} have ${row.length} actions; expected ${actionCount}`);
    }
    // A typed array would take null for 0.
    for (const [action, value] of row.entries())
      table[state * actionCount + action] = typeof value === 'number' ? value : Number.NaN;
  }
  return requireTable('rewards', { stateCount, actionCount }, table);
}

/** @throws ShapeError for another length than S x A; NonFiniteError for a value that is no finite number, naming state and action */
export function requireTable(
  name: string,
  { stateCount, actionCount }: Pick<Mdp, 'stateCount' | 'actionCount'>,
  table: Float64Array,
): Float64Array {
  if (table.length !== stateCount * actionCount) {
    throw new ShapeError(`${name} have ${table.length} values; expected ${stateCount} states x ${actionCount} actions`);
  }
  const bad = table.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new NonFiniteError(
      `${name} of state ${Math.floor(bad / actionCount)}, action ${bad % actionCount} are ${table[bad]}; expected a finite number`,
    );
  }
  return table;
}

/** @throws InvalidArgumentError for what is no state, naming `name` and the states there are */
export function requireState(name: string, state: number, stateCount: number): number {
  return requireInteger(`${name}: state`, state, 0, stateCount - 1);
}

/**
 * Checks a policy `[S, A]`.
 * @throws ShapeError for another length; InvalidArgumentError where probabilities are negative or do not sum to 1, naming the state
 */
export function requirePolicy(name: string, { stateCount, actionCount }: Mdp, policy: Float64Array): Float64Array {
  if (policy.length !== stateCount * actionCount) {
    throw new ShapeError(`${name} has ${policy.length} values; expected ${stateCount} states x ${actionCount} actions`);
  }
  for (let state = 0; state < stateCount; state++) {
    const row = policy.subarray(state * actionCount, (state + 1) * actionCount);
    const sum = row.reduce((total, value) => total + value, 0);
    if (row.some((value) => !(value >= -1e-9)) || !(Math.abs(sum - 1) <= 1e-4)) {
      throw new InvalidArgumentError(
        `${name} of state ${state} is ${Array.from(row).join(', ')}; expected probabilities that sum to 1`,
      );
    }
  }
  return policy;
}

/** Probability-weighted mean of `values` `[S]` over the successors of (s, a), given as `at = s * A + a`. */
export function expectedNext({ offsets, successors, probabilities }: Mdp, values: Float64Array, at: number): number {
  let sum = 0;
  for (let index = offsets[at]!; index < offsets[at + 1]!; index++) {
    sum += probabilities[index]! * values[successors[index]!]!;
  }
  return sum;
}

function startDistribution(start: number | readonly number[], stateCount: number): Float64Array {
  if (typeof start === 'number') {
    const distribution = new Float64Array(stateCount);
    distribution[requireState('start', start, stateCount)] = 1;
    return distribution;
  }
  const distribution = Float64Array.from(start, (value) => (typeof value === 'number' ? value : Number.NaN));
  const sum = distribution.reduce((total, value) => total + value, 0);
  if (distribution.length !== stateCount || distribution.some((value) => !(value >= 0)) || Math.abs(sum - 1) > 1e-6) {
    throw new InvalidArgumentError(
      `start is ${JSON.stringify(start)}; expected a state, or ${stateCount} probabilities that sum to 1`,
    );
  }
  return distribution.map((value) => value / sum);
}
