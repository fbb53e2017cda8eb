// Where the interpreter meets code of the ROM that the host has translated to WebAssembly (src/translator): one function per entry, in the
// instance's table, found by the code pointer. What is not translated the interpreter takes, and counts where it was sent.
import { ROM_BANKS } from './state';
import { hasSlices, sliceAt } from './cartridge-banks';
import { turnsUntilTimerIsZero } from './riot';

/** Bytes of the eight banks whose code may be translated, guard pages included. */
const SPAN: u32 = 0x8800;
const SLICE: i32 = 0x400;
/** Per byte of code (u32): index in the table << 16 | the six high bits of the program counter it is meant for, in place; 0 = none. */
const ENTRIES: usize = memory.data(0x22000, 16);
/** Per byte of code (u32): how often a jump came here without finding an entry << 16 | high bits of the program counter. */
const MISSES: usize = memory.data(0x22000, 16);
const HIGH: i32 = 0xfc00;

@unmanaged
export class Link {
  /** Translated code is entered, and repeats its loops, only while the cycle count is no higher: far from the line limit. */
  safeCycles: i32;
  /** Instructions left. */
  budget: i32;
}
export const link = changetype<Link>(memory.data(16, 16));
/** No translated function runs more instructions than this between two looks at the budget; nor this many cycles, apart from WSYNC, between two at the cycles. */
export const BUDGET_MARGIN: i32 = 200;
export const CYCLE_MARGIN: i32 = 1100;
/** Returned beside the program counter: the interpreter has to take the instruction there. */
export const STEP: i32 = 0x10000;

export let translating: bool = false;
export function setTranslating(on: bool): void { translating = on; }
export function entriesAddress(): usize { return ENTRIES; }
export function missesAddress(): usize { return MISSES; }
export function linkAddress(): usize { return changetype<usize>(link); }

/** Where the code at a pointer has its entry: banks as they lie in memory; E0's 1 KiB slices, which move, by their numbers. -1 = nowhere. */
@inline function placeOf(pointer: i32): i32 {
  const offset = pointer - <i32>ROM_BANKS;
  if (<u32>offset >= (hasSlices ? 4 * SLICE : SPAN)) return -1;
  return hasSlices ? sliceAt(offset) * SLICE | (offset & (SLICE - 1)) : offset;
}
/** Table index of the translation of the code at this pointer, 0 when there is none. */
export function entryAt(pointer: i32, pc: i32): i32 {
  const place = placeOf(pointer);
  if (place < 0) return 0;
  const entry = load<i32>(ENTRIES + (place << 2));
  if (entry) return (entry & HIGH) == (pc & HIGH) ? entry >> 16 : 0;
  const missed = load<i32>(MISSES + (place << 2));
  if (missed < 0x7fff0000) store<i32>(MISSES + (place << 2), ((missed & ~0xffff) + 0x10000) | (pc & HIGH));
  return 0;
}

/** Turns of an INTIM poll (a read and BNE, 7 cycles) that surely repeat; for translated code. */
export function timerPollTurns(cycles: i32, value: i32, budget: i32): i32 {
  return value == 0 ? 0 : max(0, min(turnsUntilTimerIsZero(cycles, value, 7), (budget - BUDGET_MARGIN) >> 1));
}
