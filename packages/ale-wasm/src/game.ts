// What the machine has to know of a game: cartridge, picture, controllers, actions, modes, and when it gives reward. The table of supported games
// is in games.ts; a description of one's own, in the same notation, becomes a Game by defineGame().
import { CARTRIDGE_BYTES, type CartridgeType, MAXIMUM_ROM_BYTES } from './cartridges.ts';
import { AleArgumentError } from './errors.ts';
import { compileRules, type ModeStep, type RuleDescription, type RuleProgram } from './rules-compiler.ts';

export { CARTRIDGE_BYTES, type CartridgeType } from './cartridges.ts';

/** ALE's action codes 0..17. */
export const ACTION_NAMES = [
  'NOOP',
  'FIRE',
  'UP',
  'RIGHT',
  'LEFT',
  'DOWN',
  'UPRIGHT',
  'UPLEFT',
  'DOWNRIGHT',
  'DOWNLEFT',
  'UPFIRE',
  'RIGHTFIRE',
  'LEFTFIRE',
  'DOWNFIRE',
  'UPRIGHTFIRE',
  'UPLEFTFIRE',
  'DOWNRIGHTFIRE',
  'DOWNLEFTFIRE',
] as const;
export type ActionName = (typeof ACTION_NAMES)[number];
const ALL_ACTIONS = ACTION_NAMES.map((_, code) => code);

/** A game as people write it down (JSON), in the notation of the game table: see the README. */
export interface GameDescription {
  readonly slug: string;
  readonly title?: string;
  readonly rom: { readonly md5: string; readonly size: number };
  readonly cart: string;
  readonly tv?: string;
  /** First line of the picture, counted from the end of VSYNC, and its lines. */
  readonly ystart: number;
  readonly height: number;
  readonly hmove_blanks: boolean;
  readonly controllers: {
    readonly left: string;
    readonly right: string;
    readonly swap_ports: boolean;
    readonly swap_paddles: boolean;
  };
  readonly paddle_max_override?: number;
  readonly power_on_difficulty_switches: { readonly left: string; readonly right: string };
  readonly minimal_actions: readonly number[];
  readonly legal_actions: readonly number[] | string;
  readonly modes: readonly number[];
  readonly default_mode: number;
  readonly difficulties: readonly number[];
  readonly default_difficulty: number;
  readonly starting_actions: readonly number[];
  readonly mode_select: readonly ModeStep[] | null;
  readonly lives_after_load?: number;
  readonly rules: RuleDescription;
}

/** A game that the machine can run. */
export interface Game {
  /** As in `breakout`, `ms_pacman`. */
  readonly id: string;
  readonly title: string;
  /** Of the ROM, lower-case hexadecimal. */
  readonly md5: string;
  readonly romBytes: number;
  readonly cartridge: CartridgeType;
  readonly tv: 'NTSC' | 'PAL' | 'auto';
  readonly firstLine: number;
  /** Rows of the screen, which is 160 pixels wide; 210 becomes 250 when the ROM turns out to be PAL. */
  readonly height: number;
  readonly hmoveBlanks: boolean;
  readonly controllers: {
    readonly left: 'joystick' | 'paddles';
    readonly right: 'joystick' | 'paddles';
    readonly swapPorts: boolean;
    readonly swapPaddles: boolean;
  };
  readonly paddleMaximum: number;
  /** Bit 0 the left, bit 1 the right switch at A when power comes on. */
  readonly powerOnDifficulty: number;
  readonly minimalActions: readonly number[];
  readonly legalActions: readonly number[];
  readonly modes: readonly number[];
  readonly defaultMode: number;
  readonly difficulties: readonly number[];
  readonly defaultDifficulty: number;
  /** Actions played at the end of every reset; 40 is the console's RESET switch. */
  readonly startingActions: readonly number[];
  readonly program: RuleProgram;
}

const PADDLE_MAXIMUM = 790196;

/**
 * Checks and compiles a description.
 * @throws AleArgumentError naming the field that is wrong.
 */
export function defineGame(description: GameDescription): Game {
  const d = description;
  const wrong = (field: string, value: unknown, expected: string) =>
    new AleArgumentError(`game ${JSON.stringify(d.slug)}: ${field} is ${JSON.stringify(value)}; expected ${expected}`);
  if (!Object.hasOwn(CARTRIDGE_BYTES, d.cart))
    throw wrong('cart', d.cart, `one of ${Object.keys(CARTRIDGE_BYTES).join(', ')}`);
  const cartridge = d.cart as CartridgeType;
  const integer = (field: string, value: unknown, least: number, most: number) => {
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw wrong(field, value, `an integer ${least}..${most}`);
    return value as number;
  };
  const controller = (side: 'left' | 'right') => {
    const value = d.controllers[side];
    if (value !== 'joystick' && value !== 'paddles')
      throw wrong(`controllers.${side}`, value, '"joystick" or "paddles"');
    return value;
  };
  const actions = (field: string, list: readonly number[], reset: boolean) => {
    for (const action of list) if (!(reset && action === 40)) integer(field, action, 0, 17);
    return [...list];
  };
  const tv = d.tv ?? 'auto';
  if (tv !== 'NTSC' && tv !== 'PAL' && tv !== 'auto') throw wrong('tv', tv, '"NTSC", "PAL" or "auto"');
  const legal = typeof d.legal_actions === 'string' ? ALL_ACTIONS : actions('legal_actions', d.legal_actions, false);
  return {
    id: d.slug,
    title:
      d.title ??
      d.slug
        .split('_')
        .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
        .join(' '),
    md5: d.rom.md5,
    romBytes: integer('rom.size', d.rom.size, 1, MAXIMUM_ROM_BYTES),
    cartridge,
    tv,
    firstLine: integer('ystart', d.ystart, 0, 64),
    height: integer('height', d.height, 1, 250),
    hmoveBlanks: d.hmove_blanks,
    controllers: {
      left: controller('left'),
      right: controller('right'),
      swapPorts: d.controllers.swap_ports,
      swapPaddles: d.controllers.swap_paddles,
    },
    paddleMaximum: integer('paddle_max_override', d.paddle_max_override ?? PADDLE_MAXIMUM, 27450, 10_000_000),
    powerOnDifficulty:
      (d.power_on_difficulty_switches.left === 'A' ? 1 : 0) | (d.power_on_difficulty_switches.right === 'A' ? 2 : 0),
    minimalActions: actions('minimal_actions', d.minimal_actions, false),
    legalActions: legal,
    modes: [...d.modes],
    defaultMode: d.default_mode,
    difficulties: [...d.difficulties],
    defaultDifficulty: d.default_difficulty,
    startingActions: actions('starting_actions', d.starting_actions, true),
    program: compileRules(d.rules, d.mode_select),
  };
}
