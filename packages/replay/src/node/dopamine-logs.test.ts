// Against a small log that Dopamine's own OutOfGraphReplayBuffer saved.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CheckpointError, CorruptDataError, createRng, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { afterAll, describe, expect, it } from 'vitest';
import { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { readDopamineLog } from './index.ts';

const folder = fileURLToPath(new URL('../../../../testdata/replay/dopamine-log', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'dopamine-logs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function readAll(from: string, checkpoint = 3): Promise<ReplayStep[]> {
  const steps: ReplayStep[] = [];
  for await (const step of readDopamineLog({ folder: from, checkpoint })) steps.push(step);
  return steps;
}

describe('readDopamineLog', () => {
  it('gives the steps that were added, without padding', async () => {
    const expected: { observation: number[]; action: number; reward: number; terminated: boolean }[] = JSON.parse(
      readFileSync(join(folder, 'steps.json'), 'utf8'),
    );
    const steps = await readAll(folder);
    // Step 30 was cut by a time limit: the log has three frames of zeros after it that nothing marks as padding.
    const isUnmarked = (step: ReplayStep) => step.observation.every((byte) => byte === 0);
    expect(steps.filter(isUnmarked)).toHaveLength(3);
    const real = steps.filter((step) => !isUnmarked(step));
    expect(real.map((step) => ({ ...step, observation: Array.from(step.observation) }))).toEqual(
      expected.map((step) => ({ ...step, truncated: false })),
    );
    const replay = new ReplayBuffer({
      observationSpec: { frameShape: [4, 3], stackSize: 4, dtype: 'uint8' },
      capacity: 100,
      rng: createRng(1),
    });
    for (const step of steps) replay.add(step);
    expect(replay.sampleableTransitions).toBeGreaterThan(35);
  });

  it('names what is missing, damaged or does not fit', async () => {
    await expect(readAll(folder, 4)).rejects.toThrow(NotFoundError);
    const damaged = (name: string, change: (bytes: Buffer) => Uint8Array) => {
      cpSync(folder, scratch, { recursive: true });
      const path = join(scratch, name);
      writeFileSync(path, change(readFileSync(path)));
      return readAll(scratch);
    };
    const action = '$store$_action_ckpt.3.gz';
    const unzipped = (change: (text: string) => string) => (bytes: Buffer) =>
      gzipSync(Buffer.from(change(gunzipSync(bytes).toString('latin1')), 'latin1'));
    await expect(damaged(action, () => Buffer.from('not gzip'))).rejects.toThrow(CorruptDataError);
    await expect(damaged(action, (bytes) => bytes.subarray(0, bytes.length - 40))).rejects.toThrow(CorruptDataError);
    await expect(
      damaged(
        action,
        unzipped((text) => text.slice(0, -200)),
      ),
    ).rejects.toThrow('ends after');
    await expect(
      damaged(
        action,
        unzipped((text) => `x${text}`),
      ),
    ).rejects.toThrow('no NumPy array');
    await expect(
      damaged(
        action,
        unzipped((text) => text.replace('<i4', '|O4')),
      ),
    ).rejects.toThrow('plain numbers');
    await expect(
      damaged(
        action,
        unzipped((text) => text.replace('(60,)', '(61,)')),
      ),
    ).rejects.toThrow(CheckpointError);
    const count = (value: number) => (bytes: Buffer) => {
      const raw = gunzipSync(bytes);
      raw.writeInt32LE(value, raw.length - 8);
      return gzipSync(raw);
    };
    await expect(damaged('add_count_ckpt.3.gz', count(100))).rejects.toThrow(InvalidArgumentError);
    expect(await damaged('add_count_ckpt.3.gz', count(0))).toEqual([]);
  });
});
