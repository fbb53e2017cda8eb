// Test files that the runs over built packages leave out: they say nothing about packaging and take minutes, or they start TypeScript in a process of
// its own, which is the source and not what was built, and which Node 20 can't read.
export const FROM_SOURCE_ONLY = [
  'packages/agents/src/learning.test.ts',
  'packages/agents/src/networks/routers.test.ts',
  'packages/agents/src/value-agent/variants.test.ts',
  'packages/ale-wasm/src/translator/translator.test.ts',
  'apps/trainer/src/cli/error-correction.test.ts',
  'apps/trainer/src/cli/experiment-workers.test.ts',
  'packages/experiments/src/runners/batches.test.ts',
  'packages/experiments/src/runners/queue.test.ts',
  'packages/experiments/src/runners/worker.test.ts',
];

// Long computations in numbers, which the run on the development Node has made with the same built packages: on the oldest Node other files run what they do, shorter.
export const ONCE_FROM_BUILT = [
  'packages/agents/src/golden.test.ts',
  'packages/agents/src/networks/averages.test.ts',
  'packages/ale-wasm/src/boot.test.ts',
  'packages/text2reward/src/descriptions/atari.test.ts',
];
