// The papers' environments by name, with the settings that each has.
import { InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import type { SmallEnvironmentConfig } from '@moe-rl/small-environments';
import { chain } from './chain.ts';
import { lineKey } from './line-key.ts';
import { lineKeyContinuous } from './line-key-continuous.ts';
import { lineKeyPicks } from './line-key-picks.ts';
import { room } from './room.ts';
import { type TabularEnvironment, type TabularGame, tabularEnvironment } from './tabular-environment.ts';

const tabular =
  <Config>(make: (config: Config) => TabularGame) =>
  (settings: Config, config: SmallEnvironmentConfig): TabularEnvironment =>
    tabularEnvironment(make(settings), config);

/** What is set in these environments: those of one game that another lacks are refused there. */
export type NavigationSettings = Readonly<Record<string, number>>;

interface Entry {
  readonly settings: readonly string[];
  make(
    settings: NavigationSettings,
    config: SmallEnvironmentConfig,
  ): ReturnType<typeof lineKeyPicks> | TabularEnvironment;
}

const common = ['slipProbability', 'horizon'];

const GAMES: Readonly<Record<string, Entry>> = {
  'navigation/room': { settings: [...common, 'discount', 'goalReward', 'distractorReward'], make: tabular(room) },
  'navigation/chain': {
    settings: [...common, 'discount', 'statesRight', 'statesLeft', 'distractorReward'],
    make: tabular(chain),
  },
  'navigation/line-key': { settings: [...common, 'discount', 'goalReward'], make: tabular(lineKey) },
  'navigation/line-key-continuous': {
    settings: [...common, 'discount', 'goalReward', 'cellWidth'],
    make: lineKeyContinuous,
  },
  'navigation/line-key-picks': { settings: [...common, 'goalReward', 'distractorReward', 'keys'], make: lineKeyPicks },
};

export const NAVIGATION_GAMES: readonly string[] = Object.keys(GAMES);

/**
 * Makes one of the papers' environments.
 * @throws NotFoundError naming the games there are; InvalidArgumentError for a setting that the game does not have, or a value out of range
 */
export function navigation(game: string, settings: NavigationSettings = {}, config: SmallEnvironmentConfig = {}) {
  const entry = Object.hasOwn(GAMES, game) ? GAMES[game] : undefined;
  if (entry === undefined) {
    throw new NotFoundError(`there is no game "${game}"; there are ${NAVIGATION_GAMES.join(', ')}`);
  }
  const foreign = Object.keys(settings).find((name) => !entry.settings.includes(name));
  if (foreign !== undefined) {
    throw new InvalidArgumentError(`${foreign} does not apply to ${game}; it has ${entry.settings.join(', ')}`);
  }
  return entry.make(settings, config);
}
