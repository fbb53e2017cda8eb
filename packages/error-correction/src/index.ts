// Public entry of @moe-rl/error-correction: the household, its checker, exploration, inference and metrics. No tensor library. The network is in ./tfjs, the
// language model in ./language-model, training by folders in ./node.
// What a first example needs, so that installing this package alone is enough.
export { createRng, type Rng } from '@moe-rl/core';
export { drawArrangement } from './household/arrangement.ts';
export { FURNITURE, type Furniture, ITEMS, type Item, ROOMS, type Room } from './household/catalog.ts';
export { act, type CheckedPlan, type CheckedStep, checkPlan, finished, tryAction } from './household/checker.ts';
export { expertAction, expertPlan } from './household/expert.ts';
export { ERROR_KINDS, type ErrorKind, type Feedback, isRejection, saysError } from './household/feedback.ts';
export { type Goal, holds } from './household/goals.ts';
export { observe } from './household/observation.ts';
export { ABILITIES, type Ability, type Action, actionText, END, parseAction, repairAction } from './household/parse.ts';
export {
  ALL_TASKS,
  generateTasks,
  HELD_OUT_TASKS,
  type Task,
  TRAINING_TASKS,
  taskByInstruction,
} from './household/tasks.ts';
export { copyWorld, type ItemState, type Place, type World } from './household/world.ts';
export {
  type Episode,
  type EpisodeOptions,
  type EpisodeStep,
  isDone,
  type Problem,
  playEpisodes,
  situationOf,
  successFlags,
} from './learning/episodes.ts';
export {
  type Corrector,
  type Demonstration,
  demonstrate,
  EXAMPLE_ROLES,
  type Example,
  type ExampleRole,
  exploreFree,
  exploreGuided,
  type Proposer,
  planExamples,
} from './learning/examples.ts';
export { INFERENCES, type Inference, plainActions, speculativeActions } from './learning/inference.ts';
export {
  correctedShare,
  longestCommonSubsequence,
  planAgreement,
  stepExecutability,
  taskExecutability,
} from './learning/metrics.ts';
export {
  type CallCounts,
  type Correction,
  countCalls,
  type Judgement,
  type Roles,
  type Situation,
} from './learning/roles.ts';
