// The public surface of @moe-rl/replay: runs anywhere. Saving to disk is in `@moe-rl/replay/node`.
export { type FrameArray, type FrameDtype, FrameStore } from './frame-store.ts';
export { importanceWeights } from './importance-weights.ts';
export { ReplayBuffer } from './replay-buffer.ts';
export type { ReplayBufferConfig, ReplaySample, ReplayStep } from './replay-interface.ts';
export type { PrioritizedSamplingConfig, SamplingConfig, UniformSamplingConfig } from './sampler.ts';
export { SumTree } from './sum-tree.ts';
