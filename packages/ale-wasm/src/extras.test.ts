// What the traces don't cover, against ALE: color averaging, sound, paddle strength, all actions with odd settings, truncation, reward
// clipping, saved states.
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { getGame } from './games.ts';
import { crc32, golden, HAS_ROMS, lcgIndices, rom } from './testing.ts';

const extras = golden('extras.json');
// biome-ignore lint/suspicious/noExplicitAny: measured data of many forms
type Measured = any;

describe.skipIf(!HAS_ROMS)('as in ALE', () => {
  it.each(Object.entries<Measured>(extras.color_averaging))('color averaging: %s', (id, expected) => {
    const ale = new Ale(rom(id), {
      randomSeed: expected.random_seed,
      repeatActionProbability: 0,
      colorAveraging: true,
    });
    const indices = lcgIndices(expected.lcg_seed, expected.screen_crc.length, ale.minimalActions.length, expected.hold);
    expect(
      indices.map((index) => {
        ale.act(ale.minimalActions[index] as number);
        return crc32(ale.screen());
      }),
    ).toEqual(expected.screen_crc);
  });

  it.each(Object.entries<Measured>(extras.audio))('sound: %s', (name, expected) => {
    const [id, skip] = name.split('_fs') as [string, string];
    const ale = new Ale(rom(id), { randomSeed: 1, repeatActionProbability: 0, frameSkip: Number(skip) });
    const count = expected.audio_crc.length;
    const indices = lcgIndices(expected.lcg_seed, count, ale.minimalActions.length, expected.hold);
    const got = indices.map((index, t) => {
      ale.act(ale.minimalActions[index] as number);
      if (t === 39) expect(Buffer.from(ale.sound()).toString('hex')).toBe(expected.audio_hex_step39);
      return crc32(ale.sound());
    });
    expect(got).toEqual(expected.audio_crc);
  });

  it('paddle strength: breakout', () => {
    const expected = extras.paddle_strength_breakout;
    const count = expected.ram_crc_reward.length;
    const ale = new Ale(rom('breakout'), { randomSeed: 1, repeatActionProbability: 0 });
    const actions = lcgIndices(expected.action_lcg, count, ale.minimalActions.length, 4);
    const strengths = lcgIndices(expected.strength_lcg, count, 9, 4);
    const got = actions.map((index, t) => {
      const reward = ale.act(ale.minimalActions[index] as number, (strengths[t] as number) / 8);
      return [crc32(ale.ram()), reward];
    });
    expect(got).toEqual(expected.ram_crc_reward);
  });

  // ALE takes the strength's size, and rounds its product in double precision: 0.16 moves by 3679 units, not 3680. CRC-32 of RAM[72] over 300 frames.
  it.each([
    [-1, 1552306631],
    [-0.5, 2925168761],
    [0.16, 848570781],
  ])('paddle strength %f: breakout', (strength, expected) => {
    const ale = new Ale(rom('breakout'), { randomSeed: 1, repeatActionProbability: 0 });
    const positions = Array.from({ length: 300 }, (_, i) => {
      ale.act([3, 4, 4, 3][Math.floor(i / 75)] as number, strength);
      return ale.ram()[72] as number;
    });
    expect(crc32(Uint8Array.from(positions))).toBe(expected);
  });

  it.each(Object.entries<Measured>(extras.all18_actions_fs3_sticky05))(
    '18 actions, frame skip 3, sticky 0.5: %s',
    (id, expected) => {
      const ale = new Ale(rom(id), { randomSeed: expected.random_seed, repeatActionProbability: 0.5, frameSkip: 3 });
      const got = lcgIndices(expected.lcg_seed, expected.steps.length, 18, expected.hold).map((action) => {
        const reward = ale.act(action);
        const row = [crc32(ale.ram()), reward, Number(ale.isOver)];
        if (ale.isOver) ale.reset();
        return row;
      });
      expect(got).toEqual(expected.steps);
    },
  );

  it('truncation after 203 frames: qbert', () => {
    const { steps } = extras.truncation_qbert_max203_fs4;
    const ale = new Ale(rom('qbert'), {
      randomSeed: 1,
      repeatActionProbability: 0,
      frameSkip: 4,
      maxEpisodeFrames: 203,
    });
    const got = steps.map(() => {
      const reward = ale.act(0);
      return [
        reward,
        Number(ale.isOver),
        Number(ale.isTerminal),
        Number(ale.isTruncated),
        ale.episodeFrameNumber,
        ale.frameNumber,
        crc32(ale.ram()),
      ];
    });
    expect(got).toEqual(steps);
  });

  it('truncation on loss of life: hero', () => {
    const expected = extras.truncate_on_loss_of_life_hero_fs4;
    const ale = new Ale(rom('hero'), {
      randomSeed: 1,
      repeatActionProbability: 0,
      frameSkip: 4,
      truncateOnLossOfLife: true,
    });
    const got = lcgIndices(expected.lcg_seed, expected.steps.length, ale.minimalActions.length, expected.hold).map(
      (index) => {
        const reward = ale.act(ale.minimalActions[index] as number);
        const row = [reward, ale.lives, Number(ale.isOver), Number(ale.isTruncated)];
        if (ale.isOver) {
          ale.reset();
          row.push(ale.lives);
        }
        return row;
      },
    );
    expect(got).toEqual(expected.steps);
  });

  it('reward clipping: krull', () => {
    const expected = extras.reward_clip_krull_fs4;
    const ale = new Ale(rom('krull'), {
      randomSeed: 1,
      repeatActionProbability: 0,
      frameSkip: 4,
      rewardMinimum: -1,
      rewardMaximum: 1,
    });
    const got = lcgIndices(expected.lcg_seed, expected.rewards.length, ale.minimalActions.length, expected.hold).map(
      (index) => {
        const reward = ale.act(ale.minimalActions[index] as number);
        if (ale.isOver) ale.reset();
        return reward;
      },
    );
    expect(got).toEqual(expected.rewards);
  });

  it.each(Object.entries<Measured>(extras.save_restore))('saved states: %s', (id, expected) => {
    const ale = new Ale(rom(id), {
      randomSeed: expected.random_seed,
      repeatActionProbability: expected.repeat_action_probability,
    });
    const count = expected.save_after + expected.first_run.length;
    const actions = lcgIndices(expected.lcg_seed, count, ale.minimalActions.length, expected.hold).map(
      (index) => ale.minimalActions[index] as number,
    );
    for (const action of actions.slice(0, expected.save_after)) ale.act(action);
    const [plain, withRandom] = [ale.saveState(), ale.saveState({ random: true })];
    expect(plain.length).toBeLessThan(1024);
    expect(withRandom.length).toBeLessThan(4096);
    const play = () =>
      actions.slice(expected.save_after).map((action) => {
        const reward = ale.act(action);
        return [reward, crc32(ale.ram()), crc32(ale.screen())];
      });
    expect(play()).toEqual(expected.first_run);
    ale.restoreState(plain);
    expect(crc32(ale.ram())).toBe(expected.ram_crc_after_restore);
    expect(play()).toEqual(expected.after_restoreState);
    ale.restoreState(withRandom);
    expect(play()).toEqual(expected.after_restoreSystemState);
  });

  it('knows the games of the paper', () => {
    expect(getGame('MsPacman').id).toBe('ms_pacman');
    expect(getGame('montezuma-revenge').sets).toContain('paper20');
  });
});
