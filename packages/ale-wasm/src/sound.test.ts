// Sound against ALE, without a game's ROM: a program that writes RAM bytes to the sound registers in every frame was run there, and the checksums
// of its samples are here. Sounds of real games are in extras.test.ts.
import { describe, expect, it } from 'vitest';
import { Ale, SOUND_SAMPLES } from './ale.ts';
import { EMBEDDED_GAME } from './embedded-game.ts';
import { crc32, lcgIndices } from './testing.ts';

/** AUDC0, AUDF0, AUDV0, AUDC1, AUDF1, AUDV1. */
const REGISTERS = [0x15, 0x17, 0x19, 0x16, 0x18, 0x1a];
const VALUES = 0x90;
/** The byte of RAM that ends an episode of the embedded game. */
const GAME_OVER = 0x82;

function soundConsole(): Ale {
  const [vsyncOn, vsyncOff] = [
    [0xa9, 0x02, 0x85, 0x00],
    [0xa9, 0x00, 0x85, GAME_OVER, 0x85, 0x00],
  ];
  const lines = [0xa2, 250, 0x85, 0x02, 0xca, 0xd0, 0xfb];
  const rom = new Uint8Array(4096);
  rom.set([
    ...[...vsyncOn, 0x85, 0x02, 0x85, 0x02, 0x85, 0x02, ...vsyncOff],
    ...REGISTERS.flatMap((register, i) => [0xa5, VALUES + i, 0x85, register]),
    ...[...lines, 0x4c, 0x00, 0xf0],
  ]);
  rom.set([0x00, 0xf0], 0xffc);
  return new Ale(rom, { game: { ...EMBEDDED_GAME, md5: '' }, repeatActionProbability: 0 });
}
/** Samples of one act per row of register values, in one array. */
function play(rows: readonly (readonly number[])[]): Uint8Array {
  const ale = soundConsole();
  const samples = new Uint8Array(rows.length * SOUND_SAMPLES);
  rows.forEach((row, t) => {
    row.forEach((value, i) => {
      ale.setRam(VALUES - 0x80 + i, value);
    });
    ale.act(0);
    samples.set(ale.sound(), t * SOUND_SAMPLES);
  });
  return samples;
}

describe('sound', () => {
  it('is the same as in ALE for each of the 16 controls', () => {
    const got = Array.from({ length: 16 }, (_, control) => crc32(play(Array(4).fill([control, 0, 15, 0, 0, 0]))));
    expect(got).toEqual([
      1719412067, 4116532580, 1733970307, 504627363, 4094686303, 4094686303, 1657389159, 3629461503, 3390125420,
      4128301038, 3813540717, 1719412067, 1862962159, 1862962159, 665172474, 861480418,
    ]);
  });

  it('is the same as in ALE for both channels and changing registers', () => {
    const [acts, group] = [300, 20];
    const columns = [
      lcgIndices(1, acts, 16, 3),
      lcgIndices(2, acts, 32, 5),
      lcgIndices(3, acts, 16, 4),
      lcgIndices(4, acts, 16, 7),
      lcgIndices(5, acts, 32, 2),
      lcgIndices(6, acts, 16, 5),
    ];
    const samples = play(Array.from({ length: acts }, (_, t) => columns.map((column) => column[t] as number)));
    const bytes = group * SOUND_SAMPLES;
    const got = Array.from({ length: acts / group }, (_, i) => crc32(samples.subarray(i * bytes, (i + 1) * bytes)));
    expect(got).toEqual([
      1140152769, 2252170558, 264823933, 152292477, 2446247990, 3087640572, 2790269931, 3486204392, 3971956251,
      1244623117, 3982006242, 3231446083, 1538505111, 2274167488, 1211607394,
    ]);
  });
});
