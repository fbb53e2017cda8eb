// Windfall, the embedded game: the ROM is what its source gives, and it is a game worth learning.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from './embedded-game.ts';

const NOOP = 0;
const RIGHT = 3;
const LEFT = 4;
// Indices into RAM, as embedded-game/README.md documents them.
const SCORE = 0x00;
const LIVES = 0x01;
const GAME_OVER = 0x02;
const BASKET_X = 0x03;
const FRUIT_X = 0x04;
const FRUIT_SHAPE = 0x07;
const PAUSE_FRAMES = 0x08;

type Player = (ram: Uint8Array) => number;

function loadGame(randomSeed: number, frameSkip = 4): Ale {
  return new Ale(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, frameSkip, randomSeed });
}

function isFalling(ram: Uint8Array): boolean {
  return ram[PAUSE_FRAMES] === 0 && ram[FRUIT_SHAPE]! >= 1 && ram[FRUIT_SHAPE]! <= 4;
}

function randomPlayer(seed: number): Player {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return [NOOP, RIGHT, LEFT][(state >>> 16) % 3]!;
  };
}

/** Goes where the fruit is, once it falls. */
const perfectPlayer: Player = (ram) => {
  const distance = ram[FRUIT_X]! + 8 - (ram[BASKET_X]! + 12);
  if (!isFalling(ram) || Math.abs(distance) <= 5) return NOOP;
  return distance > 0 ? RIGHT : LEFT;
};

interface Episode {
  readonly return: number;
  readonly agentSteps: number;
}

function playEpisode(ale: Ale, player: Player): Episode {
  ale.reset();
  let episodeReturn = 0;
  let agentSteps = 0;
  for (; !ale.isOver; agentSteps++) {
    if (agentSteps > 1000) throw new Error('the episode does not end');
    episodeReturn += ale.act(player(ale.ram()));
  }
  return { return: episodeReturn, agentSteps };
}

function playEpisodes(count: number, player: Player): readonly Episode[] {
  const ale = loadGame(1);
  return Array.from({ length: count }, () => playEpisode(ale, player));
}

function meanReturn(episodes: readonly Episode[]): number {
  return episodes.reduce((sum, episode) => sum + episode.return, 0) / episodes.length;
}

describe('the embedded ROM', () => {
  it('is what its source gives', () => {
    const build = fileURLToPath(new URL('../embedded-game/build.mjs', import.meta.url));
    expect(() => execFileSync(process.execPath, [build, '--check'], { stdio: 'pipe' })).not.toThrow();
    expect(EMBEDDED_GAME_ROM).toHaveLength(4096);
  });
});

describe('Windfall', () => {
  it('starts by itself with three lives and no score, whatever RAM held', () => {
    const ale = loadGame(0);
    for (const value of [0x00, 0x5a, 0x99, 0xff]) {
      for (let index = 0; index < 128; index++) ale.setRam(index, value);
      ale.reset();
      expect([ale.ram()[SCORE], ale.ram()[LIVES], ale.ram()[GAME_OVER]]).toEqual([0, 3, 0]);
      expect([ale.lives, ale.isOver, ale.act(NOOP)]).toEqual([3, false, 0]);
      let framesUntilFruit = 0;
      for (; !isFalling(ale.ram()); framesUntilFruit += 4) ale.act(NOOP);
      expect(framesUntilFruit).toBeLessThanOrEqual(16);
    }
  });

  it('gives one reward for each fruit and takes one life for each miss', () => {
    const ale = loadGame(2, 1);
    const player = randomPlayer(2);
    for (let episode = 0; episode < 3; episode++) {
      ale.reset();
      let score = 0;
      let lives = 3;
      while (!ale.isOver) {
        const reward = ale.act(player(ale.ram()));
        score += reward;
        expect(reward === 0 || reward === 1).toBe(true);
        expect(ale.lives === lives || (ale.lives === lives - 1 && reward === 0)).toBe(true);
        lives = ale.lives;
        const ram = ale.ram();
        expect((ram[SCORE]! >> 4) * 10 + (ram[SCORE]! & 15)).toBe(score);
        expect(ram[GAME_OVER]).toBe(ale.isOver ? 1 : 0);
      }
      expect(lives).toBe(0);
      expect(ale.isTerminal).toBe(true);
    }
  });

  it('is won by a player who always goes to the fruit, and the episode is short', () => {
    for (const episode of playEpisodes(3, perfectPlayer)) {
      expect(episode.return).toBe(40);
      expect(episode.agentSteps).toBeLessThanOrEqual(530);
    }
  });

  it('gives little to players who do not look', () => {
    const random = meanReturn(playEpisodes(30, randomPlayer(3)));
    expect(random).toBeGreaterThan(0.3);
    expect(random).toBeLessThan(4);
    for (const action of [NOOP, RIGHT, LEFT]) expect(meanReturn(playEpisodes(15, () => action))).toBeLessThan(2.5);
  });

  it('drops fruit in all columns, differently for other sticky actions', () => {
    const columnsOf = (randomSeed: number) => {
      const ale = loadGame(randomSeed, 1);
      const columns: number[] = [];
      for (let falling = false; !ale.isOver; ) {
        ale.act(perfectPlayer(ale.ram()));
        const ram = ale.ram();
        if (isFalling(ram) && !falling) columns.push(ram[FRUIT_X]!);
        falling = isFalling(ram);
      }
      return columns;
    };
    const played = [5, 6, 7, 8].map(columnsOf);
    expect(new Set(played.map((columns) => columns.join())).size).toBe(4);
    expect([...new Set(played.flat())].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, k) => 12 + 8 * k));
    expect(columnsOf(5)).toEqual(played[0]);
  });

  it('shows a picture that stands still: leaves from row 29, soil to row 194, black around', () => {
    const ale = loadGame(9, 1);
    const player = randomPlayer(9);
    const isPlain = (screen: Uint8Array, row: number, color: number) =>
      screen.subarray(row * 160, row * 160 + 160).every((pixel) => pixel === color);
    expect(ale.tv).toBe('NTSC');
    while (!ale.isOver) {
      ale.act(player(ale.ram()));
      const screen = ale.screen();
      expect([
        isPlain(screen, 28, 0),
        isPlain(screen, 29, 0xc6),
        isPlain(screen, 194, 0xf0),
        isPlain(screen, 195, 0),
      ]).toEqual([true, true, true, true]);
    }
  });
});
