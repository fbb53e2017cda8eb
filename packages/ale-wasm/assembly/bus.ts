// The bus: 13 address bits decoded as ALE does (TIA when bits 12 and 7 are clear, RAM and RIOT by bit 9), cartridges, and where code is
// fetched from. The interpreter reads zero page and plain ROM by itself and comes here for the rest.
import { FETCH_PAGE, RAM_PAGE, ROM_BANKS } from './state';
import { bankOf, readCartridge, touchBus, writeCartridge } from './cartridge';
import { codeEnd, watchesBus } from './cartridge-banks';
import { INSTRUCTION_BYTES, INSTRUCTION_CYCLES } from './generated/instruction-bytes';
import { readRiot, writeRiot } from './riot';
import { readTia } from './tia-reads';
export { bank, hotspots, watchesBus } from './cartridge-banks';
export { passesOn, readCartridge, touchBus, writeCartridge } from './cartridge';

const JAM: u8 = 0x02;
/** Code pointer of the one instruction in FETCH_PAGE, 0 when none. */
let fetched: i32 = 0;
/** The instruction fetched last is a branch to its own opcode or operand, which must be fetched again. */
export let branchesToItself: bool = false;

/** Fills the pages beside RAM and the fetch page with jams, so that code that runs out of an area is noticed. */
export function buildGuards(): void {
  memory.fill(RAM_PAGE - 0x100, JAM, 0x100 + 0x80);
  memory.fill(RAM_PAGE + 0x100, JAM, 0x100);
  memory.fill(FETCH_PAGE - 0x100, JAM, 0x300);
}

/** Reads that are not the cartridge's. `bus` is the byte that was on the bus before: a TIA register drives only two bits. */
export function readBus(address: i32, bus: i32, cycles: i32): i32 {
  if (watchesBus) touchBus(address, -1);
  if (!(address & 0x80)) return readTia(address, bus, cycles);
  return address & 0x200 ? readRiot(address, cycles) : <i32>load<u8>(RAM_PAGE + (address & 0xff));
}
export function writeRiotOrRam(address: i32, value: i32, cycles: i32): void {
  if (watchesBus) touchBus(address, value);
  if (address & 0x200) writeRiot(address, value, cycles);
  else store<u8>(RAM_PAGE + (address & 0xff), value);
}
export function read(address: i32, bus: i32, cycles: i32): i32 { return address & 0x1000 ? readCartridge(address, cycles) : readBus(address, bus, cycles); }
/** A byte as the rules of a game ask for it: without side effects on the machine's time. */
export function peek(address: i32): i32 { return read(address & 0xffff, 0, 0); }

/** Pointer at zero-page address t, with `bus` read before; its high byte wraps into 0x100, a TIA register, as in ALE. */
export function zeroPagePointer(t: i32, bus: i32, cycles: i32): i32 {
  if (t & 0x80 && t != 0xff) return <i32>load<u16>(RAM_PAGE + t);
  const low = t & 0x80 ? <i32>load<u8>(RAM_PAGE + t) : readTia(t, bus, cycles);
  const next = t + 1;
  const high = next == 0x100 ? readTia(next, low, cycles) : next & 0x80 ? <i32>load<u8>(RAM_PAGE + next) : readTia(next, low, cycles);
  return low | (high << 8);
}
/** Pointer for JMP (a) and the vectors, with the 6502's page wrap. */
export function readIndirect(address: i32, cycles: i32): i32 {
  const low = read(address, address >> 8, cycles);
  return low | (read((address & 0xff00) | ((address + 1) & 0xff), low, cycles) << 8);
}

/**
 * The first byte pulled from the stack, where it or the byte below is a TIA register: the 6507 reads the byte below before, which thereby is
 * what the bus held. `sp` points to the byte pulled.
 */
export function pullFirst(sp: i32, opcode: i32, cycles: i32): i32 {
  if (sp == 0x80) {
    readTia(0x17f, opcode, cycles);
    return <i32>load<u8>(RAM_PAGE + 0x80);
  }
  return readTia(0x100 | sp, sp == 0 ? <i32>load<u8>(RAM_PAGE + 0xff) : opcode, cycles);
}
/** The high byte of JSR's target, at `address`, which is fetched after the return address has been pushed. */
export function subroutineHigh(pointer: i32, address: i32, cycles: i32): i32 {
  return isFetched(pointer) ? read(address & 0xffff, address & 0xff, cycles) : <i32>load<u8>(pointer, 2);
}

/** The code pointer for a program counter: into the current bank, RAM, or a copy of what the bus returns there. */
export function locate(pc: i32, bus: i32, cycles: i32): i32 {
  branchesToItself = false;
  if (pc & 0x1000) {
    if ((pc & 0xfff) < codeEnd) return bankOf(pc) + (pc & 0xfff);
  } else if ((pc & 0x1280) == 0x80 && (pc & 0xff) < 0xfe && !(watchesBus && pc & 0x800)) return <i32>RAM_PAGE + (pc & 0xff);
  return fetch(pc, bus, cycles);
}
@inline export function isBranch(opcode: i32): bool { return (opcode & 0x1f) == 0x10; }
/** Fetches an instruction byte by byte: the operand when the instruction's cycles have passed, as everything that it reads. */
export function fetch(pc: i32, bus: i32, cycles: i32): i32 {
  if (fetched) memory.fill(fetched, JAM, 3);
  fetched = <i32>FETCH_PAGE + (pc & 0xff);
  let last = read(pc, bus, cycles);
  store<u8>(fetched, last);
  const bytes = <i32>load<u8>(INSTRUCTION_BYTES + last), after = cycles + <i32>load<u8>(INSTRUCTION_CYCLES + last);
  for (let i = 1; i < bytes; i++) {
    last = read((pc + i) & 0xffff, last, after);
    store<u8>(fetched + i, last);
  }
  branchesToItself = isBranch(load<u8>(fetched)) && last >= 0xfe;
  return fetched;
}
@inline function isFetched(pointer: i32): bool { return pointer == fetched && pointer >= <i32>FETCH_PAGE && pointer < <i32>FETCH_PAGE + 0x100; }

/** Called on a jam opcode: 0 when it is the program's own, else the pointer at which the code that ran out of its area goes on. */
export function leaveArea(pointer: i32, pc: i32, bus: i32, cycles: i32): i32 {
  if (pointer >= <i32>RAM_PAGE + 0x80 && pointer < <i32>RAM_PAGE + 0x100) return 0;
  if (isFetched(pointer)) return 0;
  if (pointer >= <i32>ROM_BANKS && pc & 0x1000 && (pc & 0xfff) < codeEnd && pointer == bankOf(pc) + (pc & 0xfff)) return 0;
  return locate(pc & 0xffff, bus, cycles);
}
