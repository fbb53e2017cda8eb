// DPC (Pitfall II): eight data fetchers over 2 KiB of display data, a random register and three music voices.
import { Cartridge, ROM_FILE, cartridge } from './state';
import { select } from './cartridge-banks';

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

export function powerOnDpc(): void { cartridge.random = 1; }
/** The fetchers, their music and the random register keep what they hold. */
export function resetDpc(): void {
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
/** Reads of the registers' 128 bytes and of the last 64, and all writes, clock the random register. */
export function readDpc(offset: i32, cycles: i32): i32 {
  if (offset >= 0x80 && offset < 0xfc0) return dpcByte(offset);
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
export function writeDpc(offset: i32, value: i32): void {
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
        const bit = 1 << (index - 5);
        cartridge.music = value & 0x10 ? cartridge.music | bit : cartridge.music & ~bit;
      }
      break;
    case 6: cartridge.random = 1; break;
  }
}
/** After a restore. */
export function repairDpc(): void {
  for (let i = 0; i < 8; i++) setCounter(i, counter(i) & 0x7ff);
  cartridge.music &= 7;
  cartridge.random &= 0xff;
  const remainder = cartridge.dpcRemainder;
  if (!(remainder >= 0 && remainder < 1)) cartridge.dpcRemainder = 0;
}
