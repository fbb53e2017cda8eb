// Cartridges: the bank switching schemes that the machine has, which sizes they come in, and how a ROM's scheme is told from its bytes.
// Detection gives what ALE gives, which was measured by showing it ROMs, except that it takes 0840 for F8.
import { AleRomError } from './errors.ts';

/** Bank switching schemes, by the names that emulators use. */
export type CartridgeType =
  | '2K'
  | '4K'
  | 'F8'
  | 'F8SC'
  | 'F6'
  | 'F6SC'
  | 'F4'
  | 'F4SC'
  | 'FA'
  | 'F0'
  | 'E0'
  | 'E7'
  | 'FE'
  | 'UA'
  | '0840'
  | '3F'
  | '3E'
  | 'CV'
  | 'DPC';

const KIB = 1024;
/** Usual size in bytes; 3F, 3E, CV and DPC come in others too. */
export const CARTRIDGE_BYTES: Readonly<Record<CartridgeType, number>> = {
  '2K': 2 * KIB,
  '4K': 4 * KIB,
  F8: 8 * KIB,
  F8SC: 8 * KIB,
  F6: 16 * KIB,
  F6SC: 16 * KIB,
  F4: 32 * KIB,
  F4SC: 32 * KIB,
  FA: 12 * KIB,
  F0: 64 * KIB,
  E0: 8 * KIB,
  E7: 16 * KIB,
  FE: 8 * KIB,
  UA: 8 * KIB,
  '0840': 8 * KIB,
  '3F': 8 * KIB,
  '3E': 32 * KIB,
  CV: 2 * KIB,
  DPC: 10 * KIB,
};
/** Largest file that the machine takes. */
export const MAXIMUM_ROM_BYTES = 512 * KIB;

/** Numbers of assembly/cartridge-banks.ts, and whether 128 bytes of RAM are added. */
export const CARTRIDGE_CODES: Readonly<Record<CartridgeType, readonly [type: number, superchip: 0 | 1]>> = {
  '2K': [0, 0],
  '4K': [0, 0],
  F8: [1, 0],
  F8SC: [1, 1],
  F6: [2, 0],
  F6SC: [2, 1],
  E0: [3, 0],
  FE: [4, 0],
  DPC: [5, 0],
  F4: [6, 0],
  F4SC: [6, 1],
  FA: [7, 0],
  F0: [8, 0],
  UA: [9, 0],
  '0840': [10, 0],
  '3F': [11, 0],
  '3E': [12, 0],
  E7: [13, 0],
  CV: [14, 0],
};

/** Whether a cartridge of this type can have so many bytes. */
export function fitsCartridge(type: CartridgeType, bytes: number): boolean {
  if (type === 'DPC') return bytes >= 10_240 && bytes <= 10_495;
  if (type === 'CV') return bytes === 2 * KIB || bytes === 4 * KIB;
  if (type === '3F' || type === '3E') return bytes % (2 * KIB) === 0 && bytes >= 4 * KIB && bytes <= MAXIMUM_ROM_BYTES;
  return bytes === CARTRIDGE_BYTES[type];
}

/** How often a pattern of bytes occurs, up to `enough`. As in ALE, the last place of the file does not count, nor one right behind another. */
function count(rom: Uint8Array, pattern: readonly number[], enough: number): number {
  let found = 0;
  for (let at = 0; at < rom.length - pattern.length && found < enough; at++)
    if (pattern.every((byte, i) => rom[at + i] === byte)) {
      found++;
      at += pattern.length;
    }
  return found;
}
const has = (rom: Uint8Array, patterns: readonly (readonly number[])[], times = 1): boolean =>
  patterns.some((pattern) => count(rom, pattern, times) >= times);

/** Instructions that only programs for a scheme contain: accesses of its hotspots. */
const SIGNATURES = {
  E0: [
    [0x8d, 0xe0, 0x1f],
    [0x8d, 0xe0, 0x5f],
    [0x8d, 0xe9, 0xff],
    [0xad, 0xe9, 0xff],
    [0xad, 0xed, 0xff],
    [0xad, 0xf3, 0xbf],
  ],
  UA: [[0x8d, 0x40, 0x02]],
  CV: [
    [0x9d, 0xff, 0xf3],
    [0x99, 0x00, 0xf4],
  ],
  FE: [
    [0x20, 0x00, 0xd0, 0xc6, 0xc5],
    [0x20, 0xc3, 0xf8, 0xa5, 0x82],
    [0xd0, 0xfb, 0x20, 0x73, 0xfe],
    [0x20, 0x00, 0xf0, 0x84, 0xd6],
  ],
  '0840': [
    [0xad, 0x00, 0x08],
    [0xad, 0x40, 0x08],
  ],
  '3E': [[0x85, 0x3e, 0xa9, 0x00]],
  '3F': [[0x85, 0x3f]],
} as const;

/** Every bank of 4 KiB begins with 256 equal bytes, where the ports of the RAM lie. */
function isSuperchip(rom: Uint8Array): boolean {
  for (let bank = 0; bank < rom.length; bank += 4 * KIB)
    if (!rom.subarray(bank, bank + 256).every((byte) => byte === rom[bank])) return false;
  return true;
}
function halvesAreEqual(rom: Uint8Array): boolean {
  const half = rom.length / 2;
  return rom.subarray(0, half).every((byte, i) => byte === rom[half + i]);
}
/** The 512 bytes under the ports of E7's second RAM are equal, and no part of a larger empty area. */
function isE7(rom: Uint8Array): boolean {
  const [from, to] = [0x3800, 0x3a00];
  const differs = (byte: number) => byte !== rom[from];
  return (
    !rom.subarray(from, to).some(differs) &&
    (rom.subarray(from - 32, from).some(differs) || rom.subarray(to, to + 32).some(differs))
  );
}
/** 3E and 3F, which come in many sizes; undefined when it is neither. */
function tigervision(rom: Uint8Array): '3E' | '3F' | undefined {
  if (has(rom, SIGNATURES['3E'])) return '3E';
  return has(rom, SIGNATURES['3F'], 2) ? '3F' : undefined;
}

/** Schemes that are recognized but not there. */
function refuse(rom: Uint8Array, name: string): never {
  throw new AleRomError(
    `the ROM of ${rom.length} bytes is a cartridge of type ${name}, which this emulator does not have; it has ${Object.keys(CARTRIDGE_BYTES).join(', ')}`,
  );
}

/**
 * The scheme of a ROM, by size and content.
 * @throws AleRomError for a size that no cartridge has, or a scheme that is not supported
 */
export function detectCartridge(rom: Uint8Array): CartridgeType {
  if (rom.length > 0 && rom.length % 8448 === 0) refuse(rom, 'AR (Supercharger tape)');
  switch (rom.length) {
    case 2 * KIB:
      return has(rom, SIGNATURES.CV) ? 'CV' : '2K';
    case 4 * KIB:
      return has(rom, SIGNATURES.CV) ? 'CV' : '4K';
    case 8 * KIB:
      if (isSuperchip(rom)) return 'F8SC';
      if (halvesAreEqual(rom)) return 'F8'; // 4 KiB twice: whatever switches, nothing changes
      if (has(rom, SIGNATURES.E0)) return 'E0';
      if (tigervision(rom)) return tigervision(rom) as CartridgeType;
      if (has(rom, SIGNATURES.UA)) return 'UA';
      if (has(rom, SIGNATURES.FE)) return 'FE';
      if (has(rom, SIGNATURES['0840'], 2)) return '0840';
      return 'F8';
    case 12 * KIB:
      return 'FA';
    case 16 * KIB:
      if (isSuperchip(rom)) return 'F6SC';
      if (isE7(rom)) return 'E7';
      return tigervision(rom) ?? 'F6';
    case 32 * KIB:
      if (isSuperchip(rom)) return 'F4SC';
      return tigervision(rom) ?? 'F4';
    case 64 * KIB:
      return tigervision(rom) ?? 'F0';
  }
  if (fitsCartridge('DPC', rom.length)) return 'DPC';
  const found = tigervision(rom);
  if (found && fitsCartridge(found, rom.length)) return found;
  if (rom.length === 128 * KIB) refuse(rom, 'MC or 4A50');
  throw new AleRomError(
    `the ROM has ${rom.length} bytes; expected 2048, 4096, 8192, 10240 to 10495 (DPC), 12288, 16384, 32768 or 65536, or a multiple of 2048 for a cartridge of type 3F or 3E`,
  );
}
