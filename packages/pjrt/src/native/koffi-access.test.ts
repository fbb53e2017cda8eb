// Calls into plugins run on stacks that koffi allocates.
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { nativeAccess } from './koffi-access.ts';

test('native calls, those on worker threads too, have as much stack as a thread', () => {
  nativeAccess();
  const koffi = createRequire(import.meta.url)('koffi') as { config(): Record<string, number> };
  // XLA's compiler for GPUs crashes on koffi's own 128 KiB.
  expect(koffi.config().async_stack_size).toBeGreaterThanOrEqual(8 * 2 ** 20);
  expect(koffi.config().sync_stack_size).toBeGreaterThanOrEqual(8 * 2 ** 20);
});
