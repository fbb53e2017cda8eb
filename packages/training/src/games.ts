// What can be played here, and the environments of runs by name.
import { EMBEDDED_GAME_NAME } from '@moe-rl/ale-env';
import { findRoms, type RomSearch } from '@moe-rl/ale-env/node';
import type { Environment } from '@moe-rl/core';
import { gamesOf, makeEnvironment as make, type Purpose, type RunConfig } from '@moe-rl/runs';
import { registry } from './registry.ts';

/**
 * Makes the environment of a run.
 * @throws NotFoundError for an unknown game or when its ROM is nowhere; CorruptDataError for a wrong, truncated or empty ROM file
 */
export function makeEnvironment(
  config: Pick<RunConfig, 'game' | 'environment'>,
  purpose: Purpose = 'training',
): Environment {
  return make(config, registry, purpose);
}

/** All games that can be played here, and the Atari games whose ROM is missing. */
export function findGames(
  folder?: string,
): RomSearch & { readonly playable: readonly { game: string; source: string; path: string }[] } {
  const search = findRoms(folder);
  const { environments } = registry;
  const others = environments
    .names()
    .filter((name) => name !== 'atari')
    .flatMap((name) => gamesOf(environments.get(name)).map((game) => ({ game, source: name, path: '-' })));
  const playable = [
    { game: EMBEDDED_GAME_NAME, source: 'embedded', path: '-' },
    ...[...search.found.values()].map(({ game, source, path }) => ({ game, source, path })),
    ...others,
  ];
  return { ...search, playable };
}
