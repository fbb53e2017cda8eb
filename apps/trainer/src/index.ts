// The trainer as a library: what the `moe-rl` program is made of.
export { type EvaluationOutput, evaluateAgent } from './evaluation/evaluate-agent.ts';
export { createRandomAgent } from './evaluation/random-agent.ts';
export { type ReturnStatistics, returnStatistics } from './evaluation/statistics.ts';
export { METRIC_TAGS, type MetricDefinition, type MetricRow, metricDefinition } from './metric-registry.ts';
export { learningCurveSvg } from './plot/learning-curve.ts';
export { svgToPng } from './plot/png.ts';
export { type CheckpointStore, checkpointStore, readCheckpoint } from './run/checkpoint-store.ts';
export { DEFAULT_RUN_SETTINGS, newRunConfig, type RequestedSettings, type RunConfig } from './run/run-config.ts';
export { createRunFolder, openRunFolder, type RunFolder, readRunConfig } from './run/run-folder.ts';
export { type ReplayPersistence, type TrainRunOptions, type TrainRunOutput, trainRun } from './run/train-run.ts';
export { encodeGif, type RgbImage } from './video/gif.ts';
