// Public entry of @moe-rl/runs: a run is a folder.
export { BACKENDS, type BackendOption } from './config/backends.ts';
export { DEFAULT_EVALUATION_SETTINGS, type EvaluationSettings } from './config/evaluation-settings.ts';
export {
  changeOnResume,
  checkRunConfig,
  describeRunConfig,
  newRunConfig,
  parseSetOption,
  type RequestedSettings,
  runConfigJsonSchema,
  settingDifferences,
} from './config/run-config.ts';
export {
  CONFIG_FORMAT_VERSION,
  type DatasetSettings,
  DEFAULT_RUN_SETTINGS,
  type ModuleReference,
  ORIGINAL_REWARD,
  type RunConfig,
  type RunSettings,
} from './config/run-settings.ts';
export { type EvaluateAgentOptions, type EvaluationOutput, evaluateAgent } from './evaluation/evaluate-agent.ts';
export { type EvaluateVisiblyOptions, evaluateVisibly } from './evaluation/evaluate-visibly.ts';
export { type ReturnStatistics, returnStatistics } from './evaluation/statistics.ts';
export { type BatchPlace, type BatchStretch, readBatchStretches } from './folder/batch-note.ts';
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
  readRunModules,
  requireModules,
  runFolderPaths,
} from './folder/run-folder.ts';
export {
  findMetric,
  type MetricDefinition,
  metricDefinition,
  metricTags,
  registerMetric,
} from './metrics/metric-registry.ts';
export { createRunStatistics, type RunStatistics } from './metrics/run-statistics.ts';
export type {
  AgentBatch,
  AgentKind,
  AgentRequest,
  BatchRequest,
  EnvironmentKind,
  Preset,
  PublishedProtocol,
  Purpose,
  RewardKind,
  RewardRequest,
  RunAgent,
  RunSink,
  SinkKind,
} from './registry/kinds.ts';
export { type LoadedModule, loadModule, loadModules, moduleAtFault, moduleReference } from './registry/load-module.ts';
export { createRunRegistry, environmentOf, gamesOf, type RunRegistry } from './registry/run-registry.ts';
export {
  agentKindOf,
  type BatchMember,
  loadTrainedAgent,
  makeEnvironment,
  openAgentBatch,
  openSession,
  openSinks,
  registerRunSinks,
  type Session,
} from './session/session.ts';
export type { AppendFile } from './sinks/append-file.ts';
export { keptBytes, type MetricsFile, openMetricsFile, readMetricRows, syncedLength } from './sinks/metrics-file.ts';
export { createProgress, type Progress } from './sinks/progress.ts';
export { type SharedOutput, shareOutput } from './sinks/shared-output.ts';
export { createStatusLine, type ProgressOutput, type StatusLine } from './sinks/status-line.ts';
export { createTensorBoardSink, openTensorBoardFile, type TensorBoardFile } from './sinks/tensorboard.ts';
export { count, duration, meanText, number, table } from './sinks/text.ts';
export type { ReplayPersistence, TransitionRecorder } from './training/replay-persistence.ts';
export { type TrainRunOutput, trainRun } from './training/train-run.ts';
export type { TrainRunOptions } from './training/train-run-options.ts';
