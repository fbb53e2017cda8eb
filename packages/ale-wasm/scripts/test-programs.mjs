// Small programs of our own, each about one thing that games seldom do: what undriven bits of a TIA read hold, reads without a purpose, decimal mode,
// every bank switching scheme. record-programs.mjs writes down what ALE makes of them; a test plays them.
// LDA INTIM, STA $F0: how many values the cartridge has drawn; SEI CLD LDX #$FF TXS.
const START = [0xad, 0x84, 0x02, 0x85, 0xf0, 0x78, 0xd8, 0xa2, 0xff, 0x9a];
export const FRAME = [0xa9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xa9, 0, 0x85, 0]; // VSYNC
const LINES = [0xa2, 0x40, 0x85, 2, 0xca, 0xd0, 0xfb]; // 64 lines
export const stack = (sp) => [0xa2, sp, 0x9a];
export const store = (value, address) => [0xa9, value, 0x85, address];
const keep = (address) => [0x85, address];
export const low = (address) => address & 0xff;
const high = (address) => address >> 8;

/** `code` once per frame, with the program at `at` of every `unit` bytes; bytes between are the number of the unit, and change with the place. */
function cartridge(size, code, { unit = Math.min(size, 4096), at = 0, patches = {}, superchip = 0 } = {}) {
  const rom = new Uint8Array(size);
  for (let i = 0; i < size; i++) rom[i] = (Math.floor(i / unit) * 16 + ((i >> 4) & 15) + (i >> 9)) & 255;
  const address = 0xf000 + (unit === 2048 ? 0x800 : 0) + at;
  const body = [
    ...START,
    ...FRAME,
    ...code,
    ...stack(0xff),
    ...LINES,
    0x4c,
    low(address + START.length),
    high(address),
  ];
  for (let begin = 0; begin < size; begin += unit) {
    rom.set(body, begin + at);
    if (superchip) rom.fill(begin / unit + 1, begin, begin + superchip);
    rom.set([low(address), high(address), low(address), high(address), low(address), high(address)], begin + unit - 6);
  }
  for (const [offset, bytes] of Object.entries(patches)) rom.set(bytes, Number(offset));
  return rom;
}
/** Reads (`0x1ff8`), and writes (`[address, value]`), in turn; reads are kept from $90 on. */
const accesses = (list) => {
  let to = 0x90;
  return list.flatMap((entry) =>
    Array.isArray(entry)
      ? [0xa9, entry[1], 0x8d, low(entry[0]), high(entry[0])]
      : [0xad, low(entry), high(entry), ...keep(to++)],
  );
};
const plain = (code) => cartridge(4096, code);
const banked = (size, list, options) => cartridge(size, accesses(list), { at: 0x200, ...options });
const sliced = (size, list, options) => cartridge(size, accesses(list), { unit: 2048, at: 0x300, ...options });
const MARK = 0x1150;
const SIGN_3F = { patches: { 1792: [0x85, 0x3f, 0xea, 0x85, 0x3f] } };
/** Where the program below has the numbers that it stores. */
const ANOTHER_NUMBER_IN_BANK_1 = Object.fromEntries([4, 11, 18, 25].map((i) => [0x1218 + i, [2]]));
const SIGN_3E = { patches: { 1792: [0x85, 0x3e, 0xa9, 0x00] } };
/** What the timer shows after writes that would be WSYNC, and one that would be RSYNC, were they the TIA's. */
const throughOwnSpace = [0x1402, 0x1403, 0x1002, 0x1c02, 0x1c82].flatMap((address, i) => [
  ...[0xa9, 0xff, 0x8d, 0x94, 0x02, 0x8d, low(address), high(address), 0xad, 0x84, 0x02, ...keep(0x90 + i)],
]);

/**
 * Never ends a frame, which is PAL's then, so that the limit of instructions cuts it and a reset meets it: the picture's first line is line 0, and its
 * last one still line 283. Whether ball and playfield collide on lines 255 to 264, 278 to 280, and from 285 on: $90, $91, $92.
 */
function belowTheWindow() {
  const lines = (count) => [0xa2, count, 0x85, 2, 0xca, 0xd0, 0xfb];
  const collision = (count, address) => [0x85, 0x2c, ...lines(count), 0xa5, 0x06, ...keep(address)];
  const rom = new Uint8Array(4096).fill(0xea);
  const code = [
    ...[...START, ...store(0xff, 0x0d), ...store(2, 0x1f), ...lines(200), ...lines(55)],
    ...[...collision(10, 0x90), ...lines(13), ...collision(3, 0x91), ...lines(4), ...collision(4, 0x92)],
  ];
  rom.set([...code, 0x4c, low(code.length), 0xf0]);
  rom.set([0x00, 0xf0, 0x00, 0xf0], 4092);
  return rom;
}

/**
 * Code in the RIOT's addresses: JSR $0282 runs ROL $EFFF, because the timer is the upper half of its address; that sets the timer, and the opcode
 * behind it is the timer's flag. A handler of BRK keeps the address from which it came.
 */
function timerOpcode() {
  const rom = new Uint8Array(4096).fill(0xea);
  const code = [...START, 0xa9, 0xf0, 0x8d, 0x97, 0x02, 0x38, 0x20, 0x82, 0x02];
  const handler = [0x68, 0x68, ...keep(0x90), 0xad, 0x84, 0x02, ...keep(0x91), ...FRAME, ...LINES];
  rom.set([...code, ...handler, 0x4c, START.length - 3, 0xf0]);
  rom.set([0x00, 0xf0, low(code.length), 0xf0], 4092);
  return rom;
}
/** The timer is the first opcode after a reset. */
function timerFirst() {
  const rom = new Uint8Array(4096).fill(0xea);
  rom.set([...[0x68, ...keep(0x90), 0x68, ...keep(0x91), 0x68, ...keep(0x92)], ...FRAME, ...LINES, 0x4c, 9, 0xf0]);
  rom.set([0x84, 0x02, 0x00, 0xf0], 4092);
  return rom;
}

/** The registers of DPC, which keep what they hold in a reset: random numbers, and when they go on; a fetcher of data, and one that plays. */
function dpc() {
  const random = [0x1000, 0x1008, 0x1040, 0x1000, [0x1200, 1], 0x1000, 0x1200, 0x1000];
  const music = [[0x1045, 10], [0x104d, 5], 0x1005, [0x105d, 0x10], [0x1055, 3], 0x1005, 0x100d, 0x103d, 0x1005];
  const code = banked(8192, [...random, ...music, 0x1ff8, MARK, 0x1000, [0x1ff9, 0], MARK]);
  const rom = Uint8Array.from({ length: 10240 }, (_, i) => (i & 255) ^ (i >> 3));
  rom.set(code);
  return rom;
}

/** BPL in the last bytes of RAM, to its own operand: ISB with an address in the TIA, $3f3f, whose byte becomes 0 there, which is the opcode behind it: BRK. */
function branchToItsOperand() {
  const code = [
    ...[...store(0x10, 0xfe), ...store(0xff, 0xff), ...stack(0xe0)],
    ...[0xa2, 0, 0x38, 0xa9, 0x40, 0x4c, 0xfe, 0x00],
  ];
  const handler = [
    ...[...keep(0x90), 0x68, ...keep(0x91), 0x68, ...keep(0x92), 0x68, ...keep(0x93)],
    ...[...stack(0xff), ...LINES],
  ];
  return cartridge(4096, code, {
    patches: { 3903: [0xff], 2048: [...handler, 0x4c, START.length, 0xf0], 4094: [0x00, 0xf8] },
  });
}

export const PROGRAMS = {
  'PLA from a TIA register below RAM': plain([...store(0x37, 0xff), ...stack(0xff), 0x68, ...keep(0x90)]),
  'PLA from a TIA register': plain([...stack(0x10), 0x68, ...keep(0x90), ...stack(0x7e), 0x68, ...keep(0x91)]),
  'PLP from TIA registers': plain([
    ...[...store(0x3f, 0xff), ...stack(0xff), 0x28, ...stack(0xff), 0x08, 0x68, ...keep(0x90), 0xd8],
    ...[...stack(0x1d), 0x28, ...stack(0xff), 0x08, 0x68, ...keep(0x91), 0xd8, 0x78],
  ]),
  'RTS whose return address begins in the TIA': cartridge(4096, [...store(0xf8, 0x80), ...stack(0x7e), 0xa0, 0, 0x60], {
    patches: {
      2048: [...Array(253).fill(0xc8), 0x4c, 0x00, 0xf9],
      2304: [0x84, 0x90, ...stack(0xff), ...LINES, 0x4c, 0x0a, 0xf0],
    },
  }),
  'RTI whose return address begins in the TIA': cartridge(4096, [...store(0xf8, 0x80), ...stack(0x7d), 0xa0, 0, 0x40], {
    patches: {
      2048: [...Array(253).fill(0xc8), 0x4c, 0x00, 0xf9],
      2304: [0xd8, 0x84, 0x90, ...stack(0xff), ...LINES, 0x4c, 0x0a, 0xf0],
    },
  }),
  '(zp,X) with its pointer in the TIA': plain([
    0xa2,
    0xfe,
    0xa1,
    0x71,
    ...keep(0x90),
    0xa2,
    0x03,
    0xa1,
    0x0a,
    ...keep(0x91),
  ]),
  '(zp),Y with its pointer in the TIA': plain([0xa0, 0x04, 0xb1, 0x0e, ...keep(0x90), 0xb1, 0xff, ...keep(0x91)]),
  'TIA reads by every mode': plain([
    ...[
      0xa5,
      0x0e,
      ...keep(0x90),
      0xa2,
      2,
      0xb5,
      0x3c,
      ...keep(0x91),
      0xad,
      0x4e,
      0x0b,
      ...keep(0x92),
      0xbd,
      0x0c,
      0x05,
      ...keep(0x93),
    ],
    ...[0xa0, 0x0e, 0xb6, 0x00, 0x86, 0x94, 0x2c, 0x0e, 0x24, 0x08, 0x68, ...keep(0x95), 0x08],
  ]),
  'ARR in decimal mode, with and without carry': plain(
    [0x00, 0x0f, 0x55, 0x5a, 0x99, 0xff].flatMap((value, i) => [
      ...[0x38, 0xf8, 0xa9, value, 0x6b, 0xff, 0x08, 0xd8, ...keep(0x90 + 4 * i), 0x68, ...keep(0x91 + 4 * i)],
      ...[0x18, 0xf8, 0xa9, value, 0x6b, 0xf7, 0x08, 0xd8, ...keep(0x92 + 4 * i), 0x68, ...keep(0x93 + 4 * i)],
    ]),
  ),
  'a branch on the carry of ARR': plain([0x38, 0xf8, 0xa9, 0, 0x6b, 0, 0xd8, 0xa9, 0, 0x90, 2, 0xa9, 1, ...keep(0x90)]),
  'JSR whose pushes overwrite its last byte': plain([
    ...[...store(0x20, 0xfd), ...store(0x00, 0xfe), ...store(0xf7, 0xff), ...stack(0xff), 0x4c, 0xfd, 0x00],
  ]),
  'RTS over a hotspot': cartridge(
    8192,
    [0xad, 0xf8, 0x1f, ...store(0xf9, 0xfe), ...store(0xff, 0xff), ...stack(0xfd), 0x60],
    {
      patches: Object.fromEntries(
        [0, 4096].flatMap((bank) => [
          [bank + 0xffa, [0xd0, 0xd4]],
          [bank + 0xfd0, [0xa9, bank >> 12, 0x85, 0x90, ...stack(0xff), 0x4c, 0xe0, 0xff]],
          [bank + 0xfe0, [...LINES, 0x4c, 0x0a, 0xf0]],
        ]),
      ),
    },
  ),
  'code that runs over the hotspots of F8': cartridge(8192, [0xad, 0xf8, 0x1f, 0x4c, 0xf5, 0xff], {
    patches: Object.fromEntries(
      [0, 4096].flatMap((bank) => [
        [bank + 0xff4, [0xea, 0xa0, bank ? 7 : 5, 0xea, 0xea, 0xea, 0xd0, 0xd4]],
        [bank + 0xfd0, [0x84, 0x90, 0xa9, bank >> 12, 0x85, 0x91, 0x4c, 0xe0, 0xff]],
        [bank + 0xfe0, [...LINES, 0x4c, 0x0a, 0xf0]],
      ]),
    ),
  }),
  // The first access in the window draws the lines above it too: ball and playfield collide there.
  'a reset in the middle of a frame that was cut': cartridge(4096, [], {
    patches: {
      0: [
        ...[...START, ...store(2, 0x1f), ...store(0xff, 0x0d), ...keep(0x0e), ...keep(0x0f), ...keep(0x2c)],
        ...[0xa2, 34, 0x85, 2, 0xca, 0xd0, 0xfb, 0xa5, 0x06, ...keep(0x90), 0x4c, 0x23, 0xf0],
      ],
    },
  }),
  F8: banked(8192, [MARK, 0x1ff8, MARK, [0x1ff9, 0], MARK, 0xdff8, MARK]),
  F8SC: banked(8192, [[0x1000, 17], [0x107f, 18], 0x1080, 0x10ff, 0x1000, 0x1ff8, MARK, 0x1081, 0x1080], {
    superchip: 256,
  }),
  F6: banked(16384, [MARK, 0x1ff7, MARK, [0x1ff9, 0], MARK, 0x1ff8, MARK, 0x1ff6, MARK]),
  F6SC: banked(16384, [[0x1012, 19], 0x1092, 0x1ff9, MARK, 0x1092, 0x1090], { superchip: 256 }),
  F4: banked(32768, [MARK, 0x1ff5, MARK, 0x1ff8, MARK, [0x1ffb, 0], MARK, 0x1ffa, MARK, 0x1ff4, MARK]),
  F4SC: banked(32768, [[0x1033, 21], 0x10b3, 0x1ffb, MARK, 0x10b3, 0x10b2, 0x1033], { superchip: 256 }),
  FA: banked(12288, [MARK, [0x10fe, 99], 0x11fe, 0x1101, 0x1ff8, MARK, 0x1ff9, MARK, 0x11fe, 0x10fe], { at: 0x300 }),
  F0: banked(65536, [MARK, 0x1ff0, MARK, 0x1ff0, MARK, [0x1ff0, 1], MARK]),
  DPC: dpc(),
  E0: cartridge(
    8192,
    accesses([0x1010, 0x1410, 0x1810, 0x1fe3, 0x1fe8, 0x1ff6, 0x1010, 0x1410, 0x1810, [0x1fe1, 0], 0x1010]),
    {
      unit: 4096,
      at: 0xd00,
      patches: { 1536: [0x8d, 0xe0, 0x1f] },
    },
  ),
  E7: sliced(
    16384,
    [
      0x1050,
      0x1fe3,
      0x1050,
      0x1fe7,
      [0x1012, 7],
      0x1412,
      0x1413,
      0x1012,
      [0x1801, 8],
      0x1901,
      0x1fe9,
      0x1901,
      0x1fe8,
      0x1901,
      0x1801,
      0x1fe1,
      0x1150,
      0x1fe7,
      0x1412,
    ],
    { patches: { 14336: Array(512).fill(0x77) } },
  ),
  UA: banked(8192, [0x220, MARK, 0x240, MARK, [0x220, 1], MARK, 0x221, MARK, [0x2240, 1], MARK], {
    patches: { 1792: [0x8d, 0x40, 0x02] },
  }),
  'UA that switches under its code': cartridge(
    8192,
    [
      ...[0xad, 0x20, 0x02, ...store(1, 0x90), 0xad, 0x40, 0x02, ...store(1, 0x91)],
      ...[0x8d, 0x20, 0x02, ...store(1, 0x92), 0x8d, 0x40, 0x02, ...store(1, 0x93)],
    ],
    { at: 0x200, patches: { 1792: [0x8d, 0x40, 0x02], ...ANOTHER_NUMBER_IN_BANK_1 } },
  ),
  '3F': sliced(8192, [0x1050, [0x3f, 1], 0x1050, [0x02, 2], 0x1050, [0x3f, 7], 0x1050, [0x7f, 0], 0x1050, 0x0e, 0x3e], {
    patches: { 1792: [0x85, 0x3f, 0xea, 0x85, 0x3f] },
  }),
  '3E': sliced(
    16384,
    [
      0x1050,
      [0x3f, 2],
      0x1050,
      [0x3e, 1],
      [0x1403, 66],
      0x1003,
      0x1403,
      0x1004,
      [0x3e, 2],
      0x1003,
      [0x3e, 33],
      0x1003,
      0x0e,
      [0x3f, 1],
      0x1050,
      0x3e,
    ],
    { patches: { 1792: [0x85, 0x3e, 0xa9, 0x00] } },
  ),
  '3F that writes to its own space': sliced(
    8192,
    [
      ...[[0x3f, 1], 0x1050, [0x1009, 2], 0x1050, [0x103f, 3], 0x1050, [0x1049, 0], 0x1050, [0x1809, 1], 0x1050],
      ...[[0x183f, 2], 0x1050, [0xf03f, 2], 0x1050],
    ],
    SIGN_3F,
  ),
  '3E that writes to its own space': sliced(
    16384,
    [
      ...[[0x3f, 1], 0x1050, [0x1009, 2], 0x1050, [0x103f, 3], 0x1050, [0x103e, 0], 0x1050, [0x1009, 1], 0x1050],
      ...[[0x143f, 9], 0x103f, 0x1050, [0x1003, 7], 0x1003, 0x1403, [0x103f, 2], 0x1050, [0x1c3f, 3], 0x1050],
    ],
    SIGN_3E,
  ),
  'WSYNC through the space of 3F': cartridge(8192, throughOwnSpace, { unit: 2048, at: 0x300, ...SIGN_3F }),
  'WSYNC through the space of 3E': cartridge(16384, throughOwnSpace, { unit: 2048, at: 0x300, ...SIGN_3E }),
  '3F read at mirrors of its hotspots': cartridge(
    8192,
    [
      ...[...store(2, 0x3f), ...store(0x50, 0xff), 0xa0, 0, 0xb1, 0xff, ...keep(0x90), 0xa2, 2, 0xa1, 0xfd],
      ...[
        ...keep(0x91),
        0xad,
        0x40,
        0,
        ...keep(0x92),
        0xad,
        0x3f,
        0x20,
        ...keep(0x93),
        0xad,
        0x3f,
        0x01,
        ...keep(0x94),
      ],
    ],
    { unit: 2048, at: 0x300, ...SIGN_3F },
  ),
  'F4SC written to at its hotspots': banked(
    32768,
    [0x1ff5, [0x1ff8, 0], MARK, [0x1ffb, 0], MARK, [0x1ff4, 0], MARK, 0x1ffb, [0x1ff9, 3], MARK],
    { superchip: 256 },
  ),
  CV: sliced(2048, [[0x1405, 44], 0x1005, 0x1405, 0x1006, 0x1850], { patches: { 1536: [0x99, 0x00, 0xf4] } }),
  'CV of 4 KiB': sliced(4096, [0x1000, 0x1001, [0x1405, 44], 0x1005, 0x1405, 0x1006, 0x1850], {
    patches: { 3584: [0x99, 0x00, 0xf4] },
  }),
  'the flag of the timer, read at the clock at which it is set': timerOpcode(),
  'the timer, read at the clock of a reset': timerFirst(),
  'collisions below the window after a reset in a cut frame': belowTheWindow(),
  'a branch to its own operand, where RAM ends': branchToItsOperand(),
};
/** Frames that each is played before a reset and after it. */
export const PROGRAM_FRAMES = 5;
/** The supported game whose file name the programs have in ALE; it asks nothing of a ROM. */
export const PROGRAM_GAME = 'enduro';
