// The trainer as a library: what the `moe-rl` program is made of, in one import.
export { createRandomAgent } from '@moe-rl/core';
export * from '@moe-rl/figures';
export * from '@moe-rl/runs';
export * from '@moe-rl/training';
