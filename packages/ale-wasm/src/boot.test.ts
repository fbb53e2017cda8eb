// Every game, mode and difficulty starts as in ALE: counters, lives, RAM and screen right after the reset and 20 or 30 frames later.
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { GAMES } from './games.ts';
import { crc32, golden, HAS_ROMS, rom } from './testing.ts';

const { games } = golden('boot.json');
const snapshot = (ale: Ale) => [
  ale.episodeFrameNumber,
  ale.lives,
  Number(ale.isOver),
  crc32(ale.ram()),
  crc32(ale.screen()),
];
const wait = (ale: Ale, frames: number) => {
  for (let i = 0; i < frames; i++) ale.act(0);
};

describe.skipIf(!HAS_ROMS)('start of', () => {
  it.each(GAMES.map((game) => [game.id, game] as const))('%s', (id, game) => {
    const expected = games[id];
    const load = () => new Ale(rom(id), { randomSeed: 1, repeatActionProbability: 0 });
    let ale = load();
    expect(ale.tv).toBe(game.tv);
    expect(snapshot(ale)).toEqual(expected.load);
    wait(ale, 30);
    expect(snapshot(ale)).toEqual(expected.load_plus_30_noop);
    ale.reset();
    expect(snapshot(ale)).toEqual(expected.then_reset_game);
    ale = load();
    ale.reset();
    expect(snapshot(ale)).toEqual(expected.load_reset_game);
    ale.reset();
    expect(snapshot(ale)).toEqual(expected.load_reset_reset);
    for (const [set, rows] of [
      ['setMode', expected.modes],
      ['setDifficulty', expected.difficulties],
    ] as const) {
      for (const [value, ...rest] of rows as number[][]) {
        ale = load();
        ale[set](value as number);
        ale.reset();
        const first = snapshot(ale);
        wait(ale, 20);
        expect([...first, ...snapshot(ale)], `${set}(${value})`).toEqual(rest);
      }
    }
  });
});
