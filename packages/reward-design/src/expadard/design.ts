// EXPADARD: rewards designed anew for what the learner does now, and its simple form without constraints. The baseline "Invariance" has the constraints alone.
import { requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { addInvariantRewards, type DesignBounds, type InvariantRewards, readRewards } from '../exprd/program.ts';
import { type DesignTarget, designTarget } from '../exprd/target.ts';
import { type LinearProgram, ProgramBuilder } from '../linear-program/linear-program.ts';
import { type Mdp, requirePolicy, requireTable } from '../mdp/mdp.ts';
import { type Solution, valueIteration } from '../mdp/solve.ts';
import {
  type CriterionOptions,
  criterionCoefficients,
  requireCriterion,
  teacherAdvantages,
  teacherOccupancy,
} from './criterion.ts';

export interface AdaptiveOptions extends DesignBounds, CriterionOptions {}

/** Designs rewards for one learner again and again. Dispose it at the end. */
export interface AdaptiveDesigner {
  /**
   * The rewards `[S, A]` that teach a learner with this policy `[S, A]` most, among those that keep optimal policies optimal.
   * @throws ShapeError or InvalidArgumentError for what is no policy
   */
  design(learnerPolicy: Float64Array): Float64Array;
  dispose(): void;
}

/**
 * Sets up EXPADARD's linear program; only its objective changes from learner to learner.
 * @throws InvalidArgumentError for an unknown option, or one out of range
 */
export async function adaptiveDesigner(mdp: Mdp, options: AdaptiveOptions = {}): Promise<AdaptiveDesigner> {
  requireKnownOptions('adaptiveDesigner', options, ['maxReward', 'tiedTo', 'teacherEpsilon', 'depth']);
  requireCriterion(options);
  const target = designTarget(mdp);
  const { program, rewards } = await invariantProgram(target, options);
  return {
    design(learnerPolicy) {
      const coefficients = criterionCoefficients(mdp, target.solution, learnerPolicy, options);
      const costs = new Map<number, number>();
      for (const [at, variable] of rewards.rewardVariables.entries()) {
        if (variable >= 0) costs.set(variable, (costs.get(variable) ?? 0) + coefficients[at]!);
      }
      // The solver's tolerances are absolute, and these numbers fall with every state that is seldom visited; what is a rounding beside the largest says nothing.
      const largest = [...costs.values()].reduce((most, cost) => Math.max(most, Math.abs(cost)), 0);
      for (const [variable, cost] of costs) {
        const share = largest === 0 ? 0 : cost / largest;
        program.setCost(variable, Math.abs(share) < 1e-9 ? 0 : share);
      }
      return readRewards(rewards, program.solve('the rewards for this learner', true));
    },
    dispose: () => program.dispose(),
  };
}

/**
 * Rewards `[S, A]` that keep optimal policies optimal and maximize nothing: whatever the solver finds first.
 * @throws InvalidArgumentError for an unknown option or bounds out of range; InfeasibleProgramError where there are none
 */
export async function invariantRewards(mdp: Mdp, bounds: DesignBounds = {}): Promise<Float64Array> {
  requireKnownOptions('invariantRewards', bounds, ['maxReward', 'tiedTo']);
  const { program, rewards } = await invariantProgram(designTarget(mdp), bounds);
  try {
    return readRewards(rewards, program.solve('rewards that keep optimal policies optimal'));
  } finally {
    program.dispose();
  }
}

async function invariantProgram(
  target: DesignTarget,
  bounds: DesignBounds,
): Promise<{ readonly program: LinearProgram; readonly rewards: InvariantRewards }> {
  const builder = new ProgramBuilder();
  const rewards = addInvariantRewards(builder, target, bounds);
  return { program: await builder.build('maximize'), rewards };
}

export interface GradientOptions extends Pick<CriterionOptions, 'teacherEpsilon'> {
  /** Default 0.01. */
  readonly learningRate?: number;
  /** Default 100. */
  readonly innerSteps?: number;
  /** Rewards stay within this, up and down. Default 1. */
  readonly clip?: number;
}

/**
 * The simple form: gradient ascent on the criterion from `rewards` `[S, A]`, clipped, without invariance constraints; the learner's visits are left to its
 * experience (EXPADARD, arXiv 2402.07019, as in the authors' code). Returns new rewards.
 * @throws ShapeError or InvalidArgumentError for what is no policy or no option; NonFiniteError for rewards that are no numbers
 */
export function ascendCriterion(
  mdp: Mdp,
  learnerPolicy: Float64Array,
  rewards: Float64Array,
  options: GradientOptions = {},
  solution: Solution = valueIteration(mdp),
): Float64Array {
  requireKnownOptions('ascendCriterion', options, ['teacherEpsilon', 'learningRate', 'innerSteps', 'clip']);
  const { teacherEpsilon = 0.4, learningRate = 0.01, innerSteps = 100, clip = 1 } = options;
  requirePolicy('learnerPolicy', mdp, learnerPolicy);
  requireTable('rewards', mdp, rewards);
  requireFinite('learningRate', learningRate, 0);
  requireInteger('innerSteps', innerSteps, 1);
  requireFinite('clip', clip, 0);
  const { stateCount, actionCount } = mdp;
  const advantages = teacherAdvantages(solution);
  const visits = teacherOccupancy(mdp, solution, teacherEpsilon);
  const gradient = new Float64Array(stateCount * actionCount);
  for (let state = 0; state < stateCount; state++) {
    const first = state * actionCount;
    const mean = meanUnder(learnerPolicy, advantages, first, actionCount);
    for (let at = first; at < first + actionCount; at++) {
      gradient[at] = learnerPolicy[at]! * visits[state]! * (advantages[at]! - mean);
    }
    const total = gradient.subarray(first, first + actionCount).reduce((sum, value) => sum + value, 0);
    for (let at = first; at < first + actionCount; at++) gradient[at]! -= learnerPolicy[at]! * total;
  }
  let ascended = rewards;
  for (let step = 0; step < innerSteps; step++) {
    ascended = ascended.map((reward, at) => Math.min(clip, Math.max(-clip, reward + learningRate * gradient[at]!)));
  }
  return ascended;
}

function meanUnder(policy: Float64Array, values: Float64Array, first: number, actionCount: number): number {
  let mean = 0;
  for (let at = first; at < first + actionCount; at++) mean += policy[at]! * values[at]!;
  return mean;
}
