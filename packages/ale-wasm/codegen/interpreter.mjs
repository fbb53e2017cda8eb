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
  izx: () => 't = (load<u8>(pc, 1) + X) & 0xff; pc += 2; ad = zeroPagePointer(t, cycles); t = ad;',
  izy: (read) =>
    `t = load<u8>(pc, 1); pc += 2; t = t & 0x80 && t != 0xff ? <i32>load<u16>(RAM_PAGE + t) : zeroPagePointer(t, cycles); ad = (t + Y) & 0xffff; ${read ? crossing : ''}`,
};

const SWITCH_BANK = (call) =>
  `{ u = bank; ${call} if (bank != u && pc >= <i32>ROM_BANKS) { pc += bank - u; pcOffset += bank - u; } }`;
const readZeroPage = (noise) => `if (t & 0x80) m = load<u8>(RAM_PAGE + t); else m = readTia(t, ${noise}, cycles);`;
const readAbsolute = (noise) =>
  `if (ad & 0x1000) { if ((ad & 0xfff) < hotspots) m = load<u8>(bank + (ad & 0xfff)); else ${SWITCH_BANK('m = readCartridge(ad, cycles);')} } else m = readBus(ad, ${noise}, cycles);`;
// Registers 3..0x2c go straight to the picture when nothing changes or the line limit is far; the rest take the slow way,
// which answers with the new cycle count, complemented when the frame ends.
const writeRegister = (register, value) => `{
  u = ${register};
  if (cycles > lineLimit || u < 2 || u > 0x2c) { cycles = writeTiaSlow(u, ${value}, cycles); if (cycles < 0) { cycles = ~cycles; n = 1; } }
  else if (u == 2) cycles = <i32>((<u32>(cycles + 75) / 76) * 76);
  else if (load<u16>(SHADOW + (u << 1)) != <u32>(${value})) writeTia(u, ${value}, cycles); }`;
const writeZeroPage = (value) =>
  `if (t & 0x80) store<u8>(RAM_PAGE + t, ${value}); else ${writeRegister('t & 0x3f', value)}`;
const writeAbsolute = (value) =>
  `if (ad & 0x1000) ${SWITCH_BANK(`writeCartridge(ad, ${value}, cycles);`)} else if (!(ad & 0x80)) ${writeRegister('ad & 0x3f', value)} else writeRiotOrRam(ad, ${value}, cycles);`;

const isZeroPage = (mode) => mode === 'zp' || mode === 'zpx' || mode === 'zpy';
const readOperand = (mode) =>
  mode === 'imm'
    ? 'm = load<u8>(pc, 1); pc += 2;'
    : `${ADDRESS[mode](true)} ${isZeroPage(mode) ? readZeroPage(NOISE[mode]) : readAbsolute(NOISE[mode])}`;
const write = (mode, value) => (isZeroPage(mode) ? writeZeroPage(value) : writeAbsolute(value));
const push = (value) =>
  `if (SP & 0x80) store<u8>(RAM_PAGE + SP, ${value}); else ${writeRegister('SP & 0x3f', value)} SP = (SP - 1) & 0xff;`;
const pull = (target) =>
  `SP = (SP + 1) & 0xff; ${target} = SP & 0x80 ? <i32>load<u8>(RAM_PAGE + SP) : readTia(SP, SP, cycles);`;
// Where control goes elsewhere, translated code may take over: `n` = 1 leaves the loop of instructions, what is left of the budget waits in `rest`.
const TRANSFER = 'if (translating) { if (entryAt(pc, pc - pcOffset)) { if (!rest) rest = n; n = 1; } }';
const GO =
  'if (t & 0x1000 && hotspots) { pcOffset = bank - (t & 0xf000); pc = t + pcOffset; } else { pc = locate(t, cycles); pcOffset = pc - t; }';
const jump = (address) => `t = ${address};
  ${GO} ${TRANSFER}`;

function body(opcode) {
  const { mnemonic, mode, cycles } = OPCODES[opcode];
  const advance = `cycles += ${cycles};`;
  if (mode === 'rel')
    return `${advance} if (${BRANCH[mnemonic]}) { t = pc + 2; pc = t + <i32>load<i8>(pc, 1); cycles++; if ((t ^ pc) & 0xff00) cycles++; ${TRANSFER} } else pc += 2;`;
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
      return `${advance} ad = pc - pcOffset + 2; m = load<u16>(pc, 1); ${push('(ad >> 8) & 0xff')} ${push('ad & 0xff')} ${jump('m')}`;
    case 'RTS':
      return `${advance} ${pull('m')} ${pull('u')} ${jump('((m | (u << 8)) + 1) & 0xffff')}`;
    case 'RTI':
      return `${advance} ${pull('m')} ${SET_STATUS} ${pull('m')} ${pull('u')} ${jump('m | (u << 8)')}`;
    case 'BRK':
      return `${advance} ad = pc - pcOffset + 2; ${push('(ad >> 8) & 0xff')} ${push('ad & 0xff')} m = ${STATUS}; ${push('m')} I = 1; ${jump('readIndirect(0xfffe, cycles)')}`;
    case 'PHA':
      return `${advance} pc++; ${push('A')}`;
    case 'PHP':
      return `${advance} pc++; m = ${STATUS}; ${push('m')}`;
    case 'PLA':
      return `${advance} pc++; ${pull('m')} A = m; nr = zr = A;`;
    case 'PLP':
      return `${advance} pc++; ${pull('m')} ${SET_STATUS}`;
    // A jam, or a guard byte beside a memory area that code has run out of.
    case 'JAM':
      return `t = pc - pcOffset; m = leaveArea(pc, t, cycles); if (m) { pc = m; pcOffset = pc - t; n++; } else { n = 1; rest = 0; }`;
  }
  throw new Error(`opcode ${opcode.toString(16)} ${mnemonic} has no meaning`);
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
import { bank, hotspots, leaveArea, locate, readBus, readCartridge, readIndirect, writeCartridge, writeRiotOrRam, zeroPagePointer } from '../bus';
import { turnsUntilTimerIsZero } from '../riot';
import { lineLimit, readTia, writeTia, writeTiaSlow } from '../tia-registers';
import { BUDGET_MARGIN, STEP, entryAt, link, translating } from '../translated';

let A: i32 = 0, X: i32 = 0, Y: i32 = 0, SP: i32 = 0, nr: i32 = 0, zr: i32 = 0, C: i32 = 0, V: i32 = 0, D: i32 = 0, I: i32 = 0;
let pcOffset: i32 = 0;

/** Runs at most \`budget\` instructions, fewer when the frame ends. */
export function run(budget: i32): void {
  ${LOAD}
  let cycles: i32 = cpu.cycles, n: i32 = budget, m: i32 = 0, t: i32 = 0, u: i32 = 0, ad: i32 = 0, entry: i32 = 0, rest: i32 = 0;
  let pc: i32 = locate(cpu.pc, cycles);
  pcOffset = pc - cpu.pc;
  while (true) {
  do {
    switch (load<u8>(pc)) {
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
  entry = entryAt(pc, pc - pcOffset);
  if (!entry || cycles > link.safeCycles || n <= BUDGET_MARGIN) continue;
  ${STORE_REGISTERS} cpu.cycles = cycles; link.budget = n;
  do {
    u = call_indirect<i32>(entry);
    t = u & 0xffff;
    cycles = cpu.cycles;
    ${GO}
    entry = u & STEP || cycles > link.safeCycles || link.budget <= BUDGET_MARGIN ? 0 : entryAt(pc, pc - pcOffset);
  } while (entry);
  ${LOAD}
  n = link.budget;
  // One instruction, whose successor may be translated again.
  rest = n; n = 1;
  }
  ${STORE_REGISTERS}
  cpu.pc = pc - pcOffset; cpu.cycles = cycles;
}
`;
  return text;
}

export function generateInstructionBytes() {
  return `// Generated by codegen/interpreter.mjs from codegen/opcodes.mjs. Do not edit.\n/** Length of every opcode's instruction. */\nexport const INSTRUCTION_BYTES: usize = memory.data<u8>([${OPCODES.map(({ mode }) => LENGTH[mode]).join(', ')}]);\n`;
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
