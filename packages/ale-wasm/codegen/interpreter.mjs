// Writes assembly/generated/interpreter.ts: the 6507 interpreter, one switch over the opcode, out of opcodes.mjs.
// What pays, measured on this machine class (EMULATOR notes in the README): registers in wasm globals, only the code pointer,
// the cycle counter and temporaries in locals; the program counter as a linear memory pointer (`pc`), with
// `pc - pcOffset` the 6507's PC; zero page and cartridge read without a bus call; lazy N and Z.
import {
  AFTER_MODIFY,
  BRANCH,
  IMPLIED,
  LENGTH,
  MODIFY,
  OPCODES,
  READ,
  SET_STATUS,
  STATUS,
  STORE,
  STORE_AND_HIGH,
} from './opcodes.mjs';

// The bus byte that is left behind when the operand address has been fetched: its high byte, before indexing.
const NOISE = {
  zp: 't',
  zpx: 'load<u8>(pc - 1)',
  zpy: 'load<u8>(pc - 1)',
  abs: 'ad >> 8',
  abx: 't >> 8',
  aby: 't >> 8',
  izx: 't >> 8',
  izy: 't >> 8',
};

const crossing = 'if ((ad ^ t) & 0xff00) cycles++;';
const ADDRESS = {
  zp: () => 't = load<u8>(pc, 1); pc += 2;',
  zpx: () => 't = (load<u8>(pc, 1) + X) & 0xff; pc += 2;',
  zpy: () => 't = (load<u8>(pc, 1) + Y) & 0xff; pc += 2;',
  abs: () => 'ad = load<u16>(pc, 1); pc += 3;',
  abx: (read) => `t = load<u16>(pc, 1); ad = (t + X) & 0xffff; pc += 3; ${read ? crossing : ''}`,
  aby: (read) => `t = load<u16>(pc, 1); ad = (t + Y) & 0xffff; pc += 3; ${read ? crossing : ''}`,
  izx: () => 't = (load<u8>(pc, 1) + X) & 0xff; pc += 2; ad = zeroPagePointer(t, load<u8>(pc - 1), cycles); t = ad;',
  izy: (read) =>
    `t = load<u8>(pc, 1); pc += 2; t = t & 0x80 && t != 0xff ? <i32>load<u16>(RAM_PAGE + t) : zeroPagePointer(t, t, cycles); ad = (t + Y) & 0xffff; ${read ? crossing : ''}`,
};

const SWITCH_BANK = (call) =>
  `{ u = bank; ${call} if (bank != u && pc >= <i32>ROM_BANKS) { pc += bank - u; pcOffset += bank - u; } }`;
const readZeroPage = (noise) => `if (t & 0x80) m = load<u8>(RAM_PAGE + t); else m = readTia(t, ${noise}, cycles);`;
const readAbsolute = (noise) =>
  `if (ad & 0x1000) { if ((ad & 0xfff) < hotspots) m = load<u8>(bank + (ad & 0xfff)); else ${SWITCH_BANK('m = readCartridge(ad, cycles);')} } else m = readBus(ad, ${noise}, cycles);`;
// Registers 3..0x2c go straight to the picture when nothing changes or the line limit is far; the rest take the slow way,
// which answers with the new cycle count, complemented when the frame ends.
// For cartridges that watch the bus all writes take it.
const writeRegister = (address, value) => `{
  u = (${address}) & 0x3f;
  if (cycles > lineLimit || u < 2 || u > 0x2c) { if (watchesBus) touchBus(${address}, ${value}); cycles = writeTiaSlow(u, ${value}, cycles); if (cycles < 0) { cycles = ~cycles; n = 1; } }
  else if (u == 2) cycles = <i32>((<u32>(cycles + 75) / 76) * 76);
  else if (load<u16>(SHADOW + (u << 1)) != <u32>(${value})) writeTia(u, ${value}, cycles); }`;
const writeZeroPage = (value) => `if (t & 0x80) store<u8>(RAM_PAGE + t, ${value}); else ${writeRegister('t', value)}`;
// Where a cartridge that watches the bus passes a write of its own space on, it goes to the TIA whatever bit 7 is.
const writeAbsolute = (value) =>
  `if (ad & 0x1000 && !(watchesBus && passesOn(ad))) ${SWITCH_BANK(`writeCartridge(ad, ${value});`)} else if ((ad & 0x1080) != 0x80) ${writeRegister('ad', value)} else writeRiotOrRam(ad, ${value}, cycles);`;

const isZeroPage = (mode) => mode === 'zp' || mode === 'zpx' || mode === 'zpy';
const readOperand = (mode) =>
  mode === 'imm'
    ? 'm = load<u8>(pc, 1); pc += 2;'
    : `${ADDRESS[mode](true)} ${isZeroPage(mode) ? readZeroPage(NOISE[mode]) : readAbsolute(NOISE[mode])}`;
const write = (mode, value) => (isZeroPage(mode) ? writeZeroPage(value) : writeAbsolute(value));
const push = (value) =>
  `if (SP & 0x80) store<u8>(RAM_PAGE + SP, ${value}); else ${writeRegister('0x100 | SP', value)} SP = (SP - 1) & 0xff;`;
// One of several pushes of an instruction, which happen at the same clock: what one has drawn the next can't draw again, so that even a write that
// changes nothing has its effect.
// WSYNC only halts the CPU when the access before was a read: the pushes after the first write RSYNC instead, which does nothing.
const pushOneOf = (value, isFirst) =>
  `if (SP & 0x80) store<u8>(RAM_PAGE + SP, ${value}); else { if (watchesBus) touchBus(0x100 | SP, ${value}); u = SP & 0x3f; ${isFirst ? '' : 'if (u == 2) u = 3;'} cycles = writeTiaSlow(u, ${value}, cycles); if (cycles < 0) { cycles = ~cycles; n = 1; } } SP = (SP - 1) & 0xff;`;
// The first pull of an instruction reads the byte below it before, whatever it is: see pullFirst. What the others read last is in m.
const pullFirst = (opcode) =>
  `SP = (SP + 1) & 0xff; m = SP > 0x80 ? <i32>load<u8>(RAM_PAGE + SP) : pullFirst(SP, ${opcode}, cycles);`;
const pullNext = (target) =>
  `SP = (SP + 1) & 0xff; ${target} = SP & 0x80 ? <i32>load<u8>(RAM_PAGE + SP) : readTia(0x100 | SP, m, cycles);`;
// Where control goes elsewhere, translated code may take over: `n` = 1 leaves the loop of instructions, what is left of the budget waits in `rest`.
const TRANSFER = 'if (translating) { if (entryAt(pc, pc - pcOffset)) { if (!rest) rest = n; n = 1; } }';
// Code in RAM is run instruction by instruction, because the last two bytes of RAM may hold the first of one that goes on in the TIA; so is a fetched
// branch to itself, because it is not to be run from its copy.
const STEP_IN_RAM = 'if ((pc < <i32>RAM_PAGE + 0x100 || branchesToItself) && !rest) { rest = n; n = 1; }';
// An instruction outside of plain ROM is read through the bus, which draws: behind the last of a run, which may have ended the frame, the next run reads it.
const WAIT = 'if ((n | rest) == 1 || tia.frameEnded) { pc = t; pcOffset = 0; break; } ';
const goWith = (noise, wait = WAIT) =>
  `if (t & 0x1000 && hotspots) { pcOffset = bank - (t & 0xf000); pc = t + pcOffset; } else { ${wait}pc = locate(t, ${noise}, cycles); pcOffset = pc - t; ${STEP_IN_RAM} }`;
const GO = goWith('t >> 8');
const jump = (address, go = GO) => `t = ${address};
  ${go} ${TRANSFER}`;

function body(opcode) {
  const { mnemonic, mode, cycles } = OPCODES[opcode];
  const advance = `cycles += ${cycles};`;
  if (mode === 'rel')
    return `${advance} t = pc + 2; if (${BRANCH[mnemonic]}) { pc = t + <i32>load<i8>(pc, 1); cycles++; if ((t ^ pc) & 0xff00) cycles++; ${TRANSFER} } else pc = t;`;
  if (mode === 'acc') return `${advance} pc++; m = A; ${MODIFY[mnemonic]} A = m;`;
  if (mnemonic in IMPLIED && mode === 'imp') return `${advance} pc++; ${IMPLIED[mnemonic]}`;
  if (mnemonic in READ) return `${advance} ${readOperand(mode)} ${READ[mnemonic]}`;
  if (mnemonic in STORE) return `${advance} ${ADDRESS[mode](false)} ${write(mode, STORE[mnemonic])}`;
  if (mnemonic in STORE_AND_HIGH)
    return `${advance} ${ADDRESS[mode](false)} ${mnemonic === 'SHS' ? 'SP = A & X;' : ''} m = (${STORE_AND_HIGH[mnemonic]}) & ((ad >> 8) + 1) & 0xff; ${write(mode, 'm')}`;
  if (mnemonic in MODIFY) {
    const read = isZeroPage(mode) ? readZeroPage(NOISE[mode]) : readAbsolute(NOISE[mode]);
    return `${advance} ${ADDRESS[mode](false)} ${read} ${MODIFY[mnemonic]} ${write(mode, 'm')} ${AFTER_MODIFY[mnemonic] ?? ''}`;
  }
  switch (mnemonic) {
    case 'JMP':
      return `${advance} ${jump('load<u16>(pc, 1)')}`;
    case 'JMI':
      return `${advance} ad = load<u16>(pc, 1); ${jump('readIndirect(ad, cycles)')}`;
    case 'JSR':
      return `${advance} ad = pc - pcOffset + 2; m = load<u8>(pc, 1); ${pushOneOf('(ad >> 8) & 0xff', true)} ${pushOneOf('ad & 0xff', false)} ${jump('m | (subroutineHigh(pc, ad, cycles) << 8)')}`;
    case 'RTS':
      return `${advance} ${pullFirst(opcode)} ${pullNext('u')} t = m | (u << 8); m = read(t, u, cycles); ${jump('(t + 1) & 0xffff', goWith('m'))}`;
    case 'RTI':
      return `${advance} ${pullFirst(opcode)} ${SET_STATUS} ${pullNext('m')} ${pullNext('u')} ${jump('m | (u << 8)')}`;
    case 'BRK':
      return `${advance} ad = pc - pcOffset + 2; ${pushOneOf('(ad >> 8) & 0xff', true)} ${pushOneOf('ad & 0xff', false)} m = ${STATUS}; ${pushOneOf('m', false)} I = 1; ${jump('readIndirect(0xfffe, cycles)')}`;
    case 'PHA':
      return `${advance} pc++; ${push('A')}`;
    case 'PHP':
      return `${advance} pc++; m = ${STATUS}; ${push('m')}`;
    case 'PLA':
      return `${advance} pc++; ${pullFirst(opcode)} A = m; nr = zr = A;`;
    case 'PLP':
      return `${advance} pc++; ${pullFirst(opcode)} ${SET_STATUS}`;
    // A jam, or a guard byte beside a memory area that code has run out of.
    case 'JAM':
      return `u = lastOnBus(before, t, m); t = pc - pcOffset; m = leaveArea(pc, t, u, cycles); if (m) { pc = m; pcOffset = pc - t; ${STEP_IN_RAM} n++; } else { n = 1; rest = 0; cpu.jammed = 1; cycles += 2; }`;
  }
  throw new Error(`opcode ${opcode.toString(16)} ${mnemonic} has no meaning`);
}

// What an instruction leaves on the bus; t is the pointer behind a branch, or where a jump went, m what was read or written last.
function lastOnBus(opcode) {
  const { mnemonic, mode } = OPCODES[opcode];
  if (['JMP', 'JMI', 'JSR', 'BRK', 'RTI'].includes(mnemonic)) return 't >> 8';
  if (mode === 'rel') return 'load<u8>(t - 1)';
  if (mode === 'acc' || (mode === 'imp' && mnemonic in IMPLIED)) return 'opcode';
  if (mnemonic in STORE) return STORE[mnemonic];
  return mnemonic === 'PHA' ? 'A' : 'm';
}
function generateLastOnBus() {
  const cases = new Map();
  for (let opcode = 0; opcode < 256; opcode++) {
    const value = lastOnBus(opcode);
    if (value !== 'm') cases.set(value, `${cases.get(value) ?? ''} case ${opcode}:`);
  }
  const text = [...cases].map(([value, labels]) => `   ${labels} return ${value};\n`).join('');
  return `/** The byte that the instruction before has left on the bus. */\nfunction lastOnBus(opcode: i32, t: i32, m: i32): i32 {\n  switch (opcode) {\n${text}  }\n  return m;\n}\n`;
}

// INTIM polls: LDA/LDX/LDY $0284 followed by BNE to it. The turns of the loop that surely read a value above zero are counted, not run.
function pollSkip(opcode) {
  const { mnemonic, mode } = OPCODES[opcode];
  if (mode !== 'abs' || !['LDA', 'LDX', 'LDY'].includes(mnemonic)) return '';
  return ' if (ad == 0x284 && m != 0 && load<u16>(pc) == 0xfbd0) { t = turnsUntilTimerIsZero(cycles, m, 7); t = min(t, (n >> 1) - 1); if (t > 0) { cycles += t * 7; n -= t * 2; } }';
}

const LOAD =
  'A = cpu.a; X = cpu.x; Y = cpu.y; SP = cpu.sp; nr = cpu.nr; zr = cpu.zr; C = cpu.c; V = cpu.v; D = cpu.d; I = cpu.i;';
const STORE_REGISTERS =
  'cpu.a = A; cpu.x = X; cpu.y = Y; cpu.sp = SP; cpu.nr = nr; cpu.zr = zr; cpu.c = C; cpu.v = V; cpu.d = D; cpu.i = I;';

export function generateInterpreter() {
  let text = `// Generated by codegen/interpreter.mjs from codegen/opcodes.mjs. Do not edit.
import { RAM_PAGE, ROM_BANKS, SHADOW, cpu, tia } from '../state';
import { adcDecimal, arrDecimal, sbcDecimal } from '../decimal';
import { bank, branchesToItself, hotspots, isBranch, leaveArea, locate, passesOn, pullFirst, read, readBus, readCartridge, readIndirect, subroutineHigh, touchBus, watchesBus, writeCartridge, writeRiotOrRam, zeroPagePointer } from '../bus';
import { turnsUntilTimerIsZero } from '../riot';
import { readTia } from '../tia-reads';
import { lineLimit, writeTia, writeTiaSlow } from '../tia-registers';
import { BUDGET_MARGIN, STEP, entryAt, link, translating } from '../translated';

let A: i32 = 0, X: i32 = 0, Y: i32 = 0, SP: i32 = 0, nr: i32 = 0, zr: i32 = 0, C: i32 = 0, V: i32 = 0, D: i32 = 0, I: i32 = 0;
let pcOffset: i32 = 0;

${generateLastOnBus()}
/** Runs at most \`budget\` instructions, fewer when the frame ends. */
export function run(budget: i32): void {
  if (cpu.jammed) return;
  ${LOAD}
  let cycles: i32 = cpu.cycles, n: i32 = budget, m: i32 = 0, t: i32 = 0, u: i32 = 0, ad: i32 = 0, entry: i32 = 0, rest: i32 = 0, before: i32 = 0, opcode: i32 = 0;
  let pc: i32 = locate(cpu.pc, cpu.bus, cycles);
  pcOffset = pc - cpu.pc;
  ${STEP_IN_RAM}
  while (true) {
  do {
    before = opcode;
    opcode = load<u8>(pc);
    switch (opcode) {
`;
  for (let opcode = 0; opcode < 256; opcode++) {
    const { mnemonic, mode } = OPCODES[opcode];
    text += `      case ${opcode}: { // ${mnemonic} ${mode}\n        ${body(opcode)}${pollSkip(opcode)}\n        break;\n      }\n`;
  }
  text += `      default: unreachable();
    }
  } while (--n > 0);
  if (!rest || tia.frameEnded) break;
  n = rest - 1;
  rest = 0;
  if (n <= 0) break;
  if (branchesToItself) {
    if (isBranch(opcode)) { u = lastOnBus(opcode, t, m); t = pc - pcOffset; pc = locate(t & 0xffff, u, cycles); pcOffset = pc - t; }
    rest = n; n = 1;
    continue;
  }
  if (pc < <i32>RAM_PAGE + 0x100) {
    if (pc >= <i32>RAM_PAGE + 0xfe) { t = pc - pcOffset; pc = locate(t, 0, cycles); pcOffset = pc - t; }
    rest = n; n = 1;
    continue;
  }
  if (!translating) continue;
  entry = entryAt(pc, pc - pcOffset);
  if (!entry || cycles > link.safeCycles || n <= BUDGET_MARGIN) continue;
  ${STORE_REGISTERS} cpu.cycles = cycles; link.budget = n;
  do {
    u = call_indirect<i32>(entry);
    t = u & 0xffff;
    cycles = cpu.cycles;
    ${goWith('t >> 8', '')}
    entry = u & STEP || cycles > link.safeCycles || link.budget <= BUDGET_MARGIN ? 0 : entryAt(pc, pc - pcOffset);
  } while (entry);
  ${LOAD}
  n = link.budget;
  // One instruction, whose successor may be translated again.
  rest = n; n = 1;
  }
  ${STORE_REGISTERS}
  cpu.pc = pc - pcOffset; cpu.cycles = cycles; cpu.bus = lastOnBus(opcode, t, m);
}
`;
  return text;
}

export function generateInstructionBytes() {
  const bytes = OPCODES.map(({ mnemonic, mode }) => (mnemonic === 'BRK' || mnemonic === 'JSR' ? 2 : LENGTH[mode]));
  return `// Generated by codegen/interpreter.mjs from codegen/opcodes.mjs. Do not edit.
/** Bytes that are fetched before an instruction does anything: BRK reads the byte behind it, JSR its last byte later. */
export const INSTRUCTION_BYTES: usize = memory.data<u8>([${bytes.join(', ')}]);
/** Cycles without page crossing and taken branch. */
export const INSTRUCTION_CYCLES: usize = memory.data<u8>([${OPCODES.map(({ cycles }) => cycles).join(', ')}]);\n`;
}

/** One function per register that translated code writes: name, and the register. Strobes and the rest of 0x04..0x2c alike. */
export function generateRegisterWrites() {
  let text = `// Generated by codegen/interpreter.mjs. Do not edit.\n// A register's write by itself, for code that knows the register when it is translated.\nimport { writeTo } from '../tia-registers';\n`;
  for (let register = 4; register <= 0x2c; register++) {
    const name = `writeRegister${register.toString(16).padStart(2, '0')}`;
    text += `export function ${name}(value: i32, cycles: i32): void { writeTo(${register}, value, cycles); }\n`;
  }
  return text;
}
