// Classic control, Catch and the MinAtar-like games, as environments of runs.
import { type Setting, type SettingsTree, setting } from '@moe-rl/core';
import type { EnvironmentKind } from '@moe-rl/runs';
import { createSmallEnvironment, SMALL_ENVIRONMENTS } from '@moe-rl/small-environments';

const LENGTH: Readonly<Record<string, Setting>> = {
  maxEpisodeAgentSteps: setting.integer("Cuts episodes after so many agent steps; null: the game's own limit", null, {
    maximum: 1e12,
    isNullable: true,
  }),
};
const games = Object.keys(SMALL_ENVIRONMENTS);
const isMinatar = (game: string): boolean => game.startsWith('minatar/');

export const SMALL: EnvironmentKind = {
  description: 'Classic control and Catch',
  games: games.filter((game) => !isMinatar(game)),
  settings: LENGTH,
  create,
};

export const MINATAR: EnvironmentKind = {
  description: 'MinAtar-like games',
  games: games.filter(isMinatar),
  settings: {
    ...LENGTH,
    stickyActionProbability: setting.share('Chance, per agent step, that the action before is repeated', 0.1),
  },
  create,
};

function create({ game, settings }: { readonly game: string; readonly settings: SettingsTree }) {
  const { type: _, ...config } = settings;
  return createSmallEnvironment(game, Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null)));
}
