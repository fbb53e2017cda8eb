// Translated code does what the interpreter does: state by state on every game, and on programs made of random instructions.
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Ale, type AleConfig } from '../ale.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from '../embedded-game.ts';
import { CARTRIDGE_BYTES, type CartridgeType, type Game } from '../game.ts';
import { GAMES } from '../games.ts';
import { OPCODE_TABLE } from '../generated/operations.ts';
import type { Machine } from '../machine.ts';
import { HAS_ROMS, lcgIndices, rom } from '../testing.ts';
import type { Bank } from './instruction.ts';
import { needsInterpreter } from './instruction-emitter.ts';
import { buildRegion } from './region.ts';
import type { RomTranslator } from './rom-translator.ts';

const translatorOf = (ale: Ale): RomTranslator | undefined =>
  (ale as unknown as { machine: Machine }).machine.translator;
const translated = (ale: Ale): number =>
  (translatorOf(ale) as unknown as { nextEntry: number } | undefined)?.nextEntry ?? 0;

/** Plays both ways with `translate` called at the frames given; expects the same states, rewards and last screen. Returns the functions made. */
function expectSamePlay(
  bytes: Uint8Array,
  config: AleConfig,
  actions: readonly number[],
  every: number,
  rarest: number,
): number {
  const settings = { ...config, repeatActionProbability: 0 };
  const [ours, plain] = [new Ale(bytes, settings), new Ale(bytes, { ...settings, translateRom: false })];
  expect(translatorOf(plain)).toBeUndefined();
  actions.forEach((action, frame) => {
    if (frame % every === 0) translatorOf(ours)?.translate(rarest);
    expect(ours.act(action)).toBe(plain.act(action));
    const [state, expected] = [ours.saveState({ random: true }), plain.saveState({ random: true })];
    if (Buffer.compare(state, expected)) expect({ frame, state }).toEqual({ frame, state: expected });
    if (ours.isOver) {
      ours.reset();
      plain.reset();
    }
  });
  expect(Buffer.compare(ours.screen(), plain.screen())).toBe(0);
  return translated(ours);
}

describe('translated code equals the interpreter, state by state', () => {
  const FRAMES = process.env['MOE_RL_THOROUGH'] ? 600 : 240;
  const sequence = (game: Game) =>
    lcgIndices(5, FRAMES, game.minimalActions.length, 4).map((i) => game.minimalActions[i] as number);

  it('on the embedded game', () => {
    expect(expectSamePlay(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME }, sequence(EMBEDDED_GAME), 60, 1)).toBeGreaterThan(
      20,
    );
  });
  it.runIf(HAS_ROMS)('on every game', { timeout: 600_000 }, () => {
    for (const game of GAMES) {
      const functions = expectSamePlay(rom(game.id), {}, sequence(game), 60, 2);
      if (game.cartridge === 'DPC' || game.cartridge === 'FE') expect(functions).toBe(0);
      else expect([game.id, functions > 20]).toEqual([game.id, true]);
    }
  });
});

const OPCODES = OPCODE_TABLE.split(' ').map((entry, opcode) => ({
  opcode,
  mnemonic: entry.slice(0, 3),
  mode: /\.([a-z]+)/.exec(entry)?.[1],
}));
const bytesOf = (mode: string | undefined) =>
  mode === 'imp' || mode === 'acc' ? 1 : mode === 'abs' || mode === 'abx' || mode === 'aby' ? 3 : 2;

/** INX; sums in RAM; one that calls the first. */
const SUBROUTINES = [
  [0xe8, 0x60],
  [0xb5, 0x80, 0x65, 0x81, 0x85, 0x82, 0x60],
  [0x20, 0x80, 0xf3, 0xc6, 0x90, 0x60],
];
const SUBROUTINES_AT = 0xf380;
/** What ends a frame: VSYNC on, three lines, VSYNC off. */
const END_FRAME = [0xa9, 2, 0x85, 0x00, 0x85, 0x02, 0x85, 0x02, 0x85, 0x02, 0xa9, 0, 0x85, 0x00];
/** Code at 0x100 of every 4 KiB (some cartridges have RAM before it), the subroutines, the vectors, and noise. */
function imageOf(cartridge: CartridgeType, code: readonly number[], noise: readonly number[]): Uint8Array {
  const image = new Uint8Array(CARTRIDGE_BYTES[cartridge]);
  for (let at = 0; at < image.length; at++) image[at] = noise[at % 16] as number;
  for (let at = 0; at < image.length; at += 4096) {
    image.set(code, at + 0x100);
    SUBROUTINES.forEach((subroutine, i) => void image.set(subroutine, at + (SUBROUTINES_AT & 0xfff) + i * 16));
    image.set([0x00, 0xf1, 0x00, 0xf1], Math.min(at + 4096, image.length) - 4);
  }
  return image;
}
/** A program that repeats random instructions, subroutines among them, for ever: frames are short, or (rarely) end at the limit of instructions. */
const program = (cartridge: CartridgeType) =>
  fc
    .tuple(
      fc.array(
        fc.tuple(
          fc.constantFrom(...OPCODES.filter(({ mnemonic }) => !['JAM', 'BRK', 'JMI', 'RTI', 'RTS'].includes(mnemonic))),
          fc.nat(255),
          fc.nat(7),
        ),
        {
          minLength: 20,
          maxLength: 200,
        },
      ),
      fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }),
      fc.nat(15),
    )
    .map(([instructions, numbers, endless]) => {
      const code: number[] = [0xa2, 0xff, 0x9a, 0xd8];
      const starts: number[] = [];
      const jumps: [at: number, to: number][] = [];
      for (const [{ opcode, mnemonic, mode }, operand, area] of instructions) {
        if (mnemonic === 'TXS' || mnemonic === 'SHS' || mnemonic === 'LAS') continue;
        starts.push(code.length);
        const length = bytesOf(mode);
        if (mnemonic === 'JSR') {
          const target = SUBROUTINES_AT + (operand % 3) * 16;
          code.push(opcode, target & 0xff, target >> 8);
        } else if (mnemonic === 'JMP') {
          jumps.push([code.length + 1, starts.length + (operand % 8)]);
          code.push(opcode, 0, 0);
        } else if (length === 3) {
          const high = [0x00, 0x00, 0x02, 0x02, 0xf0, 0xf3, 0x01, 0x1f][area] as number;
          code.push(opcode, high === 0x02 ? 0x80 | operand : operand, high);
        } else if (length === 2) {
          // Mostly forward: a loop that nothing ends runs until the limit of instructions.
          const distance = area === 0 ? (operand & 31) - 24 : operand & 15;
          code.push(opcode, mode === 'rel' ? distance & 0xff : area < 5 ? operand | 0x80 : operand & 0x3f);
        } else code.push(opcode);
      }
      for (const [at, to] of jumps) {
        const target = 0xf100 + (starts[to] ?? code.length);
        code[at] = target & 0xff;
        code[at + 1] = target >> 8;
      }
      code.push(...(endless === 0 ? [] : END_FRAME), 0x4c, 0x00, 0xf1);
      return imageOf(cartridge, code, numbers);
    });

describe('programs of random instructions', () => {
  const ACTIONS = Array.from({ length: 20 }, (_, i) => [0, 3, 4, 1][i % 4] as number);
  it.each(['4K', 'F8', 'F6SC', 'E0'] as const)('%s', { timeout: 600_000 }, (cartridge) => {
    const game: Game = { ...EMBEDDED_GAME, cartridge, md5: '', romBytes: CARTRIDGE_BYTES[cartridge] };
    let functions = 0;
    fc.assert(
      fc.property(program(cartridge), (image) => {
        functions += expectSamePlay(image, { game }, ACTIONS, 4, 1);
      }),
      { numRuns: Number(process.env['MOE_RL_FUZZ_RUNS'] ?? (process.env['MOE_RL_THOROUGH'] ? 100 : 40)) },
    );
    expect(functions).toBeGreaterThan(40);
  });
});

describe('code that runs out of its bank', () => {
  it('is left to the interpreter', () => {
    // Switches the slice it runs in; in the other one, noise runs over the end of the bank.
    const code = [0xa2, 0xff, 0x9a, 0xd8, 0xae, 0xe1, 0x1f, ...Array(22).fill([0x01, 0x80]).flat(), 0x4c, 0x00, 0xf1];
    const noise = [0, 3, 0, 16, 89, 27, 0, 3, 237, 67, 1, 12, 0, 0, 12, 0];
    const game: Game = { ...EMBEDDED_GAME, cartridge: 'E0', md5: '', romBytes: CARTRIDGE_BYTES.E0 };
    for (let i = 0; i < 2; i++) expectSamePlay(imageOf('E0', code, noise), { game }, Array(20).fill(0), 4, 1);
  });
});

describe('regions', () => {
  const bank = (code: readonly number[]): Bank => {
    const bytes = new Uint8Array(4096).fill(0x02);
    bytes.set(code);
    return { bytes, pointer: 0, mirror: 0xe000, first: 0, last: 0xfff, hotspots: 0x1000 };
  };
  const region = (code: readonly number[]) => {
    const rom = bank(code);
    return buildRegion(rom, 0xf000, (instruction) => needsInterpreter(rom, instruction));
  };

  it('keeps natural loops and forward branches inside', () => {
    // LDX #5; loop: DEX; BEQ done; BNE loop; done: RTS
    const found = region([0xa2, 5, 0xca, 0xf0, 2, 0xd0, 0xfb, 0x60]);
    expect([...(found?.blocks.keys() ?? [])].sort()).toEqual([0xf000, 0xf002, 0xf005, 0xf007]);
    expect(found?.blocks.get(0xf002)?.isLoop).toBe(true);
    expect(found?.cut.size).toBe(0);
  });
  it('cuts an edge into the middle of a loop', () => {
    // BEQ middle; top: INX; middle: DEY; BNE top; RTS
    const found = region([0xf0, 1, 0xe8, 0x88, 0xd0, 0xfc, 0x60]);
    expect(found?.cut.size).toBe(1);
  });
  it('returns to calls of its own', () => {
    // JSR sub; RTS; sub: INX; RTS
    const found = region([0x20, 0x04, 0xf0, 0x60, 0xe8, 0x60]);
    expect(found?.blocks.get(0xf004)?.end).toMatchObject({ kind: 'return', sites: [0xf003] });
  });
  it('has none where the interpreter is needed at once', () => {
    expect(region([0x85, 0x00])).toBeUndefined(); // STA VSYNC
    expect(region([0x02])).toBeUndefined();
  });
});

describe('where new code is forbidden', () => {
  afterEach(() => void vi.restoreAllMocks());
  it('the interpreter plays alone', () => {
    const image = EMBEDDED_GAME_ROM.slice();
    image[0xff0] = (image[0xff0] as number) ^ 1; // another ROM than the one whose translations are shared
    const ale = new Ale(image, { game: { ...EMBEDDED_GAME, md5: '' } });
    for (let i = 0; i < 20; i++) ale.act(0);
    const refused = vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuse() {
      throw new WebAssembly.CompileError('blocked by the content security policy');
    });
    for (let i = 0; i < 3; i++) {
      translatorOf(ale)?.translate(1);
      ale.act(0);
    }
    expect(refused).toHaveBeenCalledTimes(1);
    expect(ale.frameNumber).toBe(23);
  });
});
