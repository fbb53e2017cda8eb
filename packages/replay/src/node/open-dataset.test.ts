// One function opens every kind of dataset, says what it found, checks it against an environment, and fills a replay memory, at once or little by little.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  CheckpointError,
  CorruptDataError,
  createRng,
  InvalidArgumentError,
  NotFoundError,
  type ObservationSpec,
} from '@moe-rl/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { openDataset, writeTransitionFile } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-open-dataset-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dopamine = fileURLToPath(new URL('../../../../testdata/replay/dopamine-log', import.meta.url));
const vector: ObservationSpec = { frameShape: [2], stackSize: 1, dtype: 'float32' };

const step = (number: number): ReplayStep => ({
  observation: Float32Array.of(number, -number),
  action: number % 3,
  reward: 1,
  terminated: number % 10 === 9,
  truncated: false,
});
const steps = (count: number, from = 0) => Array.from({ length: count }, (_, index) => step(from + index));
const makeReplay = (observationSpec: ObservationSpec, capacity = 200) =>
  new ReplayBuffer({ observationSpec, capacity, rng: createRng(1) });
const write = (name: string, count: number, from = 0, observationSpec = vector) =>
  writeTransitionFile(join(folder, name), steps(count, from), { observationSpec });

describe('openDataset', () => {
  it('opens a file, a folder, a run that was recorded', async () => {
    await write('runs/x/dataset/a.parquet', 25);
    for (const path of ['runs/x/dataset/a.parquet', 'runs/x/dataset', 'runs/x']) {
      const dataset = await openDataset(join(folder, path));
      expect(dataset).toMatchObject({ format: 'parquet', parts: 1, description: 'Parquet: 1 file of float32 [2]' });
      expect(await dataset.summarize()).toEqual({
        steps: 25,
        episodes: 2,
        meanEpisodeReturn: 10,
        actionCounts: [9, 8, 8],
      });
    }
  });

  it('opens Dopamine’s logs, also from the folder above', async () => {
    const expected: { action: number; reward: number; terminated: boolean }[] = JSON.parse(
      readFileSync(join(dopamine, 'steps.json'), 'utf8'),
    );
    mkdirSync(join(folder, 'Breakout', '1'), { recursive: true });
    cpSync(dopamine, join(folder, 'Breakout', '1', 'replay_logs'), { recursive: true });
    const dataset = await openDataset(join(folder, 'Breakout', '1'));
    expect(dataset.description).toBe("Dopamine's logs: 1 checkpoint of uint8 [4,3] in stacks of 4");
    const found: ReplayStep[] = [];
    for await (const { step: each } of dataset.steps()) found.push(each);
    const { steps: count, episodes, actionCounts } = await dataset.summarize();
    expect(count).toBe(found.length);
    expect(episodes).toBe(expected.filter(({ terminated }) => terminated).length);
    // Three blank rows that a time limit left count as action 0.
    expect(actionCounts.slice(1)).toEqual(
      [1, 2, 3]
        .map((action) => expected.filter((each) => each.action === action).length)
        .slice(0, actionCounts.length - 1),
    );
    const replay = makeReplay({ frameShape: [4, 3], stackSize: 4, dtype: 'uint8' });
    expect(await dataset.fill(replay)).toEqual({ steps: count, isComplete: true });
    const direct = makeReplay({ frameShape: [4, 3], stackSize: 4, dtype: 'uint8' });
    for (const each of found) direct.add(each);
    direct.interruptEpisode();
    expect(replay.getState()).toEqual(direct.getState());
    await expect(openDataset(dopamine, { checkpoints: [3, 7] })).rejects.toThrow(/no checkpoint 7; there are 3/);
  });

  it('says what it looked for and what is there', async () => {
    writeFileSync(join(folder, 'notes.txt'), '');
    await expect(openDataset(folder)).rejects.toThrow(NotFoundError);
    await expect(openDataset(folder)).rejects.toThrow(/\.parquet files .* Dopamine's logs .*it holds notes\.txt/);
    await expect(openDataset(join(folder, 'absent'))).rejects.toThrow(NotFoundError);
    await expect(openDataset(join(folder, 'notes.txt'))).rejects.toThrow(CorruptDataError);
    cpSync(dopamine, join(folder, 'both'), { recursive: true });
    await write('both/a.parquet', 3);
    await expect(openDataset(join(folder, 'both'))).rejects.toThrow(InvalidArgumentError);
  });

  it('refuses files that don’t belong together', async () => {
    await write('d/a.parquet', 5);
    await writeTransitionFile(join(folder, 'd/b.parquet'), [], {
      observationSpec: { frameShape: [3], stackSize: 1, dtype: 'float32' },
    });
    await expect(openDataset(join(folder, 'd'))).rejects.toThrow(
      /a.parquet has float32 \[2\].*b.parquet float32 \[3\]/,
    );
  });

  it('checks frames and actions against an environment', async () => {
    await write('a.parquet', 25);
    const dataset = await openDataset(join(folder, 'a.parquet'));
    await dataset.requireFit({ observationSpec: vector, actionCount: 3 });
    await dataset.requireFit({ observationSpec: { ...vector, stackSize: 4 }, actionCount: 5 });
    await expect(dataset.requireFit({ observationSpec: vector, actionCount: 2 })).rejects.toThrow(
      /at least 3 actions; the environment has 2/,
    );
    const others: ObservationSpec[] = [
      { ...vector, frameShape: [3] },
      { ...vector, frameShape: [2, 1] },
      { ...vector, dtype: 'uint8' },
    ];
    for (const observationSpec of others) {
      await expect(dataset.requireFit({ observationSpec, actionCount: 3 })).rejects.toThrow(
        /holds frames of float32 \[2\]/,
      );
      const replay = makeReplay(observationSpec);
      await expect(dataset.fill(replay)).rejects.toThrow(InvalidArgumentError);
      expect(() => dataset.feed(replay)).toThrow(InvalidArgumentError);
      expect(replay.size).toBe(0);
    }
    await writeTransitionFile(join(folder, 'b.parquet'), steps(5), { observationSpec: vector, actionCount: 18 });
    const stated = await openDataset(join(folder, 'b.parquet'));
    await expect(stated.requireFit({ observationSpec: vector, actionCount: 6 })).rejects.toThrow(/of 18 actions/);
  });
});

describe('fill', () => {
  it('takes what fits, or as many as asked, and says whether that was all', async () => {
    await write('d/a.parquet', 100);
    const dataset = await openDataset(join(folder, 'd'));
    const small = makeReplay(vector, 50);
    const { steps: taken, isComplete } = await dataset.fill(small);
    expect(isComplete).toBe(false);
    expect(taken).toBeGreaterThan(45);
    expect(small.size).toBeLessThanOrEqual(50);
    expect(small.addedTransitions).toBe(taken);
    const told: number[] = [];
    const some = makeReplay(vector);
    expect(await dataset.fill(some, { steps: 30, onProgress: (count) => told.push(count) })).toEqual({
      steps: 30,
      isComplete: false,
    });
    expect(told).toEqual([30]);
    expect(await dataset.fill(makeReplay(vector), { steps: 100 })).toEqual({ steps: 100, isComplete: true });
  });

  it('never joins what does not follow: files of different runs, an end that nobody saw', async () => {
    await write('d/a.parquet', 5);
    await write('d/b.parquet', 5, 20);
    const replay = makeReplay(vector);
    await (await openDataset(join(folder, 'd'))).fill(replay);
    // The last step of each file has no next observation.
    expect(Array.from({ length: 10 }, (_, slot) => replay.isSampleable(slot))).toEqual(
      [0, 1, 2, 3, 4, 20, 21, 22, 23, 24].map((number) => number % 10 !== 4),
    );
    const cut = steps(6).map((each, index) => ({ ...each, truncated: index === 2 }));
    await writeTransitionFile(join(folder, 'c.parquet'), cut, { observationSpec: vector });
    const other = makeReplay(vector);
    await (await openDataset(join(folder, 'c.parquet'))).fill(other);
    expect([0, 1, 2, 3, 4].map((slot) => other.isSampleable(slot))).toEqual([true, true, false, true, true]);
  });

  it('fits stacks of another size: the newest frame of each is taken', async () => {
    const spec: ObservationSpec = { frameShape: [1], stackSize: 3, dtype: 'uint8' };
    const stacked = Array.from({ length: 12 }, (_, index) => ({
      ...step(index),
      observation: Uint8Array.of(index, index + 1, index + 2),
      truncated: index === 4,
      nextObservation: Uint8Array.of(index + 1, index + 2, index + 3),
    }));
    await writeTransitionFile(join(folder, 'a.parquet'), stacked, { observationSpec: spec });
    const dataset = await openDataset(join(folder, 'a.parquet'));
    const replay = makeReplay({ ...spec, stackSize: 2 });
    expect(await dataset.fill(replay)).toEqual({ steps: 12, isComplete: true });
    // Slot 0 is padding, slots 1 to 5 the first episode, 6 its last observation.
    expect(Array.from(replay.gather([2]).frames)).toEqual([2, 3, 4]);
    expect(Array.from(replay.gather([5]).frames)).toEqual([5, 6, 7]);
  });
});

describe('feed', () => {
  it('goes over the data again and again, and on from a saved state', async () => {
    await write('d/a.parquet', 7);
    await write('d/b.parquet', 8, 100);
    const dataset = await openDataset(join(folder, 'd'));
    const replay = makeReplay(vector);
    const feed = dataset.feed(replay);
    await feed.add(20);
    expect([feed.passes, feed.position]).toEqual([1, 5]);
    const state = JSON.parse(JSON.stringify(feed.getState()));
    const memory = replay.getState();
    await feed.add(12);
    const other = makeReplay(vector);
    other.setState(memory);
    const resumed = dataset.feed(other);
    resumed.setState(state);
    await resumed.add(12);
    expect(resumed.getState()).toEqual(feed.getState());
    // Exactly what the uninterrupted memory holds, the episode under way included.
    expect(other.getState()).toEqual(replay.getState());
    // A memory that had other steps before gets no window over the place where reading starts.
    const foreign = makeReplay(vector);
    foreign.setState(memory);
    await dataset.feed(foreign, feed.position).add(3);
    expect([4, 5, 6].map((slot) => foreign.isSampleable(slot + 15))).toEqual([false, true, true]);
    expect(() => feed.setState({ kind: 'x' })).toThrow(CheckpointError);
    const later = makeReplay(vector);
    await dataset.feed(later, 7).add(1);
    expect(later.liveState().actions).toMatchObject({ 0: 100 % 3 });
    await writeTransitionFile(join(folder, 'empty.parquet'), [], { observationSpec: vector });
    const none = await openDataset(join(folder, 'empty.parquet'));
    await expect(none.feed(makeReplay(vector)).add(1)).rejects.toThrow(/holds no steps/);
  });
});

describe('damaged logs of Dopamine', () => {
  it.each([
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.writeInt32LE(-2, 128 + 40), CorruptDataError, /action -2/],
    ['$store$_reward_ckpt.3.gz', (raw: Buffer) => raw.writeFloatLE(Number.NaN, 128 + 40), CorruptDataError, /NaN/],
    ['$store$_terminal_ckpt.3.gz', (raw: Buffer) => raw.writeUInt8(7, 128 + 10), CorruptDataError, /terminal 7/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.write('(-60,)', raw.indexOf('(60,)')), CorruptDataError, /whole/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.write('(6.,) ', raw.indexOf('(60,)')), CorruptDataError, /whole/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.write('(1e9,)', raw.indexOf('(60,)')), CorruptDataError, /whole/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.write('(12,5)', raw.indexOf('(60,)')), CheckpointError, /12,5/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.writeUInt8(0x92, 0), CorruptDataError, /no NumPy array/],
    ['$store$_action_ckpt.3.gz', (raw: Buffer) => raw.writeUInt8(9, 6), CorruptDataError, /no NumPy array/],
    ['$store$_observation_ckpt.3.gz', (raw: Buffer) => raw.write('|b1', raw.indexOf('|u1')), CheckpointError, /\|b1/],
  ])('are named: %s', async (name, change, type, message) => {
    cpSync(dopamine, folder, { recursive: true });
    const raw = gunzipSync(readFileSync(join(folder, name)));
    change(raw);
    writeFileSync(join(folder, name), gzipSync(raw));
    const read = async () => {
      const dataset = await openDataset(folder);
      for await (const _ of dataset.steps());
    };
    await expect(read()).rejects.toThrow(type);
    await expect(read()).rejects.toThrow(message);
  });

  it('are named where a full log has more than it says', async () => {
    cpSync(dopamine, folder, { recursive: true });
    const rewrite = (name: string, change: (raw: Buffer) => Buffer) => {
      const path = join(folder, name);
      writeFileSync(path, gzipSync(change(gunzipSync(readFileSync(path)))));
    };
    rewrite('add_count_ckpt.3.gz', (raw) =>
      Buffer.from(raw.fill(0, raw.length - 8).fill(60, raw.length - 8, raw.length - 7)),
    );
    // All 60 rows are used then; what was never written is blank.
    for (const field of ['action', 'reward', 'terminal'])
      rewrite(`$store$_${field}_ckpt.3.gz`, (raw) => raw.fill(0, 128));
    expect((await (await openDataset(folder)).summarize()).steps).toBe(57);
    rewrite('$store$_reward_ckpt.3.gz', (raw) => Buffer.concat([raw, Buffer.alloc(4)]));
    await expect((await openDataset(folder)).summarize()).rejects.toThrow(/4 bytes follow the array of \[60\]/);
  });
});
