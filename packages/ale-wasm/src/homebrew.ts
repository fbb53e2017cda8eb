// A game for any ROM that nobody has described: the machine as it comes, two joysticks, all actions; reward 0, one life, no end.
import { type CartridgeType, detectCartridge } from './cartridges.ts';
import { defineGame, type Game } from './game.ts';
import { md5 } from './md5.ts';

export interface HomebrewOptions {
  /** Default: `homebrew`. */
  readonly id?: string;
  /** Default: told from size and content. */
  readonly cartridge?: CartridgeType;
}

/**
 * Describes a ROM of one's own without rules: an episode ends only by its frame limit, or by what the user makes of RAM.
 * @throws AleRomError for a size that no cartridge has, or a bank switching scheme that is not supported
 */
export function describeHomebrew(rom: Uint8Array, { id = 'homebrew', cartridge }: HomebrewOptions = {}): Game {
  const actions = Array.from({ length: 18 }, (_, code) => code);
  return defineGame({
    slug: id,
    rom: { md5: md5(rom), size: rom.length },
    cart: cartridge ?? detectCartridge(rom),
    ystart: 34,
    height: 210,
    hmove_blanks: true,
    controllers: { left: 'joystick', right: 'joystick', swap_ports: false, swap_paddles: false },
    power_on_difficulty_switches: { left: 'B', right: 'B' },
    minimal_actions: actions,
    legal_actions: actions,
    modes: [0],
    default_mode: 0,
    difficulties: [0, 1, 2, 3],
    default_difficulty: 0,
    starting_actions: [],
    mode_select: null,
    rules: { state: {}, let: [], next: {}, out: { reward: 0, lives: 1, game_over: 0 } },
  });
}
