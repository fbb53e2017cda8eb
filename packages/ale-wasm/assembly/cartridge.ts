// Cartridges: 2K and 4K, F8, F6, both with 128 bytes of RAM, E0, FE and DPC. A bank is 4 KiB of memory that the interpreter reads by itself
// below `hotspots`; above, and for every write, it comes here. RAM and E0's slices are copied into the banks when they change.
import { BANK_STRIDE, Cartridge, MAXIMUM_ROM_BYTES, ROM_BANKS, ROM_FILE, cartridge } from './state';
import { drawSystem } from './random';

export const CART_PLAIN = 0, CART_F8 = 1, CART_F6 = 2, CART_E0 = 3, CART_FE = 4, CART_DPC = 5;
const JAM: u8 = 0x02;
const RAM: usize = changetype<usize>(cartridge) + offsetof<Cartridge>('ram0');

/** Start of the bank that the 6507 sees, and the first offset in it that needs this file (0: every access does). */
export let bank: i32 = 0;
export let hotspots: i32 = 0x1000;
let type: i32 = CART_PLAIN;
let banks: i32 = 1;
let hasRam: bool = false;
let fileBytes: i32 = 0;

@inline function bankAt(index: i32): i32 { return <i32>ROM_BANKS + index * <i32>BANK_STRIDE; }

/** Takes the cartridge that the host has written to ROM_FILE. */
export function insertCartridge(kind: i32, ram: bool, bytes: i32): void {
  type = kind;
  hasRam = ram;
  fileBytes = bytes;
  memory.fill(ROM_BANKS - 0x100, JAM, 0x4600);
  banks = kind == CART_F8 || kind == CART_FE || kind == CART_DPC ? 2 : kind == CART_F6 ? 4 : 1;
  for (let i = 0; i < banks; i++) {
    if (bytes == 2048) {
      memory.copy(bankAt(0), ROM_FILE, 2048);
      memory.copy(bankAt(0) + 2048, ROM_FILE, 2048);
    } else memory.copy(bankAt(i), ROM_FILE + i * 4096, 4096);
  }
  // DPC clocks its random register on every access to the last 64 bytes, code included: jams send the interpreter to the bus for all of its code.
  if (kind == CART_DPC) memory.fill(bankAt(0), JAM, 2 * BANK_STRIDE);
  hotspots = kind == CART_F8 ? 0xff8 : kind == CART_F6 ? 0xff6 : kind == CART_E0 ? 0xfe0 : kind == CART_PLAIN ? 0x1000 : 0;
  hasSlices = kind == CART_E0;
  bank = bankAt(0);
}

export function resetCartridge(): void {
  cartridge.select = type == CART_F8 || type == CART_DPC ? 1 : type == CART_E0 ? 4 | (5 << 8) | (6 << 16) : 0;
  if (hasRam) for (let i = 0; i < 128; i++) store<u8>(RAM + i, <u8>drawSystem());
  if (type == CART_DPC) resetDpc();
  showCartridge();
}

/** Makes the banks agree with the console's state, after a reset or when another console was active. */
export function showCartridge(): void {
  if (type == CART_E0) {
    bank = bankAt(0);
    for (let slot = 0; slot < 3; slot++) showSlice(slot);
    memory.copy(bank + 0xc00, ROM_FILE + 7 * 1024, 1024);
  } else bank = bankAt(cartridge.select);
  if (hasRam) for (let i = 0; i < banks; i++) memory.copy(bankAt(i) + 0x80, RAM, 128);
}
/** After a restore. */
export function repairCartridge(): void {
  cartridge.select = type == CART_E0 ? cartridge.select & 0x070707 : <i32>(<u32>cartridge.select % <u32>banks);
  for (let i = 0; i < 8; i++) setCounter(i, counter(i) & 0x7ff);
  cartridge.music &= 7;
  cartridge.random &= 0xff;
  const remainder = cartridge.dpcRemainder;
  if (!(remainder >= 0 && remainder < 1)) cartridge.dpcRemainder = 0;
  showCartridge();
}
function showSlice(slot: i32): void { memory.copy(bankAt(0) + slot * 1024, ROM_FILE + ((cartridge.select >> (slot << 3)) & 7) * 1024, 1024); }

/** Whether the bank is put together from slices of 1 KiB (E0); and which one is at an offset of it. */
export let hasSlices: bool = false;
@inline export function sliceAt(offset: i32): i32 { return offset >= 0xc00 ? 7 : (cartridge.select >> (offset >> 10 << 3)) & 7; }

@inline function select(index: i32): void {
  cartridge.select = index;
  bank = bankAt(index);
}
function touchHotspot(offset: i32): void {
  if (type == CART_F8) {
    if (offset == 0xff8) select(0);
    else if (offset == 0xff9) select(1);
  } else if (type == CART_F6) {
    if (offset >= 0xff6 && offset <= 0xff9) select(offset - 0xff6);
  } else if (type == CART_E0) {
    if (offset < 0xff8) {
      const slot = offset < 0xfe0 ? -1 : (offset - 0xfe0) >> 3;
      if (slot < 0) return;
      cartridge.select = (cartridge.select & ~(7 << (slot << 3))) | ((offset & 7) << (slot << 3));
      showSlice(slot);
    }
  }
}

/** Start of the bank in which code at this program counter runs. */
export function bankOf(pc: i32): i32 { return type == CART_FE ? bankAt(pc & 0x2000 ? 0 : 1) : bank; }

/** Whether code at this program counter must be fetched byte by byte, because the cartridge takes notice. */
export function watchesFetch(): bool { return type == CART_DPC; }

export function readCartridge(address: i32, cycles: i32): i32 {
  const offset = address & 0xfff;
  if (type == CART_FE) return <i32>load<u8>(bankOf(address) + offset);
  if (type == CART_DPC) return readDpc(offset, cycles);
  if (offset >= hotspots) touchHotspot(offset);
  return <i32>load<u8>(bank + offset);
}

export function writeCartridge(address: i32, value: i32, cycles: i32): void {
  const offset = address & 0xfff;
  if (hasRam && offset < 0x80) {
    store<u8>(RAM + offset, value);
    for (let i = 0; i < banks; i++) store<u8>(bankAt(i) + 0x80 + offset, value);
  } else if (type == CART_DPC) writeDpc(offset, value, cycles);
  else if (offset >= hotspots && hotspots) touchHotspot(offset);
}

// ---- DPC (Pitfall II): eight data fetchers over 2 KiB of display data, a random register and three music voices
const TOPS: usize = changetype<usize>(cartridge) + offsetof<Cartridge>('tops0');
const BOTTOMS: usize = changetype<usize>(cartridge) + offsetof<Cartridge>('bottoms0');
const COUNTERS: usize = changetype<usize>(cartridge) + offsetof<Cartridge>('counters0');
const FLAGS: usize = changetype<usize>(cartridge) + offsetof<Cartridge>('flags0');
const AMPLITUDES: usize = memory.data<u8>([0, 4, 5, 9, 6, 10, 11, 15]);

@inline function counter(i: i32): i32 { return <i32>load<u16>(COUNTERS + (i << 1)); }
@inline function setCounter(i: i32, value: i32): void { store<u16>(COUNTERS + (i << 1), value); }
@inline function top(i: i32): i32 { return <i32>load<u8>(TOPS + i); }
@inline function bottom(i: i32): i32 { return <i32>load<u8>(BOTTOMS + i); }
@inline function flag(i: i32): i32 { return <i32>load<u8>(FLAGS + i); }
@inline function setFlag(i: i32, value: i32): void { store<u8>(FLAGS + i, value); }

function resetDpc(): void {
  memory.fill(TOPS, 0, 40);
  cartridge.music = 0;
  cartridge.random = 1;
  cartridge.dpcCycles = 0;
  cartridge.dpcRemainder = 0;
}
function clockRandom(): void {
  const r = cartridge.random;
  const bit = (popcnt(r & 0xb8) & 1) ^ 1;
  cartridge.random = ((r << 1) | bit) & 0xff;
}
/** Fetchers 5..7 in music mode advance with the oscillator, in whole ticks of 1/15750 s. */
function clockMusic(cycles: i32): void {
  const elapsed = cycles - cartridge.dpcCycles;
  cartridge.dpcCycles = cycles;
  const clocks = 15750.0 * <f64>elapsed / 1193191.66666667 + cartridge.dpcRemainder;
  const whole = <i32>clocks;
  cartridge.dpcRemainder = clocks - <f64>whole;
  if (whole <= 0) return;
  for (let x = 5; x <= 7; x++) {
    if (!((cartridge.music >> (x - 5)) & 1)) continue;
    const period = top(x) + 1;
    let low = counter(x) & 0xff;
    if (top(x)) {
      low -= whole % period;
      if (low < 0) low += period;
    } else low = 0;
    if (low <= bottom(x)) setFlag(x, 0);
    else if (low <= top(x)) setFlag(x, 0xff);
    setCounter(x, (counter(x) & 0x700) | low);
  }
}
function readDpc(offset: i32, cycles: i32): i32 {
  if (offset >= 0x40 && offset < 0xfc0) return dpcByte(offset); // plain pages, as the 64-byte pages of the bus have it
  clockRandom();
  if (offset >= 0x40) {
    if (offset == 0xff8) select(0);
    else if (offset == 0xff9) select(1);
    return dpcByte(offset);
  }
  const index = offset & 7, kind = (offset >> 3) & 7;
  if ((counter(index) & 0xff) == top(index)) setFlag(index, 0xff);
  else if ((counter(index) & 0xff) == bottom(index)) setFlag(index, 0);
  let result = 0;
  switch (kind) {
    case 0:
      if (index < 4) result = cartridge.random;
      else {
        clockMusic(cycles);
        let voices = 0;
        if (cartridge.music & 1 && flag(5)) voices |= 1;
        if (cartridge.music & 2 && flag(6)) voices |= 2;
        if (cartridge.music & 4 && flag(7)) voices |= 4;
        result = <i32>load<u8>(AMPLITUDES + voices);
      }
      break;
    case 1: result = displayByte(index); break;
    case 2: result = displayByte(index) & flag(index); break;
    case 7: result = flag(index); break;
  }
  if (index < 5 || !((cartridge.music >> (index - 5)) & 1)) setCounter(index, (counter(index) - 1) & 0x7ff);
  return result;
}
@inline function dpcByte(offset: i32): i32 { return <i32>load<u8>(ROM_FILE + cartridge.select * 4096 + offset); }
@inline function displayByte(index: i32): i32 { return <i32>load<u8>(ROM_FILE + 8192 + 2047 - counter(index)); }
function writeDpc(offset: i32, value: i32, cycles: i32): void {
  if (offset >= 0x80 && offset < 0xfc0) return;
  clockRandom();
  if (offset >= 0x80) {
    if (offset == 0xff8) select(0);
    else if (offset == 0xff9) select(1);
    return;
  }
  if (offset < 0x40) return;
  const index = offset & 7;
  switch ((offset >> 3) & 7) {
    case 0:
      store<u8>(TOPS + index, value);
      setFlag(index, 0);
      break;
    case 1: store<u8>(BOTTOMS + index, value); break;
    case 2:
      // In music mode the low byte comes from the top register.
      setCounter(index, (counter(index) & 0x700) | (index >= 5 && (cartridge.music >> (index - 5)) & 1 ? top(index) : value));
      break;
    case 3:
      setCounter(index, ((value & 7) << 8) | (counter(index) & 0xff));
      if (index >= 5) {
        clockMusic(cycles);
        const bit = 1 << (index - 5);
        cartridge.music = value & 0x10 ? cartridge.music | bit : cartridge.music & ~bit;
      }
      break;
    case 6: cartridge.random = 1; break;
  }
}
