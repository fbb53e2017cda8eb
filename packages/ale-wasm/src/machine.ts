// Plugs a ROM and a game's facts into an instance of the core: what single consoles (ale.ts) and batches (ale-batch.ts) share.

import { CARTRIDGE_BYTES, CARTRIDGE_CODES, fitsCartridge } from './cartridges.ts';
import { type CoreExports, instantiateCore } from './core.ts';
import { AleArgumentError, AleRomError } from './errors.ts';
import { fnv1a } from './fnv1a.ts';
import { defineGame, type Game, type GameDescription } from './game.ts';
import { findGameByMd5 } from './games.ts';
import { md5 } from './md5.ts';
import { RomTranslator } from './translator/rom-translator.ts';

/** The core finds out by itself whether a ROM draws PAL frames, as ALE does. */
const AUTODETECT = 2;

/** Settings of the environment, as ALE names them; defaults are ALE's. */
export interface AleSettings {
  /** Emulated frames per act. Default 1. */
  readonly frameSkip?: number;
  /** Sticky actions: chance per frame that the action before goes on. Default 0.25. */
  readonly repeatActionProbability?: number;
  /** Seeds the stream of sticky actions when the ROM is loaded; a 32-bit integer. Default 0. */
  readonly randomSeed?: number;
  /** Frames after which an episode is truncated; 0 = never. Default 0. */
  readonly maxEpisodeFrames?: number;
  /** A lost life truncates the episode. Default false. */
  readonly truncateOnLossOfLife?: boolean;
  /** The reward of an act is clamped to these. Default: the 32-bit integers. */
  readonly rewardMinimum?: number;
  readonly rewardMaximum?: number;
  /** Default: the game's own. */
  readonly mode?: number;
  readonly difficulty?: number;
  /**
   * Translates the ROM's code to WebAssembly while it is played, which changes nothing but the speed. Default true; where the runtime forbids
   * new code, the interpreter plays alone.
   */
  readonly translateRom?: boolean;
}

export const INT32_MINIMUM = -(2 ** 31);
export const INT32_MAXIMUM = 2 ** 31 - 1;

export function requireInteger(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new AleArgumentError(`${name} is ${value}; expected an integer ${least}..${most}`);
  return value;
}
export function requireProbability(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new AleArgumentError(`${name} is ${value}; expected a number 0..1`);
  return value;
}
export function requireBoolean(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new AleArgumentError(`${name} is ${value}; expected true or false`);
  return value;
}
export function requireOneOf(name: string, value: number, choices: readonly number[]): number {
  if (!choices.includes(value))
    throw new AleArgumentError(
      `${name} is ${value}; expected one of ${choices.length > 24 ? `${choices.slice(0, 24).join(', ')}, ...` : choices.join(', ')}`,
    );
  return value;
}

/**
 * The game for a ROM: the one given, or the supported one with its MD5.
 * @throws AleRomError when the ROM is unknown, truncated or another game's.
 */
export function identifyGame(rom: Uint8Array, game: Game | GameDescription | undefined): Game {
  if (!(rom instanceof Uint8Array)) throw new AleRomError('the ROM is no Uint8Array');
  const hash = md5(rom);
  if (game === undefined) {
    const known = findGameByMd5(hash);
    if (known === undefined)
      throw new AleRomError(
        `the ROM of ${rom.length} bytes with MD5 ${hash} is none of the supported games; for a ROM of your own pass \`game: describeHomebrew(rom)\`, or its description with rules`,
      );
    return known;
  }
  const defined = 'slug' in game ? defineGame(game) : game;
  if (!fitsCartridge(defined.cartridge, rom.length))
    throw new AleRomError(
      `the ROM of ${JSON.stringify(defined.id)} has ${rom.length} bytes; expected ${CARTRIDGE_BYTES[defined.cartridge]} for a ${defined.cartridge} cartridge`,
    );
  if (defined.md5 !== '' && defined.md5 !== hash)
    throw new AleRomError(`the ROM has MD5 ${hash}; expected ${defined.md5} of ${JSON.stringify(defined.id)}`);
  return defined;
}

export interface Machine {
  readonly core: CoreExports;
  readonly game: Game;
  readonly settings: Required<AleSettings>;
  /** FNV-1a of the ROM: saved states carry it. */
  readonly romHash: number;
  readonly translator: RomTranslator | undefined;
}

/** @throws AleArgumentError for a setting that is unknown (a misspelt one would be a default) or out of range */
export function resolveSettings(game: Game, given: AleSettings): Required<AleSettings> {
  const defaults: Required<AleSettings> = {
    frameSkip: 1,
    repeatActionProbability: 0.25,
    randomSeed: 0,
    maxEpisodeFrames: 0,
    truncateOnLossOfLife: false,
    rewardMinimum: INT32_MINIMUM,
    rewardMaximum: INT32_MAXIMUM,
    mode: game.defaultMode,
    difficulty: game.defaultDifficulty,
    translateRom: true,
  };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(defaults, name));
  if (unknown !== undefined)
    throw new AleArgumentError(
      `there is no setting ${JSON.stringify(unknown)}; expected one of ${Object.keys(defaults).join(', ')}`,
    );
  const s = {
    ...defaults,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as Required<AleSettings>;
  requireInteger('frameSkip', s.frameSkip, 1, 1000);
  requireProbability('repeatActionProbability', s.repeatActionProbability);
  requireInteger('randomSeed', s.randomSeed, INT32_MINIMUM, 2 ** 32 - 1);
  requireInteger('maxEpisodeFrames', s.maxEpisodeFrames, 0, INT32_MAXIMUM);
  requireInteger('rewardMinimum', s.rewardMinimum, INT32_MINIMUM, INT32_MAXIMUM);
  requireInteger('rewardMaximum', s.rewardMaximum, s.rewardMinimum, INT32_MAXIMUM);
  requireBoolean('truncateOnLossOfLife', s.truncateOnLossOfLife);
  requireBoolean('translateRom', s.translateRom);
  requireOneOf(`mode of ${game.id}`, s.mode, game.modes);
  requireOneOf(`difficulty of ${game.id}`, s.difficulty, [...new Set([game.defaultDifficulty, ...game.difficulties])]);
  return s;
}

/** An instance with the ROM inserted and everything set; no console yet. */
export function buildMachine(
  rom: Uint8Array,
  gameOrDescription: Game | GameDescription | undefined,
  given: AleSettings,
): Machine {
  const game = identifyGame(rom, gameOrDescription);
  const settings = resolveSettings(game, given);
  const core = instantiateCore();
  new Uint8Array(core.memory.buffer, core.romAddress(), rom.length).set(rom);
  const [type, ram] = CARTRIDGE_CODES[game.cartridge];
  core.insertRom(type, ram, rom.length);
  const { code, initial, rules, out, procedure } = game.program;
  if (code.length + game.startingActions.length > core.codeCapacity())
    throw new AleArgumentError(
      `the rules of ${game.id} need ${code.length} bytes of code; at most ${core.codeCapacity()} are possible`,
    );
  const codeArea = new Uint8Array(core.memory.buffer, core.codeAddress(), core.codeCapacity());
  codeArea.set(code);
  codeArea.set(game.startingActions, code.length);
  core.setRules(initial, rules, out, procedure);
  const { left, right, swapPorts, swapPaddles } = game.controllers;
  const controllers =
    (left === 'paddles' ? 1 : 0) | (right === 'paddles' ? 2 : 0) | (swapPorts ? 4 : 0) | (swapPaddles ? 8 : 0);
  const legal = game.legalActions.reduce((mask, action) => mask | (1 << action), 0);
  core.setGame(
    game.firstLine,
    game.height,
    game.hmoveBlanks ? 1 : 0,
    AUTODETECT,
    controllers,
    game.powerOnDifficulty,
    game.paddleMaximum,
    legal,
    code.length,
    game.startingActions.length,
  );
  core.setSettings(
    settings.frameSkip,
    settings.repeatActionProbability,
    settings.maxEpisodeFrames,
    settings.truncateOnLossOfLife ? 1 : 0,
    settings.rewardMinimum,
    settings.rewardMaximum,
  );
  const romHash = fnv1a(rom);
  const translator = settings.translateRom ? RomTranslator.for(core, game.cartridge, md5(rom)) : undefined;
  return { core, game, settings, romHash, translator };
}
