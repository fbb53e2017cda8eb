// @moe-rl/text2reward: rewards written in words. A language model turns a goal and a typed description of an environment into a reward program, which runs in
// a sandbox. Servers that models live on are in ./models.
export { classText } from './description/class-text.ts';
export {
  type ActionDescription,
  checkDescription,
  type EnvironmentDescription,
  type FieldDescription,
  type FieldSource,
  type FieldType,
  type NamedField,
  namedFields,
  type ObjectDescription,
  type RamForm,
} from './description/environment-description.ts';
export { describedEnvironments, findDescription } from './descriptions/index.ts';
export {
  LanguageModelError,
  type LanguageModelFault,
  RetriesExhaustedError,
  type RewardFault,
  RewardProgramError,
} from './errors.ts';
export { type ChatMessage, type GenerateRequest, type LanguageModel, recordedReplies } from './language-model.ts';
export { firstFencedBlock } from './program/extract-code.ts';
export { mapNames, type NameMapping, nameMapping } from './program/map-names.ts';
export { type RewardedStep, RewardProgram, type RewardProgramOptions } from './program/reward-program.ts';
export { DEFAULT_REWARD_LIMITS, type RewardLimits } from './program/sandbox.ts';
export { createProgramReward, type ProgramRewardOptions } from './program-reward.ts';
export { type CheckOptions, type CheckReport, checkProgram, describeCheck } from './writing/check-program.ts';
export { checkExamples, nearestExamples, REWARD_EXAMPLES, type RewardExample } from './writing/examples.ts';
export { writingPrompt } from './writing/prompt.ts';
export {
  type RefineRewardOptions,
  refineReward,
  type WriteRewardOptions,
  type WritingOptions,
  type WrittenReward,
  writeReward,
} from './writing/write-reward.ts';
