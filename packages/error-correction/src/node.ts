// Entry @moe-rl/error-correction/node: training in a folder that can be stopped and gone on with, and evaluation on held-out problems. Node only.
export {
  type EpisodeRow,
  EVALUATION_SEED,
  type EvaluationOptions,
  type EvaluationReport,
  evaluateRoles,
  heldOutProblems,
  SPLITS,
  type Split,
  type SplitResult,
  summarizeEpisodes,
} from './runs/evaluate.ts';
export { openPolicy, savedUpdates } from './runs/folder.ts';
export { DEFAULT_SETTINGS, requireSettings, type TrainingSettings } from './runs/settings.ts';
export { type TrainingProgress, type TrainOptions, type TrainOutput, train } from './runs/train.ts';
