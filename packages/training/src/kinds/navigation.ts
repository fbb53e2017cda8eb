// Room, Chain and LineK, the environments of the papers on reward design, as environments of runs.
import { type Setting, type SettingsTree, setting } from '@moe-rl/core';
import { NAVIGATION_GAMES, navigation } from '@moe-rl/reward-design';
import type { EnvironmentKind } from '@moe-rl/runs';

const orNull = { isNullable: true } as const;

const FIELDS: Readonly<Record<string, Setting>> = {
  slipProbability: setting.number("Chance that another action is taken instead; null: the game's own", null, {
    ...orNull,
    minimum: 0,
    maximum: 1,
  }),
  horizon: setting.integer("Cuts episodes after so many agent steps; null: the game's own", null, {
    ...orNull,
    maximum: 1e6,
  }),
  discount: setting.number("Discount of the known process; null: the game's own", null, {
    ...orNull,
    minimum: 0,
    maximum: 1,
    isMaximumOpen: true,
  }),
  goalReward: setting.number("Pay at the goal; null: the game's own", null, { ...orNull, minimum: 0 }),
  distractorReward: setting.number('Pay for what leads nowhere; null: none', null, { ...orNull, minimum: 0 }),
  statesRight: setting.integer('Chain: states right of the start; null: 15', null, { ...orNull, maximum: 1000 }),
  statesLeft: setting.integer('Chain: states left of the start; null: 20', null, {
    ...orNull,
    minimum: 0,
    maximum: 1000,
  }),
  cellWidth: setting.number('Continuous LineK: width of the cells that designs work on; null: 0.05', null, {
    ...orNull,
    minimum: 0.01,
    maximum: 0.5,
  }),
  keys: setting.integer('LineK with picks: keys, of which one is right; null: 1', null, { ...orNull, maximum: 100 }),
};

export const NAVIGATION: EnvironmentKind = {
  description: 'Room, Chain and LineK, of the papers on reward design',
  games: NAVIGATION_GAMES,
  settings: FIELDS,
  check: (settings, game) => void make(game, settings),
  create: ({ game, settings }) => make(game, settings),
};

function make(game: string, { type: _, ...settings }: SettingsTree) {
  const given = Object.entries(settings).filter(([, value]) => value !== null);
  try {
    return navigation(game, Object.fromEntries(given) as Readonly<Record<string, number>>);
  } catch (error) {
    if (error instanceof Error) error.message = `environment.${error.message}`;
    throw error;
  }
}
