// Says which game a ROM is, or what is wrong with it.
import { type Game, md5 } from '@moe-rl/ale-wasm';
import { EMBEDDED_GAME } from '@moe-rl/ale-wasm/embedded-game';
import { GAMES } from '@moe-rl/ale-wasm/games';
import { CorruptDataError } from '@moe-rl/core';
import { findGame } from './games.ts';

/**
 * Recognizes a ROM by its MD5; with a game's name, checks that it is that game's.
 * @throws CorruptDataError for an empty, truncated, unknown or wrong ROM, NotFoundError for an unknown game
 */
export function identifyRom(rom: Uint8Array, name?: string): Game {
  const wanted = name === undefined ? undefined : findGame(name);
  if (rom.length === 0) throw new CorruptDataError('the ROM is empty');
  const hash = md5(rom);
  const known = [EMBEDDED_GAME, ...GAMES].find((game) => game.md5 === hash);
  if (wanted === undefined) {
    if (known !== undefined) return known;
    throw new CorruptDataError(`the ROM of ${rom.length} bytes with MD5 ${hash} is none of the supported games`);
  }
  if (known?.id === wanted.id) return wanted;
  if (known !== undefined)
    throw new CorruptDataError(
      `the ROM is that of ${known.id} (MD5 ${hash}); expected ${wanted.id} (MD5 ${wanted.md5})`,
    );
  if (rom.length < wanted.romBytes) {
    throw new CorruptDataError(
      `the ROM is truncated: ${rom.length} bytes; ${wanted.id} has ${wanted.romBytes} (MD5 ${wanted.md5})`,
    );
  }
  throw new CorruptDataError(`the ROM has MD5 ${hash}; expected ${wanted.md5} of ${wanted.id}`);
}
