// Autoreset modes and partial resets: the order of testdata/ale/autoreset.json, which Gymnasium's own SyncVectorEnv wrote, in this thread and
// on workers. There a counter with episodes of five steps is played; here a game cut after as many. `1000 s + 100 k + t` stands for the picture that a single
// environment seeded with `s` shows after `t` steps of its `k`-th episode.
import { readFileSync } from 'node:fs';
import type { AutoresetMode, EnvironmentInfo, VectorEnvironment } from '@moe-rl/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type AtariEnvironment, makeAtari } from './atari-environment.ts';
import { type MakeAtariVectorOptions, makeAtariVector } from './atari-vector-environment.ts';
import { makeAtariPool } from './node.ts';

interface RecordedReset {
  readonly mask: number[] | null;
  readonly seed: number | null;
  readonly observations: number[];
}
interface RecordedStep {
  readonly actions: number[];
  readonly observations: number[];
  readonly rewards: number[];
  readonly terminated: number[];
  readonly truncated: number[];
  readonly finalObservations?: (number | null)[];
  readonly finalSteps?: (number | null)[];
}
type RecordedCall = RecordedReset | RecordedStep;

const { modes } = JSON.parse(
  readFileSync(new URL('../../../testdata/ale/autoreset.json', import.meta.url), 'utf8'),
) as { modes: Record<AutoresetMode, RecordedCall[]> };

const COUNT = 3;
const SIZE = 4 * 84 * 84;
const FRAMES_PER_STEP = 4;
const GAME = { environmentCount: COUNT, maxEpisodeFrames: 5 * FRAMES_PER_STEP };
const MODES: readonly AutoresetMode[] = ['next-step', 'same-step', 'disabled'];

const open: VectorEnvironment[] = [];
afterEach(async () => {
  for (const environments of open.splice(0)) await environments.close?.();
});
const makers: [string, (options: MakeAtariVectorOptions) => Promise<VectorEnvironment>][] = [
  ['in this thread', async (options) => makeAtariVector(options)],
  ['on workers', (options) => makeAtariPool({ ...options, workerCount: 2 })],
];

/** Plays one copy as a single environment, following what the recording says it shows. */
class Follower {
  readonly #single: AtariEnvironment = makeAtari({ maxEpisodeFrames: GAME.maxEpisodeFrames });
  #code = -1;
  picture = new Uint8Array();
  reward = 0;
  info: EnvironmentInfo = {};

  /** Goes on to the picture `code`: by a reset, by a step with `action`, or not at all. */
  follow(code: number, action: number, seed: number | undefined): void {
    if (code === this.#code && seed === undefined) return;
    this.reward = 0;
    if (code % 100 === 0) {
      const { observation, info } = this.#single.reset(seed === undefined ? {} : { seed });
      this.#take(observation as Uint8Array, info);
    } else {
      expect(code).toBe(this.#code + 1);
      const { observation, reward, info } = this.#single.step(action);
      this.#take(observation as Uint8Array, info);
      this.reward = reward;
    }
    this.#code = code;
  }
  #take(observation: Uint8Array, info: EnvironmentInfo): void {
    this.picture = observation.slice();
    this.info = info;
  }
}

const row = (observations: unknown, index: number): Uint8Array =>
  (observations as Uint8Array).subarray(index * SIZE, (index + 1) * SIZE);
const same = (got: unknown, wanted: Uint8Array): void => expect(Buffer.compare(got as Uint8Array, wanted)).toBe(0);

async function replay(environments: VectorEnvironment, calls: readonly RecordedCall[]): Promise<number> {
  const followers = Array.from({ length: COUNT }, () => new Follower());
  let ends = 0;
  for (const call of calls) {
    if ('mask' in call) {
      const options = {
        ...(call.mask === null ? {} : { mask: call.mask.map(Boolean) }),
        ...(call.seed === null ? {} : { seed: call.seed }),
      };
      const observations = await environments.reset(options);
      followers.forEach((follower, index) => {
        const isReset = call.mask === null || call.mask[index] === 1;
        const seed = isReset && call.seed !== null ? call.seed + index : undefined;
        follower.follow(call.observations[index]!, 0, seed);
        same(row(observations, index), follower.picture);
      });
      continue;
    }
    const output = await environments.step(call.actions);
    expect([...output.terminated]).toEqual(call.terminated);
    expect([...output.truncated]).toEqual(call.truncated);
    expect(output.finalObservations?.map((final) => final !== undefined)).toEqual(
      call.finalObservations?.map((final) => final !== null),
    );
    followers.forEach((follower, index) => {
      if (call.truncated[index]) ends++;
      const final = call.finalObservations?.[index] ?? null;
      let wantedReward: number | undefined;
      if (final !== null) {
        follower.follow(final, call.actions[index]!, undefined);
        wantedReward = follower.reward;
        same(output.finalObservations?.[index], follower.picture);
        expect(output.finalInfo?.[index]).toEqual(follower.info);
        expect(follower.info.episodeFrameNumber).toBe(call.finalSteps![index]! * FRAMES_PER_STEP);
      }
      follower.follow(call.observations[index]!, call.actions[index]!, undefined);
      same(row(output.observations, index), follower.picture);
      expect(output.rewards[index]).toBe(wantedReward ?? follower.reward);
      if (call.rewards[index] === 0) expect(output.rewards[index]).toBe(0);
    });
  }
  return ends;
}

describe.each(makers)('vector environments %s', (_, make) => {
  const start = async (options: MakeAtariVectorOptions): Promise<VectorEnvironment> => {
    const environments = await make(options);
    open.push(environments);
    return environments;
  };

  it.each(MODES)('play in the order of Gymnasium, %s', async (autoreset) => {
    const environments = await start({ ...GAME, autoreset });
    expect(environments.autoreset).toBe(autoreset);
    expect(await replay(environments, modes[autoreset])).toBeGreaterThan(5);
  });

  it('hand out the end of a game that is over, and its reward, when they reset in the same step', async () => {
    const environments = await start({ environmentCount: COUNT, autoreset: 'same-step' });
    const singles = Array.from({ length: COUNT }, () => makeAtari());
    await environments.reset({ seed: 10 });
    singles.forEach((single, index) => void single.reset({ seed: 10 + index }));
    let terminations = 0;
    for (let step = 0; step < 250; step++) {
      const actions = [step % 3, (step >> 2) % 3, (step * 7) % 3];
      const output = await environments.step(actions);
      singles.forEach((single, index) => {
        const wanted = single.step(actions[index]!);
        expect([output.rewards[index], output.terminated[index]]).toEqual([wanted.reward, Number(wanted.terminated)]);
        if (wanted.terminated) {
          terminations++;
          same(output.finalObservations![index], wanted.observation as Uint8Array);
          expect(output.finalInfo![index]).toEqual(wanted.info);
        } else expect(output.finalObservations![index]).toBeUndefined();
        same(
          row(output.observations, index),
          (wanted.terminated ? single.reset().observation : wanted.observation) as Uint8Array,
        );
      });
    }
    expect(terminations).toBeGreaterThan(2);
  });

  it('stop at a game that is over when autoreset is disabled, and begin it anew by a mask', async () => {
    const environments = await start({ environmentCount: 2, autoreset: 'disabled' });
    const singles = [makeAtari(), makeAtari()];
    await environments.reset({ seed: 10 });
    singles.forEach((single, index) => void single.reset({ seed: 10 + index }));
    let terminations = 0;
    for (let step = 0; terminations < 2; step++) {
      const actions = [step % 3, (step >> 2) % 3];
      const output = await environments.step(actions);
      const wanted = singles.map((single, index) => single.step(actions[index]!));
      wanted.forEach(({ observation, reward, terminated }, index) => {
        same(row(output.observations, index), observation as Uint8Array);
        expect([output.rewards[index], output.terminated[index]]).toEqual([reward, Number(terminated)]);
      });
      const mask = wanted.map(({ terminated }) => terminated);
      if (!mask.includes(true)) continue;
      terminations++;
      await expect((async () => environments.step([0, 0]))()).rejects.toThrow(/ended and autoreset is "disabled"/);
      const begun = await environments.reset({ mask });
      mask.forEach((ended, index) => {
        if (ended) same(row(begun, index), singles[index]!.reset().observation as Uint8Array);
      });
    }
  });

  it('refuse to step a copy that has ended when autoreset is disabled, and move none', async () => {
    const environments = await start({ ...GAME, autoreset: 'disabled' });
    await environments.reset({ seed: 1 });
    await environments.step([0, 0, 0]);
    await environments.reset({ mask: [true, false, false] });
    for (let step = 0; step < 4; step++) await environments.step([0, 0, 0]);
    const step = async () => environments.step([0, 0, 0]);
    await expect(step()).rejects.toThrow(/environments 1, 2 have ended and autoreset is "disabled"/);
    await environments.reset({ mask: [false, true, false] });
    await expect(step()).rejects.toThrow(/environment 2 has ended/);
    await environments.reset({ mask: Uint8Array.of(0, 0, 1) });
    // Copy 0 has played four of its five steps: had a refused call moved it, it could not end now.
    expect([...(await step()).truncated]).toEqual([1, 0, 0]);
  });

  it('refuse a mask that does not fit, and move no copy', async () => {
    const environments = await start({ ...GAME });
    const reset = async (options: object) => environments.reset(options);
    await expect(reset({ mask: [true, true, true] })).rejects.toThrow(/no episode was begun/);
    await environments.reset({ seed: 3 });
    const before = ((await environments.step([1, 2, 1])).observations as Uint8Array).slice();
    for (const [mask, message] of [
      [[true, false], /mask has 2 entries for 3 environments/],
      [new Uint8Array(4), /mask has 4 entries for 3 environments/],
      [[true, 'yes', false], /mask\[1\] is "yes"; expected true or false/],
      [[1, 0, 2], /mask\[2\] is 2/],
      [[true, undefined, true], /mask\[1\] is undefined/],
      [[false, false, false], /mask resets no environment/],
      ['101', /mask is 101; expected an array of 3 booleans/],
      [true, /mask is true/],
      [null, /mask is null/],
    ] as const) {
      const refused = reset({ mask, seed: 9 });
      await expect(refused).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      });
    }
    await expect(reset({ maks: [true, true, true] })).rejects.toThrow(
      /reset has no option "maks"; expected one of seed, mask/,
    );
    await expect(reset({ mask: [true, true, true], seed: -1 })).rejects.toThrow(/seed is -1/);
    const unmoved = makeAtariVector({ ...GAME });
    unmoved.reset({ seed: 3 });
    expect(Buffer.compare(unmoved.step([1, 2, 1]).observations as Uint8Array, before)).toBe(0);
    for (let step = 0; step < 6; step++) {
      const [got, wanted] = [await environments.step([2, 1, 0]), unmoved.step([2, 1, 0])];
      same(got.observations, wanted.observations as Uint8Array);
      expect([...got.truncated]).toEqual([...wanted.truncated]);
    }
  });

  it('refuse an autoreset mode that there is not', async () => {
    await expect(start({ ...GAME, autoreset: 'never' as AutoresetMode })).rejects.toThrow(
      /autoreset is "never"; expected one of next-step, same-step, disabled/,
    );
  });
});
