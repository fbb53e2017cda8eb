// Saving and restoring a replay buffer on disk, and datasets as files; Node only.
export { readTransitionFile, readTransitionFileInfo, writeTransitionFile } from './dataset-files.ts';
export { type DopamineLogConfig, readDopamineLog } from './dopamine-logs.ts';
export { ReplayCheckpointer, type ReplayCheckpointerConfig, type ReplaySaveOutput } from './replay-checkpointer.ts';
