// The interface of a single console and of a batch, on the embedded game; what is checked in is what its sources give.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
// @ts-expect-error plain scripts
import { generateGameTable, TABLE_FILE } from '../codegen/games.mjs';
// @ts-expect-error a plain script
import { generateOperations, OPERATIONS_FILE } from '../codegen/operations.mjs';
// @ts-expect-error plain scripts
import { generatePalette, PALETTE_FILE } from '../codegen/palette.mjs';
// @ts-expect-error plain scripts
import { builtHash, sourceHash } from '../scripts/build-wasm.mjs';
import { Ale } from './ale.ts';
import { AleBatch } from './ale-batch.ts';
import { decodeBase64 } from './base64.ts';
import { instantiateCore } from './core.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from './embedded-game.ts';
import { AleArgumentError, AleRomError, AleStateError } from './errors.ts';
import { defineGame } from './game.ts';
import { GAMES, getGame } from './games.ts';
import { CORE_WASM_BASE64 } from './generated/core-wasm.ts';

const embedded = (config = {}) =>
  new Ale(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, repeatActionProbability: 0, ...config });

describe('a console', () => {
  it('plays the embedded game: reward for catches, lives, game over, and a new episode', () => {
    const ale = embedded();
    expect(ale.lives).toBe(3);
    let reward = 0;
    for (let i = 0; i < 5000 && !ale.isOver; i++) reward += ale.act(i % 40 < 20 ? 3 : 4);
    expect(reward).toBeGreaterThanOrEqual(0);
    expect(ale.isTerminal).toBe(true);
    expect(ale.lives).toBe(0);
    expect(ale.act(0)).toBe(0);
    ale.reset();
    expect([ale.lives, ale.isOver, ale.episodeFrameNumber]).toEqual([3, false, 0]);
    expect(ale.frameNumber).toBeGreaterThan(100);
  });

  it('shows the same screen as palette indices, gray, RGB and RGBA', () => {
    const ale = embedded();
    for (let i = 0; i < 100; i++) ale.act(0);
    const [indices, gray, rgb, rgba] = [ale.screen(), ale.screenGray(), ale.screenRgb(), ale.screenRgba()];
    expect(indices.length).toBe(210 * 160);
    expect(new Set(indices).size).toBeGreaterThan(3);
    const bright = indices.findIndex((index) => index !== 0);
    expect([...rgba.subarray(bright * 4, bright * 4 + 3)]).toEqual([...rgb.subarray(bright * 3, bright * 3 + 3)]);
    expect(gray[bright]).toBeGreaterThan(0);
  });

  it('restores a state to the same future, and refuses states of other ROMs and versions by name', () => {
    const ale = embedded({ repeatActionProbability: 0.25, randomSeed: 3 });
    for (let i = 0; i < 300; i++) ale.act(3);
    const state = ale.saveState({ random: true });
    const play = () =>
      Array.from({ length: 300 }, (_, i) => [
        ale.act(i % 3 === 0 ? 4 : 3),
        ...ale.ram(),
        ...ale.screen().subarray(0, 6000),
      ]);
    const first = play();
    ale.restoreState(state);
    expect(play()).toEqual(first);
    const rom = EMBEDDED_GAME_ROM.slice();
    rom[100] = 1;
    const other = new Ale(rom, { game: { ...EMBEDDED_GAME, md5: '' } });
    expect(() => other.restoreState(state)).toThrow(/another ROM/);
    const future = state.slice();
    future[4] = 9;
    expect(() => ale.restoreState(future)).toThrow(/version 9; expected 1/);
    expect(() => ale.restoreState(state.subarray(0, 100))).toThrow(AleStateError);
    const damaged = state.slice();
    damaged[60]! ^= 1;
    expect(() => ale.restoreState(damaged)).toThrow(/the saved state is damaged/);
  });

  it('names what is wrong', () => {
    expect(() => new Ale(new Uint8Array())).toThrow(AleRomError);
    expect(() => new Ale(EMBEDDED_GAME_ROM)).toThrow(/none of the supported games/);
    expect(() => new Ale(EMBEDDED_GAME_ROM.subarray(0, 2000), { game: EMBEDDED_GAME })).toThrow(
      /2000 bytes; expected 4096/,
    );
    expect(() => new Ale(EMBEDDED_GAME_ROM, { game: getGame('asterix') })).toThrow(AleRomError);
    expect(() => embedded({ frameSkip: 0 })).toThrow(/frameSkip is 0; expected an integer 1\.\.1000/);
    expect(() => embedded({ frameskip: 4 } as object)).toThrow(
      /there is no setting "frameskip"; expected one of frameSkip/,
    );
    expect(() => embedded({ colorAveraging: 1 } as object)).toThrow(/colorAveraging is 1; expected true or false/);
    const batchOf = (config: object) => () => new AleBatch(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, ...config });
    for (const randomSeed of [Number.NaN, 1.5, 2 ** 40])
      expect(batchOf({ randomSeed, consoles: 2 })).toThrow(`randomSeed is ${randomSeed}; expected an integer`);
    expect(batchOf({ stack: 3 })).toThrow(/there is no setting "stack"; expected one of frameSkip, /);
    expect(batchOf({ rewardMaximum: 1 })).toThrow('a batch has no setting "rewardMaximum"');
    expect(batchOf({ zeroFillStack: 'no' })).toThrow('zeroFillStack is no; expected true or false');
    expect(() => embedded({ mode: 7 })).toThrow(/mode of windfall is 7/);
    expect(() => embedded().act(18)).toThrow(AleArgumentError);
    // By this @moe-rl/core knows it for an error made on purpose.
    expect(() => embedded().act(18)).toThrow(expect.objectContaining({ isMoeRlError: true, code: 'ALE_ARGUMENT' }));
    expect(() => getGame('asterisk')).toThrow(/asterix/);
    expect(() => defineGame({ slug: 'x', cart: 'AR' } as never)).toThrow(/cart is "AR"/);
  });

  it('takes less than 100 KiB', () => {
    expect(instantiateCore().consoleBytes()).toBeLessThan(100 * 1024);
  });
});

describe('a batch', () => {
  it('steps, counts and resets consoles of the embedded game', () => {
    const batch = new AleBatch(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, consoles: 3, maxEpisodeFrames: 4000 });
    for (let i = 0; i < 3; i++) batch.reset(i);
    let episodes = 0;
    for (let t = 0; t < 600; t++) {
      batch.step([0, 3, t % 20 < 10 ? 3 : 4]);
      for (let i = 0; i < 3; i++) {
        if (!batch.gameOver[i] && !batch.truncated[i]) continue;
        episodes++;
        batch.reset(i);
        expect(batch.lives[i]).toBe(3);
        expect(batch.episodeFrameNumber(i)).toBe(0);
      }
    }
    expect(episodes).toBeGreaterThan(2);
    expect(new Set(batch.observation(0)).size).toBeGreaterThan(3);
    expect(() => batch.step([0])).toThrow(/1 actions for 3 consoles/);
    expect(() => batch.reset(3)).toThrow(AleArgumentError);
  });
});

describe('what is checked in', () => {
  it('the core is under 100 KB compressed and has no imports', () => {
    const bytes = decodeBase64(CORE_WASM_BASE64);
    expect(gzipSync(bytes).length).toBeLessThan(100_000);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes as BufferSource))).toEqual([]);
  });
  it('the game table and the palettes are what the golden data gives', async () => {
    expect(readFileSync(TABLE_FILE, 'utf8')).toBe(generateGameTable(defineGame));
    expect(readFileSync(PALETTE_FILE, 'utf8')).toBe(generatePalette());
    expect(GAMES.length).toBe(104);
  });
  it('the operations that translations are made of are what the opcodes say', () => {
    expect(readFileSync(OPERATIONS_FILE, 'utf8')).toBe(generateOperations());
  });
  it('the core is built from the sources as they are', () => {
    expect(builtHash()).toBe(sourceHash());
  });
  // Takes half a minute; `.ci/run` asks for it.
  if (process.env['MOE_RL_THOROUGH'])
    it('the core is what assembly/ gives, byte for byte', { timeout: 600_000 }, () => {
      execFileSync(
        process.execPath,
        [fileURLToPath(new URL('../scripts/build-wasm.mjs', import.meta.url)), '--check'],
        {
          stdio: 'pipe',
        },
      );
    });
});
