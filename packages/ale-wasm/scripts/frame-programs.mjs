// Programs of our own whose frames are no ordinary ones: they end early, in the middle of a line, or are cut by ALE's limit of 25,000 instructions, and
// then show what frames before have left in the buffer; so that frame skips, which leave frames undrawn, have something to show wrongly.
import { crc32 } from 'node:zlib';

const LENGTHS = 0x400;
const CUTS = 0x420;

/**
 * Frame i of 32 has `lengths(i)` lines, each with another playfield, on a background of its own, and then `cuts(i)` times 512 instructions without a
 * look at the TIA. Its last line goes on for `late` times 2 cycles; in frame `jam` the CPU jams, `jamLate` times 2 cycles later in a line.
 */
function frames({ lengths, cuts = () => 0, late = 0, jam = -1, jamLate = 0 }) {
  const rom = new Uint8Array(4096).fill(0xea);
  const code = [0x78, 0xd8, 0xa2, 0xff, 0x9a, 0xa9, 0x1e, 0x85, 0x08, 0xa9, 0x00, 0x85, 0x80];
  const again = 0xf000 + code.length;
  code.push(0xa9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xa9, 0, ...Array(late).fill(0xea), 0x85, 0); // VSYNC
  code.push(0xe6, 0x80, 0xa5, 0x80);
  if (jam >= 0)
    code.push(
      0xc9,
      jam,
      0xd0,
      0x08 + jamLate,
      0xa2,
      0x60,
      0x85,
      0x02,
      0xca,
      0xd0,
      0xfb,
      ...Array(jamLate).fill(0xea),
      0x02,
    );
  code.push(0x0a, 0x0a, 0x0a, 0x85, 0x09, 0xa5, 0x80, 0x29, 0x1f, 0xa8); // background, place in the tables
  code.push(0xbe, LENGTHS & 0xff, 0xf0 + (LENGTHS >> 8), 0x85, 0x02, 0x86, 0x0e, 0xca, 0xd0, 0xf9);
  code.push(0xb9, CUTS & 0xff, 0xf0 + (CUTS >> 8), 0xd0, 0x03, 0x4c, again & 0xff, again >> 8);
  code.push(0xa8, 0xa2, 0x00, 0xca, 0xd0, 0xfd, 0x88, 0xd0, 0xfa, 0x4c, again & 0xff, again >> 8);
  rom.set(code);
  for (let i = 0; i < 32; i++) {
    rom[LENGTHS + i] = lengths(i);
    rom[CUTS + i] = cuts(i);
  }
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}

/** The start of a program: no interrupts, no decimals, a stack, and `values` in registers of the TIA. */
function start(values) {
  return [0x78, 0xd8, 0xa2, 0xff, 0x9a, ...values.flatMap(([register, value]) => [0xa9, value, 0x85, register])];
}

/** Score colors and priority at once, while missile, ball and players come and go in the middle of lines: without any of them the score's colors win. */
function scoreAndPriority() {
  const rom = new Uint8Array(4096).fill(0xea);
  const code = start([
    [6, 0x1e],
    [7, 0x4e],
    [8, 0x8a],
    [9, 2],
    [0x0a, 6],
    [0x0e, 0x5a],
  ]);
  const again = 0xf000 + code.length;
  code.push(0xa9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xa9, 0, 0x85, 0, 0xa2, 250);
  const line = code.length;
  code.push(
    0x85,
    2,
    0x8a,
    0x86,
    0x1d,
    ...Array(9).fill(0xea),
    0x0a,
    0x85,
    0x1f,
    0xea,
    0x4a,
    0x4a,
    0x4a,
    0x85,
    0x1b,
    0x86,
    0x26,
    0xea,
    0x85,
    0x1c,
    0xca,
  );
  code.push(0xd0, (line - code.length - 2) & 255, 0x4c, again & 0xff, again >> 8);
  rom.set(code);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}

/**
 * What a line's end does (the playfield's reflection, a player's copies, and missile 0, which the "star" state of the TIA moves then) is not done after the
 * picture's last line: here a player is placed and the reflection changed in it, to other values in turn, so that the next picture's first line shows them.
 */
function changesInTheLastLine() {
  const rom = new Uint8Array(4096).fill(0xea);
  const code = start([
    [6, 0x1e],
    [8, 0x8a],
    [9, 2],
    [4, 3],
    [0x0e, 0xf0],
    [0x0f, 3],
    [0x1b, 0xff],
    [0x1d, 2],
    [0x22, 0x70],
  ]);
  code.push(0xa0, 0x60, 0x85, 2, 0x85, 0x2a, ...Array(9).fill(0xea), 0x84, 0x22); // HMOVE, and HMM0 63 clocks later: stars
  const again = 0xf000 + code.length;
  code.push(0xa9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xa9, 0, 0x85, 0);
  code.push(0xe6, 0x80, 0xa5, 0x80, 0x29, 1, 0xa8, 0xa2, 243, 0x85, 2, 0xca, 0xd0, 0xfb);
  code.push(0x98, 0xf0, 7, ...Array(7).fill(0xea), 0x85, 0x10, ...Array(18).fill(0xea), 0x84, 0x0a);
  code.push(0xa2, 10, 0x85, 2, 0xca, 0xd0, 0xfb, 0x4c, again & 0xff, again >> 8);
  rom.set(code);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}

/** Four of eight frames end in the middle of the picture, in a line that began with HMOVE, at a clock of their own: ALE blanks what was there before. */
function endsBehindHmove() {
  const rom = new Uint8Array(4096).fill(0xea);
  const code = start([[9, 0x1e]]);
  const again = 0xf000 + code.length;
  code.push(0xa9, 2, 0x85, 0, 0xe6, 0x80, 0xa2, 250, 0xa5, 0x80, 0x29, 4, 0xd0, 2, 0xa2, 80, 0x85, 2, 0xca, 0xd0, 0xfb);
  code.push(0xa5, 0x80, 0x29, 3, 0xa8, 0xc8, 0xa9, 0, 0x85, 2, 0x85, 0x2a, 0x88, 0xd0, 0xfd, 0x85, 0);
  rom.set([...code, 0x4c, again & 0xff, again >> 8]);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}

const full = () => 253;
const every = (period, phase, value) => (i) => (i % period === phase ? value : 0);
export const FRAME_PROGRAMS = {
  'every eighth frame is cut': frames({ lengths: full, cuts: every(8, 3, 64) }),
  'frames are cut early, at changing places of a step': frames({
    lengths: (i) => (i % 7 === 5 ? 70 + 4 * i : 253),
    cuts: (i) => (i % 7 === 5 ? 50 + 3 * i : 0),
  }),
  'frames are cut for many acts': frames({
    lengths: (i) => (i % 16 === 9 ? 120 : 253),
    cuts: (i) => (i % 16 === 9 ? 220 : 0),
  }),
  'frames of all lengths': frames({ lengths: (i) => 60 + ((i * 37) % 190), late: 14 }),
  'short frames between long ones': frames({ lengths: (i) => (i % 5 === 3 ? 90 + i : 253), late: 20 }),
  'frames of all lengths, some cut': frames({
    lengths: (i) => 60 + ((i * 53) % 190),
    cuts: (i) => (i % 6 === 4 ? 60 + 5 * i : 0),
    late: 17,
  }),
  'score colors and priority': scoreAndPriority(),
  'changes in the last line': changesInTheLastLine(),
  'frames that end behind HMOVE': endsBehindHmove(),
  'the CPU jams': frames({ lengths: (i) => (i % 3 === 1 ? 150 : 253), jam: 85 }),
  'the CPU jams when a line ends': frames({ lengths: full, jam: 85, jamLate: 35 }),
};
/** Steps that each is played, and by how many frames. */
export const FRAME_STEPS = 30;
export const FRAME_SKIPS = [1, 2, 3, 4, 5, 6, 7, 8];
/** One CRC-32 of the CRC-32s of many screens. */
export const screensDigest = (checksums) => crc32(Buffer.from(Uint32Array.from(checksums).buffer));
/** Without and with color averaging, which is not defined for the gray that a jammed console shows. */
export const averagings = (name) => (name.startsWith('the CPU jams') ? [false] : [false, true]);
