// Datasets: a replay filled from a file equals one filled directly; any Parquet reader finds the columns; damage is named.
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CorruptDataError,
  createRng,
  NonFiniteError,
  NotFoundError,
  type ObservationSpec,
  ShapeError,
} from '@moe-rl/core';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { readTransitionFile, writeTransitionFile } from '../node/index.ts';
import { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { readDatasetInfo, readTransitions, TransitionWriter } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-datasets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const image: ObservationSpec = { frameShape: [3, 2], stackSize: 2, dtype: 'uint8' };
const vector: ObservationSpec = { frameShape: [5], stackSize: 1, dtype: 'float32' };

function* madeUpSteps(spec: ObservationSpec, count: number): Generator<ReplayStep> {
  const length = spec.frameShape.reduce((a, b) => a * b, 1) * spec.stackSize;
  const observation = spec.dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
  for (let step = 0; step < count; step++) {
    // One buffer is handed out again and again, as environments do.
    observation.fill(spec.dtype === 'uint8' ? step * 3 : step / 7);
    const terminated = step % 13 === 12;
    const truncated = step % 17 === 16 && !terminated;
    const nextObservation = observation.map((value) => value + 1) as Uint8Array;
    yield { observation, action: step % 4, reward: Math.fround(step / 10), terminated, truncated, nextObservation };
  }
}

async function encode(spec: ObservationSpec, steps: Iterable<ReplayStep>, rowGroupRows = 10): Promise<ArrayBuffer> {
  const writer = new TransitionWriter({
    observationSpec: spec,
    rowGroupRows,
    notes: { environment: 'made up', seed: 3 },
  });
  for (const step of steps) await writer.add(step);
  return (await writer.finish())!;
}

describe.each([image, vector])('a dataset of $dtype', (spec) => {
  it('fills a replay as the steps themselves do', async () => {
    const make = () => new ReplayBuffer({ observationSpec: spec, capacity: 200, updateHorizon: 3, rng: createRng(1) });
    const direct = make();
    for (const step of madeUpSteps(spec, 95)) direct.add(step);
    const file = await encode(spec, madeUpSteps(spec, 95));
    const fromMemory = make();
    for await (const step of readTransitions(file)) fromMemory.add(step);
    expect(fromMemory.getState()).toEqual(direct.getState());

    const path = join(folder, `${spec.dtype}.parquet`);
    expect(await writeTransitionFile(path, madeUpSteps(spec, 95), { observationSpec: spec })).toEqual({ rows: 95 });
    const fromFile = make();
    for await (const step of readTransitionFile(path)) fromFile.add(step);
    expect(fromFile.getState()).toEqual(direct.getState());
    expect(readdirSync(folder).some((name) => name.endsWith('.temporary'))).toBe(false);
  });

  it('says what it holds', async () => {
    const info = await readDatasetInfo(await encode(spec, madeUpSteps(spec, 25)));
    expect(info).toEqual({ version: 1, observationSpec: spec, notes: { environment: 'made up', seed: 3 }, rows: 25 });
    expect((await readDatasetInfo(await encode(spec, []))).rows).toBe(0);
  });
});

describe('the file', () => {
  it('is plain Parquet with a row per step', async () => {
    const rows = await parquetReadObjects({ file: await encode(image, madeUpSteps(image, 30)), utf8: false });
    expect(rows).toHaveLength(30);
    expect(Object.keys(rows[0]!)).toEqual([
      'observation',
      'action',
      'reward',
      'terminated',
      'truncated',
      'next_observation',
    ]);
    expect(rows[0]!.observation).toEqual(new Uint8Array(12).fill(0));
    expect(rows[1]!.observation).toEqual(new Uint8Array(6).fill(3));
    expect(rows[16]).toMatchObject({
      action: 0,
      terminated: false,
      truncated: true,
      next_observation: new Uint8Array(6).fill(49),
    });
    expect(rows[12]).toMatchObject({ terminated: true, truncated: false, next_observation: null });
  });
});

describe('bad input', () => {
  const read = async (source: ArrayBuffer) => {
    for await (const _ of readTransitions(source));
  };

  it('is refused when written', async () => {
    const writer = new TransitionWriter({ observationSpec: vector });
    const good = { observation: new Float32Array(5), action: 0, reward: 0, terminated: false, truncated: false };
    await expect(writer.add({ ...good, observation: new Float32Array(4) })).rejects.toThrow(ShapeError);
    await expect(writer.add({ ...good, observation: new Uint8Array(20) })).rejects.toThrow('expected float32 [5]');
    await expect(writer.add({ ...good, reward: Number.NaN })).rejects.toThrow(NonFiniteError);
    await expect(writer.add({ ...good, reward: -1e39 })).rejects.toThrow(NonFiniteError);
    await expect(writer.add({ ...good, action: 0.5 })).rejects.toThrow('action is 0.5 at row 0');
    expect(writer.rows).toBe(0);
    const path = join(folder, 'never.parquet');
    await expect(
      writeTransitionFile(path, [{ ...good, reward: Number.NaN }], { observationSpec: vector }),
    ).rejects.toThrow(NonFiniteError);
    expect(readdirSync(folder).some((name) => name.startsWith('never'))).toBe(false);
  });

  it('is named when read', async () => {
    const file = await encode(image, madeUpSteps(image, 25));
    await expect(read(new ArrayBuffer(100))).rejects.toThrow(CorruptDataError);
    await expect(read(file.slice(0, file.byteLength - 20))).rejects.toThrow('cut off');
    const foreign = parquetWriteBuffer({ columnData: [{ name: 'x', data: [1, 2] }] });
    await expect(read(foreign)).rejects.toThrow('columns observation, action');
    await expect(readTransitionFile(join(folder, 'absent.parquet')).next()).rejects.toThrow(NotFoundError);
    const path = join(folder, 'cut.parquet');
    writeFileSync(path, new Uint8Array(file));
    truncateSync(path, 300);
    await expect(readTransitionFile(path).next()).rejects.toThrow(CorruptDataError);
  });
});
