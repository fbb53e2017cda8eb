// Whole agent steps of a batch against the preprocessing of Dopamine, gymnasium and ale_py's vector environment, bit for bit.
import { describe, expect, it } from 'vitest';
import { AleBatch, OBSERVATION_BYTES } from './ale-batch.ts';
import { crc32, golden, HAS_ROMS, lcgIndices, rom } from './testing.ts';

const { games } = golden('prep.json');

describe.skipIf(!HAS_ROMS).each(Object.keys(games))('observations of %s', (id) => {
  const run = (
    name: string,
    randomSeed: number,
    style: 'dopamine' | 'gymnasium',
    noops: number,
    resetsOnNextStep = false,
  ) => {
    const expected = games[id][name];
    const batch = new AleBatch(rom(id), {
      randomSeed,
      repeatActionProbability: expected.repeat_action_probability ?? 0,
      stackSize: 1,
      observationStyle: style,
    });
    batch.reset(0);
    const reset = (): void => {
      batch.playFrames(0, 0, noops);
      if (noops > 0) batch.observe(0);
    };
    reset();
    const checksum = () => crc32(batch.observation(0));
    expect(checksum()).toBe(expected.initial_crc);
    const actions = lcgIndices(expected.lcg_seed, expected.steps.length, batch.game.minimalActions.length, 1);
    for (let t = 0; t < actions.length; t++) {
      if (resetsOnNextStep && batch.gameOver[0]) {
        // The vector environment spends a step on the reset and ignores its action.
        batch.reset(0);
        expect([checksum(), 0, 0], `step ${t}`).toEqual(expected.steps[t].slice(0, 3));
        continue;
      }
      batch.step([batch.game.minimalActions[actions[t] as number] as number]);
      const over = batch.gameOver[0];
      expect([checksum(), batch.rewards[0], over], `step ${t}`).toEqual(expected.steps[t].slice(0, 3));
      const picture = expected.frames?.[t];
      if (picture) expect(Buffer.from(batch.observation(0)).toString('base64')).toBe(picture);
      if (over) {
        // What follows depends on the environment's own random numbers where it starts with no-ops.
        if (noops > 0) return;
        if (!resetsOnNextStep) batch.reset(0);
      }
    }
  };
  it('dopamine', () => run('dopamine', games[id].dopamine.random_seed, 'dopamine', 0));
  it('dopamine, sticky actions', () => run('dopamine_sticky', games[id].dopamine_sticky.random_seed, 'dopamine', 0));
  it('gymnasium', () => run('gymnasium', games[id].gymnasium.ale_seeds[1], 'gymnasium', 0));
  it('gymnasium, sticky actions, no-op start', () =>
    run(
      'gymnasium_sticky_noop30',
      games[id].gymnasium_sticky_noop30.ale_seeds[1],
      'gymnasium',
      games[id].gymnasium_sticky_noop30.episode_frame_number_after_reset,
    ));
  it('ale_py vector environment', () => run('ale_vector_plain', 5, 'gymnasium', 0, true));
});

describe.skipIf(!HAS_ROMS)('a batch', () => {
  it('plays each console as if it were alone, whichever others there are', () => {
    const id = 'seaquest';
    const alone = [3, 4].map((randomSeed) => new AleBatch(rom(id), { randomSeed }));
    const together = new AleBatch(rom(id), { consoles: 2, randomSeed: 3 });
    for (const batch of [...alone, together]) for (let i = 0; i < batch.consoles; i++) batch.reset(i);
    lcgIndices(5, 300, 18, 1).forEach((action, t) => {
      together.step([action, (action + t) % 18]);
      alone.forEach((batch, i) => {
        batch.step([i === 0 ? action : (action + t) % 18]);
        expect(batch.rewards[0]).toBe(together.rewards[i]);
        expect(crc32(batch.observation(0))).toBe(crc32(together.observation(i)));
        expect(crc32(batch.ram(0))).toBe(crc32(together.ram(i)));
      });
    });
  });

  it('gives the same observations whether it draws colors or gray', () => {
    const [gray, colors] = [false, true].map((drawColors) => new AleBatch(rom('air_raid'), { drawColors })) as [
      AleBatch,
      AleBatch,
    ];
    for (const action of lcgIndices(6, 200, 6, 4)) {
      for (const batch of [gray, colors]) {
        if (batch.gameOver[0]) batch.reset(0);
        batch.step([action]);
      }
      expect(crc32(gray.observation(0))).toBe(crc32(colors.observation(0)));
    }
    expect(colors.screenRgb(0).length).toBe(250 * 160 * 3);
  });

  it('stacks observations, oldest first', () => {
    const batch = new AleBatch(rom('pong'), { stackSize: 4, zeroFillStack: true });
    batch.reset(0);
    const newest = () => batch.observation(0).slice(3 * OBSERVATION_BYTES);
    expect(
      batch
        .observation(0)
        .subarray(0, 3 * OBSERVATION_BYTES)
        .every((pixel) => pixel === 0),
    ).toBe(true);
    const seen = [newest()];
    for (let t = 0; t < 3; t++) {
      batch.step([3]);
      seen.push(newest());
    }
    expect(Buffer.concat(seen).equals(Buffer.from(batch.observation(0)))).toBe(true);
  });
});
