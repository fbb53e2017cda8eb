// The tests' own configuration, with one mutant (MOE_RL_MUTANT) in the sources.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import base from '../../vitest.config.ts';
import { mutantPlugin } from './plugin.mjs';

export default mergeConfig(base, {
  root: resolve(dirname(fileURLToPath(import.meta.url)), '../..'),
  plugins: [mutantPlugin(process.env.MOE_RL_MUTANT)],
  // Transformed modules of a mutant must not be taken for the real ones later, nor the other way round.
  test: { bail: 1, fsModuleCache: false },
});
