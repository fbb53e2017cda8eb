// The replay memory of a run, beside the run's own checkpoints.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '@moe-rl/core';
import { ReplayBuffer } from '@moe-rl/replay';
import { afterAll, expect, it } from 'vitest';
import { keptReplay } from './kept-replay.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-kept-replay-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('is not taken for that of another step, where a run has gone on from an older checkpoint and was killed', async () => {
  const open = () => {
    const observationSpec = { frameShape: [4], stackSize: 1, dtype: 'uint8' } as const;
    const replay = new ReplayBuffer({ observationSpec, capacity: 100, rng: createRng(1, 'replay') });
    const add = (steps: number): void => {
      const step = { observation: new Uint8Array(4), action: 0, reward: 1, terminated: false, truncated: false };
      for (let index = 0; index < steps; index++) replay.add(step);
    };
    return { replay, add, kept: keptReplay(replay, join(root, 'replay')) };
  };
  const first = open();
  first.add(20);
  const older = await first.kept.save();
  first.add(20);
  const newer = await first.kept.save();
  const second = open();
  await second.kept.restore(newer);
  expect(second.replay.addedTransitions).toBe(40);
  await second.kept.restore(older);
  second.add(5);
  const written = await second.kept.save();
  // The run's own checkpoint of this step was not made any more: the one of step 40 is the newest.
  const third = open();
  await expect(third.kept.restore(newer)).rejects.toMatchObject({
    code: 'CORRUPT_DATA',
    message: expect.stringMatching(
      /replay checkpoint 2 in .* has 25 transitions; the run's checkpoint was made with 40/,
    ),
  });
  await third.kept.restore(older);
  expect(third.replay.addedTransitions).toBe(20);
  const { addedTransitions: _, ...ofEarlierVersion } = written;
  await open().kept.restore(ofEarlierVersion);
});
