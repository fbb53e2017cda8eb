// Public entry of @moe-rl/training: a run put together from its configuration.
export { type OpenBackendOutput, openBackend } from './backend.ts';
export { chooseBackend, MEASURED_FROM_UPDATES, measureHere, workOf } from './backends/choose.ts';
export { explainTrainingBackends } from './backends/explain.ts';
export { backendsHere } from './backends/measure.ts';
export {
  type BackendMeasurement,
  type EntryPointTime,
  explainChoice,
  fastestFirst,
  type MeasurableBackend,
  type RunWork,
  secondsOf,
} from './backends/measurement.ts';
export type { BackendHere, MeasuredAgent } from './backends/measurement-cache.ts';
export { compareRuns, type GroupResult, type RunComparison } from './comparison/compare-runs.ts';
export { type ComparedRun, type GroupedRuns, groupRuns, type RunGroup } from './comparison/group-runs.ts';
export { humanNormalizedScore } from './evaluation/human-scores.ts';
export { findGames, makeEnvironment } from './games.ts';
export { agentConfigOf, requireBatchBackend, type ValueAgentRunConfig } from './kinds/value-agent.ts';
export { openDatasetFor } from './offline/dataset.ts';
export { createRecorder, type RecorderOptions } from './offline/recorder.ts';
export { changeOnResume, checkRun, newRunConfig, registry, type TrainingRegistry, withBackend } from './registry.ts';
export {
  drawCurve,
  type EvaluationPair,
  type EvaluationSummary,
  finishRun,
  type TrainedSession,
  type TrainInFolderOptions,
  trainInFolder,
} from './run-session.ts';
export { loadTrainedAgent, openAgentBatch, openSession } from './session.ts';
export { type BatchedRun, type TrainRunsOptions, type TrainRunsResult, trainRuns } from './train-runs.ts';
