// A batch of consoles with an environment's rules on top: seeds, starts of episodes, the action set, ends. What the single environment and the vector
// environments share.
import { AleBatch, type Game } from '@moe-rl/ale-wasm';
import {
  CheckpointError,
  createRng,
  InvalidArgumentError,
  type Rng,
  type RngState,
  type StateTree,
} from '@moe-rl/core';
import type { AtariConfig } from './atari-config.ts';
import { asMoeRlError } from './games.ts';
import { type Mt19937, mt19937, uniformInteger } from './mersenne-twister.ts';
import { type Pcg64, type Pcg64State, pcg64, seedSequence } from './numpy-random.ts';

const NOOP = 0;
const FIRE = 1;

export interface ConsolesConfig extends AtariConfig {
  readonly environmentCount: number;
}

/** How one console draws the length of its no-op start. */
interface NoopSource {
  seed(seed: number): void;
  draw(noopMax: number): number;
  getState(): StateTree;
  setState(state: StateTree): void;
}

export interface Consoles {
  readonly game: Game;
  readonly batch: AleBatch;
  /** ALE codes of the actions `0 .. actionCount - 1`. */
  readonly actionCodes: readonly number[];
  /** Starts an episode on one console; with a seed its random streams start anew. */
  reset(index: number, seed?: number): void;
  /** The reward of the last step, clipped where the configuration says so. */
  reward(index: number): number;
  /** The game is over, or a life was lost where that counts. Call once after each step. */
  terminated(index: number): boolean;
  /** The frame limit was reached before the game was over. */
  truncated(index: number): boolean;
  getState(index: number): StateTree;
  setState(index: number, state: StateTree): void;
}

/**
 * Makes the consoles and loads the ROM.
 * @throws CorruptDataError for an empty, truncated or wrong ROM; InvalidArgumentError for a mode or difficulty that the game doesn't have
 */
export function createConsoles(game: Game, rom: Uint8Array, config: ConsolesConfig): Consoles {
  const { environmentCount, preprocessing, noopMax, fireReset } = config;
  const batch = makeBatch(game, rom, config);
  const actionCodes = config.fullActionSet ? Array.from({ length: 18 }, (_, code) => code) : [...game.minimalActions];
  const pressesFire = fireReset && actionCodes.includes(FIRE);
  const noops = Array.from({ length: environmentCount }, () => noopSource(preprocessing));
  const livesBefore = new Int32Array(environmentCount);

  /** No-ops and FIRE: what is played between the game's reset and the first observation. */
  const playStart = (index: number): void => {
    if (noopMax === 0 && !pressesFire) return;
    let frames = noopMax === 0 ? 0 : noops[index]!.draw(noopMax);
    if (preprocessing === 'ale-vector' && pressesFire) {
      // ALE presses FIRE first and counts it as one of the no-ops.
      playFrame(index, FIRE);
      frames--;
    }
    for (; frames > 0; frames--) playFrame(index, NOOP);
    if (preprocessing !== 'ale-vector' && pressesFire) playFrame(index, FIRE);
    batch.observe(index);
  };
  const playFrame = (index: number, action: number): void => {
    batch.playFrames(index, action, 1);
    if (batch.gameOver[index] !== 0 || batch.truncated[index] !== 0) batch.reset(index);
  };

  return {
    game,
    batch,
    actionCodes,
    reset(index, seed) {
      if (seed !== undefined) {
        batch.load(index, aleSeed(preprocessing, seed));
        noops[index]!.seed(seed);
      }
      batch.reset(index);
      playStart(index);
      livesBefore[index] = batch.lives[index]!;
    },
    reward(index) {
      const reward = batch.rewards[index]!;
      return config.clipReward ? Math.max(-1, Math.min(1, reward)) : reward;
    },
    terminated(index) {
      const lives = batch.lives[index]!;
      const isLifeLost = config.terminalOnLifeLoss && lives < livesBefore[index]!;
      livesBefore[index] = lives;
      return batch.gameOver[index] !== 0 || isLifeLost;
    },
    truncated: (index) => batch.truncated[index] !== 0 && batch.gameOver[index] === 0,
    getState: (index) => ({
      console: batch.saveConsole(index),
      noops: noops[index]!.getState(),
      livesBefore: livesBefore[index]!,
    }),
    setState(index, state) {
      if (!(state.console instanceof Uint8Array) || typeof state.livesBefore !== 'number') {
        throw new CheckpointError(`environment state of ${game.id}: the console or the lives are missing`);
      }
      try {
        batch.restoreConsole(index, state.console);
      } catch (error) {
        throw new CheckpointError(`environment state of ${game.id}: ${(error as Error).message}`, { cause: error });
      }
      noops[index]!.setState(state.noops as StateTree);
      livesBefore[index] = state.livesBefore;
    },
  };
}

function makeBatch(game: Game, rom: Uint8Array, config: ConsolesConfig): AleBatch {
  const { mode, difficulty } = config;
  try {
    return new AleBatch(rom, {
      game,
      consoles: config.environmentCount,
      frameSkip: config.frameSkip,
      maxPoolFrames: config.maxPoolFrames,
      stackSize: config.stackSize,
      repeatActionProbability: config.repeatActionProbability,
      maxEpisodeFrames: config.maxEpisodeFrames,
      stopOnLossOfLife: config.terminalOnLifeLoss,
      observationStyle: config.preprocessing === 'dopamine' ? 'dopamine' : 'gymnasium',
      zeroFillStack: config.preprocessing === 'ale-vector',
      ...(mode === null ? {} : { mode }),
      ...(difficulty === null ? {} : { difficulty }),
    });
  } catch (error) {
    throw asMoeRlError(error);
  }
}

/** ALE's `random_seed` for an environment's seed. */
function aleSeed(preprocessing: AtariConfig['preprocessing'], seed: number): number {
  if (preprocessing !== 'gymnasium') return seed | 0;
  return seedSequence(seed, 2)[1]! | 0;
}

function noopSource(preprocessing: AtariConfig['preprocessing']): NoopSource {
  if (preprocessing === 'gymnasium') return gymnasiumNoops();
  return preprocessing === 'ale-vector' ? aleVectorNoops() : ownNoops();
}

/** 1 .. noopMax from a stream of our own. */
function ownNoops(): NoopSource {
  let rng: Rng = createRng(0, 'atari-noops');
  return {
    seed(seed) {
      rng = createRng(seed, 'atari-noops');
    },
    draw: (noopMax) => 1 + rng.nextInteger(noopMax),
    getState: () => ({ kind: 'moe-rl', ...rng.getState() }),
    setState(state) {
      requireKind(state, 'moe-rl');
      rng.setState(state as unknown as RngState);
    },
  };
}

/** 1 .. noopMax from the environment's NumPy generator, as Gymnasium's AtariPreprocessing. */
function gymnasiumNoops(): NoopSource {
  let generator: Pcg64 = pcg64(0);
  return {
    seed(seed) {
      generator = pcg64(seedSequence(seed, 2)[0]!);
    },
    draw: (noopMax) => generator.integers(1, noopMax + 1),
    getState: () => ({ kind: 'gymnasium', ...generator.getState() }),
    setState(state) {
      requireKind(state, 'gymnasium');
      generator.setState(state as unknown as Pcg64State);
    },
  };
}

/** 0 .. noopMax - 1 from a Mersenne Twister through libstdc++'s uniform_int_distribution, as `ale_py.AtariVectorEnv`. */
function aleVectorNoops(): NoopSource {
  let twister: Mt19937 = mt19937(0);
  return {
    seed(seed) {
      twister = mt19937(seed >>> 0);
    },
    draw: (noopMax) => uniformInteger(twister, noopMax),
    getState: () => ({ kind: 'ale-vector', ...twister.getState() }),
    setState(state) {
      requireKind(state, 'ale-vector');
      twister.setState({ words: state.words as Uint32Array, position: Number(state.position) });
    },
  };
}

function requireKind(state: StateTree | undefined, kind: string): void {
  if (state?.kind !== kind) {
    throw new CheckpointError(
      `environment state: no-ops of kind ${JSON.stringify(state?.kind ?? null)}; expected "${kind}"`,
    );
  }
}

/** @throws InvalidArgumentError naming the environment, the action and how many there are */
export function requireAction(id: string, action: number, actionCount: number): number {
  if (!Number.isInteger(action) || action < 0 || action >= actionCount) {
    throw new InvalidArgumentError(`${id}: action is ${action}; expected an integer from 0 to ${actionCount - 1}`);
  }
  return action;
}
