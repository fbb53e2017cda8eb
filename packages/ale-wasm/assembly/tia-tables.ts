// Tables of the TIA: bit patterns stretched by 2 and 4, 160-bit masks of "from pixel x on", and how far HMOVE moves an object.
// The motion table is ALE's, measured (76 cycles x 16 motion values); it is packed as runs of cycles.

/** Bits of a byte in reverse order; each bit doubled (u16); each bit four times (u32). */
export const REVERSED: usize = memory.data(256);
export const DOUBLED: usize = memory.data(512);
export const QUADRUPLED: usize = memory.data(1024);
/** FROM + 32 * x: mask of the pixels x..159, for x = 0..160. */
export const FROM: usize = memory.data(161 * 32, 16);
/** MOTION + 16 * cycle + motion nibble: signed pixels to the right. */
export const MOTION: usize = memory.data(76 * 16);
/** Pairs of objects that a collision register shows (bits of `collisions`), for CXM0P.. CXPPMM. */
export const SHOWN_PAIRS: usize = memory.data<u32>([0x22, 0x44, 0x18, 0x180, 0xc00, 0x3000, 0x4000, 0x201]);

/** The 15 pairs of objects in the order 01 02 03 04 05 12 13 14 15 23 24 25 34 35 45: where the masks of the two lie. */
export const PAIR_FIRST: usize = memory.data<u8>([0, 0, 0, 0, 0, 32, 32, 32, 32, 64, 64, 64, 96, 96, 128]);
export const PAIR_SECOND: usize = memory.data<u8>([32, 64, 96, 128, 160, 64, 96, 128, 160, 96, 128, 160, 128, 160, 160]);
/** The pairs that a set of objects can form (u16). */
export const PAIRS_OF: usize = memory.data(128);

/** First cycle and 16 deltas of every run of the motion table. */
const MOTION_RUNS: usize = memory.data<i8>([
  0, 0, -1, -2, -3, -4, -5, -6, -7, 8, 7, 6, 5, 4, 3, 2, 1,
  4, 0, -1, -2, -3, -4, -5, -6, -6, 8, 7, 6, 5, 4, 3, 2, 1,
  5, 0, -1, -2, -3, -4, -5, -5, -5, 8, 7, 6, 5, 4, 3, 2, 1,
  7, 0, -1, -2, -3, -4, -4, -4, -4, 8, 7, 6, 5, 4, 3, 2, 1,
  8, 0, -1, -2, -3, -3, -3, -3, -3, 8, 7, 6, 5, 4, 3, 2, 1,
  9, 0, -1, -2, -2, -2, -2, -2, -2, 8, 7, 6, 5, 4, 3, 2, 1,
  11, 0, -1, -1, -1, -1, -1, -1, -1, 8, 7, 6, 5, 4, 3, 2, 1,
  12, 0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
  13, 1, 1, 1, 1, 1, 1, 1, 1, 8, 7, 6, 5, 4, 3, 2, 1,
  15, 2, 2, 2, 2, 2, 2, 2, 2, 8, 7, 6, 5, 4, 3, 2, 2,
  16, 3, 3, 3, 3, 3, 3, 3, 3, 8, 7, 6, 5, 4, 3, 3, 3,
  17, 4, 4, 4, 4, 4, 4, 4, 4, 8, 7, 6, 5, 4, 4, 4, 4,
  19, 5, 5, 5, 5, 5, 5, 5, 5, 8, 7, 6, 5, 5, 5, 5, 5,
  20, 6, 6, 6, 6, 6, 6, 6, 6, 8, 7, 6, 6, 6, 6, 6, 6,
  21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  55, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0,
  56, 0, 0, 0, 0, 0, 0, -1, -2, 0, 0, 0, 0, 0, 0, 0, 0,
  57, 0, 0, 0, 0, 0, -1, -2, -3, 0, 0, 0, 0, 0, 0, 0, 0,
  59, 0, 0, 0, 0, -1, -2, -3, -4, 0, 0, 0, 0, 0, 0, 0, 0,
  60, 0, 0, 0, -1, -2, -3, -4, -5, 0, 0, 0, 0, 0, 0, 0, 0,
  61, 0, 0, -1, -2, -3, -4, -5, -6, 0, 0, 0, 0, 0, 0, 0, 0,
  63, 0, -1, -2, -3, -4, -5, -6, -7, 0, 0, 0, 0, 0, 0, 0, 0,
  64, -1, -2, -3, -4, -5, -6, -7, -8, 0, 0, 0, 0, 0, 0, 0, 0,
  65, -2, -3, -4, -5, -6, -7, -8, -9, 0, 0, 0, 0, 0, 0, 0, -1,
  67, -3, -4, -5, -6, -7, -8, -9, -10, 0, 0, 0, 0, 0, 0, -1, -2,
  68, -4, -5, -6, -7, -8, -9, -10, -11, 0, 0, 0, 0, 0, -1, -2, -3,
  69, -5, -6, -7, -8, -9, -10, -11, -12, 0, 0, 0, 0, -1, -2, -3, -4,
  71, -6, -7, -8, -9, -10, -11, -12, -13, 0, 0, 0, -1, -2, -3, -4, -5,
  72, -7, -8, -9, -10, -11, -12, -13, -14, 0, 0, -1, -2, -3, -4, -5, -6,
  73, -8, -9, -10, -11, -12, -13, -14, -15, 0, -1, -2, -3, -4, -5, -6, -7,
  75, 0, -1, -2, -3, -4, -5, -6, -7, 8, 7, 6, 5, 4, 3, 2, 1,
]);
const MOTION_RUN_COUNT = 31;

export function buildTables(): void {
  for (let objects = 0; objects < 64; objects++) {
    let pairs = 0;
    for (let pair = 0; pair < 15; pair++) {
      const first = load<u8>(PAIR_FIRST + pair) >> 5, second = load<u8>(PAIR_SECOND + pair) >> 5;
      if ((objects >> first) & (objects >> second) & 1) pairs |= 1 << pair;
    }
    store<u16>(PAIRS_OF + (objects << 1), pairs);
  }
  for (let i = 0; i < 256; i++) {
    let reversed = 0, doubled: u32 = 0, quadrupled: u32 = 0;
    for (let b = 0; b < 8; b++) {
      if (!(i & (1 << b))) continue;
      reversed |= 0x80 >> b;
      doubled |= 3 << (2 * b);
      quadrupled |= 15 << (4 * b);
    }
    store<u8>(REVERSED + i, reversed);
    store<u16>(DOUBLED + (i << 1), doubled);
    store<u32>(QUADRUPLED + (i << 2), quadrupled);
  }
  for (let x = 0; x <= 160; x++) {
    for (let word = 0; word < 3; word++) {
      let bits: u64 = 0;
      for (let b = 0; b < 64; b++) {
        const pixel = word * 64 + b;
        if (pixel >= x && pixel < 160) bits |= (<u64>1) << b;
      }
      store<u64>(FROM + (x << 5) + (word << 3), bits);
    }
  }
  let run = -1;
  for (let cycle = 0; cycle < 76; cycle++) {
    if (run + 1 < MOTION_RUN_COUNT && <i32>load<i8>(MOTION_RUNS + (run + 1) * 17) == cycle) run++;
    memory.copy(MOTION + (cycle << 4), MOTION_RUNS + run * 17 + 1, 16);
  }
}
