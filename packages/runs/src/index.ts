// Public entry of @moe-rl/runs: a run is a folder.
export { BACKENDS, type BackendOption } from './config/backends.ts';
export { DEFAULT_EVALUATION_SETTINGS, type EvaluationSettings } from './config/evaluation-settings.ts';
export {
  type AgentSettings,
  agentConfigOf,
  changeOnResume,
  checkRunConfig,
  DEFAULT_RUN_SETTINGS,
  evaluationConfig,
  newRunConfig,
  parseSetOption,
  type RequestedSettings,
  type RunConfig,
  type RunSettings,
} from './config/run-config.ts';
export { type EvaluateAgentOptions, type EvaluationOutput, evaluateAgent } from './evaluation/evaluate-agent.ts';
export { type EvaluateVisiblyOptions, evaluateVisibly } from './evaluation/evaluate-visibly.ts';
export { humanNormalizedScore } from './evaluation/human-scores.ts';
export { type ReturnStatistics, returnStatistics } from './evaluation/statistics.ts';
export {
  type CheckpointStore,
  checkpointStore,
  type LoadedCheckpoint,
  readCheckpoint,
} from './folder/checkpoint-store.ts';
export {
  createRunFolder,
  lockRunFolder,
  openRunFolder,
  type RunFolder,
  readRunConfig,
  runFolderPaths,
} from './folder/run-folder.ts';
export { METRIC_TAGS, type MetricDefinition, metricDefinition } from './metrics/metric-registry.ts';
export { createRunStatistics, type RunStatistics } from './metrics/run-statistics.ts';
export { keptBytes, type MetricsFile, openMetricsFile, readMetricRows, syncedLength } from './sinks/metrics-file.ts';
export { createProgress, type Progress } from './sinks/progress.ts';
export { createStatusLine, type ProgressOutput, type StatusLine } from './sinks/status-line.ts';
export { openTensorBoardFile, type TensorBoardFile } from './sinks/tensorboard.ts';
export { count, duration, meanText, number, table } from './sinks/text.ts';
export { type ReplayPersistence, type TrainRunOptions, type TrainRunOutput, trainRun } from './training/train-run.ts';
