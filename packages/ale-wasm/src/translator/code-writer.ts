// Writes the code of one WebAssembly function: opcodes, numbers, and labels by name instead of by depth.
import { LOCALS, type Operation } from '../generated/operations.ts';
import { signedLeb, unsignedLeb } from './leb.ts';

export type Local = (typeof LOCALS)[number];
export const REGISTERS = 10;

const INDEX = new Map<string, number>(LOCALS.map((name, index) => [name, index]));

/** Opcodes by their names in the WebAssembly text format; only those in use. */
export const OP = {
  unreachable: 0x00,
  br: 0x0c,
  brIf: 0x0d,
  drop: 0x1a,
  load8: 0x2d,
  load16: 0x2f,
  load32: 0x28,
  store8: 0x3a,
  store32: 0x36,
  eqz: 0x45,
  eq: 0x46,
  ne: 0x47,
  gt: 0x4a,
  gtU: 0x4b,
  le: 0x4c,
  ge: 0x4e,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  divU: 0x6e,
  and: 0x71,
  or: 0x72,
  xor: 0x73,
  shl: 0x74,
  shr: 0x75,
} as const;

const decoded = new Map<string, readonly number[]>();
function bytesOf(hexadecimal: string): readonly number[] {
  let bytes = decoded.get(hexadecimal);
  if (bytes === undefined) {
    bytes = (hexadecimal.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
    decoded.set(hexadecimal, bytes);
  }
  return bytes;
}

/** The piece of code of an instruction that is known to be in the table. */
export function operationOf(table: Readonly<Record<string, Operation>>, mnemonic: string): Operation {
  const operation = table[mnemonic];
  if (operation === undefined) throw new Error(`no operation ${mnemonic}`);
  return operation;
}

export class CodeWriter {
  readonly bytes: number[] = [];
  /** Bit sets of the locals touched. */
  reads = 0;
  writes = 0;
  private readonly labels: (string | undefined)[] = [];

  op(...opcodes: number[]): this {
    this.bytes.push(...opcodes);
    return this;
  }
  constant(value: number): this {
    this.bytes.push(0x41, ...signedLeb(value));
    return this;
  }
  get(local: Local): this {
    const index = INDEX.get(local) as number;
    this.reads |= 1 << index;
    this.bytes.push(0x20, index);
    return this;
  }
  set(local: Local): this {
    return this.assign(0x21, local);
  }
  /** Sets the local and keeps the value. */
  tee(local: Local): this {
    return this.assign(0x22, local);
  }
  private assign(opcode: number, local: Local): this {
    const index = INDEX.get(local) as number;
    this.writes |= 1 << index;
    this.bytes.push(opcode, index);
    return this;
  }
  /** A load or store of as many bytes as its opcode says, at the address on the stack plus `offset`. */
  memory(opcode: number, offset: number): this {
    this.bytes.push(opcode, 0, ...unsignedLeb(offset));
    return this;
  }
  /** Loads from a fixed address. */
  loadFrom(opcode: number, address: number): this {
    return this.constant(0).memory(opcode, address);
  }
  call(functionIndex: number): this {
    this.bytes.push(0x10, ...unsignedLeb(functionIndex));
    return this;
  }
  operation({ code, reads, writes }: Operation): this {
    this.reads |= reads;
    this.writes |= writes;
    this.bytes.push(...bytesOf(code));
    return this;
  }

  block(label: string): this {
    return this.open(0x02, 0x40, label);
  }
  loop(label: string): this {
    return this.open(0x03, 0x40, label);
  }
  /** Takes a condition from the stack. With `hasValue` both arms leave an integer. */
  if(hasValue = false): this {
    return this.open(0x04, hasValue ? 0x7f : 0x40, undefined);
  }
  else(): this {
    this.bytes.push(0x05);
    return this;
  }
  end(): this {
    this.labels.pop();
    this.bytes.push(0x0b);
    return this;
  }
  private open(opcode: number, type: number, label: string | undefined): this {
    this.labels.push(label);
    this.bytes.push(opcode, type);
    return this;
  }
  /** Branches to the innermost block or loop of this name. */
  branch(label: string, opcode: number = OP.br): this {
    const at = this.labels.lastIndexOf(label);
    if (at < 0) throw new Error(`no label ${label} around this code`);
    this.bytes.push(opcode, ...unsignedLeb(this.labels.length - 1 - at));
    return this;
  }
}
