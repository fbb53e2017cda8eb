// Programs of our own against what ALE made of them: noise of TIA reads, reads without a purpose, decimal mode, and every bank switching scheme;
// frames that are cut or end early, which frame skips must not show; and the byte that a game's rules read last.
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
// @ts-expect-error a plain script, shared with the recorder
import { averagings, FRAME_PROGRAMS, FRAME_SKIPS, FRAME_STEPS, screensDigest } from '../scripts/frame-programs.mjs';
// @ts-expect-error a plain script, shared with the recorder
import * as lastRead from '../scripts/last-read-programs.mjs';
// @ts-expect-error a plain script, shared with the recorder
import { PICTURES } from '../scripts/picture-programs.mjs';
// @ts-expect-error a plain script, shared with the recorder
import { PROGRAM_FRAMES, PROGRAMS } from '../scripts/test-programs.mjs';
import { Ale, type AleConfig } from './ale.ts';
import { AleBatch } from './ale-batch.ts';
import { detectCartridge } from './cartridges.ts';
import type { CoreExports } from './core.ts';
import { getGame } from './games.ts';
import { PALETTES } from './palette.ts';
import { golden } from './testing.ts';

const expected: Record<string, string> = golden('programs.json').ram;
const expectedScreens: Record<string, number[][]> = golden('programs.json').screens;
const programs: [string, Uint8Array][] = Object.entries(PROGRAMS);
const framePrograms: [string, Uint8Array][] = Object.entries(FRAME_PROGRAMS);

const gameFor = (rom: Uint8Array, rules = 'enduro') => ({
  ...getGame(rules),
  md5: '',
  cartridge: detectCartridge(rom),
  romBytes: rom.length,
  firstLine: 34,
  height: 210,
});
const insert = (rom: Uint8Array, config: AleConfig) =>
  new Ale(rom, { game: gameFor(rom), repeatActionProbability: 0, randomSeed: 1, ...config });
function play(rom: Uint8Array, translateRom: boolean, frames: number): Ale {
  const ale = insert(rom, { translateRom });
  for (let frame = 0; frame < frames; frame++) ale.act(0);
  return ale;
}

describe('programs of our own, as in ALE', () => {
  it('are all recorded', () => {
    expect(programs.map(([name]) => name)).toEqual(Object.keys(expected));
  });
  it.each(programs)('%s', (name, rom) => {
    for (const translateRom of [true, false]) {
      const ale = play(rom, translateRom, PROGRAM_FRAMES);
      ale.reset();
      for (let frame = 0; frame < PROGRAM_FRAMES; frame++) ale.act(0);
      expect(Buffer.from(ale.ram()).toString('hex')).toBe(expected[name]);
    }
  });
  it.each(programs.filter(([name]) => /^[0-9A-Z]{2,4}$/.test(name)))('%s goes on from a saved state', (name, rom) => {
    expect(detectCartridge(rom)).toBe(name);
    const ale = play(rom, true, 40);
    const state = ale.saveState({ random: true });
    const other = play(rom, false, 3);
    other.restoreState(state);
    for (let frame = 0; frame < 3; frame++) {
      ale.act(0);
      other.act(0);
      expect(other.saveState({ random: true })).toEqual(ale.saveState({ random: true }));
    }
  });
});

describe('pictures of programs, as in ALE', () => {
  const expectedPictures: Record<string, number> = golden('programs.json').pictures;
  it('are all recorded', () => {
    expect(Object.keys(PICTURES)).toEqual(Object.keys(expectedPictures));
  });
  it.each(Object.entries(PICTURES) as [string, Uint8Array][])('%s', (name, rom) => {
    for (const translateRom of [true, false])
      expect(crc32(play(rom, translateRom, PROGRAM_FRAMES).screen())).toBe(expectedPictures[name]);
  });
});

/** The picture before it is made smaller lies before the stack of observations. */
function pooledOf(batch: AleBatch, bytes: number): Uint8Array {
  const { core } = batch as unknown as { core: CoreExports };
  return new Uint8Array(core.memory.buffer).subarray(core.observationAddress(0) - POOLED_BYTES).subarray(0, bytes);
}
const POOLED_BYTES = 160 * 250 + 64;

describe('frames that are cut or end early, as ALE shows them', () => {
  const screensOf = (ale: Ale) =>
    screensDigest(
      Array.from({ length: FRAME_STEPS }, () => {
        ale.act(0);
        return crc32(ale.screen());
      }),
    );
  it('are all recorded', () => {
    expect(framePrograms.map(([name]) => name)).toEqual(Object.keys(expectedScreens));
  });
  it.each(framePrograms)('%s', (name, rom) => {
    const digests = averagings(name).map((colorAveraging: boolean) =>
      FRAME_SKIPS.map((frameSkip: number) =>
        screensOf(insert(rom, { colorAveraging, frameSkip, translateRom: frameSkip % 2 === 0 })),
      ),
    );
    expect(digests).toEqual(expectedScreens[name]);
  });
  it.each(framePrograms.filter(([name]) => !name.includes('jams')))('%s: the maximum of two frames', (_, rom) => {
    const { gray } = PALETTES.NTSC;
    for (const frameSkip of [2, 3, 4]) {
      const ale = insert(rom, {});
      const batch = new AleBatch(rom, {
        ...{ game: gameFor(rom), repeatActionProbability: 0, randomSeed: 1, frameSkip, stackSize: 1 },
      });
      ale.reset();
      batch.reset(0);
      for (let step = 0; step < FRAME_STEPS; step++) {
        const seen = Array.from({ length: frameSkip }, () => {
          ale.act(0);
          return ale.screen();
        }).slice(-2) as [Uint8Array, Uint8Array];
        batch.step([0]);
        const pooled = seen[0].map((index, i) => Math.max(gray[index] ?? 0, gray[seen[1][i] ?? 0] ?? 0));
        expect(Buffer.compare(pooled, pooledOf(batch, pooled.length))).toBe(0);
      }
    }
  });
});

const { LAST_READ_GAMES, lastReadPrograms, POKE_ACTS, POKE_PROGRAM, POKED_VALUES } = lastRead;
/** As ALE has a ROM that is no game's: only the rules come with the file name. */
const nobodys = {
  hmoveBlanks: true,
  controllers: { left: 'joystick', right: 'joystick', swapPorts: false, swapPaddles: false },
  powerOnDifficulty: 0,
  paddleMaximum: 790196,
} as const;

describe('the byte that the rules of a game read last is on the bus when a frame of a reset has ended, as in ALE', () => {
  const expectedReads: Record<string, number[]> = golden('programs.json').lastReads;
  it('of every game without a mode procedure', () => {
    expect(Object.keys(expectedReads)).toEqual(LAST_READ_GAMES);
  });
  it.each(Object.keys(expectedReads))('%s', (id) => {
    const seen = lastReadPrograms(id).map((rom: Uint8Array) =>
      crc32(new Ale(rom, { game: { ...gameFor(rom, id), ...nobodys }, translateRom: false }).ram()),
    );
    expect(seen).toEqual(expectedReads[id]);
  });
});

describe('a byte of RAM that is set', () => {
  it('is on the bus, where code in the addresses of the TIA finds it, as in ALE', () => {
    const seen = POKED_VALUES.map((value: number) => {
      const ale = insert(POKE_PROGRAM, { translateRom: false });
      for (let act = 0; act < POKE_ACTS; act++) ale.act(0);
      ale.setRam(0, value);
      ale.act(0);
      return crc32(ale.ram());
    });
    expect(seen).toEqual(golden('programs.json').pokes);
  });
  it('is there no longer when a state is restored, which reads all of RAM, as in ALE', () => {
    const ale = insert(POKE_PROGRAM, { translateRom: false });
    for (let act = 0; act < POKE_ACTS; act++) ale.act(0);
    ale.setRam(0, POKED_VALUES[4]);
    ale.restoreState(ale.saveState());
    ale.act(0);
    expect(crc32(ale.ram())).toBe(golden('programs.json').restored);
  });
});
