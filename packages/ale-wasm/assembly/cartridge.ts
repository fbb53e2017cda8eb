// Cartridges: 2K and 4K; F8, F6, F4 (all also with 128 bytes of RAM), FA, F0, UA and 0840, which switch whole banks; E0, E7, 3F, 3E and CV,
// whose bank is put together from slices of ROM and RAM; FE and DPC. RAM and slices are copied into the banks when they change.
import { CARTRIDGE_RAM, CARTRIDGE_RAM_BYTES, Cartridge, ROM_BANKS, ROM_FILE, cartridge } from './state';
import { CART_0840, CART_3E, CART_3F, CART_CV, CART_DPC, CART_E0, CART_E7, CART_F0, CART_F4, CART_F6, CART_F8, CART_FA, CART_FE, CART_UA, bank, bankAt, banks, buildBanks, fileBytes, hotspots, isComposed, romByte, select, type } from './cartridge-banks';
import { powerOnDpc, readDpc, repairDpc, resetDpc, writeDpc } from './cartridge-dpc';
import { drawSystem } from './random';

/** RAM of the cartridge: up to 128 bytes lie with the console's state, more in CARTRIDGE_RAM. */
let ram: usize = 0;
let ramBytes: i32 = 0;
/** Bytes of CARTRIDGE_RAM in use. */
export let largeRamBytes: i32 = 0;

/** Takes the cartridge that the host has written to ROM_FILE. */
export function insertCartridge(kind: i32, superchip: bool, bytes: i32): void {
  buildBanks(kind, bytes);
  ramBytes = superchip ? 128 : kind == CART_FA ? 256 : kind == CART_E7 ? 2048 : kind == CART_CV ? 1024 : kind == CART_3E ? <i32>CARTRIDGE_RAM_BYTES : 0;
  largeRamBytes = ramBytes > 128 ? ramBytes : 0;
  ram = ramBytes > 128 ? CARTRIDGE_RAM : changetype<usize>(cartridge) + offsetof<Cartridge>('ram0');
}

export function powerOnCartridge(): void { if (type == CART_DPC) powerOnDpc(); }
export function resetCartridge(): void {
  cartridge.select = resetSelection();
  // A CV cartridge of 4 KiB holds what was in its RAM.
  if (type == CART_CV && fileBytes == 4096) memory.copy(ram, ROM_FILE, ramBytes);
  else for (let i = 0; i < ramBytes; i++) store<u8>(ram + i, <u8>drawSystem());
  if (type == CART_DPC) resetDpc();
  showCartridge();
}
function resetSelection(): i32 {
  switch (type) {
    case CART_F8: case CART_DPC: case CART_F0: return 1;
    case CART_FA: return 2;
    case CART_E0: return 4 | (5 << 8) | (6 << 16);
  }
  return 0;
}

/** Makes the banks agree with the console's state, after a reset or when another console was active. */
export function showCartridge(): void {
  if (isComposed()) {
    if (type == CART_E0) for (let slot = 0; slot < 3; slot++) showSlice(slot);
    else showLower();
    if (type == CART_E7) showWindow();
    return;
  }
  select(cartridge.select);
  if (ramBytes) for (let i = 0; i < banks; i++) memory.copy(bankAt(i) + ramBytes, ram, ramBytes);
}
/** After a restore. */
export function repairCartridge(): void {
  switch (type) {
    case CART_E0: cartridge.select &= 0x070707; break;
    case CART_E7: cartridge.select &= 0x0307; break;
    case CART_3F: cartridge.select = <i32>(<u32>cartridge.select % <u32>(fileBytes >> 11)); break;
    case CART_3E: cartridge.select = cartridge.select & RAM_SLICE ? RAM_SLICE | cartridge.select & 31 : <i32>(<u32>cartridge.select % <u32>(fileBytes >> 11)); break;
    default: cartridge.select = <i32>(<u32>cartridge.select % <u32>banks);
  }
  repairDpc();
  showCartridge();
}
/** Start of the bank in which code at this program counter runs. */
export function bankOf(pc: i32): i32 { return type == CART_FE ? bankAt(pc & 0x2000 ? 0 : 1) : bank; }

// ---- slices
/** In `select` of 3E: the lower half is the RAM slice of this number. */
const RAM_SLICE = 0x100;
function showSlice(slot: i32): void { memory.copy(bankAt(0) + slot * 1024, ROM_FILE + ((cartridge.select >> (slot << 3)) & 7) * 1024, 1024); }
/** The lower 2 KiB: a slice of ROM, or RAM with one port for reading and one for writing. */
function showLower(): void {
  const at = bankAt(0), selected = cartridge.select;
  if (type == CART_CV) {
    memory.copy(at, ram, 1024);
    memory.copy(at + 1024, ROM_FILE + fileBytes - 2048 + 1024, 1024);
  } else if (type == CART_3E && selected & RAM_SLICE) {
    memory.copy(at, ram + ((selected & 31) << 10), 1024);
    memory.copy(at + 1024, at, 1024);
  } else if (type == CART_E7 && (selected & 7) == 7) {
    memory.copy(at, ROM_FILE + (7 << 11), 1024);
    memory.copy(at + 1024, ram, 1024);
  } else memory.copy(at, ROM_FILE + ((type == CART_E7 ? selected & 7 : selected) << 11), 2048);
}
/** E7: 256 of its RAM's second KiB, read at 0x900. */
function showWindow(): void { memory.copy(bankAt(0) + 0x900, ram + 1024 + (cartridge.select & 0x300), 256); }
function selectLower(index: i32): void {
  if (cartridge.select == index) return;
  cartridge.select = index;
  showLower();
}

// ---- what switches
function touchHotspot(offset: i32): void {
  switch (type) {
    case CART_F8: case CART_FA: if (offset >= 0xff8 && offset < 0xff8 + banks) select(offset - 0xff8); break;
    case CART_F6: if (offset >= 0xff6 && offset <= 0xff9) select(offset - 0xff6); break;
    case CART_F4: if (offset >= 0xff4 && offset <= 0xffb) select(offset - 0xff4); break;
    case CART_F0: if (offset == 0xff0) select((cartridge.select + 1) & 15); break;
    case CART_E0: {
      if (offset < 0xfe0 || offset >= 0xff8) break;
      const slot = (offset - 0xfe0) >> 3;
      cartridge.select = (cartridge.select & ~(7 << (slot << 3))) | ((offset & 7) << (slot << 3));
      showSlice(slot);
      break;
    }
    case CART_E7:
      if (offset >= 0xfe0 && offset <= 0xfe7) selectLower((cartridge.select & 0x300) | (offset & 7));
      else if (offset >= 0xfe8 && offset <= 0xfeb) {
        cartridge.select = (cartridge.select & 7) | ((offset & 3) << 8);
        showWindow();
      }
  }
}
/** What 3F and 3E answer themselves: reads of the TIA's first 64 addresses, as in ALE. -1: not its business. */
export function readWatched(address: i32): i32 { return type >= CART_3F && (address & 0x1fff) < 0x40 ? <i32>load<u8>(bank + (address & 0x3f)) : -1; }
/** Whether a write to the cartridge's own space goes on to the TIA, as in ALE: every one of 3F and 3E, but those to the port of a RAM slice. */
export function passesOn(address: i32): bool {
  return type == CART_3F || (type == CART_3E && !(cartridge.select & RAM_SLICE && (address & 0xc00) == 0x400));
}
function selectOther(index: i32): void { if (cartridge.select != index) select(index); }
/** An access to an address that is not the cartridge's, or a write to one of its own that goes on to the TIA; `value` is -1 for reads. */
export function touchBus(address: i32, value: i32): void {
  const at = address & 0x1fff;
  switch (type) {
    case CART_UA:
      if (at == 0x220) selectOther(0);
      else if (at == 0x240) selectOther(1);
      break;
    case CART_0840:
      if ((at & 0x1840) == 0x800) selectOther(0);
      else if ((at & 0x1840) == 0x840) selectOther(1);
      break;
    case CART_3F: if ((at & 0xfff) <= 0x3f && value >= 0) selectLower(<i32>(<u32>value % <u32>(fileBytes >> 11))); break;
    case CART_3E:
      if (value < 0) break;
      if ((at & 0xfff) == 0x3f) selectLower(<i32>(<u32>value % <u32>(fileBytes >> 11)));
      else if ((at & 0xfff) == 0x3e) selectLower(RAM_SLICE | value & 31);
  }
}

export function readCartridge(address: i32, cycles: i32): i32 {
  const offset = address & 0xfff;
  if (type == CART_FE) return <i32>load<u8>(ROM_FILE + (address & 0x2000 ? 0 : 4096) + offset);
  if (type == CART_DPC) return readDpc(offset, cycles);
  if (offset < hotspots) return <i32>load<u8>(bank + offset);
  touchHotspot(offset);
  return romByte(offset);
}

export function writeCartridge(address: i32, value: i32): void {
  const offset = address & 0xfff;
  if (type == CART_DPC) writeDpc(offset, value);
  else if (isComposed()) writeSlices(offset, value);
  else if (offset < ramBytes) {
    store<u8>(ram + offset, value);
    for (let i = 0; i < banks; i++) store<u8>(bankAt(i) + ramBytes + offset, value);
  }
  // F4 with RAM switches by reads alone, in ALE.
  if (offset >= hotspots && hotspots && !(type == CART_F4 && ramBytes)) touchHotspot(offset);
}
function writeSlices(offset: i32, value: i32): void {
  const at = bankAt(0), selected = cartridge.select;
  if (type == CART_CV) {
    if (offset < 0x400 || offset >= 0x800) return;
    store<u8>(ram + (offset & 0x3ff), value);
    store<u8>(at + (offset & 0x3ff), value);
  } else if (type == CART_3E) {
    if (!(selected & RAM_SLICE) || offset < 0x400 || offset >= 0x800) return;
    store<u8>(ram + ((selected & 31) << 10) + (offset & 0x3ff), value);
    store<u8>(at + (offset & 0x3ff), value);
    store<u8>(at + offset, value);
  } else if (type == CART_E7) {
    if (offset < 0x400 && (selected & 7) == 7) {
      store<u8>(ram + offset, value);
      store<u8>(at + 0x400 + offset, value);
    } else if (offset >= 0x800 && offset < 0x900) {
      store<u8>(ram + 1024 + (selected & 0x300) + (offset & 0xff), value);
      store<u8>(at + 0x100 + offset, value);
    }
  }
}
