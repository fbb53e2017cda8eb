// Atari games and our embedded one, as environments of runs.
import {
  type AtariConfig,
  DEFAULT_ATARI_CONFIG,
  EMBEDDED_GAME_NAME,
  findGame,
  gameNames,
  makeAtari,
  resolveAtariConfig,
} from '@moe-rl/ale-env';
import { loadRom } from '@moe-rl/ale-env/node';
import { isMoeRlError, type Setting, type SettingsTree, setting } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import type { EnvironmentKind } from '@moe-rl/runs';

const standard = DEFAULT_ATARI_CONFIG;

const FIELDS: Readonly<Record<keyof AtariConfig | 'rom', Setting>> = {
  rom: setting.text('A ROM file, instead of looking the game up; null: look it up', null, { isNullable: true }),
  preprocessing: setting.choice('Whose preprocessing is followed where they differ', standard.preprocessing, [
    'dopamine',
    'gymnasium',
    'ale-vector',
  ]),
  frameSkip: setting.integer('Emulator frames per agent step', standard.frameSkip, { maximum: 1000 }),
  maxPoolFrames: setting.integer('Frames whose maximum makes the picture', standard.maxPoolFrames, { maximum: 2 }),
  stackSize: setting.integer('Pictures per observation', standard.stackSize, { maximum: 64 }),
  repeatActionProbability: setting.share('Sticky actions, per emulator frame', standard.repeatActionProbability),
  terminalOnLifeLoss: setting.boolean('A lost life ends the episode in training', standard.terminalOnLifeLoss),
  noopMax: setting.integer('At most this many frames without action at the start of an episode', standard.noopMax, {
    minimum: 0,
    maximum: 10_000,
  }),
  fireReset: setting.boolean('Presses FIRE for one frame after a reset', standard.fireReset),
  mode: setting.integer("Game mode; null: the game's default", standard.mode, { minimum: 0, isNullable: true }),
  difficulty: setting.integer("Difficulty switches; null: the game's default", standard.difficulty, {
    minimum: 0,
    maximum: 3,
    isNullable: true,
  }),
  fullActionSet: setting.boolean(
    'All 18 actions instead of those that do something in the game',
    standard.fullActionSet,
  ),
  maxEpisodeFrames: setting.integer(
    'Emulator frames after which an episode is cut; 0: never',
    standard.maxEpisodeFrames,
    { minimum: 0, maximum: 1e12 },
  ),
  clipReward: setting.boolean(
    'Rewards of an agent step are clamped to -1 .. 1, in evaluation too; agents clip what they learn from by themselves',
    standard.clipReward,
  ),
};

export const ATARI: EnvironmentKind = {
  description: 'Atari 2600 games, and the embedded game',
  games: gameNames,
  plays: isAtariGame,
  settings: FIELDS,
  changeableOnResume: ['rom'],
  adopt: ({ repeatActionProbability, terminalOnLifeLoss, maxEpisodeAgentSteps }) => ({
    ...(repeatActionProbability === undefined ? {} : { repeatActionProbability }),
    ...(terminalOnLifeLoss === undefined ? {} : { terminalOnLifeLoss }),
    ...(maxEpisodeAgentSteps === undefined ? {} : { maxEpisodeFrames: maxEpisodeAgentSteps * standard.frameSkip }),
  }),
  check(settings) {
    try {
      resolveAtariConfig(atariConfig(settings));
    } catch (error) {
      if (isMoeRlError(error)) error.message = `environment.${error.message}`;
      throw error;
    }
  },
  create({ game, settings, purpose }) {
    const { id } = findGame(game);
    const rules = purpose === 'evaluation' ? { terminalOnLifeLoss: false } : {};
    const options = { ...resolveAtariConfig({ ...atariConfig(settings), ...rules }), game: id };
    const { rom } = settings;
    if (rom === null && id === EMBEDDED_GAME_NAME) return makeAtari(options);
    const path = typeof rom === 'string' ? rom : loadRom(id).path;
    try {
      return makeAtari({ ...options, rom: readBytes(path) });
    } catch (error) {
      if (isMoeRlError(error) && error.code === 'CORRUPT_DATA') error.message = `${path}: ${error.message}`;
      throw error;
    }
  },
};

function atariConfig({ type: _, rom: __, ...config }: SettingsTree): SettingsTree {
  return config;
}

function isAtariGame(name: string): boolean {
  try {
    findGame(name);
    return true;
  } catch {
    return false;
  }
}
