// EXPRD's linear program (P1): rewards within bounds, on given states only, under which the target policy stays the best, as informative as can be.
import { InvalidArgumentError, requireFinite, requireInteger } from '@moe-rl/core';
import {
  type LinearProgram,
  ProgramBuilder,
  type ProgramSolution,
  type Term,
} from '../linear-program/linear-program.ts';
import type { Mdp } from '../mdp/mdp.ts';
import { requireHorizons } from './informativeness.ts';
import { type DesignTarget, inferiorActions } from './target.ts';

export interface DesignBounds {
  /** Largest reward, up or down. Default 10, the paper's. */
  readonly maxReward?: number;
  /**
   * `[S]`: rewards of states with the same number, from 0, are the same, action by action (an abstraction, or the leaves of a tree). Default: every state has
   * rewards of its own.
   */
  readonly tiedTo?: Int32Array;
}

/** What the solver lets a constraint miss: gaps below it are not kept. */
const SOLVER_TOLERANCE = 1e-7;

/** The part of a program that every invariant design has: reward variables and the constraints that keep the target policy the best. */
export interface InvariantRewards {
  /** `[S, A]`: the variable of each reward; -1 at terminal states. */
  readonly rewardVariables: Int32Array;
  readonly maxReward: number;
}

/**
 * Adds reward variables and the invariance constraints: V(s) is the target policy's value, and every other action falls behind it by at least the smallest true
 * gap of the state, other optimal actions by 0 (EXPRD, section 3).
 * @throws InvalidArgumentError for bounds out of range, or rewards so small that the solver can't tell their gaps from 0
 */
export function addInvariantRewards(
  builder: ProgramBuilder,
  { mdp, solution, stateGaps }: DesignTarget,
  { maxReward = 10, tiedTo }: DesignBounds = {},
): InvariantRewards {
  requireFinite('maxReward', maxReward, Number.MIN_VALUE);
  const lost = stateGaps.findIndex((gap) => gap > 0 && gap < SOLVER_TOLERANCE);
  if (lost >= 0) {
    throw new InvalidArgumentError(
      `the best action of state ${lost} is worth ${stateGaps[lost]} more than the next, which linear programs can't tell from 0; expected gaps of at least ${SOLVER_TOLERANCE}: larger rewards, and maxReward with them`,
    );
  }
  const { stateCount, actionCount, discount, isTerminal } = mdp;
  const rewardVariables = new Int32Array(stateCount * actionCount).fill(-1);
  const ofCell = new Map<number, number>();
  for (let state = 0; state < stateCount; state++) {
    if (isTerminal[state]) continue;
    const cell = tiedTo === undefined ? state : requireInteger(`tiedTo[${state}]`, tiedTo[state], 0);
    for (let action = 0; action < actionCount; action++) {
      const key = cell * actionCount + action;
      if (!ofCell.has(key)) ofCell.set(key, builder.variable(-maxReward, maxReward));
      rewardVariables[state * actionCount + action] = ofCell.get(key)!;
    }
  }
  const values = Int32Array.from({ length: stateCount }, (_, state) => (isTerminal[state] ? -1 : builder.variable()));
  for (let state = 0; state < stateCount; state++) {
    if (isTerminal[state]) continue;
    for (let action = 0; action < actionCount; action++) {
      const at = state * actionCount + action;
      const terms: Term[] = [
        [values[state]!, 1],
        [rewardVariables[at]!, -1],
        ...laterTerms(mdp, values, at, -discount),
      ];
      const isTarget = action === solution.policy[state];
      const gap = solution.isOptimal[at] ? 0 : stateGaps[state]!;
      builder.row(isTarget ? 0 : gap, isTarget ? 0 : Number.POSITIVE_INFINITY, terms);
    }
  }
  return { rewardVariables, maxReward };
}

/** The program of a target, solved again and again for different supports. */
export class ExprdProgram {
  readonly #mdp: Mdp;
  readonly #program: LinearProgram;
  readonly #rewards: InvariantRewards;
  readonly #allowed = new Set<number>();
  /** States by the first variable of their rewards: those that share it. */
  readonly #tied = new Map<number, number[]>();

  private constructor(mdp: Mdp, program: LinearProgram, rewards: InvariantRewards) {
    this.#mdp = mdp;
    this.#program = program;
    this.#rewards = rewards;
    for (let state = 0; state < mdp.stateCount; state++) {
      const variable = rewards.rewardVariables[state * mdp.actionCount]!;
      const tied = this.#tied.get(variable);
      if (tied === undefined) this.#tied.set(variable, [state]);
      else tied.push(state);
    }
  }

  /**
   * Sets the program up; no state may have rewards yet.
   * @throws InvalidArgumentError for bounds or horizons out of range
   */
  static async create(
    target: DesignTarget,
    horizons: readonly number[],
    bounds: DesignBounds = {},
  ): Promise<ExprdProgram> {
    requireHorizons(horizons);
    if (horizons.includes(Number.POSITIVE_INFINITY)) {
      throw new InvalidArgumentError(
        'horizons hold Infinity; expected finite ones: the constraints are the infinite one',
      );
    }
    const builder = new ProgramBuilder();
    const rewards = addInvariantRewards(builder, target, bounds);
    addShortfalls(builder, target, rewards.rewardVariables, horizons);
    const exprd = new ExprdProgram(target.mdp, await builder.build('minimize'), rewards);
    for (let state = 0; state < target.mdp.stateCount; state++) exprd.allow(state, false);
    return exprd;
  }

  /** Lets a state have rewards, or takes them away. Tied states share them: they stay while one of them may have them. */
  allow(state: number, isAllowed: boolean): void {
    const { actionCount } = this.#mdp;
    const { rewardVariables, maxReward } = this.#rewards;
    if (isAllowed) this.#allowed.add(state);
    else this.#allowed.delete(state);
    const tied = this.#tied.get(rewardVariables[state * actionCount]!)!;
    const bound = tied.some((each) => this.#allowed.has(each)) ? maxReward : 0;
    for (let at = state * actionCount; at < (state + 1) * actionCount; at++) {
      if (rewardVariables[at]! >= 0) this.#program.setBounds(rewardVariables[at]!, -bound, bound);
    }
  }

  /**
   * The most informative rewards with the support allowed now, and their informativeness.
   * @throws InfeasibleProgramError where none keep the target policy the best
   */
  solve(what: string): { readonly rewards: Float64Array; readonly informativeness: number } {
    const solution = this.#program.solve(what);
    return { rewards: readRewards(this.#rewards, solution), informativeness: 0 - solution.objective };
  }

  dispose(): void {
    this.#program.dispose();
  }
}

/** Rewards `[S, A]` of a solution; what the solver left below its precision is 0. */
export function readRewards({ rewardVariables }: InvariantRewards, { values }: ProgramSolution): Float64Array {
  return Float64Array.from(rewardVariables, (variable) => {
    const value = variable < 0 ? 0 : values[variable]!;
    return Math.abs(value) < 1e-9 ? 0 : value;
  });
}

/** Adds, for each horizon and inferior action, what its gap lacks of the true one, at cost 1. */
function addShortfalls(
  builder: ProgramBuilder,
  target: DesignTarget,
  rewardVariables: Int32Array,
  horizons: readonly number[],
): void {
  const { mdp, solution, gaps } = target;
  const { stateCount, actionCount, discount, isTerminal } = mdp;
  const inferior = inferiorActions(target);
  // The target policy's values within 0, 1, 2, ... further rewards: -1 stands for nothing to come.
  let later = new Int32Array(stateCount).fill(-1);
  for (let horizon = 0; horizon <= Math.max(...horizons); horizon++) {
    const within = new Int32Array(stateCount).fill(-1);
    for (let state = 0; state < stateCount; state++) {
      if (isTerminal[state]) continue;
      const at = state * actionCount + solution.policy[state]!;
      within[state] = builder.variable();
      builder.row(0, 0, [[within[state]!, 1], [rewardVariables[at]!, -1], ...laterTerms(mdp, later, at, -discount)]);
    }
    if (horizons.includes(horizon)) {
      for (const at of inferior) {
        const shortfall = builder.variable(0, Number.POSITIVE_INFINITY, 1);
        builder.row(gaps[at]!, Number.POSITIVE_INFINITY, [
          [shortfall, 1],
          [within[Math.floor(at / actionCount)]!, 1],
          [rewardVariables[at]!, -1],
          ...laterTerms(mdp, later, at, -discount),
        ]);
      }
    }
    later = within;
  }
}

/** `factor` times the expected value of what comes after (s, a); values without a variable are 0. */
function laterTerms(mdp: Mdp, variables: Int32Array, at: number, factor: number): Term[] {
  const terms: Term[] = [];
  for (let index = mdp.offsets[at]!; index < mdp.offsets[at + 1]!; index++) {
    const variable = variables[mdp.successors[index]!]!;
    if (variable >= 0) terms.push([variable, factor * mdp.probabilities[index]!]);
  }
  return terms;
}
