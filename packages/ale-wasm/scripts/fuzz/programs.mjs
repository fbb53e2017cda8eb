// Random programs as cartridges of every scheme: instructions of all kinds, with addresses that hit RAM, TIA, RIOT, ROM and the scheme's hotspots.
// A program is a loop of random pieces, between which frames end as real games end them, or (rarely) don't.
import { OPCODES } from '../../codegen/opcodes.mjs';

const LENGTH = { imp: 1, acc: 1, imm: 2, zp: 2, zpx: 2, zpy: 2, izx: 2, izy: 2, rel: 2, abs: 3, abx: 3, aby: 3 };
const VSYNC = [0xa9, 2, 0x85, 0x00, 0x85, 0x02, 0x85, 0x02, 0x85, 0x02, 0xa9, 0, 0x85, 0x00];
/** A loop of lines: LDX #n; STA WSYNC; DEX; BNE. */
const lines = (count) => [0xa2, count, 0x85, 0x02, 0xca, 0xd0, 0xfb];
const STACK = [0xa2, 0xff, 0x9a];

/** Bytes in file (and of these the code, where there is more), where a scheme's RAM ports end in a bank, and addresses that matter to it. */
export const SCHEMES = {
  '2K': { bytes: 2048 },
  '4K': { bytes: 4096 },
  F8: { bytes: 8192, hot: [0x1ff8, 0x1ff9] },
  F8SC: { bytes: 8192, first: 0x100, hot: [0x1ff8, 0x1ff9], ram: true },
  F6: { bytes: 16384, hot: [0x1ff6, 0x1ff7, 0x1ff8, 0x1ff9] },
  F6SC: { bytes: 16384, first: 0x100, hot: [0x1ff6, 0x1ff7, 0x1ff8, 0x1ff9], ram: true },
  F4: { bytes: 32768, hot: [0x1ff4, 0x1ff5, 0x1ff6, 0x1ff7, 0x1ff8, 0x1ff9, 0x1ffa, 0x1ffb] },
  F4SC: {
    bytes: 32768,
    first: 0x100,
    hot: [0x1ff4, 0x1ff5, 0x1ff6, 0x1ff7, 0x1ff8, 0x1ff9, 0x1ffa, 0x1ffb],
    ram: true,
  },
  FA: { bytes: 12288, first: 0x200, hot: [0x1ff8, 0x1ff9, 0x1ffa], ram: true },
  F0: { bytes: 65536, hot: [0x1ff0] },
  E0: {
    bytes: 8192,
    hot: [0x1fe0, 0x1fe3, 0x1fe5, 0x1fe8, 0x1feb, 0x1fef, 0x1ff0, 0x1ff2, 0x1ff7],
    sign: [0x8d, 0xe0, 0x1f],
  },
  E7: { bytes: 16384, hot: [0x1fe0, 0x1fe1, 0x1fe3, 0x1fe6, 0x1fe7, 0x1fe8, 0x1fe9, 0x1feb], ram: true },
  UA: { bytes: 8192, hot: [0x220, 0x240, 0x21f, 0x260], sign: [0x8d, 0x40, 0x02] },
  '3F': { bytes: 8192, hot: [0x3f, 0x3f, 0x20, 0x7f], sign: [0x85, 0x3f, 0x85, 0x3f] },
  '3E': { bytes: 16384, hot: [0x3f, 0x3e, 0x3e, 0x13e], ram: true, sign: [0x85, 0x3e, 0xa9, 0x00] },
  CV: { bytes: 2048, ram: true, sign: [0x99, 0x00, 0xf4] },
  FE: { bytes: 8192, hot: [0x1180, 0x3180, 0xd280, 0xf280], sign: [0x20, 0x00, 0xd0, 0xc6, 0xc5] },
  // Registers in the first 128 bytes; 2 KiB of data behind the code.
  DPC: { bytes: 10240, code: 8192, hot: [0x1ff8, 0x1ff9, ...Array.from({ length: 128 }, (_, i) => 0x1000 + i)] },
};

function address(random, scheme) {
  const { hot, ram } = SCHEMES[scheme];
  if (hot && random.chance(0.2)) return random.pick(hot) | (random.chance(0.5) ? random.below(8) << 13 : 0);
  if (ram && random.chance(0.25)) return 0x1000 | random.below(0xa00) | (random.below(8) << 13);
  switch (random.below(8)) {
    case 0:
      return random.below(0x40);
    case 1:
      return 0x80 | random.below(0x80);
    case 2:
      return 0x280 | random.below(0x18);
    case 3:
      return 0x284;
    case 4:
      return random.below(0x1000);
    case 5:
      return 0x100 | random.below(0x100);
    case 6:
      return 0x1000 | random.below(0x1000) | (random.below(8) << 13);
    default:
      return 0xf000 | random.below(0x1000);
  }
}

/** Some instructions. Control flow stays in the piece, mostly; `wild` lets it go anywhere. */
function piece(random, scheme, base, count, wild) {
  const code = [];
  for (let i = 0; i < count; i++) {
    const opcode = random.byte();
    const { mnemonic, mode } = OPCODES[opcode];
    if (mnemonic === 'JAM') continue;
    const leaves = ['BRK', 'RTI', 'RTS', 'JMI', 'JMP', 'JSR'].includes(mnemonic);
    if (leaves && !wild) {
      if (mnemonic === 'JSR') code.push(0x20, 0x00, base + 0xd);
      else if (mnemonic === 'JMP') code.push(0x4c, (code.length + 3) & 0xff, base + ((code.length + 3) >> 8) + 1);
      continue;
    }
    if (leaves && random.chance(0.6)) continue;
    const length = LENGTH[mode];
    if (mode === 'rel')
      code.push(opcode, random.chance(wild ? 0.2 : 0.02) ? 0x100 - random.below(40) : random.below(10));
    else if (length === 1) code.push(opcode);
    else if (mode === 'imm') code.push(opcode, random.byte());
    else if (length === 2) {
      const value = random.below(10);
      code.push(opcode, value < 5 ? 0x80 | random.byte() : value < 9 ? random.below(0x40) : random.byte());
    } else {
      const at = address(random, scheme);
      code.push(opcode, at & 0xff, at >> 8);
    }
  }
  return code;
}

/** One bank's 4 KiB (or 2) of program; code begins at offset 0x100, a subroutine lies at 0xd00. */
function program(random, scheme, size, wild) {
  const bank = new Uint8Array(size);
  const base = 0xf0;
  const code = [0xd8, ...STACK];
  const pieces = 1 + random.below(3);
  for (let i = 0; i < pieces; i++) {
    code.push(...piece(random, scheme, base, 20 + random.below(120), wild));
    // What a program can do to its own end of frame is part of the test; without this many would never end one.
    if (random.chance(0.9)) code.push(...STACK, 0xd8);
    if (random.chance(0.92)) code.push(...VSYNC);
    if (random.chance(0.8)) code.push(...lines(1 + random.below(i === pieces - 1 ? 255 : 40)));
  }
  code.push(0x4c, 0x00, base + 1);
  for (let at = 0; at < size; at++) bank[at] = random.byte();
  const limit = Math.min(0xd00, size - 0x140);
  bank.set(code.slice(0, limit), 0x100);
  if (code.length > limit) bank.set([0x4c, 0x00, base + 1], 0x100 + limit);
  bank.set(
    [...piece(random, scheme, base, random.below(12), false).filter((byte) => byte !== 0x20), 0x60],
    (0xd00 % size) & (size - 1),
  );
  return bank;
}

/** A cartridge of the scheme that plays for ever. */
export function randomCartridge(random, scheme, wild) {
  const { bytes, code = bytes, first = 0, sign } = SCHEMES[scheme];
  const rom = new Uint8Array(bytes);
  const size =
    scheme === '2K' || scheme === 'CV' || scheme === '3F' || scheme === '3E' || scheme === 'E7' ? 2048 : 4096;
  const different = scheme === '2K' || random.chance(0.7);
  let bank = program(random, scheme, size, wild);
  const start = random.chance(0.8) ? 0x00 : random.below(8);
  for (let at = 0; at < code; at += size) {
    if (different && at > 0) {
      const other = program(random, scheme, size, wild);
      // The same places keep their code now and then, so that a switch goes on in the middle of a program.
      if (random.chance(0.5)) other.set(bank.subarray(0x100, 0x400), 0x100);
      bank = other;
    }
    rom.set(bank, at);
    if (first) rom.fill(random.byte(), at, at + 256);
    const end = at + size;
    const high = size === 2048 ? 0xf9 : 0xf1;
    if (size === 2048)
      for (let i = 0; i < size - 2; i++)
        if ((rom[at + i] === 0x4c || rom[at + i] === 0x20) && (rom[at + i + 2] & 0xf8) === 0xf0) rom[at + i + 2] |= 8;
    if (random.chance(0.7)) rom.set([0x4c, 0x00, high], end - 0x23);
    rom.set(
      [start, high, random.chance(0.9) ? start : random.byte(), random.chance(0.9) ? high : random.byte()],
      end - 4,
    );
  }
  if (sign) rom.set(sign, bytes - 0x60);
  for (let at = code; at < bytes; at++) rom[at] = random.byte();
  if (scheme === 'E7') rom.fill(random.byte(), 0x3800, 0x3a00);
  return rom;
}

/** Bytes without any plan behind the first instructions. */
export function randomBytes(random, scheme) {
  const rom = Uint8Array.from({ length: SCHEMES[scheme].bytes }, () => random.byte());
  const common = Array.from({ length: 24 }, () => random.byte());
  for (let at = 0; at < rom.length; at += 2) if (random.chance(0.6)) rom[at] = random.pick(common);
  for (let end = 2048; end <= rom.length; end += 2048)
    rom.set([random.byte(), 0xf0 | random.below(16), random.byte(), 0xf0 | random.below(16)], end - 4);
  for (let at = 0; at < rom.length; at++) if ((rom[at] & 0x1f) === 0x12 || (rom[at] & 0x9f) === 0x02) rom[at] ^= 0x08; // jams
  return rom;
}
