// One Atari game as an environment: Gymnasium's reset and step over the emulator, with Dopamine's preprocessing.
import type { Game, GameDescription } from '@moe-rl/ale-wasm';
import {
  CheckpointError,
  type Environment,
  type EnvironmentInfo,
  InvalidArgumentError,
  NotFoundError,
  type ObservationSpec,
  type ResetOutput,
  requireInteger,
  requireKnownOptions,
  type StateTree,
  type StepOutput,
} from '@moe-rl/core';
import { type AtariConfig, resolveAtariConfig } from './atari-config.ts';
import { type Consoles, createConsoles, requireAction } from './consoles.ts';
import { EMBEDDED_GAME_NAME, embeddedRom, findGame } from './games.ts';
import { identifyRom } from './identify-rom.ts';

const SCREEN_WIDTH = 160;
const OBSERVATION_SIDE = 84;
const STATE_KIND = 'moe-rl/atari-environment';
const STATE_VERSION = 1;

export interface MakeAtariOptions extends Partial<AtariConfig> {
  /**
   * Name of the game. May be left out when `rom` is given: the ROM is recognized by its MD5, and one that is no known game's runs as a homebrew: reward
   * 0, never terminal. A name of one's own names a homebrew; a description (see `@moe-rl/ale-wasm`) gives it rules. Default: the embedded game.
   */
  readonly game?: string | GameDescription;
  /** Bytes of the ROM. Needed for every game but the embedded one; in Node, `loadRom` of `@moe-rl/ale-env/node` finds them. */
  readonly rom?: Uint8Array;
}

/** What vector environments need beside the options of a single one. */
export interface ResolvedGame {
  readonly game: Game;
  readonly rom: Uint8Array;
  readonly config: AtariConfig;
}

/**
 * Makes an environment.
 * @throws NotFoundError for an unknown game (naming near ones) or when its ROM is not given; CorruptDataError for an empty, truncated or wrong ROM;
 *   InvalidArgumentError for a setting that is unknown or out of range
 */
export function makeAtari(options: MakeAtariOptions = {}): AtariEnvironment {
  return new AtariEnvironment(resolveGame(options));
}

/** Completes the options: which game, its ROM, the whole configuration. */
export function resolveGame({ game: name, rom, ...settings }: MakeAtariOptions): ResolvedGame {
  const config = resolveAtariConfig(settings);
  if (rom !== undefined) return { game: identifyRom(rom, name), rom, config };
  if (typeof name === 'object')
    throw new InvalidArgumentError(`the game ${JSON.stringify(name.slug)} needs its ROM: pass its bytes as \`rom\``);
  const game = findGame(name ?? EMBEDDED_GAME_NAME);
  const embedded = embeddedRom(game);
  if (embedded === undefined) {
    throw new NotFoundError(
      `the game ${game.id} needs its ROM (MD5 ${game.md5}): pass its bytes as \`rom\`; in Node, loadRom("${game.id}") of @moe-rl/ale-env/node finds it`,
    );
  }
  return { game, rom: embedded, config };
}

/**
 * An Atari game. Observations are `[stackSize, 84, 84]` uint8, oldest picture first; the buffer is the emulator's own and changes with the next step.
 * `info` has `lives` and `episodeFrameNumber`.
 */
export class AtariEnvironment implements Environment {
  readonly id: string;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  /** ALE's codes (0 NOOP, 1 FIRE, 2 UP, ...) of the actions. */
  readonly actionCodes: readonly number[];
  readonly config: AtariConfig;
  readonly game: Game;
  readonly #consoles: Consoles;
  #needsReset = true;

  /** Use `makeAtari`. */
  constructor({ game, rom, config }: ResolvedGame) {
    this.game = game;
    this.config = config;
    this.#consoles = createConsoles(game, rom, { ...config, environmentCount: 1 });
    this.id = `atari/${game.id}`;
    this.actionCodes = this.#consoles.actionCodes;
    this.actionCount = this.actionCodes.length;
    this.observationSpec = {
      frameShape: [OBSERVATION_SIDE, OBSERVATION_SIDE],
      stackSize: config.stackSize,
      dtype: 'uint8',
    };
  }

  /** Starts an episode. A seed (0 to 2^31 - 1) loads the ROM anew with fresh random streams; without one, they go on, as does the console's RAM. */
  reset(options: { readonly seed?: number } = {}): ResetOutput {
    requireKnownOptions(`${this.id}: reset`, options, ['seed']);
    const { seed } = options;
    if (seed !== undefined) requireInteger('seed', seed, 0, 2 ** 31 - 1);
    this.#consoles.reset(0, seed);
    this.#needsReset = false;
    return { observation: this.#observation(), info: this.#info() };
  }

  /** Plays `frameSkip` frames with one of the actions `0 .. actionCount - 1`. */
  step(action: number): StepOutput {
    requireAction(this.id, action, this.actionCount);
    if (this.#needsReset)
      throw new InvalidArgumentError(`${this.id}: the episode has ended (or none was begun); call reset() first`);
    const consoles = this.#consoles;
    consoles.batch.stepConsole(0, this.actionCodes[action]!);
    const terminated = consoles.terminated(0);
    const truncated = !terminated && consoles.truncated(0);
    this.#needsReset = terminated || truncated;
    return { observation: this.#observation(), reward: consoles.reward(0), terminated, truncated, info: this.#info() };
  }

  /** The screen in colors, `[height, 160, 3]`. */
  render(): { readonly width: number; readonly height: number; readonly rgb: Uint8Array } {
    return { width: SCREEN_WIDTH, height: this.#consoles.batch.height, rgb: this.#consoles.batch.screenRgb(0) };
  }

  /** A copy of the console's 128 bytes of RAM. */
  ram(): Uint8Array {
    return this.#consoles.batch.ram(0);
  }

  /** Everything: console, pictures, random streams. What follows after `setState` is what would have followed here. */
  getState(): StateTree {
    return {
      kind: STATE_KIND,
      version: STATE_VERSION,
      game: this.game.id,
      config: JSON.stringify(this.config),
      needsReset: this.#needsReset,
      ...this.#consoles.getState(0),
    };
  }

  setState(state: StateTree): void {
    if (state.kind !== STATE_KIND || state.version !== STATE_VERSION) {
      throw new CheckpointError(
        `environment state is "${String(state.kind)}" version ${String(state.version)}; expected "${STATE_KIND}" version ${STATE_VERSION}`,
      );
    }
    if (state.game !== this.game.id) {
      throw new CheckpointError(`environment state is of the game ${String(state.game)}; expected ${this.game.id}`);
    }
    if (state.config !== JSON.stringify(this.config)) {
      throw new CheckpointError(
        `environment state of ${this.game.id} was made with other settings: ${String(state.config)}`,
      );
    }
    this.#consoles.setState(0, state);
    this.#needsReset = state.needsReset === true;
  }

  close(): void {}

  #observation(): Uint8Array {
    return this.#consoles.batch.observation(0);
  }

  #info(): EnvironmentInfo {
    const { batch } = this.#consoles;
    return { lives: batch.lives[0]!, episodeFrameNumber: batch.episodeFrameNumber(0) };
  }
}
