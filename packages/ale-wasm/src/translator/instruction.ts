// Decodes 6507 instructions out of a bank of ROM.
import { INSTRUCTION_LENGTH, OPCODE_TABLE } from '../generated/operations.ts';

export interface Instruction {
  /** 16-bit address. */
  readonly pc: number;
  readonly mnemonic: string;
  /** imp acc imm zp zpx zpy abs abx aby izx izy rel. */
  readonly mode: string;
  /** Cycles without page crossing and taken branch. */
  readonly cycles: number;
  readonly length: number;
  /** Operand byte or word; a branch's target. */
  readonly operand: number;
}

const TABLE = OPCODE_TABLE.split(' ').map((entry) => {
  const [, mnemonic, mode, cycles] = /^(\w+)\.([a-z]+)(\d)$/.exec(entry) as unknown as [string, string, string, string];
  return { mnemonic, mode, cycles: Number(cycles), length: INSTRUCTION_LENGTH[mode] as number };
});

/** The code that a region is made of: one 4 KiB bank, as the CPU sees it at one of its eight mirrors. */
export interface Bank {
  readonly bytes: Uint8Array;
  /** Address of the bank in the instance's memory. */
  readonly pointer: number;
  /** High three bits of every program counter in it, e.g. 0xE000 for code that runs at 0xF000. */
  readonly mirror: number;
  /** First and last offset of code: no instruction that reaches beyond is translated. */
  readonly first: number;
  readonly last: number;
  /** Reads at this offset and above, and all writes, are the cartridge's business. */
  readonly hotspots: number;
}

/** Whether code at this program counter belongs to the bank. */
export const isInBank = (bank: Bank, pc: number): boolean =>
  (pc & 0x1000) !== 0 && (pc & 0xe000) === bank.mirror && (pc & 0xfff) >= bank.first && (pc & 0xfff) <= bank.last;

/** The instruction at `pc`, undefined where the bank has none that may be translated. */
export function decode(bank: Bank, pc: number): Instruction | undefined {
  if (!isInBank(bank, pc)) return undefined;
  const at = pc & 0xfff;
  const entry = TABLE[bank.bytes[at] as number] as (typeof TABLE)[number];
  if (at + entry.length - 1 > bank.last) return undefined;
  const low = bank.bytes[at + 1] as number;
  let operand = low;
  if (entry.length === 3) operand = low | ((bank.bytes[at + 2] as number) << 8);
  else if (entry.mode === 'rel') operand = (pc + 2 + ((low << 24) >> 24)) & 0xffff;
  return { pc, ...entry, operand };
}
