// Recordings: read back they are the run; a crash costs what came after the last save, and a resumed run ends with the dataset of one that went straight.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Agent,
  AlreadyInUseError,
  CheckpointError,
  CorruptDataError,
  createRng,
  InvalidArgumentError,
  recordedBy,
  runLoop,
  type Transition,
} from '@moe-rl/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { DatasetRecorder, openDataset } from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-recorder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const observationSpec = { frameShape: [2, 3], stackSize: 2, dtype: 'uint8' } as const;
const config = (name: string) => ({
  folder: join(folder, name),
  observationSpec,
  actionCount: 4,
  notes: { environment: 'made up', seed: 3 },
  stepsPerFile: 40,
});

/** Step `number` of a made-up run: whole stacks, episodes of 13, every second one cut. */
function madeUpStep(number: number): ReplayStep {
  const frame = (at: number) => new Uint8Array(6).fill(at % 251);
  const stack = (at: number) => Uint8Array.from([...frame(at), ...frame(at + 1)]);
  const isEnd = number % 13 === 12;
  const terminated = isEnd && number % 26 === 12;
  return {
    observation: stack(number),
    action: number % 4,
    reward: number / 8,
    terminated,
    truncated: isEnd && !terminated,
    nextObservation: stack(number + 1),
  };
}

async function record(recorder: DatasetRecorder, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) await recorder.add(madeUpStep(number));
}

const makeReplay = () => new ReplayBuffer({ observationSpec, capacity: 400, updateHorizon: 3, rng: createRng(1) });

async function filled(name: string): Promise<ReplayBuffer> {
  const replay = makeReplay();
  expect(await (await openDataset(join(folder, name))).fill(replay)).toMatchObject({ isComplete: true });
  return replay;
}

/** What the buffer holds after the steps themselves. */
function straight(count: number): ReplayBuffer {
  const replay = makeReplay();
  for (let number = 0; number < count; number++) replay.add(madeUpStep(number));
  replay.interruptEpisode();
  return replay;
}

describe('a recording', () => {
  it('fills a replay as the steps themselves do, over files that end within episodes', async () => {
    const recorder = new DatasetRecorder(config('a'));
    await record(recorder, 0, 150);
    expect(await recorder.finish()).toEqual({ steps: 150, files: 4 });
    expect(readdirSync(join(folder, 'a'))).toEqual([1, 2, 3, 4].map((part) => `part-00000${part}.parquet`));
    expect((await filled('a')).getState()).toEqual(straight(150).getState());
    const dataset = await openDataset(join(folder, 'a'));
    expect(dataset).toMatchObject({
      format: 'parquet',
      actionCount: 4,
      notes: { environment: 'made up', seed: 3 },
      description: 'Parquet: 4 files of uint8 [2,3] in stacks of 2',
    });
    const summary = await dataset.summarize();
    expect(summary).toMatchObject({ steps: 150, episodes: 11, actionCounts: [38, 38, 37, 37] });
    const complete = Array.from({ length: 143 }, (_, number) => number / 8).reduce((sum, reward) => sum + reward);
    expect(summary.meanEpisodeReturn).toBeCloseTo(complete / 11, 6);
  });

  it('is the same after a crash and a resume as without', async () => {
    const whole = new DatasetRecorder(config('whole'));
    await record(whole, 0, 57);
    await whole.save();
    await record(whole, 57, 130);
    await whole.finish();

    const killed = new DatasetRecorder(config('resumed'));
    await record(killed, 0, 57);
    const state = JSON.parse(JSON.stringify(await killed.save()));
    // Goes on past the save, finishes a file and dies within the next.
    await record(killed, 57, 110);
    const names = readdirSync(join(folder, 'resumed'));
    expect(names).toContain('part-000003.parquet');
    expect(names).toContain('part-000004.parquet.temporary');
    const resumed = new DatasetRecorder(config('resumed'));
    await resumed.restore(state);
    expect(resumed.steps).toBe(57);
    await record(resumed, 57, 130);
    await resumed.finish();
    expect(readdirSync(join(folder, 'resumed'))).toEqual(readdirSync(join(folder, 'whole')));
    expect((await filled('resumed')).getState()).toEqual((await filled('whole')).getState());
    expect((await filled('resumed')).getState()).toEqual(straight(130).getState());
  });

  it('is not taken for that of another step, where a run has gone on from an older state and was killed', async () => {
    const first = new DatasetRecorder(config('a'));
    await record(first, 0, 20);
    const older = await first.save();
    await record(first, 20, 40);
    const newer = await first.save();
    const second = new DatasetRecorder(config('a'));
    await second.restore(newer);
    await second.restore(older);
    await record(second, 20, 25);
    await second.save();
    const third = new DatasetRecorder(config('a'));
    await expect(third.restore(newer)).rejects.toThrow(
      /part-000002\.parquet has 5 steps; when the recording was saved it had 20/,
    );
    await third.restore(older);
    expect(third.steps).toBe(20);
    truncateSync(join(folder, 'a', 'part-000001.parquet'), 100);
    await expect(new DatasetRecorder(config('a')).restore(older)).rejects.toThrow(CorruptDataError);
  });

  it('shows only whole files while it goes on', async () => {
    const recorder = new DatasetRecorder(config('a'));
    await record(recorder, 0, 50);
    const dataset = await openDataset(join(folder, 'a'));
    expect((await dataset.summarize()).steps).toBe(40);
  });

  it('marks where an episode was abandoned, and a file that is lost', async () => {
    const recorder = new DatasetRecorder(config('a'));
    await record(recorder, 0, 5);
    recorder.interruptEpisode();
    await record(recorder, 13, 120);
    await recorder.finish();
    const gaps = async () => {
      const found: number[] = [];
      let number = 0;
      for await (const { isAfterGap } of (await openDataset(join(folder, 'a'))).steps()) {
        if (isAfterGap) found.push(number);
        number++;
      }
      return found;
    };
    expect(await gaps()).toEqual([0, 5]);
    rmSync(join(folder, 'a', 'part-000003.parquet'));
    expect(await gaps()).toEqual([0, 5, 45]);
  });

  it('begins anew when it is restored to nothing', async () => {
    const killed = new DatasetRecorder(config('a'));
    await record(killed, 0, 90);
    const recorder = new DatasetRecorder(config('a'));
    await recorder.restore(undefined);
    await record(recorder, 0, 10);
    await recorder.finish();
    expect((await filled('a')).getState()).toEqual(straight(10).getState());
  });

  it('refuses bad steps, a folder in use, foreign states and missing files', async () => {
    const recorder = new DatasetRecorder(config('a'));
    await expect(recorder.add({ ...madeUpStep(0), action: 4 })).rejects.toThrow(
      /action is 4 at row 0; expected 0 to 3/,
    );
    await expect(recorder.add({ ...madeUpStep(0), action: -1 })).rejects.toThrow(InvalidArgumentError);
    expect(recorder.steps).toBe(0);
    await record(recorder, 0, 45);
    const state = await recorder.save();
    await expect(new DatasetRecorder(config('a')).add(madeUpStep(0))).rejects.toThrow(AlreadyInUseError);
    const other = new DatasetRecorder(config('a'));
    await expect(other.restore({ kind: 'x' })).rejects.toThrow(CheckpointError);
    await expect(other.restore({ ...state, parts: 1.5 })).rejects.toThrow(CheckpointError);
    rmSync(join(folder, 'a', 'part-000001.parquet'));
    await expect(other.restore(state)).rejects.toThrow(CorruptDataError);
    expect(() => new DatasetRecorder({ ...config('b'), stepsPerFile: 0 })).toThrow(/stepsPerFile/);
    mkdirSync(join(folder, 'c', 'part-000007.parquet.temporary'), { recursive: true });
    await expect(new DatasetRecorder(config('c')).add(madeUpStep(0))).rejects.toMatchObject({
      message: expect.stringMatching(/cannot remove .*part-000007/),
    });
    writeFileSync(join(folder, 'file'), '');
    await expect(new DatasetRecorder(config('file')).add(madeUpStep(0))).rejects.toMatchObject({ code: 'STORAGE' });
  });
});

it('takes what any agent experiences in training, through recordedBy', async () => {
  const seen: Transition[] = [];
  const agent: Agent = {
    trainingAgentSteps: 7,
    updates: 8,
    act: () => 1,
    observe: (transition) => {
      seen.push({ ...transition, observation: transition.observation.slice() });
      return { 'train/loss': 1 };
    },
    getState: () => ({ a: 1 }),
    setState: () => undefined,
    dispose: () => undefined,
  };
  let at = 0;
  const next = () => new Uint8Array(12).fill(++at);
  const environment = {
    id: 'counter',
    observationSpec,
    actionCount: 4,
    reset: () => ({ observation: next(), info: {} }),
    step: () => ({ observation: next(), reward: at, terminated: at % 5 === 0, truncated: false, info: {} }),
  };
  const recorder = new DatasetRecorder(config('a'));
  const recording = recordedBy(recorder, agent);
  expect([recording.trainingAgentSteps, recording.updates, recording.getState()]).toEqual([7, 8, { a: 1 }]);
  let steps = 0;
  for await (const { metrics } of runLoop({ environment, agent: recording, maxEpisodeAgentSteps: 3 })) {
    expect(metrics).toEqual({ 'train/loss': 1 });
    if (++steps === 10) break;
  }
  await recorder.finish();
  const replay = makeReplay();
  for (const transition of seen) replay.add(transition);
  replay.interruptEpisode();
  expect((await filled('a')).getState()).toEqual(replay.getState());
  expect(seen.some(({ truncated }) => truncated)).toBe(true);
});
