// Checkpoints on disk: exact, incremental, safe against a crash at any moment, honest about damage.
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  AlreadyInUseError,
  CheckpointError,
  CorruptDataError,
  createRng,
  NotFoundError,
  StorageError,
} from '@moe-rl/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayBufferConfig } from '../replay-interface.ts';
import { ReplayCheckpointer } from './replay-checkpointer.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replay-checkpointer-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function buffer(overrides: Partial<ReplayBufferConfig> = {}): ReplayBuffer {
  return new ReplayBuffer({
    observationSpec: { frameShape: [8, 8], stackSize: 2, dtype: 'uint8' },
    capacity: 100,
    updateHorizon: 2,
    sampling: { kind: 'prioritized' },
    chunkSlots: 16,
    rng: createRng(3, 'replay'),
    ...overrides,
  });
}

/** Adds steps `from .. to - 1` of a made-up run, and learns from them. */
function play(replay: ReplayBuffer, from: number, to: number): void {
  const isVector = replay.observationSpec.dtype === 'float32';
  const frame = (step: number) => (isVector ? new Float32Array(64).fill(step / 3) : new Uint8Array(64).fill(step * 7));
  for (let step = from; step < to; step++) {
    replay.add({
      observation: frame(step),
      action: step % 3,
      reward: step,
      terminated: step % 19 === 18,
      truncated: false,
    });
    if (step < 5) continue;
    const { indices } = replay.sample(4);
    replay.updatePriorities(
      indices,
      Array.from(indices, (index) => (index * 13) % 17),
    );
  }
}

const sizes = () =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size] as const));

describe('ReplayCheckpointer', () => {
  it.each(['uint8', 'float32'] as const)('restores exactly and goes on exactly (%s)', async (dtype) => {
    const observationSpec = { frameShape: [8, 8], stackSize: 2, dtype };
    const straight = buffer({ observationSpec });
    play(straight, 0, 300);
    const first = buffer({ observationSpec });
    const saver = new ReplayCheckpointer({ replay: first, folder });
    play(first, 0, 40);
    await saver.save();
    play(first, 40, 170);
    expect((await saver.save()).checkpointId).toBe(2);

    const second = buffer({ observationSpec, rng: createRng(999) });
    const resumed = new ReplayCheckpointer({ replay: second, folder });
    expect(await resumed.restore()).toEqual({ checkpointId: 2 });
    expect(second.getState()).toEqual(first.getState());
    play(second, 170, 300);
    await resumed.save();
    expect(second.getState()).toEqual(straight.getState());
  });

  it('equals the buffer after any sequence of saves and restores', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 260 }), fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 5, max: 120 }),
        async (intervals, chunkSlots) => {
          const own = mkdtempSync(join(folder, 'property-'));
          let replay = buffer({ chunkSlots });
          let checkpointer = new ReplayCheckpointer({ replay, folder: own });
          let step = 0;
          for (const [length, restarts] of intervals) {
            play(replay, step, step + length);
            step += length;
            const { checkpointId } = await checkpointer.save();
            const other = buffer({ chunkSlots });
            const reader = new ReplayCheckpointer({ replay: other, folder: own });
            await reader.restore(checkpointId);
            // Frames of slots that were never written are of no meaning; where both are set they agree.
            expect(other.getState()).toEqual(replay.getState());
            if (restarts) [replay, checkpointer] = [other, reader];
          }
          expect((await checkpointer.list()).length).toBe(Math.min(2, intervals.length));
        },
      ),
      { numRuns: 12, seed: 5 },
    );
  });

  it('writes only what is new, also once the ring is full', async () => {
    const replay = buffer({ capacity: 1000, chunkSlots: 100 });
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    play(replay, 0, 2500);
    const full = await checkpointer.save();
    expect(full.writtenBytes).toBeGreaterThan(1000 * 64);
    play(replay, 2500, 2510);
    const frames = () => Object.entries(sizes()).filter(([name]) => name.startsWith('frames-'));
    const before = new Map(frames());
    await checkpointer.save();
    const grown = frames().reduce((sum, [name, size]) => sum + size - (before.get(name) ?? 0), 0);
    expect(grown).toBeLessThanOrEqual(12 * 64);
    expect(grown).toBeGreaterThanOrEqual(10 * 64);
    play(replay, 2510, 6000);
    await checkpointer.save();
    await checkpointer.save();
    const total = frames().reduce((sum, [, size]) => sum + size, 0);
    // Nothing piles up: the ring, and at most one chunk that two passes share.
    expect(total).toBeLessThanOrEqual((1000 + 100) * 64);
  });

  it('writes again what was deleted or cut since the last save', async () => {
    const replay = buffer();
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    play(replay, 0, 170);
    await checkpointer.save();
    const restored = async (checkpointId: number) => {
      const other = buffer();
      await new ReplayCheckpointer({ replay: other, folder }).restore(checkpointId);
      return other.getState();
    };
    const names = readdirSync(folder).filter((name) => name.startsWith('frames-'));
    rmSync(join(folder, names[0]!));
    truncateSync(join(folder, names[1]!), 64);
    play(replay, 170, 173);
    expect(await restored((await checkpointer.save()).checkpointId)).toEqual(replay.getState());
    rmSync(folder, { recursive: true });
    play(replay, 173, 176);
    expect(await restored((await checkpointer.save()).checkpointId)).toEqual(replay.getState());
    play(replay, 176, 320);
    expect(await restored((await checkpointer.save()).checkpointId)).toEqual(replay.getState());
  });

  it('survives a crash in the middle of a save', async () => {
    const replay = buffer();
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    play(replay, 0, 70);
    await checkpointer.save();
    const state = replay.getState();
    const names = readdirSync(folder);
    // As a save that died would leave it: frames appended, a new frame file, a rest file and half a manifest under its temporary name.
    for (const name of names.filter((name) => name.startsWith('frames-')))
      appendFileSync(join(folder, name), 'torn bytes');
    writeFileSync(join(folder, 'frames-6-0.bin'), 'torn');
    writeFileSync(join(folder, 'rest-2.safetensors'), 'torn');
    writeFileSync(join(folder, 'checkpoint-2.json.temporary'), '{"kind":');
    const other = buffer();
    const resumed = new ReplayCheckpointer({ replay: other, folder });
    await resumed.restore();
    expect(other.getState()).toEqual(state);
    play(other, 70, 150);
    await resumed.save();
    const third = buffer();
    await new ReplayCheckpointer({ replay: third, folder }).restore();
    expect(third.getState()).toEqual(other.getState());
    expect(readdirSync(folder).some((name) => name.endsWith('.temporary'))).toBe(false);
  });

  it('goes back to an older checkpoint and on from there', async () => {
    const replay = buffer();
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    play(replay, 0, 60);
    await checkpointer.save();
    const state = replay.getState();
    play(replay, 60, 160);
    await checkpointer.save();
    await checkpointer.restore(1);
    expect(replay.getState()).toEqual(state);
    play(replay, 60, 90);
    expect((await checkpointer.save()).checkpointId).toBe(2);
    const other = buffer();
    await new ReplayCheckpointer({ replay: other, folder }).restore();
    expect(other.getState()).toEqual(replay.getState());
  });

  it('names the damaged file and leaves the buffer as it was', async () => {
    const replay = buffer();
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    play(replay, 0, 60);
    await checkpointer.save();
    const target = buffer();
    play(target, 0, 20);
    const before = target.getState();
    const damage = async (name: string, change: (path: string) => void, message: string | RegExp) => {
      const path = join(folder, name);
      const intact = readFileSync(path);
      change(path);
      const restored = new ReplayCheckpointer({ replay: target, folder }).restore();
      await expect(restored).rejects.toThrow(CorruptDataError);
      await expect(new ReplayCheckpointer({ replay: target, folder }).restore()).rejects.toThrow(message);
      writeFileSync(path, intact);
    };
    const flip = (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(path, bytes);
    };
    await damage('frames-1-0.bin', flip, /frames-1-0\.bin has checksum/);
    await damage('frames-1-0.bin', (path) => truncateSync(path, 100), 'holds 100 bytes');
    await damage('rest-1.safetensors', flip, /rest-1\.safetensors has checksum/);
    await damage('checkpoint-1.json', (path) => truncateSync(path, 50), 'checkpoint-1.json is not JSON');
    expect(target.getState()).toEqual(before);
    rmSync(join(folder, 'frames-0-0.bin'));
    await expect(new ReplayCheckpointer({ replay: target, folder }).restore()).rejects.toThrow(CorruptDataError);
    await expect(new ReplayCheckpointer({ replay: target, folder }).restore()).rejects.toThrow('frames-0-0.bin, which');
    expect(target.getState()).toEqual(before);
  });

  it('believes a manifest only where it adds up', async () => {
    const replay = buffer();
    play(replay, 0, 130);
    await new ReplayCheckpointer({ replay, folder }).save();
    const path = join(folder, 'checkpoint-1.json');
    const text = readFileSync(path, 'utf8');
    const target = buffer();
    play(target, 0, 20);
    const before = target.getState();
    const restored = async (changed: string) => {
      writeFileSync(path, changed);
      return new ReplayCheckpointer({ replay: target, folder }).restore();
    };
    await expect(restored(text.replace('"slotsWritten":1', '"slotsWritten":2'))).rejects.toThrow('its checksum');
    await expect(restored('null')).rejects.toThrow(CheckpointError);

    // With a right checksum, each part still has to add up.
    // biome-ignore lint/suspicious/noExplicitAny: a manifest is changed in ways that its type forbids
    const changed = (change: (manifest: any) => void): string => {
      const { crc32: _, ...manifest } = JSON.parse(text);
      change(manifest);
      return JSON.stringify({ ...manifest, crc32: crc32(JSON.stringify(manifest)) });
    };
    const cases: [Parameters<typeof changed>[0], RegExp][] = [
      [(m) => m.frames.pop(), /no file holds slots/],
      [(m) => m.frames.splice(0, 1), /no file holds slots 0 to/],
      [(m) => (m.frames[0].chunk = 1e9), /outside the ring of 100 slots/],
      [(m) => (m.frames[0].slots = 1e12), /outside the ring/],
      [(m) => (m.frames[0].slots = 0), /outside the ring/],
      [(m) => (m.frames[0].firstSlot = -16), /outside the ring/],
      [(m) => (m.frames[0].generation = 0.5), /outside the ring/],
      [(m) => (m.frames[0] = null), /outside the ring/],
      [(m) => (m.frameBytes = 63), /63 bytes; its layout says 64/],
      [(m) => (m.checkpointId = 2), /of checkpoint 2/],
      [(m) => (m.state.slotsWritten = -5), /slotsWritten is -5/],
      [(m) => (m.state.layout = { dtype: 'uint8' }), /its layout is/],
      [(m) => (m.state = null), /its layout is/],
      [(m) => (m.rest = { bytes: '9' }), /rest file is/],
      [(m) => (m.rest.bytes = 2 ** 52), /holds \d+ bytes; the checkpoint needs 4503599627370496/],
      [(m) => (m.frames = {}), /lists no frame files/],
    ];
    for (const [change, message] of cases) {
      await expect(restored(changed(change))).rejects.toThrow(CorruptDataError);
      await expect(restored(changed(change))).rejects.toThrow(message);
    }
    expect(target.getState()).toEqual(before);
    await restored(changed(() => undefined));
    expect(target.getState()).toEqual(replay.getState());
  });

  it('refuses checkpoints that are not there, of another buffer, or in the way', async () => {
    const replay = buffer();
    const checkpointer = new ReplayCheckpointer({ replay, folder });
    expect(await checkpointer.list()).toEqual([]);
    await expect(checkpointer.restore()).rejects.toThrow(NotFoundError);
    play(replay, 0, 60);
    await checkpointer.save();
    await expect(checkpointer.restore(7)).rejects.toThrow('there are: 1');
    await expect(new ReplayCheckpointer({ replay: buffer({ capacity: 200 }), folder }).restore()).rejects.toThrow(
      CheckpointError,
    );
    await expect(new ReplayCheckpointer({ replay: buffer(), folder }).save()).rejects.toThrow(AlreadyInUseError);
    writeFileSync(join(folder, 'a-file'), '');
    const inFile = new ReplayCheckpointer({ replay, folder: join(folder, 'a-file', 'below') });
    await expect(inFile.save()).rejects.toThrow(StorageError);
  });
});
