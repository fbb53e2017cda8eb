// From a game's name to its environment: our embedded game, Atari games whose ROM is found, and the small environments.
import { EMBEDDED_GAME_NAME, findGame, gameNames, makeAtari } from '@moe-rl/ale-env';
import { findRoms, loadRom, type RomSearch } from '@moe-rl/ale-env/node';
import { didYouMean, type Environment, isMoeRlError, NotFoundError } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import type { RunConfig } from '@moe-rl/runs';
import { createSmallEnvironment, SMALL_ENVIRONMENTS } from '@moe-rl/small-environments';

/**
 * Makes the environment of a run.
 * @throws NotFoundError for an unknown game or when its ROM is nowhere; CorruptDataError for a wrong, truncated or empty ROM file
 */
export function makeEnvironment(config: Pick<RunConfig, 'game' | 'rom' | 'environment'>): Environment {
  const { game, rom, environment } = config;
  if (Object.hasOwn(SMALL_ENVIRONMENTS, game)) return createSmallEnvironment(game);
  const { id } = findAtariGame(game);
  if (rom === null && id === EMBEDDED_GAME_NAME) return makeAtari({ ...environment, game: id });
  const path = rom ?? loadRom(id).path;
  try {
    return makeAtari({ ...environment, game: id, rom: readBytes(path) });
  } catch (error) {
    if (isMoeRlError(error) && error.code === 'CORRUPT_DATA') error.message = `${path}: ${error.message}`;
    throw error;
  }
}

function findAtariGame(name: string) {
  try {
    return findGame(name);
  } catch (error) {
    const choices = [...gameNames(), ...Object.keys(SMALL_ENVIRONMENTS)];
    throw new NotFoundError(`there is no game "${name}"${didYouMean(name, choices) || '; see `moe-rl roms`'}`, {
      cause: error,
    });
  }
}

/** All games that can be played here, and the Atari games whose ROM is missing. */
export function findGames(
  folder?: string,
): RomSearch & { readonly playable: readonly { game: string; source: string; path: string }[] } {
  const search = findRoms(folder);
  const small = Object.keys(SMALL_ENVIRONMENTS).map((game) => ({ game, source: 'small environment', path: '-' }));
  const playable = [
    { game: EMBEDDED_GAME_NAME, source: 'embedded', path: '-' },
    ...[...search.found.values()].map(({ game, source, path }) => ({ game, source, path })),
    ...small,
  ];
  return { ...search, playable };
}
