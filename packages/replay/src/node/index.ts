// Saving and restoring a replay buffer on disk, and datasets as files; Node only.
export type { DatasetFormat, FindDatasetOptions } from './dataset-parts.ts';
export { DatasetRecorder, type DatasetRecorderConfig } from './dataset-recorder.ts';
export { type DopamineLogConfig, readDopamineLog } from './dopamine-logs.ts';
export {
  type Dataset,
  type DatasetFeed,
  type DatasetStep,
  type DatasetSummary,
  type DatasetUser,
  type FillOptions,
  openDataset,
} from './open-dataset.ts';
export { readTransitionFile, readTransitionFileInfo, writeTransitionFile } from './parquet-files.ts';
export { ReplayCheckpointer, type ReplayCheckpointerConfig, type ReplaySaveOutput } from './replay-checkpointer.ts';
