// EXPADARD's criterion (Devidze, Kamalaruban and Singla, AAMAS 2024): what a reward would teach this learner in its next updates, judged by a teacher.
import { requireFinite, requireInteger } from '@moe-rl/core';
import { type Mdp, requirePolicy, requireTable } from '../mdp/mdp.ts';
import { epsilonGreedy, type Solution, stateOccupancy } from '../mdp/solve.ts';

export interface CriterionOptions {
  /** How often the teacher explores, where its visits are counted. Default 0.4, the authors'. */
  readonly teacherEpsilon?: number;
  /** Steps of the learner's advantage under the reward. Default 1: the reward itself (EXPADARD's I_1, arXiv 2402.07019). */
  readonly depth?: number;
}

/** @throws InvalidArgumentError for an option out of range */
export function requireCriterion({ teacherEpsilon = 0.4, depth = 1 }: CriterionOptions): void {
  requireFinite('teacherEpsilon', teacherEpsilon, 0, 1);
  requireInteger('depth', depth, 1, 10_000);
}

/** Teacher's advantages `[S, A]` under the true reward, Q*(s, a) - V*(s). */
export function teacherAdvantages({ values, actionValues }: Solution): Float64Array {
  const actionCount = actionValues.length / values.length;
  return actionValues.map((value, at) => value - values[Math.floor(at / actionCount)]!);
}

/** Visits `[S]` of the teacher, an optimal policy that explores; 0 at terminal states, sum 1. */
export function teacherOccupancy(mdp: Mdp, { isOptimal }: Solution, epsilon = 0.4): Float64Array {
  return stateOccupancy(mdp, epsilonGreedy(mdp, isOptimal, requireFinite('teacherEpsilon', epsilon, 0, 1)));
}

/**
 * The criterion is linear in the reward: returns its coefficients `[S, A]`, so that I(R) is their inner product with R.
 *
 * I_h(R) = sum over (s, a) of muL(s) piL(a|s) muT(s) piL(a|s) (A_T(s, a) - mean_b A_T(s, b)) (A_h(s, a) - mean_b A_h(s, b)), with means under the learner's policy
 * piL and A_h the learner's discounted rewards of h steps from (s, a). piL stands there twice, as in the authors' code.
 * @param learnerPolicy `[S, A]`
 */
export function criterionCoefficients(
  mdp: Mdp,
  solution: Solution,
  learnerPolicy: Float64Array,
  { teacherEpsilon = 0.4, depth = 1 }: CriterionOptions = {},
): Float64Array {
  requirePolicy('learnerPolicy', mdp, learnerPolicy);
  requireCriterion({ teacherEpsilon, depth });
  const { stateCount, actionCount, isTerminal } = mdp;
  const advantages = teacherAdvantages(solution);
  const ofTeacher = teacherOccupancy(mdp, solution, teacherEpsilon);
  const ofLearner = stateOccupancy(mdp, learnerPolicy);
  const coefficients = new Float64Array(stateCount * actionCount);
  for (let state = 0; state < stateCount; state++) {
    if (isTerminal[state]) continue;
    const first = state * actionCount;
    let mean = 0;
    for (let at = first; at < first + actionCount; at++) mean += learnerPolicy[at]! * advantages[at]!;
    let total = 0;
    for (let at = first; at < first + actionCount; at++) {
      const weight = ofLearner[state]! * ofTeacher[state]! * learnerPolicy[at]! ** 2 * (advantages[at]! - mean);
      coefficients[at] = weight;
      total += weight;
    }
    for (let at = first; at < first + actionCount; at++) coefficients[at]! -= learnerPolicy[at]! * total;
  }
  return throughSteps(mdp, learnerPolicy, coefficients, depth);
}

/** I_h of `rewards` `[S, A]` for a learner with this policy. */
export function adaptiveInformativeness(
  mdp: Mdp,
  solution: Solution,
  learnerPolicy: Float64Array,
  rewards: Float64Array,
  options: CriterionOptions = {},
): number {
  requireTable('rewards', mdp, rewards);
  const coefficients = criterionCoefficients(mdp, solution, learnerPolicy, options);
  return coefficients.reduce((sum, coefficient, at) => sum + coefficient * rewards[at]!, 0);
}

/** Coefficients on the rewards, given those on the learner's values of `depth` steps: the sum over t < depth of discount^t (P^T)^t. */
function throughSteps(mdp: Mdp, policy: Float64Array, coefficients: Float64Array, depth: number): Float64Array {
  const { actionCount, discount, offsets, successors, probabilities, isTerminal } = mdp;
  const total = coefficients.slice();
  let carried = coefficients;
  for (let step = 1; step < depth; step++) {
    const next = new Float64Array(total.length);
    for (let at = 0; at < carried.length; at++) {
      if (carried[at] === 0) continue;
      for (let index = offsets[at]!; index < offsets[at + 1]!; index++) {
        const state = successors[index]!;
        if (isTerminal[state]) continue;
        const mass = discount * carried[at]! * probabilities[index]!;
        for (let action = 0; action < actionCount; action++) {
          next[state * actionCount + action]! += mass * policy[state * actionCount + action]!;
        }
      }
    }
    for (let at = 0; at < total.length; at++) total[at]! += next[at]!;
    carried = next;
  }
  return total;
}
