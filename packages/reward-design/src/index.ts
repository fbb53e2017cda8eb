// The public surface of @moe-rl/reward-design.
export { withDesignedReward } from './designs/environment.ts';
export { designedRewards, type RewardMap, rewardMap } from './designs/reward-map.ts';
export {
  type AdaptiveDesignOptions,
  adaptiveDesign,
  explorationDesign,
  type LearnerPolicy,
  tableDesign,
} from './designs/wrappers.ts';
export { type ChainConfig, chain } from './environments/chain.ts';
export { NAVIGATION_GAMES, type NavigationSettings, navigation } from './environments/games.ts';
export { type LineKeyConfig, lineKey } from './environments/line-key.ts';
export { type LineKeyContinuousConfig, lineKeyContinuous } from './environments/line-key-continuous.ts';
export { type LineKeyPicksConfig, lineKeyPicks } from './environments/line-key-picks.ts';
export { type RoomConfig, room } from './environments/room.ts';
export {
  isTabular,
  type StateLayout,
  type TabularEnvironment,
  type TabularGame,
  tabularEnvironment,
} from './environments/tabular-environment.ts';
export {
  adaptiveInformativeness,
  type CriterionOptions,
  criterionCoefficients,
  teacherAdvantages,
  teacherOccupancy,
} from './expadard/criterion.ts';
export {
  type AdaptiveDesigner,
  type AdaptiveOptions,
  adaptiveDesigner,
  ascendCriterion,
  type GradientOptions,
  invariantRewards,
} from './expadard/design.ts';
export { type RankingOptions, rankingUpdate, type SimulatedOptions, simulatedUpdate } from './explors/baselines.ts';
export { visitBonus } from './explors/bonus.ts';
export { type RewardEpisode, returnsToGo } from './explors/episodes.ts';
export { type NetworkExplorationOptions, networkExplorationDesign } from './explors/network-exploration.ts';
export { type SelfSupervisedOptions, selfSupervisedUpdate, updateCritic } from './explors/self-supervised.ts';
export { type ExplorationOptions, type LearnedReward, TabularExploration } from './explors/tabular-exploration.ts';
export { designExprd, designOnStates, type ExprdDesign, type ExprdOptions } from './exprd/design.ts';
export { DEFAULT_HORIZONS, informativeness } from './exprd/informativeness.ts';
export type { DesignBounds } from './exprd/program.ts';
export {
  type DesignTarget,
  designTarget,
  horizonGaps,
  invarianceViolation,
  isInvariant,
  requireInvariant,
} from './exprd/target.ts';
export { growTree, type TreeDesign } from './exprd/tree.ts';
export { policyTable, type TabularLearner } from './learners/learner.ts';
export { type QLearningOptions, qLearning } from './learners/q-learning.ts';
export { type ReinforceOptions, reinforce } from './learners/reinforce.ts';
export { tabularAgent } from './learners/tabular-agent.ts';
export { InfeasibleProgramError } from './linear-program/linear-program.ts';
export { abstractProcess, liftRewards } from './mdp/abstraction.ts';
export { createMdp, type Mdp, type MdpDescription, rewardTable, withRewards } from './mdp/mdp.ts';
export {
  epsilonGreedy,
  policyValues,
  type Solution,
  startValue,
  stateOccupancy,
  valueIteration,
} from './mdp/solve.ts';
export { shapedRewards } from './shaping.ts';
export { LEVEL, type LearnerName, STUDY_DESIGNS, type StudyDesign } from './studies/learning.ts';
export {
  DESIGN_STUDY_NAMES,
  type DesignStudy,
  type DesignSummary,
  designStudy,
  MAX_EPISODES,
  runDesignStudy,
  type StudyOptions,
  type StudyResult,
  summarizeDesigns,
} from './studies/studies.ts';
