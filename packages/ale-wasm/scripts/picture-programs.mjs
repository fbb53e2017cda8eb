// Small programs of our own whose screen is compared with ALE's: colors by what is enabled, and what the end of a frame in the middle of a line leaves.
import { FRAME, low, stack, store } from './test-programs.mjs';

/** A playfield with score colors and priority beside what `registers` enable: its colors are the players' only when nothing else is enabled. */
function scored(registers) {
  const colors = [...store(0x20, 6), ...store(0x0e, 7), ...store(0x44, 8), ...store(0x82, 9)];
  const enabled = registers.flatMap(([register, value]) => store(value, register));
  const code = [0xd8, ...stack(0xff), ...colors, ...store(0xf0, 0x0e), ...store(6, 0x0a), ...enabled];
  const rom = new Uint8Array(4096).fill(0xea);
  rom.set([...code, ...FRAME, 0xa2, 240, 0x85, 2, 0xca, 0xd0, 0xfb, 0x4c, low(code.length), 0xf0]);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}
/**
 * JSR's pushes are VBLANK and VSYNC, which ends the frame in the middle of a line, `late` times 2 cycles further on; the instruction that it goes to lies in
 * the TIA (a BRK, back to the start) and is fetched in the next frame only. Every frame has another background.
 */
function endsInJsr(late, target) {
  const colors = [...store(0x1e, 8), ...store(0x5a, 0x0e), 0xe6, 0x80, 0xa5, 0x80, 0x0a, 0x0a, 0x0a, 0x85, 9];
  const lines = [...store(2, 0), 0xa0, 80, 0x85, 2, 0x88, 0xd0, 0xfb];
  const code = [0xd8, ...stack(1), ...colors, ...lines, ...Array(late).fill(0xea)];
  const rom = new Uint8Array(4096).fill(0xea);
  rom.set(code);
  // The low byte of the return address goes to VSYNC: $fd.
  const jsr = 0xfb;
  rom.set([0x4c, jsr, 0xf0], code.length);
  rom.set([0x20, low(target), target >> 8], jsr);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}
/** HMOVE in a frame's last line, a visible one, which `end` ends (VSYNC, from A): whether the first line of the next frame is blanked too. */
function endsBehindHmove(end) {
  const frame = [...store(2, 0), 0xa2, 80, 0x85, 2, 0xca, 0xd0, 0xfb, 0xa9, 0, 0x85, 2, 0x85, 0x2a, ...end];
  const rom = new Uint8Array(4096).fill(0xea);
  const code = [0xd8, ...stack(0xff), ...store(0x1e, 9)];
  rom.set([...code, ...frame, 0x4c, code.length, 0xf0]);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}
const [ENAM0, ENAM1, RESMP0, RESMP1] = [0x1d, 0x1e, 0x28, 0x29].map((register) => [register, 2]);
/** Programs whose screen is compared, after as many frames. */
export const PICTURES = {
  'score colors with priority beside nothing': scored([]),
  'score colors with priority beside a missile': scored([ENAM0]),
  'score colors with priority beside a missile hidden at its player': scored([ENAM0, RESMP0]),
  'score colors with priority beside two hidden missiles': scored([ENAM0, RESMP0, ENAM1, RESMP1]),
  'score colors with priority beside one hidden missile and one shown': scored([ENAM0, RESMP0, ENAM1]),
  'score colors with priority beside the other missile, hidden': scored([ENAM1, RESMP1]),
  'a frame that JSR ends, going to the TIA': endsInJsr(9, 0),
  'a frame that JSR ends at the end of a group of four pixels, going to the TIA': endsInJsr(10, 0),
  'a frame that JSR ends, going to a mirror of the TIA': endsInJsr(15, 0x4000),
  'a frame that ends before the last pixel that HMOVE blanks': endsBehindHmove([...Array(9).fill(0xea), 0x8d, 0, 0]),
  'a frame that ends behind the last pixel that HMOVE blanks': endsBehindHmove([...Array(10).fill(0xea), 0x85, 0]),
};
