// Programs that show which byte of the console a game's rules read last: it stays on the bus, and what runs in the TIA's addresses right after a frame of
// a reset has ended finds it there. Each fills RAM with a pattern in every frame of ALE's reset, and in one of them ends the frame with a jump to the TIA:
// the byte's lower bits become an opcode, and RAM afterwards tells which.
import { readFileSync } from 'node:fs';
import { randomFrom } from './fuzz/random.mjs';

const VSYNC = [0xa9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xa9, 0, 0x85, 0];
const PATTERN = 0x800;
/** The frame in which it jumps, before the last of those that are emulated without a look at all of RAM in between. */
const FRAME = 20;
const jump = (offset) => [0x4c, offset & 255, 0xf0 | (offset >> 8)];

/** A cartridge of 4 KiB; `target` is the TIA's address that it jumps to. */
export function lastReadProgram(pattern, target, atFrame = FRAME) {
  const start = [0x78, 0xd8, 0xa2, 0xff, 0x9a, 0xa0, 0];
  const frame = [
    ...VSYNC,
    ...[0xa2, 127, 0xbd, PATTERN & 255, 0xf0 | (PATTERN >> 8), 0x95, 0x80, 0xca, 0x10, 0xf8],
    ...[0xa2, 200, 0x85, 2, 0xca, 0xd0, 0xfb], // 200 lines
    ...[0xc8, 0xc0, atFrame, 0xf0, 3, ...jump(start.length)],
  ];
  const leave = [
    ...[0xa2, 255, 0xa9, 20, 0x38, 0xe9, 1, 0xd0, 0xfb, 0xca, 0xd0, 0xf6], // beyond the last line, without a write to the TIA
    ...[0xa2, 0x2f, 0x9a, 0xa9, 0x55, 0xa0, 0x9c, 0x38, 0xb8], // registers that show what happens to them; the stack lies in the TIA
    ...[0x20, target, 0], // JSR: its pushes end the frame
  ];
  const after = start.length + frame.length + leave.length;
  const keep = [0x85, 0x90, 0x86, 0x91, 0x84, 0x92, 0xba, 0x86, 0x93, 0xa2, 0xff, 0x9a, 0x08, 0xd8];
  const code = [...start, ...frame, ...leave, ...keep, ...VSYNC, 0xa2, 240, 0x85, 2, 0xca, 0xd0, 0xfb];
  const rom = new Uint8Array(4096).fill(0xea);
  rom.set([...code, ...jump(after + keep.length)]);
  rom.set(pattern, PATTERN);
  rom.set([0x00, 0xf0, after, 0xf0], 4092); // BRK keeps the registers
  return rom;
}

/** Values that the rules compare the bytes with, by address: they decide what is read. */
function compared(rules) {
  const found = new Map();
  const addresses = (e) =>
    [...JSON.stringify(e).matchAll(/"0x([0-9A-F]{2})"/g)].map(([, digits]) => Number.parseInt(digits, 16));
  const walk = (e) => {
    if (typeof e !== 'object' || e === null) return;
    for (const [operator, operands] of Object.entries(e)) {
      if (/^([=!<>]=?|&)$/.test(operator) && typeof operands[1] === 'number')
        for (const address of addresses(operands[0]))
          found.set(address, [...(found.get(address) ?? []), operands[1] & 255]);
      walk(operands);
    }
  };
  walk(rules);
  return found;
}

const { games } = JSON.parse(readFileSync(new URL('../../../testdata/ale/games.json', import.meta.url), 'utf8'));
/** A mode procedure, and actions at the end of a reset, wait for what these programs don't do. */
const descriptions = new Map(
  games.filter((game) => !game.mode_select && game.starting_actions.length === 0).map((game) => [game.slug, game]),
);
export const LAST_READ_GAMES = [...descriptions.keys()];
const CASES = 4;
/** Programs for a game, of which most let the comparisons of its rules come true. */
export function lastReadPrograms(slug) {
  const { rules } = descriptions.get(slug);
  const random = randomFrom([...slug].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 7) >>> 0);
  return Array.from({ length: CASES }, (_, i) => {
    const pattern = Uint8Array.from({ length: 128 }, random.byte);
    for (const [address, values] of compared(rules))
      if (address >= 0x80 && i > 0 && random.chance(0.8)) pattern[address - 0x80] = random.pick(values);
    return lastReadProgram(pattern, i % 2 === 0 ? 0x0c : 0x0e);
  });
}

/** Acts before which the program jumps to the TIA, having ended the last frame before a byte of RAM is set. */
export const POKE_ACTS = 4;
const FRAMES_OF_A_RESET = 68;
const POKE_TARGET = 0x0e;
export const POKE_PROGRAM = lastReadProgram(
  Uint8Array.from({ length: 128 }, (_, i) => (i * 37 + 11) & 255),
  POKE_TARGET,
  FRAMES_OF_A_RESET + POKE_ACTS,
);
export const POKED_VALUES = Array.from({ length: 16 }, (_, i) => 4 * i + (i & 3));
