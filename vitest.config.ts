// Runs every package's tests from source: workspace imports resolve through the `@moe-rl/source` export condition, so no build is
// needed. MOE_RL_TEST_TARGET=dist drops the condition and tests what users install.
import { defineConfig } from 'vitest/config';

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
      : ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tools/**/*.test.mjs', 'scripts/**/*.test.mjs'],
    // Learning takes minutes and says nothing about packaging: from source only.
    exclude: ['**/node_modules/**', ...(isDist ? ['packages/agents/src/learning.test.ts'] : [])],
    execArgv: conditions.map((condition) => `--conditions=${condition}`),
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
