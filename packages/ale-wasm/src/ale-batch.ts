// Many consoles with the same ROM in one WebAssembly memory; one call plays a whole agent step on all of them: frame skip, sticky actions,
// maximum of the last two frames, gray, 84 x 84, stack. Observations are views on that memory: nothing is copied.

import { decodeConsole, encodeConsole } from './console-state.ts';
import { type CoreExports, requireMode } from './core.ts';
import { AleArgumentError, AlePlatformError } from './errors.ts';
import type { Game, GameDescription } from './game.ts';
import { type AleSettings, buildMachine, type Machine, requireBoolean, requireInteger } from './machine.ts';
import { PALETTES, type Palette } from './palette.ts';

/** Observations are 84 x 84 gray pixels. */
export const OBSERVATION_SIDE = 84;
export const OBSERVATION_BYTES = OBSERVATION_SIDE * OBSERVATION_SIDE;

/**
 * Whose rule decides which pictures are taken when an episode ends inside a step. All else is the same.
 * - `dopamine`: the last two frames of a step are taken even when the game ends on one.
 * - `gymnasium`: a frame on which the episode ends is not taken (`ale_py.AtariVectorEnv` does the same).
 */
export type ObservationStyle = 'dopamine' | 'gymnasium';

export interface AleBatchConfig
  extends Omit<AleSettings, 'rewardMinimum' | 'rewardMaximum' | 'truncateOnLossOfLife' | 'randomSeed'> {
  readonly game?: Game | GameDescription;
  /** Consoles. Default 1. */
  readonly consoles?: number;
  /** One seed per console, or one from which console i gets `randomSeed + i`. Default 0. */
  readonly randomSeed?: number | readonly number[];
  /** Frames per agent step. Default 4. */
  readonly frameSkip?: number;
  /** How many of a step's last frames go into the maximum: 1 or 2. Default 2 (1 when frameSkip is 1). */
  readonly maxPoolFrames?: 1 | 2;
  /** Observations in a stack, oldest first. Default 4. */
  readonly stackSize?: number;
  /** Default `dopamine`. */
  readonly observationStyle?: ObservationStyle;
  /** A step ends with the frame on which a life is lost. Default false. */
  readonly stopOnLossOfLife?: boolean;
  /** After a reset the stack holds zeros before the first observation, instead of that observation again. Default false. */
  readonly zeroFillStack?: boolean;
  /** Consoles draw colors from the start; slower. Default false: they draw gray, until somebody asks for `screenRgb`. */
  readonly drawColors?: boolean;
}

/** Flags of a console after a step. */
const GAME_OVER = 1;
const TRUNCATED = 2;
const MAXIMUM_CONSOLES = 1024;

/**
 * A batch of consoles. After construction every console is where ALE is after loading the ROM; call `reset` before the first step of an
 * episode.
 *
 * The arrays are refreshed by each call and keep their identity; `observation(i)` is a view that does, too.
 */
export class AleBatch {
  readonly game: Game;
  readonly consoles: number;
  readonly frameSkip: number;
  readonly stackSize: number;
  /** Rewards of the last step, unclipped; lives left; whether the game's rules, or the frame limit, have ended the episode; frames played. */
  readonly rewards: Int32Array;
  readonly lives: Int32Array;
  readonly gameOver: Uint8Array;
  readonly truncated: Uint8Array;
  readonly frames: Int32Array;
  private readonly core: CoreExports;
  private readonly machine: Machine;
  private readonly palette: Palette;
  private readonly drawsColors: boolean;
  private readonly fillZero: 0 | 1;
  private readonly actions: Uint8Array;
  private readonly results: Int32Array;
  private readonly views: readonly Uint8Array[];

  /** @throws AleRomError, AleArgumentError, AlePlatformError as `Ale`. */
  constructor(rom: Uint8Array, config: AleBatchConfig = {}) {
    const {
      game,
      consoles = 1,
      randomSeed = 0,
      maxPoolFrames,
      stackSize = 4,
      observationStyle = 'dopamine',
      stopOnLossOfLife = false,
      zeroFillStack = false,
      drawColors = false,
      ...settings
    } = config;
    this.consoles = requireInteger('consoles', consoles, 1, MAXIMUM_CONSOLES);
    this.frameSkip = requireInteger('frameSkip', settings.frameSkip ?? 4, 1, 1000);
    this.stackSize = requireInteger('stackSize', stackSize, 1, 64);
    const pool = requireInteger(
      'maxPoolFrames',
      maxPoolFrames ?? Math.min(2, this.frameSkip),
      1,
      Math.min(2, this.frameSkip),
    );
    if (observationStyle !== 'dopamine' && observationStyle !== 'gymnasium')
      throw new AleArgumentError(
        `observationStyle is ${JSON.stringify(observationStyle)}; expected "dopamine" or "gymnasium"`,
      );
    const requireSeed = (seed: number): number => requireInteger('randomSeed', seed, -(2 ** 31), 2 ** 32 - 1);
    const seeds =
      typeof randomSeed === 'number'
        ? Array.from({ length: consoles }, (_, i) => (requireSeed(randomSeed) + i) | 0)
        : randomSeed;
    if (seeds.length !== consoles)
      throw new AleArgumentError(`randomSeed has ${seeds.length} seeds for ${consoles} consoles`);
    seeds.forEach(requireSeed);

    for (const name of ['rewardMinimum', 'rewardMaximum', 'truncateOnLossOfLife']) {
      if (Object.hasOwn(settings, name)) throw new AleArgumentError(`a batch has no setting "${name}"`);
    }
    for (const [name, value] of Object.entries({ stopOnLossOfLife, zeroFillStack, drawColors }))
      requireBoolean(name, value);
    this.machine = buildMachine(rom, game, { ...settings, frameSkip: 1 });
    this.core = this.machine.core;
    this.game = this.machine.game;
    this.drawsColors = drawColors;
    this.fillZero = zeroFillStack ? 1 : 0;
    this.configure(PALETTES.NTSC, pool, observationStyle, stopOnLossOfLife);
    for (let i = 0; i < consoles; i++) {
      if (this.core.addConsole() < 0) throw new AlePlatformError(`no memory for console ${i} of ${consoles}`);
    }
    const area = this.core.allocate(consoles * 17 + 16);
    if (area === 0) throw new AlePlatformError(`no memory for a batch of ${consoles} consoles`);
    const { mode, difficulty } = this.machine.settings;
    const load = () =>
      seeds.forEach((seed, i) => {
        this.core.select(i);
        requireMode(this.core.loadRom(seed, mode, difficulty), this.game.id, mode);
      });
    load();
    this.palette = PALETTES[this.core.pal() ? 'PAL' : 'NTSC'];
    if (this.core.pal()) {
      // Only now is it known in which grays the screens have to be drawn.
      this.configure(this.palette, pool, observationStyle, stopOnLossOfLife);
      load();
    }
    const { buffer } = this.core.memory;
    this.results = new Int32Array(buffer, area, consoles * 4);
    this.actions = new Uint8Array(buffer, area + consoles * 16, consoles);
    this.views = Array.from(
      { length: consoles },
      (_, i) => new Uint8Array(buffer, this.core.observationAddress(i), this.stackSize * OBSERVATION_BYTES),
    );
    this.rewards = new Int32Array(consoles);
    this.lives = new Int32Array(consoles);
    this.gameOver = new Uint8Array(consoles);
    this.truncated = new Uint8Array(consoles);
    this.frames = new Int32Array(consoles);
    for (let i = 0; i < consoles; i++) {
      this.core.observeConsole(i, this.fillZero);
      this.takeStatus(i);
    }
  }
  private configure(palette: Palette, pool: number, style: ObservationStyle, lifeLoss: boolean): void {
    new Uint8Array(this.core.memory.buffer).set(palette.gray, this.core.grayTableAddress());
    this.core.setBatch(
      this.frameSkip,
      pool,
      this.stackSize,
      style === 'dopamine' ? 0 : 1,
      lifeLoss ? 1 : 0,
      this.drawsColors ? 0 : 1,
    );
  }
  private takeStatus(i: number): void {
    this.core.select(i);
    this.lives[i] = this.core.lives();
    this.gameOver[i] = this.core.gameOver(0);
    this.truncated[i] = this.core.truncated();
    this.rewards[i] = 0;
    this.frames[i] = 0;
  }
  private requireIndex(index: number): number {
    return requireInteger('console index', index, 0, this.consoles - 1);
  }

  /** Observation of a console: a live view `[stackSize, 84, 84]`, oldest picture first. */
  observation(index: number): Uint8Array {
    return this.views[this.requireIndex(index)] as Uint8Array;
  }

  /** Plays one agent step on every console with `actions[i]` (0..17). On consoles whose episode is over nothing happens and the reward is 0. */
  step(actions: ArrayLike<number>): void {
    if (actions.length !== this.consoles)
      throw new AleArgumentError(`${actions.length} actions for ${this.consoles} consoles`);
    for (let i = 0; i < this.consoles; i++) this.actions[i] = this.legal(actions[i] as number);
    this.run(0, this.consoles);
  }
  /** Plays one agent step on one console. */
  stepConsole(index: number, action: number): void {
    this.actions[this.requireIndex(index)] = this.legal(action);
    this.run(index, 1);
  }
  private legal(action: number): number {
    if (!Number.isInteger(action) || action < 0 || action > 17)
      throw new AleArgumentError(`action is ${action}; expected an integer 0..17`);
    return action;
  }
  private run(first: number, count: number): void {
    const { results } = this;
    this.machine.translator?.tick();
    this.core.stepConsoles(first, count, this.actions.byteOffset + first, results.byteOffset + first * 16);
    for (let i = first; i < first + count; i++) {
      this.rewards[i] = results[i * 4] as number;
      this.lives[i] = results[i * 4 + 1] as number;
      const flags = results[i * 4 + 2] as number;
      this.gameOver[i] = flags & GAME_OVER ? 1 : 0;
      this.truncated[i] = flags & TRUNCATED ? 1 : 0;
      this.frames[i] = results[i * 4 + 3] as number;
    }
  }

  /** Starts a new episode on one console; its stack is filled with the first picture (or zeros and it). */
  reset(index: number): void {
    requireMode(
      this.core.resetConsole(this.requireIndex(index), this.fillZero),
      this.game.id,
      this.machine.settings.mode,
    );
    this.takeStatus(index);
  }
  /** Starts the random stream of a console anew, as loading the ROM again does in ALE: power-on RAM, one environment reset. */
  load(index: number, randomSeed: number): void {
    requireInteger('randomSeed', randomSeed, -(2 ** 31), 2 ** 32 - 1);
    this.core.select(this.requireIndex(index));
    requireMode(
      this.core.loadRom(randomSeed, this.core.mode(), this.core.difficulty()),
      this.game.id,
      this.machine.settings.mode,
    );
    this.core.observeConsole(index, this.fillZero);
    this.takeStatus(index);
  }
  /**
   * Plays single frames with an action, outside of steps: for no-op starts and FIRE after a reset. Returns their reward. Call `observe`
   * when done.
   */
  playFrames(index: number, action: number, frames: number): number {
    this.core.select(this.requireIndex(index));
    let reward = 0;
    for (let i = 0; i < requireInteger('frames', frames, 0, 1_000_000) && this.core.gameOver(1) === 0; i++)
      reward += this.core.act(this.legal(action), 1);
    this.takeStatus(index);
    return reward;
  }
  /** Makes the console's screen the first observation of its stack, as after a reset. */
  observe(index: number): void {
    this.core.observeConsole(this.requireIndex(index), this.fillZero);
  }

  /**
   * Everything that a console's future depends on: machine, random streams, screens, pooled picture, stack (about 150 KB). Fits consoles of batches with the
   * same ROM and the same picture settings, in this build of the emulator.
   */
  saveConsole(index: number): Uint8Array {
    const address = this.core.flushConsole(this.requireIndex(index));
    const bytes = this.core.consoleBytes();
    return encodeConsole(new Uint8Array(this.core.memory.buffer, address, bytes), this.machine.romHash);
  }
  /** @throws AleStateError when the bytes are no state of such a console; the console is then as it was. */
  restoreConsole(index: number, state: Uint8Array): void {
    const address = this.core.flushConsole(this.requireIndex(index));
    const body = decodeConsole(state, this.machine.romHash, this.core.consoleBytes(), this.game.id);
    new Uint8Array(this.core.memory.buffer).set(body, address);
    this.core.reloadConsole(index);
    this.takeStatus(index);
  }

  /** Rows of the screen: the game's, or 250 for a PAL ROM whose game has the usual 210. */
  get height(): number {
    return this.core.rows();
  }
  /** Frames since the console's episode began. */
  episodeFrameNumber(index: number): number {
    this.core.select(this.requireIndex(index));
    return this.core.episodeFrameNumber();
  }
  /** A copy of a console's 128 bytes of RAM. */
  ram(index: number): Uint8Array {
    this.core.select(this.requireIndex(index));
    return new Uint8Array(this.core.memory.buffer).slice(this.core.ramAddress(), this.core.ramAddress() + 128);
  }
  /** A copy of a console's screen: gray, or palette indices with `drawColors`. */
  screen(index: number): Uint8Array {
    this.core.select(this.requireIndex(index));
    const screen = this.buffer();
    const { gray } = this.palette;
    return this.drawsColors || !this.core.colored() ? screen : screen.map((color) => gray[color] as number);
  }
  private buffer(): Uint8Array {
    const at = this.core.screenAddress();
    return new Uint8Array(this.core.memory.buffer).slice(at, at + this.height * 160);
  }
  /**
   * A console's screen in colors `[height, 160, 3]`. Without `drawColors` the first look at a console emulates its last step once more, and from
   * then on it draws colors.
   */
  screenRgb(index: number): Uint8Array {
    this.core.watchConsole(this.requireIndex(index));
    const { rgb } = this.palette;
    const screen = this.buffer();
    const out = new Uint8Array(screen.length * 3);
    screen.forEach((color, i) => void out.set(rgb.subarray(color * 3, color * 3 + 3), i * 3));
    return out;
  }
}
