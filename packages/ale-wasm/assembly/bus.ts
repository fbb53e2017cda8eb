// The bus: 13 address bits decoded as ALE does (TIA when bits 12 and 7 are clear, RAM and RIOT by bit 9), cartridges, and where code is
// fetched from. The interpreter reads zero page and plain ROM by itself and comes here for the rest.
import { FETCH_PAGE, RAM_PAGE, ROM_BANKS } from './state';
import { bankOf, hotspots, readCartridge, watchesFetch, writeCartridge } from './cartridge';
import { INSTRUCTION_BYTES } from './generated/instruction-bytes';
import { readRiot, writeRiot } from './riot';
import { lineLimit, readTia } from './tia-registers';
export { bank, hotspots, readCartridge, writeCartridge } from './cartridge';

const JAM: u8 = 0x02;
/** Code pointer of the one instruction in FETCH_PAGE, 0 when none. */
let fetched: i32 = 0;

/** Fills the pages beside RAM and the fetch page with jams, so that code that runs out of an area is noticed. */
export function buildGuards(): void {
  memory.fill(RAM_PAGE - 0x100, JAM, 0x100 + 0x80);
  memory.fill(RAM_PAGE + 0x100, JAM, 0x100);
  memory.fill(FETCH_PAGE - 0x100, JAM, 0x300);
}

/** Reads that are not the cartridge's. */
export function readBus(address: i32, bus: i32, cycles: i32): i32 {
  if (!(address & 0x80)) return readTia(address, bus, cycles);
  return address & 0x200 ? readRiot(address, cycles) : <i32>load<u8>(RAM_PAGE + (address & 0xff));
}
export function writeRiotOrRam(address: i32, value: i32, cycles: i32): void {
  if (address & 0x200) writeRiot(address, value, cycles);
  else store<u8>(RAM_PAGE + (address & 0xff), value);
}
function read(address: i32, bus: i32, cycles: i32): i32 { return address & 0x1000 ? readCartridge(address, cycles) : readBus(address, bus, cycles); }
/** A byte as the rules of a game ask for it: without side effects on the machine's time. */
export function peek(address: i32): i32 { return read(address & 0xffff, 0, 0); }

/** Pointer at zero-page address t; its high byte wraps into 0x100, a TIA register, as in ALE. */
export function zeroPagePointer(t: i32, cycles: i32): i32 {
  if (t & 0x80 && t != 0xff) return <i32>load<u16>(RAM_PAGE + t);
  const low = t & 0x80 ? <i32>load<u8>(RAM_PAGE + t) : readTia(t, t, cycles);
  const next = t + 1;
  const high = next == 0x100 ? readTia(0, low, cycles) : next & 0x80 ? <i32>load<u8>(RAM_PAGE + next) : readTia(next, low, cycles);
  return low | (high << 8);
}
/** Pointer for JMP (a) and the vectors, with the 6502's page wrap. */
export function readIndirect(address: i32, cycles: i32): i32 {
  const low = read(address, address >> 8, cycles);
  return low | (read((address & 0xff00) | ((address + 1) & 0xff), low, cycles) << 8);
}

/** The code pointer for a program counter: into the current bank, RAM, or a copy of what the bus returns there. */
export function locate(pc: i32, cycles: i32): i32 {
  if (pc & 0x1000 && !watchesFetch()) return bankOf(pc) + (pc & 0xfff);
  if ((pc & 0x1280) == 0x80) return <i32>RAM_PAGE + (pc & 0xff);
  if (fetched) memory.fill(fetched, JAM, 3);
  fetched = <i32>FETCH_PAGE + (pc & 0xff);
  let last = read(pc, pc >> 8, cycles);
  store<u8>(fetched, last);
  const bytes = <i32>load<u8>(INSTRUCTION_BYTES + last);
  for (let i = 1; i < bytes; i++) {
    last = read((pc + i) & 0xffff, last, cycles);
    store<u8>(fetched + i, last);
  }
  return fetched;
}

/** Called on a jam opcode: 0 when it is the program's own, else the pointer at which the code that ran out of its area goes on. */
export function leaveArea(pointer: i32, pc: i32, cycles: i32): i32 {
  if (pointer >= <i32>RAM_PAGE + 0x80 && pointer < <i32>RAM_PAGE + 0x100) return 0;
  if (pointer == fetched && pointer >= <i32>FETCH_PAGE && pointer < <i32>FETCH_PAGE + 0x100) {
    return 0;
  }
  if (pointer >= <i32>ROM_BANKS && pc & 0x1000 && pointer == bankOf(pc) + (pc & 0xfff) && !watchesFetch()) return 0;
  return locate(pc & 0xffff, cycles);
}
