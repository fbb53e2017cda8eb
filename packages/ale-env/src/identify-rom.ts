// Says which game a ROM is, or what is wrong with it. A ROM that is no known game's is a homebrew, which runs without rules.
import { defineGame, describeHomebrew, type Game, type GameDescription, md5 } from '@moe-rl/ale-wasm';
import { EMBEDDED_GAME } from '@moe-rl/ale-wasm/embedded-game';
import { GAMES } from '@moe-rl/ale-wasm/games';
import { CorruptDataError, InvalidArgumentError } from '@moe-rl/core';
import { asMoeRlError, findGame, isGameName } from './games.ts';

/**
 * The game of a ROM. Without a name: the known one that has its MD5, else a homebrew without rules. With a known game's name: that game, checked. With
 * another name: a homebrew of that name. With a description: that, for any ROM it fits.
 * @throws CorruptDataError for an empty, truncated or wrong ROM, or one whose size or bank switching no cartridge here has; InvalidArgumentError for a
 *   description that is wrong
 */
export function identifyRom(rom: Uint8Array, game?: string | GameDescription): Game {
  if (!(rom instanceof Uint8Array)) throw new InvalidArgumentError('rom is no Uint8Array');
  if (rom.length === 0) throw new CorruptDataError('the ROM is empty');
  const homebrew = (id?: string): Game => {
    try {
      if (typeof game === 'object') return defineGame(game);
      return describeHomebrew(rom, id === undefined ? {} : { id });
    } catch (error) {
      throw asMoeRlError(error);
    }
  };
  if (typeof game === 'object') return homebrew();
  const hash = md5(rom);
  const known = [EMBEDDED_GAME, ...GAMES].find((candidate) => candidate.md5 === hash);
  if (game === undefined) return known ?? homebrew();
  if (known === undefined && !isGameName(game)) return homebrew(game);
  const wanted = findGame(game);
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
