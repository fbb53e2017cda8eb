// The trainer as a library: what the `moe-rl` program is made of, in one import. Where `runs` takes a registry, `training` has the one of everything built in.
export { createRandomAgent } from '@moe-rl/core';
export * from '@moe-rl/figures';
export * from '@moe-rl/runs';
export * from '@moe-rl/training';
export {
  changeOnResume,
  loadTrainedAgent,
  makeEnvironment,
  newRunConfig,
  openAgentBatch,
  openSession,
} from '@moe-rl/training';
