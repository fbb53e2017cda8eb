// Runs every package's tests from source: workspace imports resolve through the `@moe-rl/source` export condition, so no build is
// needed. MOE_RL_TEST_TARGET=dist drops the condition and tests what users install.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import { FROM_SOURCE_ONLY } from './tools/from-source-only.mjs';
import { longTestsFirst } from './tools/long-tests-first.mjs';

const isDist = process.env.MOE_RL_TEST_TARGET === 'dist';
const conditions = isDist ? [] : ['@moe-rl/source'];

export default defineConfig({
  resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] },
  ssr: {
    resolve: {
      conditions: [...conditions, 'module', 'node', 'development|production'],
      externalConditions: conditions,
    },
  },
  test: {
    include: isDist
      ? ['packages/*/src/**/*.test.ts']
      : [
          'packages/*/src/**/*.test.ts',
          'apps/*/src/**/*.test.ts',
          'tools/**/*.test.mjs',
          'scripts/**/*.test.mjs',
          'benchmarks/**/*.test.mjs',
        ],
    exclude: ['**/node_modules/**', ...(isDist ? FROM_SOURCE_ONLY : [])],
    execArgv: conditions.map((condition) => `--conditions=${condition}`),
    pool: 'forks',
    sequence: { sequencer: longTestsFirst(BaseSequencer) },
    // vitest leaves one processor to itself, which on two means one file at a time; most files wait for children, timers or one thread of their own.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
