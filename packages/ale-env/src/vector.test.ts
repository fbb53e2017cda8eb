// Vector environments play what single ones play, in this thread and on workers.
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { makeAtari } from './atari-environment.ts';
import { makeAtariVector } from './atari-vector-environment.ts';
import { makeAtariPool } from './node.ts';

type Pool = Awaited<ReturnType<typeof makeAtariPool>>;

const COUNT = 3;
const FRAME_STACK = 4 * 84 * 84;
const actionsAt = (step: number) => [step % 3, (step >> 2) % 3, (step * 7) % 3];

describe('AtariVectorEnvironment', () => {
  it('plays what single environments with consecutive seeds play, with autoreset in the next step', () => {
    const vector = makeAtariVector({ environmentCount: COUNT });
    const singles = Array.from({ length: COUNT }, () => makeAtari());
    const observations = vector.reset({ seed: 10 });
    const ended = singles.map((single, index) => {
      expect(observations.subarray(index * FRAME_STACK, (index + 1) * FRAME_STACK)).toEqual(
        single.reset({ seed: 10 + index }).observation,
      );
      return false;
    });
    let resets = 0;
    for (let step = 0; step < 250; step++) {
      const actions = actionsAt(step);
      const output = vector.step(actions);
      singles.forEach((single, index) => {
        const wanted = ended[index]
          ? { ...single.reset(), reward: 0, terminated: false, truncated: false }
          : single.step(actions[index]!);
        if (ended[index]) resets++;
        ended[index] = wanted.terminated || wanted.truncated;
        expect([output.rewards[index], output.terminated[index], output.truncated[index]]).toEqual([
          wanted.reward,
          Number(wanted.terminated),
          Number(wanted.truncated),
        ]);
        const observation = (output.observations as Uint8Array).subarray(
          index * FRAME_STACK,
          (index + 1) * FRAME_STACK,
        );
        expect(Buffer.compare(observation, wanted.observation as Uint8Array)).toBe(0);
      });
    }
    expect(resets).toBeGreaterThan(2);
  });

  it('refuses a wrong number of actions, a wrong action, a step before reset', () => {
    const vector = makeAtariVector({ environmentCount: 2 });
    expect(() => vector.step([0, 0])).toThrow(/call reset\(\) first/);
    vector.reset();
    expect(() => vector.step([0])).toThrow(/got 1 actions for 2 environments/);
    expect(() => vector.step([0, 5])).toThrow(/action is 5/);
    expect(() => makeAtariVector({ environmentCount: 0 })).toThrow(/environmentCount is 0/);
  });
});

describe('makeAtariPool', () => {
  it('plays on workers what the vector plays in this thread, and passes errors on', async () => {
    const options = { environmentCount: COUNT, maxEpisodeFrames: 120 };
    const vector = makeAtariVector(options);
    const pool = await makeAtariPool({ ...options, workerCount: 2 });
    try {
      expect(Buffer.compare((await pool.reset({ seed: 4 })) as Uint8Array, vector.reset({ seed: 4 }))).toBe(0);
      for (let step = 0; step < 80; step++) {
        const actions = actionsAt(step);
        const [got, wanted] = [await pool.step(actions), vector.step(actions)];
        expect(Buffer.compare(got.observations as Uint8Array, wanted.observations as Uint8Array)).toBe(0);
        expect([[...got.rewards], [...got.terminated], [...got.truncated]]).toEqual([
          [...wanted.rewards],
          [...wanted.terminated],
          [...wanted.truncated],
        ]);
      }
      await expect(pool.step([0, 0, 9])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('action is 9'),
      });
      const first = pool.step([0, 0, 0]);
      await expect(pool.step([0, 0, 0])).rejects.toThrow(/a call is under way/);
      await first;
    } finally {
      await pool.close?.();
    }
    await expect(makeAtariPool({ environmentCount: 2, rom: new Uint8Array(5) })).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
    });
  });

  it('has copies that differ, whatever worker they are on, when nobody gives a seed', async () => {
    const options = { environmentCount: 4, noopMax: 30, repeatActionProbability: 0.5 };
    const vector = makeAtariVector(options);
    const pool = await makeAtariPool({ ...options, workerCount: 2 });
    try {
      expect(Buffer.compare((await pool.reset()) as Uint8Array, vector.reset())).toBe(0);
      let last = new Uint8Array();
      for (let step = 0; step < 60; step++) {
        const actions = new Array(4).fill(step % 3);
        last = (await pool.step(actions)).observations as Uint8Array<ArrayBuffer>;
        expect(Buffer.compare(last, vector.step(actions).observations as Uint8Array)).toBe(0);
      }
      const pictures = [0, 1, 2, 3].map((index) =>
        Buffer.from(last.subarray(index * FRAME_STACK, (index + 1) * FRAME_STACK)).toString('base64'),
      );
      expect(new Set(pictures).size).toBe(4);
    } finally {
      await pool.close?.();
    }
    // The first reset alone: later ones let the streams go on.
    const again = makeAtariVector(options);
    const first = again.reset().slice();
    expect(Buffer.compare(first, again.reset())).not.toBe(0);
  });

  it('moves no worker for a refused action, and rejects after close', async () => {
    const options = { environmentCount: 4 };
    const vector = makeAtariVector(options);
    const pool = await makeAtariPool({ ...options, workerCount: 2 });
    await expect(pool.step([0, 0, 0, 0])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await pool.reset({ seed: 1 });
    vector.reset({ seed: 1 });
    for (const refused of [Number.NaN, 1.7, 99, -1])
      await expect(pool.step([0, 0, 0, refused])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (let step = 0; step < 20; step++) {
      const [got, wanted] = [await pool.step([1, 2, 1, 0]), vector.step([1, 2, 1, 0])];
      expect(Buffer.compare(got.observations as Uint8Array, wanted.observations as Uint8Array)).toBe(0);
    }
    const underWay = Promise.allSettled([pool.step([0, 0, 0, 0])]);
    await pool.close?.();
    await underWay; // done or rejected, but settled
    await expect(pool.step([0, 0, 0, 0])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(pool.reset()).rejects.toThrow(/the pool is closed/);
  });

  describe('when a worker dies', () => {
    /** A pool that has begun, and its workers. */
    const makeBegun = async () => {
      const workers: Worker[] = [];
      const collect = (worker: Worker) => workers.push(worker);
      process.on('worker', collect);
      try {
        const pool = await makeAtariPool({ environmentCount: 4, workerCount: 2 });
        await pool.reset({ seed: 1 });
        return { pool, workers };
      } finally {
        process.off('worker', collect);
      }
    };
    const step = (pool: Pool) => pool.step([0, 0, 0, 0]);

    it('rejects the call under way and every later one, naming whose worker it was', async () => {
      const { pool, workers } = await makeBegun();
      expect(workers).toHaveLength(2);
      const error = {
        code: 'WORKER',
        message: 'atari/windfall: the worker of environments 2 to 3 has ended with exit code 1',
      };
      // Asked for in the same turn: the worker is gone before it can answer.
      const isEnded = workers[1]!.terminate();
      await expect(step(pool)).rejects.toMatchObject(error);
      await isEnded;
      await expect(step(pool)).rejects.toMatchObject(error);
      await expect(pool.reset({ seed: 1 })).rejects.toMatchObject(error);
      await pool.close?.();
      await expect(step(pool)).rejects.toThrow(/the pool is closed/);
    });

    it('passes on what it died of', async () => {
      const { pool, workers } = await makeBegun();
      workers[0]!.emit('error', new Error('out of memory'));
      await expect(step(pool)).rejects.toMatchObject({
        code: 'WORKER',
        message: 'atari/windfall: the worker of environments 0 to 1 has died: out of memory',
        cause: { message: 'out of memory' },
      });
      await pool.close?.();
    });
  });
});
