// The banks that the 6507 sees: 4 KiB of memory each, which the interpreter reads by itself below `hotspots`. Above lie addresses that the
// cartridge takes notice of. There the banks hold jams, so that code is fetched byte by byte (see locate in bus.ts); data comes from the file.
import { BANK_STRIDE, ROM_AREA_BYTES, ROM_BANKS, ROM_FILE, cartridge } from './state';
import { INSTRUCTION_BYTES } from './generated/instruction-bytes';

export const CART_PLAIN = 0, CART_F8 = 1, CART_F6 = 2, CART_E0 = 3, CART_FE = 4, CART_DPC = 5, CART_F4 = 6, CART_FA = 7, CART_F0 = 8, CART_UA = 9, CART_0840 = 10;
export const CART_3F = 11, CART_3E = 12, CART_E7 = 13, CART_CV = 14;
const JAM: u8 = 0x02;

/** Start of the bank that the 6507 sees, and the first offset in it that needs the cartridge (0: every access does). */
export let bank: i32 = 0;
export let hotspots: i32 = 0x1000;
/** First offset at which code is fetched byte by byte. */
export let codeEnd: i32 = 0x1000;
export let type: i32 = CART_PLAIN;
export let banks: i32 = 1;
export let fileBytes: i32 = 0;
/** Whether the cartridge takes notice of addresses that are not its own (3F, 3E, UA, 0840). */
export let watchesBus: bool = false;
/** Whether the bank is put together from slices of 1 KiB (E0). */
export let hasSlices: bool = false;

@inline export function bankAt(index: i32): i32 { return <i32>ROM_BANKS + index * <i32>BANK_STRIDE; }
@inline export function isComposed(): bool { return type == CART_E0 || type >= CART_3F; }
/** Which slice of E0 is at an offset of the bank. */
@inline export function sliceAt(offset: i32): i32 { return offset >= 0xc00 ? 7 : (cartridge.select >> (offset >> 10 << 3)) & 7; }
export function select(index: i32): void {
  cartridge.select = index;
  bank = bankAt(index);
  if (!switchesAnywhere()) return;
  // The code that runs goes on in the other bank, wherever the access was: it sees a copy.
  bank = bankAt(2);
  memory.copy(bank, bankAt(index), 0x1000);
}
/** UA and 0840: two banks, switched by addresses that are not the cartridge's. */
@inline function switchesAnywhere(): bool { return type == CART_UA || type == CART_0840; }

function bankCount(kind: i32): i32 {
  switch (kind) {
    case CART_F8: case CART_FE: case CART_DPC: case CART_UA: case CART_0840: return 2;
    case CART_FA: return 3;
    case CART_F6: return 4;
    case CART_F4: return 8;
    case CART_F0: return 16;
  }
  return 1;
}
function firstHotspot(kind: i32): i32 {
  switch (kind) {
    case CART_F8: case CART_FA: return 0xff8;
    case CART_F6: return 0xff6;
    case CART_F4: return 0xff4;
    case CART_F0: return 0xff0;
    case CART_E0: case CART_E7: return 0xfe0;
  }
  return 0x1000;
}

/** Lays out the file's banks. Of those put together from slices only the last, which never changes, is in place afterwards. */
export function buildBanks(kind: i32, bytes: i32): void {
  type = kind;
  fileBytes = bytes;
  banks = bankCount(kind);
  hasSlices = kind == CART_E0;
  watchesBus = kind == CART_UA || kind == CART_0840 || kind == CART_3F || kind == CART_3E;
  memory.fill(ROM_BANKS - 0x100, JAM, ROM_AREA_BYTES);
  hotspots = codeEnd = firstHotspot(kind);
  bank = bankAt(0);
  // DPC clocks its random register on every access to the last 64 bytes, code included: all of its code is fetched byte by byte.
  if (kind == CART_DPC) {
    hotspots = codeEnd = 0;
    return;
  }
  const first = hotspots;
  for (let i = 0; i < banks; i++) {
    const at = bankAt(i);
    if (isComposed()) memory.copy(at + 0x800, fileEnd() - 0x800, 0x800);
    else if (bytes == 2048) {
      memory.copy(at, ROM_FILE, 2048);
      memory.copy(at + 2048, ROM_FILE, 2048);
    } else memory.copy(at, ROM_FILE + i * 4096, 4096);
    const end = runEnd(at, first);
    memory.fill(at + end, JAM, 0x1000 - end);
    hotspots = min(hotspots, end);
  }
  codeEnd = hotspots;
  if (kind == CART_FE) hotspots = 0; // the bank depends on the address
}
@inline function fileEnd(): usize { return ROM_FILE + fileBytes; }
/**
 * The last offset up to `first` across which no instruction of the bank can reach, wherever it starts: jams from here on are met only by
 * instructions that begin there.
 */
function runEnd(at: i32, first: i32): i32 {
  for (let end = first; end > first - 0x180; end--)
    if (<i32>load<u8>(INSTRUCTION_BYTES + load<u8>(at + end - 1)) == 1 && <i32>load<u8>(INSTRUCTION_BYTES + load<u8>(at + end - 2)) <= 2) return end;
  return first;
}
/** A byte of the ROM at an offset where the bank holds jams. */
export function romByte(offset: i32): i32 {
  if (isComposed()) return <i32>load<u8>(fileEnd() - 4096 + offset);
  return <i32>load<u8>(ROM_FILE + (fileBytes == 2048 ? offset & 0x7ff : cartridge.select * 4096 + offset));
}
