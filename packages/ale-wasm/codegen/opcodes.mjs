// The 6507's 256 opcodes: mnemonic, addressing mode, base cycles, and what each does, written once as text in a small
// C-like language that is valid AssemblyScript. interpreter.mjs pastes it into the interpreter; the ROM translator
// (src/translator) compiles the same text to WebAssembly. Names used by the text:
//   A X Y SP              registers (0..255)
//   nr zr                 last results for the lazy flags: N = nr & 0x80, Z = (zr == 0)
//   C V D I               carry (0/1), overflow (0 or not), decimal (0/1), interrupt disable (0/1)
//   m t u ad              temporaries: operand value, zero-page address or scratch, scratch, effective address
//   cycles                cycle counter; already advanced by the whole instruction when memory is touched
//   OPERAND8 OPERAND16    the operand bytes
// Cycle counts follow ALE's core, which differs from silicon in LAX zero page (4, not 3).
const TABLE = `
BRK.imp7 ORA.izx6 JAM.imp2 SLO.izx8 NOP.zp3  ORA.zp3  ASL.zp5  SLO.zp5  PHP.imp3 ORA.imm2 ASL.acc2 ANC.imm2 NOP.abs4 ORA.abs4 ASL.abs6 SLO.abs6
BPL.rel2 ORA.izy5 JAM.imp2 SLO.izy8 NOP.zpx4 ORA.zpx4 ASL.zpx6 SLO.zpx6 CLC.imp2 ORA.aby4 NOP.imp2 SLO.aby7 NOP.abx4 ORA.abx4 ASL.abx7 SLO.abx7
JSR.abs6 AND.izx6 JAM.imp2 RLA.izx8 BIT.zp3  AND.zp3  ROL.zp5  RLA.zp5  PLP.imp4 AND.imm2 ROL.acc2 ANC.imm2 BIT.abs4 AND.abs4 ROL.abs6 RLA.abs6
BMI.rel2 AND.izy5 JAM.imp2 RLA.izy8 NOP.zpx4 AND.zpx4 ROL.zpx6 RLA.zpx6 SEC.imp2 AND.aby4 NOP.imp2 RLA.aby7 NOP.abx4 AND.abx4 ROL.abx7 RLA.abx7
RTI.imp6 EOR.izx6 JAM.imp2 SRE.izx8 NOP.zp3  EOR.zp3  LSR.zp5  SRE.zp5  PHA.imp3 EOR.imm2 LSR.acc2 ASR.imm2 JMP.abs3 EOR.abs4 LSR.abs6 SRE.abs6
BVC.rel2 EOR.izy5 JAM.imp2 SRE.izy8 NOP.zpx4 EOR.zpx4 LSR.zpx6 SRE.zpx6 CLI.imp2 EOR.aby4 NOP.imp2 SRE.aby7 NOP.abx4 EOR.abx4 LSR.abx7 SRE.abx7
RTS.imp6 ADC.izx6 JAM.imp2 RRA.izx8 NOP.zp3  ADC.zp3  ROR.zp5  RRA.zp5  PLA.imp4 ADC.imm2 ROR.acc2 ARR.imm2 JMI.abs5 ADC.abs4 ROR.abs6 RRA.abs6
BVS.rel2 ADC.izy5 JAM.imp2 RRA.izy8 NOP.zpx4 ADC.zpx4 ROR.zpx6 RRA.zpx6 SEI.imp2 ADC.aby4 NOP.imp2 RRA.aby7 NOP.abx4 ADC.abx4 ROR.abx7 RRA.abx7
NOP.imm2 STA.izx6 NOP.imm2 SAX.izx6 STY.zp3  STA.zp3  STX.zp3  SAX.zp3  DEY.imp2 NOP.imm2 TXA.imp2 ANE.imm2 STY.abs4 STA.abs4 STX.abs4 SAX.abs4
BCC.rel2 STA.izy6 JAM.imp2 SHA.izy6 STY.zpx4 STA.zpx4 STX.zpy4 SAX.zpy4 TYA.imp2 STA.aby5 TXS.imp2 SHS.aby5 SHY.abx5 STA.abx5 SHX.aby5 SHA.aby5
LDY.imm2 LDA.izx6 LDX.imm2 LAX.izx6 LDY.zp3  LDA.zp3  LDX.zp3  LAX.zp4  TAY.imp2 LDA.imm2 TAX.imp2 LXA.imm2 LDY.abs4 LDA.abs4 LDX.abs4 LAX.abs4
BCS.rel2 LDA.izy5 JAM.imp2 LAX.izy5 LDY.zpx4 LDA.zpx4 LDX.zpy4 LAX.zpy4 CLV.imp2 LDA.aby4 TSX.imp2 LAS.aby4 LDY.abx4 LDA.abx4 LDX.aby4 LAX.aby4
CPY.imm2 CMP.izx6 NOP.imm2 DCP.izx8 CPY.zp3  CMP.zp3  DEC.zp5  DCP.zp5  INY.imp2 CMP.imm2 DEX.imp2 SBX.imm2 CPY.abs4 CMP.abs4 DEC.abs6 DCP.abs6
BNE.rel2 CMP.izy5 JAM.imp2 DCP.izy8 NOP.zpx4 CMP.zpx4 DEC.zpx6 DCP.zpx6 CLD.imp2 CMP.aby4 NOP.imp2 DCP.aby7 NOP.abx4 CMP.abx4 DEC.abx7 DCP.abx7
CPX.imm2 SBC.izx6 NOP.imm2 ISB.izx8 CPX.zp3  SBC.zp3  INC.zp5  ISB.zp5  INX.imp2 SBC.imm2 NOP.imp2 SBC.imm2 CPX.abs4 SBC.abs4 INC.abs6 ISB.abs6
BEQ.rel2 SBC.izy5 JAM.imp2 ISB.izy8 NOP.zpx4 SBC.zpx4 INC.zpx6 ISB.zpx6 SED.imp2 SBC.aby4 NOP.imp2 ISB.aby7 NOP.abx4 SBC.abx4 INC.abx7 ISB.abx7`;

/** @type {{ mnemonic: string, mode: string, cycles: number }[]} */
export const OPCODES = TABLE.trim()
  .split(/\s+/)
  .map((entry) => {
    const [, mnemonic, mode, cycles] = /^(\w+)\.([a-z]+)(\d)$/.exec(entry);
    return { mnemonic, mode, cycles: Number(cycles) };
  });
if (OPCODES.length !== 256) throw new Error(`opcode table has ${OPCODES.length} entries`);

/** Bytes of an instruction by addressing mode. */
export const LENGTH = { imp: 1, acc: 1, imm: 2, zp: 2, zpx: 2, zpy: 2, izx: 2, izy: 2, rel: 2, abs: 3, abx: 3, aby: 3 };

const nz = (value) => `nr = zr = ${value};`;
const compare = (register) => `t = ${register} - m; C = i32(t >= 0); ${nz('t & 0xff')}`;

const ADC = `if (D) { t = adcDecimal(A, m, C); C = t >> 16; V = t & 0x100; A = t & 0xff; ${nz('A')} }
  else { t = A + m + C; V = (A ^ t) & (m ^ t) & 0x80; C = t >> 8; A = t & 0xff; ${nz('A')} }`;
const SBC = `if (D) { t = sbcDecimal(A, m, C); C = t >> 16; V = t & 0x100; A = t & 0xff; ${nz('A')} }
  else { t = A + (m ^ 0xff) + C; V = (A ^ t) & ((m ^ 0xff) ^ t) & 0x80; C = t >> 8; A = t & 0xff; ${nz('A')} }`;

/** What a read instruction does with the operand `m`. */
export const READ = {
  ORA: `A |= m; ${nz('A')}`,
  AND: `A &= m; ${nz('A')}`,
  EOR: `A ^= m; ${nz('A')}`,
  ADC,
  SBC,
  LDA: `A = m; ${nz('m')}`,
  LDX: `X = m; ${nz('m')}`,
  LDY: `Y = m; ${nz('m')}`,
  LAX: `A = X = m; ${nz('m')}`,
  CMP: compare('A'),
  CPX: compare('X'),
  CPY: compare('Y'),
  BIT: 'nr = m; V = m & 0x40; zr = A & m;',
  NOP: '',
  LAS: `A = X = SP = m & SP; ${nz('A')}`,
  ANC: `A &= m; C = A >> 7; ${nz('A')}`,
  ASR: `A &= m; C = A & 1; A >>= 1; ${nz('A')}`,
  SBX: `t = (A & X) - m; C = i32(t >= 0); X = t & 0xff; ${nz('X')}`,
  ANE: `A = (A | 0xee) & X & m; ${nz('A')}`,
  LXA: `A = X = (A | 0xee) & m; ${nz('A')}`,
  ARR: `A &= m; if (D) { t = arrDecimal(A, C); C = (t >> 16) & 1; V = t & 0x100; nr = t >> 24; zr = (A >> 1) | (nr & 0x80); A = t & 0xff; }
    else { A = (A >> 1) | (C << 7); ${nz('A')} C = (A >> 6) & 1; V = ((A >> 6) ^ (A >> 5)) & 1; }`,
};

/** Read-modify-write: what becomes of `m`. */
export const MODIFY = {
  ASL: `C = m >> 7; m = (m << 1) & 0xff; ${nz('m')}`,
  LSR: `C = m & 1; m >>= 1; ${nz('m')}`,
  ROL: `u = m >> 7; m = ((m << 1) | C) & 0xff; C = u; ${nz('m')}`,
  ROR: `u = m & 1; m = (m >> 1) | (C << 7); C = u; ${nz('m')}`,
  INC: `m = (m + 1) & 0xff; ${nz('m')}`,
  DEC: `m = (m - 1) & 0xff; ${nz('m')}`,
  SLO: `C = m >> 7; m = (m << 1) & 0xff; A |= m; ${nz('A')}`,
  RLA: `u = m >> 7; m = ((m << 1) | C) & 0xff; C = u; A &= m; ${nz('A')}`,
  SRE: `C = m & 1; m >>= 1; A ^= m; ${nz('A')}`,
  RRA: 'u = m & 1; m = (m >> 1) | (C << 7); C = u;',
  DCP: `m = (m - 1) & 0xff; u = A - m; C = i32(u >= 0); ${nz('u & 0xff')}`,
  ISB: 'm = (m + 1) & 0xff;',
};
/** What follows the write of a read-modify-write instruction. */
export const AFTER_MODIFY = { RRA: ADC, ISB: SBC };

/** The value a store instruction writes; the SH* group's depends on the address. */
export const STORE = { STA: 'A', STX: 'X', STY: 'Y', SAX: '(A & X)' };
export const STORE_AND_HIGH = { SHA: 'A & X', SHX: 'X', SHY: 'Y', SHS: 'SP' };

/** Implied operands, without control flow and stack. */
export const IMPLIED = {
  CLC: 'C = 0;',
  SEC: 'C = 1;',
  CLI: 'I = 0;',
  SEI: 'I = 1;',
  CLV: 'V = 0;',
  CLD: 'D = 0;',
  SED: 'D = 1;',
  NOP: '',
  TAX: `X = A; ${nz('A')}`,
  TXA: `A = X; ${nz('X')}`,
  TAY: `Y = A; ${nz('A')}`,
  TYA: `A = Y; ${nz('Y')}`,
  TSX: `X = SP; ${nz('SP')}`,
  TXS: 'SP = X;',
  INX: `X = (X + 1) & 0xff; ${nz('X')}`,
  DEX: `X = (X - 1) & 0xff; ${nz('X')}`,
  INY: `Y = (Y + 1) & 0xff; ${nz('Y')}`,
  DEY: `Y = (Y - 1) & 0xff; ${nz('Y')}`,
};

/** When a branch is taken. */
export const BRANCH = {
  BPL: '!(nr & 0x80)',
  BMI: 'nr & 0x80',
  BVC: '!V',
  BVS: 'V',
  BCC: '!C',
  BCS: 'C',
  BNE: 'zr',
  BEQ: '!zr',
};

/** The status byte as pushed (B and bit 5 always 1), and its inverse from `m`. */
export const STATUS = '((nr & 0x80) | (V ? 0x40 : 0) | 0x30 | (D << 3) | (I << 2) | (zr ? 0 : 2) | C)';
export const SET_STATUS =
  'nr = m & 0x80; zr = (m & 2) ^ 2; V = m & 0x40; D = (m >> 3) & 1; I = (m >> 2) & 1; C = m & 1;';
