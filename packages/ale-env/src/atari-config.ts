// Every switch of an Atari environment, its default and its meaning. The defaults are Dopamine's, which the literature on deep RL with Atari follows since
// Machado et al. (2018, "Revisiting the Arcade Learning Environment").
import { InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';

/**
 * Whose preprocessing is followed where they differ. The pictures of whole agent steps are the same; episodes' ends and starts are not:
 *
 * - `dopamine`: the third and fourth frame are taken also when the game ends on them; a game that ends before the third leaves the older picture.
 * - `gymnasium`: a frame on which the game ends is not taken; seeds are spread by NumPy's SeedSequence as `reset(seed=...)` does.
 * - `ale-vector`: as `ale_py.AtariVectorEnv`: as gymnasium, but the stack starts with zeros and no-ops are drawn from a Mersenne Twister.
 */
export type Preprocessing = 'dopamine' | 'gymnasium' | 'ale-vector';

export interface AtariConfig {
  readonly preprocessing: Preprocessing;
  /** Emulator frames per agent step; the action is held for all of them. Default 4. */
  readonly frameSkip: number;
  /** Frames whose pixel-wise maximum makes the picture (games draw some sprites on every other frame): 1 or 2. Default 2. */
  readonly maxPoolFrames: 1 | 2;
  /** Pictures per observation, oldest first. Default 4. */
  readonly stackSize: number;
  /** Sticky actions: the chance, per emulator frame, that the action before is repeated. Default 0.25. */
  readonly repeatActionProbability: number;
  /** A lost life ends the episode (and the next reset starts a new game). Default false. */
  readonly terminalOnLifeLoss: boolean;
  /** At most this many frames without action at the start of an episode, drawn uniformly from 1 on; 0: none. Default 0. */
  readonly noopMax: number;
  /** Presses FIRE for one frame after a reset, for games that wait for it. Default false. */
  readonly fireReset: boolean;
  /** Game mode; null: the game's default. */
  readonly mode: number | null;
  /** Difficulty switches; null: the game's default. */
  readonly difficulty: number | null;
  /** All 18 actions instead of those that do something in the game. Default false. */
  readonly fullActionSet: boolean;
  /** Emulator frames after which an episode is cut; 0: never. Default 108,000 (30 minutes of play). */
  readonly maxEpisodeFrames: number;
  /** Rewards of an agent step are clamped to -1 .. 1. Agents clip what they learn from by themselves. Default false. */
  readonly clipReward: boolean;
}

export const DEFAULT_ATARI_CONFIG: AtariConfig = {
  preprocessing: 'dopamine',
  frameSkip: 4,
  maxPoolFrames: 2,
  stackSize: 4,
  repeatActionProbability: 0.25,
  terminalOnLifeLoss: false,
  noopMax: 0,
  fireReset: false,
  mode: null,
  difficulty: null,
  fullActionSet: false,
  maxEpisodeFrames: 108_000,
  clipReward: false,
};

const BOOLEANS = ['terminalOnLifeLoss', 'fireReset', 'fullActionSet', 'clipReward'] as const;

/**
 * Completes settings with the defaults and checks them.
 * @throws InvalidArgumentError naming the setting that is unknown or out of range.
 */
export function resolveAtariConfig(settings: { readonly [K in keyof AtariConfig]?: unknown }): AtariConfig {
  for (const key of Object.keys(settings)) {
    if (!Object.hasOwn(DEFAULT_ATARI_CONFIG, key)) {
      throw new InvalidArgumentError(
        `there is no environment setting "${key}"; expected one of ${Object.keys(DEFAULT_ATARI_CONFIG).join(', ')}`,
      );
    }
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const config = { ...DEFAULT_ATARI_CONFIG, ...given } as AtariConfig;
  requireOneOf('preprocessing', config.preprocessing, ['dopamine', 'gymnasium', 'ale-vector']);
  requireInteger('frameSkip', config.frameSkip, 1, 1000);
  requireInteger('maxPoolFrames', config.maxPoolFrames, 1, 2);
  if (config.maxPoolFrames > config.frameSkip) {
    throw new InvalidArgumentError(
      `maxPoolFrames is ${config.maxPoolFrames}; expected at most frameSkip, ${config.frameSkip}`,
    );
  }
  requireInteger('stackSize', config.stackSize, 1, 64);
  requireFinite('repeatActionProbability', config.repeatActionProbability, 0, 1);
  requireInteger('noopMax', config.noopMax, 0, 10_000);
  if (config.mode !== null) requireInteger('mode', config.mode, 0);
  if (config.difficulty !== null) requireInteger('difficulty', config.difficulty, 0, 3);
  requireInteger('maxEpisodeFrames', config.maxEpisodeFrames, 0);
  for (const key of BOOLEANS) {
    if (typeof config[key] !== 'boolean') {
      throw new InvalidArgumentError(`${key} is ${JSON.stringify(config[key])}; expected true or false`);
    }
  }
  return config;
}
