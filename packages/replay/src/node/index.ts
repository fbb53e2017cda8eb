// Saving and restoring a replay buffer on disk; Node only.
export { ReplayCheckpointer, type ReplayCheckpointerConfig, type ReplaySaveOutput } from './replay-checkpointer.ts';
