// The lists of test files in tools/ name files that are there: a file that is renamed is left out of no run, and started in no order, by its old name.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FROM_SOURCE_ONLY, ONCE_FROM_BUILT } from './from-source-only.mjs';
import { LONG_TESTS } from './long-tests-first.mjs';

it('finds every test file that a list names', () => {
  const root = join(import.meta.dirname, '..');
  expect(
    [...FROM_SOURCE_ONLY, ...ONCE_FROM_BUILT, ...LONG_TESTS].filter((file) => !existsSync(join(root, file))),
  ).toEqual([]);
});
