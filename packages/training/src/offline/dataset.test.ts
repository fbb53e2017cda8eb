// Datasets as a run reads them: ours, as recorded across interruptions, and Dopamine's logs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRng, type ObservationSpec, type Transition } from '@moe-rl/core';
import { ReplayBuffer } from '@moe-rl/replay';
import { afterAll, expect, it } from 'vitest';
import { offlineReplay } from '../replay/offline-replay.ts';
import { fillReplay, openDatasetFor } from './dataset.ts';
import { createRecorder } from './recorder.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-dataset-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const spec: ObservationSpec = { frameShape: [4, 3], stackSize: 4, dtype: 'uint8' };
const replayOf = (capacity = 500) =>
  new ReplayBuffer({ observationSpec: spec, capacity, updateHorizon: 2, rng: createRng(1, 'replay') });
const given = { observationSpec: spec, actionCount: 4 };

/** Stacks of 4 frames: frame t is filled with t. */
function transition(step: number, isCut = false): Transition {
  const stack = (at: number) =>
    Uint8Array.from({ length: 48 }, (_, index) => Math.max(0, at - 3 + Math.floor(index / 12)));
  return {
    ...{ observation: stack(step), nextObservation: stack(step + 1), action: step % 4, reward: step },
    ...{ terminated: step % 10 === 9, truncated: isCut },
  };
}

it('is what the replay memory of the recorded run had, cut episodes and lost ones included', async () => {
  const folder = join(root, 'recorded');
  const options = { folder, observationSpec: spec, actionCount: 4, notes: { game: 'made up' } };
  const recorder = createRecorder({ ...options, isResume: false });
  const direct = replayOf();
  const clipped = (one: Transition) => ({ ...one, reward: Math.min(1, one.reward) });
  for (let step = 0; step < 25; step++) {
    await recorder.add(transition(step, step === 13));
    direct.add(clipped(transition(step, step === 13)));
  }
  const state = await recorder.save();
  for (let step = 25; step < 40; step++) await recorder.add(transition(step));
  await recorder.save();
  // The run goes on from the first checkpoint, and its episode could not be put back.
  const resumed = createRecorder({ ...options, isResume: true });
  await resumed.restore(state);
  resumed.interruptEpisode();
  direct.interruptEpisode();
  for (let step = 50; step < 63; step++) {
    await resumed.add(transition(step));
    direct.add(clipped(transition(step)));
  }
  await resumed.save();
  direct.interruptEpisode();
  const fromDataset = replayOf();
  const result = await fillReplay(fromDataset, folder, given, 1);
  expect(result).toMatchObject({ transitions: 38, isWhole: true });
  expect(fromDataset.getState()).toEqual(direct.getState());
  expect(() => createRecorder({ ...options, isResume: false })).toThrow(/which is not empty/);
});

it('is read from its start until the memory is full, never over itself', async () => {
  const replay = replayOf(30);
  const result = await fillReplay(replay, join(root, 'recorded'), given, 1);
  expect(result.isWhole).toBe(false);
  expect(replay.addedTransitions).toBe(result.transitions);
  expect(replay.size).toBeLessThanOrEqual(30);
  expect(replay.sampleableTransitions).toBeGreaterThan(5);
  await expect(fillReplay(replayOf(), join(root, 'recorded'), { ...given, actionCount: 3 }, 1)).rejects.toThrow(
    /action is 3; the environment has 3 actions/,
  );
});

it('may be the logs of Dopamine’s replay', async () => {
  const logs = fileURLToPath(new URL('../../../../testdata/replay/dopamine-log', import.meta.url));
  const replay = replayOf();
  const { transitions } = await fillReplay(replay, logs, { ...given, actionCount: 18 }, 1);
  expect(transitions).toBeGreaterThan(35);
  expect(replay.sampleableTransitions).toBeGreaterThan(30);
  await expect(openDatasetFor(join(root, 'recorded'), { ...given, actionCount: 3 })).rejects.toThrow(
    /is of 4 actions; the environment has 3/,
  );
  const vectors = { ...given, observationSpec: { ...spec, dtype: 'float32' as const } };
  await expect(openDatasetFor(logs, vectors)).rejects.toThrow(/holds frames of uint8 .*has float32/);
});

it('is known again by its outcomes when a run goes on', async () => {
  const filled = async (name: string, change: Partial<Transition>) => {
    const folder = join(root, name);
    const recorder = createRecorder({ folder, observationSpec: spec, actionCount: 4, isResume: false });
    for (let step = 0; step < 25; step++) await recorder.add({ ...transition(step), ...(step === 7 ? change : {}) });
    await recorder.save();
    const replay = replayOf();
    await fillReplay(replay, folder, given, 0);
    return offlineReplay(replay, join(root, 'unused'), folder);
  };
  const state = await (await filled('begun', {})).save();
  await (await filled('moved', {})).restore(state);
  for (const [name, change] of Object.entries({ reward: { reward: 3.5 }, action: { action: 0 } })) {
    const other = await filled(`other-${name}`, change);
    expect(() => other.restore(state)).toThrow(/other-.* is not the one that the run began with/);
  }
});
