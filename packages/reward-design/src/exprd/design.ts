// EXPRD: which states get rewards, within a budget, and which rewards.
import { InvalidArgumentError, NonFiniteError, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { type Mdp, requireState } from '../mdp/mdp.ts';
import { DEFAULT_HORIZONS } from './informativeness.ts';
import { type DesignBounds, ExprdProgram } from './program.ts';
import { type DesignTarget, designTarget } from './target.ts';

export interface ExprdOptions extends DesignBounds {
  /** States that may get rewards beside those that the true reward has; at least 1, at most S. Default: all. */
  readonly budget?: number;
  /** Default: the paper's 1, 2, 4, 8, 16, 32. */
  readonly horizons?: readonly number[];
  /** `[S]`: how welcome rewards at a state are, beside being informative (the paper's D); weighed by `stateScoreWeight`. Default: all alike. */
  readonly stateScores?: Float64Array;
  /** The paper's lambda, for `stateScores`. Infinity: scores first, informativeness among equals. */
  readonly stateScoreWeight?: number;
  /** Called for each state that is chosen. */
  readonly onState?: (state: number, informativeness: number) => void;
}

const BOUNDS = ['maxReward', 'tiedTo'];
const OPTIONS = ['budget', 'horizons', 'stateScores', 'stateScoreWeight', 'onState', ...BOUNDS];

export interface ExprdDesign {
  /** `[S, A]` */
  readonly rewards: Float64Array;
  readonly informativeness: number;
  /** States chosen, in their order; those of the true reward are not among them. */
  readonly chosen: readonly number[];
}

/**
 * Designs rewards under which the optimal policies stay optimal and bad actions are told early (Devidze et al., NeurIPS 2021): a linear program for given states,
 * and states chosen one by one, each the one that helps most.
 * @throws InvalidArgumentError for an unknown option, a budget, horizon, score or bound out of range; InfeasibleProgramError when the bounds leave no such rewards
 */
export async function designExprd(mdp: Mdp, options: ExprdOptions = {}): Promise<ExprdDesign> {
  requireKnownOptions('designExprd', options, OPTIONS);
  const { horizons = DEFAULT_HORIZONS, stateScores, stateScoreWeight, onState, ...bounds } = options;
  const { stateCount, isTerminal } = mdp;
  const places = Array.from({ length: stateCount }, (_, state) => state).filter((state) => !isTerminal[state]);
  const budget = requireInteger('budget', options.budget ?? places.length, 1, stateCount);
  const score = scoreOf(stateScores, stateScoreWeight, stateCount);
  const target = designTarget(mdp);
  const given = paidStates(target);
  const open = new Set(places.filter((state) => !given.includes(state)));
  const program = await ExprdProgram.create(target, horizons, bounds);
  try {
    for (const state of given) program.allow(state, true);
    if (budget >= open.size) {
      for (const state of open) program.allow(state, true);
      return { ...program.solve('the rewards on all states'), chosen: [...open] };
    }
    const chosen: number[] = [];
    while (chosen.length < budget) {
      let best: { readonly state: number; readonly worth: Worth; readonly informativeness: number } | undefined;
      for (const state of open) {
        program.allow(state, true);
        const { informativeness } = program.solve(
          `the rewards with state ${state} beside ${[...given, ...chosen].join(', ')}`,
        );
        program.allow(state, false);
        const worth = score(state, informativeness);
        if (best === undefined || isBetter(worth, best.worth)) best = { state, worth, informativeness };
      }
      if (best === undefined) break;
      program.allow(best.state, true);
      open.delete(best.state);
      chosen.push(best.state);
      onState?.(best.state, best.informativeness);
    }
    return { ...program.solve(`the rewards with budget ${budget}`), chosen };
  } finally {
    program.dispose();
  }
}

/**
 * The most informative rewards on given states (the paper's P1).
 * @throws InvalidArgumentError for an unknown state or option; InfeasibleProgramError where none on these states keep the optimal policies optimal
 */
export async function designOnStates(
  mdp: Mdp,
  states: readonly number[],
  { horizons = DEFAULT_HORIZONS, ...bounds }: Pick<ExprdOptions, 'horizons' | 'maxReward' | 'tiedTo'> = {},
): Promise<ExprdDesign> {
  requireKnownOptions('designOnStates', bounds, BOUNDS);
  for (const state of states) requireState('states', state, mdp.stateCount);
  const program = await ExprdProgram.create(designTarget(mdp), horizons, bounds);
  try {
    for (const state of states) program.allow(state, true);
    return { ...program.solve(`the rewards on states ${states.join(', ') || '(none)'}`), chosen: states };
  } finally {
    program.dispose();
  }
}

/** States where the true reward pays. */
function paidStates({ mdp }: DesignTarget): readonly number[] {
  const { stateCount, actionCount, rewards } = mdp;
  return Array.from({ length: stateCount }, (_, state) => state).filter((state) =>
    rewards.subarray(state * actionCount, (state + 1) * actionCount).some((reward) => reward !== 0),
  );
}

/** What a state is chosen by: the first number, and the second among equals. */
type Worth = readonly [first: number, second: number];

/** Ties go to the lowest state, also where the solver rounds. */
function isBetter([first, second]: Worth, [bestFirst, bestSecond]: Worth): boolean {
  return first > bestFirst + 1e-9 || (first >= bestFirst && second > bestSecond + 1e-9);
}

function scoreOf(
  scores: Float64Array | undefined,
  weight: number | undefined,
  stateCount: number,
): (state: number, informativeness: number) => Worth {
  if (weight !== undefined && !(weight >= 0)) {
    throw new InvalidArgumentError(`stateScoreWeight is ${weight}; expected a number of at least 0`);
  }
  if ((scores === undefined) !== (weight === undefined)) {
    const [given, missing] =
      scores === undefined ? ['stateScoreWeight', 'stateScores'] : ['stateScores', 'stateScoreWeight'];
    throw new InvalidArgumentError(`${given} without ${missing} does nothing; expected both or neither`);
  }
  if (scores === undefined || weight === undefined) return (_, informativeness) => [informativeness, 0];
  if (scores.length !== stateCount) {
    throw new InvalidArgumentError(`stateScores have ${scores.length} values; expected ${stateCount}`);
  }
  const bad = scores.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new NonFiniteError(`stateScores[${bad}] is ${scores[bad]}; expected a finite number`);
  if (weight === Number.POSITIVE_INFINITY) {
    // By rank: scores of any size then differ by more than what counts as a tie.
    const ranks = [...new Set(scores)].sort((left, right) => left - right);
    return (state, informativeness) => [ranks.indexOf(scores[state]!), informativeness];
  }
  return (state, informativeness) => [informativeness + weight * scores[state]!, 0];
}
