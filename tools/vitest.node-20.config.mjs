// The tests of the built packages on Node 20, the oldest supported version: run by vitest 4, the last that runs there. Test files import `vitest`, which
// must be the running one.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest-node-20/config';
import { BaseSequencer } from 'vitest-node-20/node';
import { FROM_SOURCE_ONLY, ONCE_FROM_BUILT } from './from-source-only.mjs';
import { longTestsFirst } from './long-tests-first.mjs';

const folder = dirname(createRequire(import.meta.url).resolve('vitest-node-20/package.json'));

export default defineConfig({
  root: join(import.meta.dirname, '..'),
  resolve: { alias: [{ find: /^vitest$/, replacement: join(folder, 'dist/index.js') }] },
  test: {
    include: ['packages/*/src/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...FROM_SOURCE_ONLY, ...ONCE_FROM_BUILT],
    setupFiles: ['tools/vitest.node-20.setup.mjs'],
    pool: 'forks',
    sequence: { sequencer: longTestsFirst(BaseSequencer) },
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
