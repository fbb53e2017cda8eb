// All descriptions that come with the package, by the environment's id.
import { didYouMean, NotFoundError } from '@moe-rl/core';
import type { EnvironmentDescription } from '../description/environment-description.ts';
import { ATARI_DESCRIPTIONS } from './atari.ts';
import { SMALL_DESCRIPTIONS } from './small.ts';

const DESCRIPTIONS: ReadonlyMap<string, EnvironmentDescription> = new Map(
  [...ATARI_DESCRIPTIONS, ...SMALL_DESCRIPTIONS].map((description) => [description.id, description]),
);

/** Ids of the environments that are described: `atari/windfall`, `minatar/breakout`. */
export function describedEnvironments(): readonly string[] {
  return [...DESCRIPTIONS.keys()];
}

/**
 * The description of an environment, by its id or, for Atari games, by the game's name alone.
 * @throws NotFoundError naming what there is
 */
export function findDescription(name: string): EnvironmentDescription {
  const found = DESCRIPTIONS.get(name) ?? DESCRIPTIONS.get(`atari/${name}`);
  if (found !== undefined) return found;
  const names = describedEnvironments();
  throw new NotFoundError(
    `no description of the environment "${name}"; there are ${names.join(', ')}${didYouMean(name, names)}. A description of your own goes to --description FILE`,
  );
}
