// One console, with the interface that users of the Arcade Learning Environment know.

import { ColorAverager } from './color-averaging.ts';
import { type CoreExports, requireMode } from './core.ts';
import { AleArgumentError } from './errors.ts';
import type { Game, GameDescription } from './game.ts';
import { type AleSettings, buildMachine, type Machine, requireBoolean, requireOneOf } from './machine.ts';
import { PALETTES, type Palette } from './palette.ts';
import { decodeState, encodeState } from './saved-state.ts';

/** Width of every screen in pixels. */
export const SCREEN_WIDTH = 160;
/** Bytes of the console's RAM. */
export const RAM_BYTES = 128;
/** Sound of one act: unsigned 8-bit samples, 128 = silence, at this rate. */
export const SOUND_SAMPLES = 512;
export const SOUND_SAMPLE_RATE_HERTZ = 31_400;

export interface AleConfig extends AleSettings {
  /** The game of this ROM. Default: the supported game that has the ROM's MD5. A description of one's own may be given for any ROM. */
  readonly game?: Game | GameDescription;
  /** Every screen is averaged with the one before, against flicker. Default false. */
  readonly colorAveraging?: boolean;
}

/**
 * An Atari 2600 with one ROM, as ALE runs it: the same frames, RAM, rewards, lives and ends for the same seed, mode and actions. The ROM is
 * loaded and the console reset when the object is made.
 *
 * Arrays returned by `ram` and `screen` are copies.
 */
export class Ale {
  readonly game: Game;
  readonly settings: Required<AleSettings>;
  private readonly machine: Machine;
  private readonly core: CoreExports;
  private readonly palette: Palette;
  private readonly averager: ColorAverager | undefined;
  private seed: number;
  private samplesMade = false;
  private soundAddress = 0;

  /**
   * @throws AleRomError for an unknown, truncated or wrong ROM; AleArgumentError for a setting out of range; AlePlatformError where WebAssembly
   * with SIMD is missing.
   */
  constructor(rom: Uint8Array, config: AleConfig = {}) {
    const { game, colorAveraging = false, ...settings } = config;
    requireBoolean('colorAveraging', colorAveraging);
    this.machine = buildMachine(rom, game, settings);
    this.core = this.machine.core;
    this.game = this.machine.game;
    this.settings = this.machine.settings;
    this.seed = this.settings.randomSeed >>> 0;
    this.core.setDrawnFrames(colorAveraging ? 2 : 1);
    this.core.addConsole();
    this.core.select(0);
    const { randomSeed, mode, difficulty } = this.settings;
    requireMode(this.core.loadRom(randomSeed, mode, difficulty), this.game.id, mode);
    this.palette = PALETTES[this.tv];
    this.averager = colorAveraging ? new ColorAverager(this.palette) : undefined;
  }

  /** The format found by running the ROM. */
  get tv(): 'NTSC' | 'PAL' {
    return this.core.pal() ? 'PAL' : 'NTSC';
  }
  get minimalActions(): readonly number[] {
    return this.game.minimalActions;
  }
  get legalActions(): readonly number[] {
    return this.game.legalActions;
  }

  /**
   * Plays `action` (0..17) for `frameSkip` frames and returns the reward. After the game is over it does nothing and returns 0. An action
   * that the game does not know counts as NOOP, as in ALE. The size of `paddleStrength` (-1..1) scales the movement of paddles; its sign does not count, as in ALE.
   */
  act(action: number, paddleStrength = 1): number {
    if (!Number.isInteger(action) || action < 0 || action > 17)
      throw new AleArgumentError(`action is ${action}; expected an integer 0..17`);
    if (!(paddleStrength >= -1 && paddleStrength <= 1))
      throw new AleArgumentError(`paddleStrength is ${paddleStrength}; expected a number -1..1`);
    this.samplesMade = false;
    this.machine.translator?.tick();
    return this.core.act(action, paddleStrength);
  }

  /**
   * Starts a new episode. RAM keeps what the last episode left, as in ALE; random streams go on.
   * @throws AleModeError when the mode can't be reached (RAM was written to from outside).
   */
  reset(): void {
    requireMode(this.core.reset(), this.game.id, this.core.mode());
  }

  get lives(): number {
    return this.core.lives();
  }
  /** Whether the episode has ended, by the game's rules or by truncation. */
  get isOver(): boolean {
    return this.core.gameOver(1) !== 0;
  }
  /** Whether the game's own rules have ended it. */
  get isTerminal(): boolean {
    return this.core.gameOver(0) !== 0;
  }
  /** Whether the frame limit, or a lost life with `truncateOnLossOfLife`, has ended it. */
  get isTruncated(): boolean {
    return this.core.truncated() !== 0;
  }
  /** Frames acted since the ROM was loaded, and since the episode began. */
  get frameNumber(): number {
    return this.core.frameNumber();
  }
  get episodeFrameNumber(): number {
    return this.core.episodeFrameNumber();
  }

  /** Takes effect at the next reset. */
  setMode(mode: number): void {
    this.core.setMode(requireOneOf(`mode of ${this.game.id}`, mode, this.game.modes));
  }
  get mode(): number {
    return this.core.mode();
  }
  /** Takes effect at the next frame. */
  setDifficulty(difficulty: number): void {
    this.core.setDifficulty(
      requireOneOf(`difficulty of ${this.game.id}`, difficulty, [
        ...this.game.difficulties,
        this.game.defaultDifficulty,
      ]),
    );
  }
  get difficulty(): number {
    return this.core.difficulty();
  }

  /** The 128 bytes of RAM. */
  ram(): Uint8Array {
    return new Uint8Array(this.core.memory.buffer).slice(this.core.ramAddress(), this.core.ramAddress() + RAM_BYTES);
  }
  /** Writes a byte of RAM. */
  setRam(index: number, value: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= RAM_BYTES)
      throw new AleArgumentError(`RAM index is ${index}; expected an integer 0..${RAM_BYTES - 1}`);
    if (!Number.isInteger(value) || value < 0 || value > 255)
      throw new AleArgumentError(`RAM value is ${value}; expected an integer 0..255`);
    this.core.setRam(index, value);
  }

  /** Rows of the screen: the game's, or 250 for a PAL ROM whose game has the usual 210. */
  get height(): number {
    return this.core.rows();
  }
  /** `[height, width]`. */
  get screenShape(): readonly [number, number] {
    return [this.height, SCREEN_WIDTH];
  }
  /** Palette indices `[height, 160]`. */
  screen(): Uint8Array {
    const bytes = new Uint8Array(this.core.memory.buffer);
    const view = (address: number) => bytes.subarray(address, address + this.height * SCREEN_WIDTH);
    const current = view(this.core.screenAddress());
    return this.averager ? this.averager.average(current, view(this.core.previousScreenAddress())) : current.slice();
  }
  /** Gray `[height, 160]`. */
  screenGray(): Uint8Array {
    const { gray } = this.palette;
    return this.screen().map((index) => gray[index] as number);
  }
  /** Colors `[height, 160, 3]`. */
  screenRgb(): Uint8Array {
    const { rgb } = this.palette;
    const screen = this.screen();
    const out = new Uint8Array(screen.length * 3);
    for (let i = 0; i < screen.length; i++) {
      const at = (screen[i] as number) * 3;
      out[i * 3] = rgb[at] as number;
      out[i * 3 + 1] = rgb[at + 1] as number;
      out[i * 3 + 2] = rgb[at + 2] as number;
    }
    return out;
  }
  /** Opaque RGBA `[height, 160, 4]`, as a canvas takes it. Written into `target` when given. */
  screenRgba(target = new Uint8ClampedArray(this.height * SCREEN_WIDTH * 4)): Uint8ClampedArray<ArrayBuffer> {
    const { rgb } = this.palette;
    const screen = this.screen();
    for (let i = 0; i < screen.length; i++) {
      const at = (screen[i] as number) * 3;
      target[i * 4] = rgb[at] as number;
      target[i * 4 + 1] = rgb[at + 1] as number;
      target[i * 4 + 2] = rgb[at + 2] as number;
      target[i * 4 + 3] = 255;
    }
    return target as Uint8ClampedArray<ArrayBuffer>;
  }

  /** The sound of the last act: 512 samples, the same ones until the next act. */
  sound(): Uint8Array {
    if (!this.samplesMade) this.soundAddress = this.core.samples();
    this.samplesMade = true;
    return new Uint8Array(this.core.memory.buffer).slice(this.soundAddress, this.soundAddress + SOUND_SAMPLES);
  }

  /**
   * The console's state, under 1 KiB; with `random`, the stream of sticky actions and the action in force too, so that the future is the same.
   * Not in it, as in ALE: the screen.
   */
  saveState(options: { readonly random?: boolean } = {}): Uint8Array {
    const bytes = this.core.savedStateBytes();
    const address = this.core.savedStateAddress();
    const body = new Uint8Array(this.core.memory.buffer).subarray(address, address + bytes);
    return encodeState(body, this.machine.romHash, this.seed, options.random ?? false);
  }
  /** @throws AleStateError when the bytes are no state, or one of another ROM or version. */
  restoreState(state: Uint8Array): void {
    const { body, seed, withRandom } = decodeState(
      state,
      this.machine.romHash,
      this.core.savedStateBytes(),
      this.game.id,
    );
    new Uint8Array(this.core.memory.buffer).set(body, this.core.savedStateAddress());
    this.core.restoreState(withRandom ? 1 : 0, seed);
    if (withRandom) this.seed = seed;
    this.samplesMade = false;
  }
}
