// Episodes on the embedded game: Gymnasium's contract, exact states, and errors. Equality with Python's environments is in golden.test.ts.
import { EMBEDDED_GAME_ROM } from '@moe-rl/ale-wasm/embedded-game';
import { describe, expect, it } from 'vitest';
import { makeAtari } from './atari-environment.ts';

/** A fixed sequence of actions that wander about. */
function actionAt(step: number, actionCount: number): number {
  return Math.floor(
    (Math.sin(step * 12.9898) * 43758.5453 - Math.floor(Math.sin(step * 12.9898) * 43758.5453)) * actionCount,
  );
}

function play(environment: ReturnType<typeof makeAtari>, from: number, steps: number) {
  const log: unknown[] = [];
  let needsReset = false;
  for (let step = from; step < from + steps; step++) {
    if (needsReset) environment.reset();
    const { observation, reward, terminated, truncated, info } = environment.step(
      actionAt(step, environment.actionCount),
    );
    log.push([
      (observation as Uint8Array).reduce((sum, value, index) => (sum * 31 + value * (index + 1)) % 1_000_003, 7),
      reward,
      terminated,
      truncated,
      info,
    ]);
    needsReset = terminated || truncated;
  }
  return { log, needsReset };
}

describe('AtariEnvironment', () => {
  it('has the shapes that agents expect', () => {
    const environment = makeAtari();
    expect(environment.id).toBe('atari/windfall');
    expect(environment.observationSpec).toEqual({ frameShape: [84, 84], stackSize: 4, dtype: 'uint8' });
    expect(environment.actionCodes).toEqual([0, 3, 4]);
    const { observation, info } = environment.reset({ seed: 1 });
    expect(observation).toBeInstanceOf(Uint8Array);
    expect(observation.length).toBe(4 * 84 * 84);
    expect(info).toEqual({ lives: 3, episodeFrameNumber: 0 });
    // Four times the first picture.
    expect(observation.slice(0, 7056)).toEqual(observation.slice(3 * 7056));
    const { width, height, rgb } = environment.render();
    expect([width, height, rgb.length]).toEqual([160, 210, 160 * 210 * 3]);
    expect(new Set(rgb).size).toBeGreaterThan(5);
    const old = observation.slice(7056);
    environment.step(1);
    expect(observation.slice(0, 3 * 7056)).toEqual(old);
    expect(makeAtari({ fullActionSet: true }).actionCount).toBe(18);
  });

  it('repeats itself for a seed, and not for another', () => {
    const environment = makeAtari();
    environment.reset({ seed: 5 });
    const first = play(environment, 0, 300).log;
    environment.reset({ seed: 5 });
    expect(play(environment, 0, 300).log).toEqual(first);
    environment.reset({ seed: 6 });
    expect(play(environment, 0, 300).log).not.toEqual(first);
  });

  it.each([
    ['dopamine', {}],
    ['gymnasium', { preprocessing: 'gymnasium', noopMax: 30, terminalOnLifeLoss: true }],
    ['ale-vector', { preprocessing: 'ale-vector', noopMax: 30, fireReset: true, maxEpisodeFrames: 300 }],
  ] as const)('goes on exactly from a saved state: %s', (_, options) => {
    const environment = makeAtari(options);
    environment.reset({ seed: 3 });
    const before = play(environment, 0, 137);
    if (before.needsReset) environment.reset();
    const state = structuredClone(environment.getState());
    const after = play(environment, 137, 400).log;
    environment.setState(state);
    expect(play(environment, 137, 400).log).toEqual(after);
    const other = makeAtari(options);
    other.setState(state);
    expect(play(other, 137, 400).log).toEqual(after);
    expect(other.getState()).toEqual(environment.getState());
  });

  it('ends an episode on a lost life when told to, and cuts it at the frame limit', () => {
    const environment = makeAtari({ terminalOnLifeLoss: true, repeatActionProbability: 0 });
    environment.reset({ seed: 1 });
    let result = environment.step(0);
    for (let step = 0; step < 100 && !result.terminated; step++) result = environment.step(0);
    expect(result).toMatchObject({ terminated: true, truncated: false, info: { lives: 2 } });
    const limited = makeAtari({ maxEpisodeFrames: 40 });
    limited.reset({ seed: 1 });
    for (let step = 0; step < 9; step++) expect(limited.step(0).truncated).toBe(false);
    expect(limited.step(0)).toMatchObject({ terminated: false, truncated: true });
    expect(() => limited.step(0)).toThrow(/call reset\(\) first/);
  });

  it('refuses what it can not do by name', () => {
    expect(() => makeAtari({ game: 'brekout' })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('did you mean breakout') }),
    );
    expect(() => makeAtari({ game: 'ALE/Breakout-v5' })).toThrow(/breakout needs its ROM \(MD5 [0-9a-f]{32}\)/);
    expect(() => makeAtari({ rom: new Uint8Array(0) })).toThrow(
      expect.objectContaining({ code: 'CORRUPT_DATA', message: 'the ROM is empty' }),
    );
    expect(() => makeAtari({ rom: new Uint8Array(100), game: 'pong' })).toThrow(/truncated: 100 bytes; pong has 2048/);
    expect(() => makeAtari({ rom: new Uint8Array(2048), game: 'pong' })).toThrow(
      /MD5 [0-9a-f]{32}; expected [0-9a-f]{32} of pong/,
    );
    expect(() => makeAtari({ rom: new Uint8Array(5000) })).toThrow(
      expect.objectContaining({ code: 'CORRUPT_DATA', message: expect.stringContaining('the ROM has 5000 bytes') }),
    );
    expect(() => makeAtari({ rom: new Uint8Array(8448) })).toThrow(/type AR .* does not have/);
    expect(() => makeAtari({ mode: 3 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('mode') }),
    );
    // Modes are whatever the game has: Video Cube's go up to 1699.
    expect(() => makeAtari({ mode: 1000 })).toThrow(/mode of windfall is 1000; expected one of 0/);
    expect(() => makeAtari({ frameSkip: 0 })).toThrow(/frameSkip is 0/);
    const environment = makeAtari();
    expect(() => environment.step(0)).toThrow(/call reset\(\) first/);
    environment.reset();
    expect(() => environment.step(3)).toThrow(/action is 3; expected an integer from 0 to 2/);
    expect(() => environment.reset({ seed: -1 })).toThrow(/seed is -1/);
    expect(() => environment.reset({ sed: 1 } as never)).toThrow(/reset has no option "sed"; .* did you mean seed/);
    const state = environment.getState();
    expect(() => environment.setState({ ...state, game: 'pong' })).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT' }),
    );
    expect(() => makeAtari({ stackSize: 2 }).setState(state)).toThrow(/other settings/);
    const broken = structuredClone(state) as { console: Uint8Array };
    broken.console[500]! ^= 1;
    expect(() => environment.setState(broken as never)).toThrow(/checksum/);
  });

  it('runs any ROM with one line, without rules', () => {
    const rom = EMBEDDED_GAME_ROM.slice();
    rom[0xff0]! ^= 1; // nobody's ROM
    const environment = makeAtari({ rom });
    expect([environment.id, environment.actionCount]).toEqual(['atari/homebrew', 18]);
    const { info } = environment.reset({ seed: 1 });
    expect(info.lives).toBe(1);
    for (let step = 0; step < 200; step++)
      expect(environment.step(step % 18)).toMatchObject({ reward: 0, terminated: false, truncated: false });
    expect(new Set(environment.render().rgb).size).toBeGreaterThan(5);
    expect(makeAtari({ rom, game: 'my-game' }).id).toBe('atari/my-game');
    expect(() => makeAtari({ rom, game: 'pong' })).toThrow(/of pong/);
  });
});
