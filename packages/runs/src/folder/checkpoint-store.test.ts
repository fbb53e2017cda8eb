// A save over a checkpoint of the same step, where the file system fails in the middle: the one that stood there is kept whole.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { checkpointStore } from './checkpoint-store.ts';

const disk = vi.hoisted(() => ({ isFull: false }));
vi.mock('node:fs', async (importOriginal) => {
  const actual = await importOriginal<typeof import('node:fs')>();
  return {
    ...actual,
    renameSync(from: string, to: string) {
      if (disk.isFull && from.includes('.tmp-')) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      actual.renameSync(from, to);
    },
  };
});

test('a checkpoint steps aside whole, and comes back when the other can not take its place', () => {
  const root = mkdtempSync(join(tmpdir(), 'moe-rl-checkpoints-'));
  try {
    const store = checkpointStore(root);
    store.save(7, { agent: { a: 1 } });
    disk.isFull = true;
    expect(() => store.save(7, { agent: { a: 2 } })).toThrow(expect.objectContaining({ code: 'STORAGE' }));
    expect(readdirSync(root)).toEqual(['checkpoint-000000000007']);
    expect(store.loadNewest()).toMatchObject({ parts: { agent: { a: 1 } }, skipped: [] });
  } finally {
    disk.isFull = false;
    rmSync(root, { recursive: true, force: true });
  }
});
