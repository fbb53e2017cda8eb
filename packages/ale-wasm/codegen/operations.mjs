// Writes src/generated/operations.ts: what the 6507's instructions do, compiled from opcodes.mjs's text to pieces of WebAssembly that the ROM
// translator puts together. Run with `node codegen/operations.mjs`; a test compares what is checked in with what this gives.
// The text is expressions over 32-bit integers, `if`/`else`, blocks, and calls of the three decimal functions.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { signedLeb } from '../src/translator/leb.ts';
import { AFTER_MODIFY, BRANCH, IMPLIED, LENGTH, MODIFY, OPCODES, READ, SET_STATUS, STATUS, STORE } from './opcodes.mjs';

export const OPERATIONS_FILE = new URL('../src/generated/operations.ts', import.meta.url);

/** Local variables of a translated function; the first ten are the CPU's registers in the order of `Cpu` in assembly/state.ts. */
export const LOCALS = 'A X Y SP nr zr C V D I cycles n m t u ad pc'.split(' ');
/** Imports that operations call; the translator's import list starts with them. */
export const FUNCTIONS = ['adcDecimal', 'sbcDecimal', 'arrDecimal'];

const BINARY = {
  '||': [1],
  '&&': [2],
  '|': [3, 0x72],
  '^': [4, 0x73],
  '&': [5, 0x71],
  '==': [6, 0x46],
  '!=': [6, 0x47],
  '<': [7, 0x48],
  '>': [7, 0x4a],
  '<=': [7, 0x4c],
  '>=': [7, 0x4e],
  '<<': [8, 0x74],
  '>>': [8, 0x75],
  '+': [9, 0x6a],
  '-': [9, 0x6b],
};

/** Compiles statements, or an expression whose value stays on the stack. Answers with the code and bit sets of the locals it reads and writes. */
export function compile(text, isExpression = false) {
  const tokens = text.match(/0x[0-9a-f]+|\w+|<<|>>=|>>|[<>=!]=|\|\||&&|[-+&|^]=|[^\s\w]/g) ?? [];
  let at = 0;
  let reads = 0;
  let writes = 0;
  const fail = (what) => {
    throw new Error(`${what} at token ${at} (${tokens[at]}) of: ${text}`);
  };
  const take = (token) => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const expect = (token) => take(token) || fail(`expected ${token}`);
  const local = (name) => {
    const index = LOCALS.indexOf(name);
    if (index < 0) fail(`unknown name ${name}`);
    return index;
  };
  const get = (index) => {
    reads |= 1 << index;
    return [0x20, index];
  };

  function primary() {
    const token = tokens[at++];
    if (token === '(') {
      const inside = expression();
      expect(')');
      return inside;
    }
    if (/^\d/.test(token)) return [0x41, ...signedLeb(Number(token))];
    if (take('(')) {
      const inside = [...expression()];
      while (take(',')) inside.push(...expression());
      expect(')');
      // i32(comparison) is what a comparison gives anyway.
      if (token === 'i32') return inside;
      const index = FUNCTIONS.indexOf(token);
      if (index < 0) fail(`unknown function ${token}`);
      return [...inside, 0x10, index];
    }
    return get(local(token));
  }
  function unary() {
    if (take('!')) return [...unary(), 0x45];
    if (take('~')) return [...unary(), 0x41, 0x7f, 0x73];
    if (take('-')) return [0x41, 0, ...unary(), 0x6b];
    return primary();
  }
  function binary(level) {
    let left = unary();
    while (BINARY[tokens[at]]?.[0] >= level) {
      const [precedence, opcode] = BINARY[tokens[at++]];
      if (opcode === undefined) fail('no short circuits');
      left = [...left, ...binary(precedence + 1), opcode];
    }
    return left;
  }
  function expression(isValue = true) {
    const operator = /^(\||\^|&|>>|\+|-)?=$/.exec(tokens[at + 1]);
    if (operator && /^[a-z]/i.test(tokens[at])) {
      const index = local(tokens[at]);
      at += 2;
      const before = operator[1] ? get(index) : [];
      const value = [...before, ...expression(), ...(operator[1] ? [BINARY[operator[1]][1]] : [])];
      writes |= 1 << index;
      return [...value, isValue ? 0x22 : 0x21, index];
    }
    const condition = binary(1);
    if (!take('?')) return condition;
    const yes = expression();
    expect(':');
    return [...condition, 0x04, 0x7f, ...yes, 0x05, ...expression(), 0x0b];
  }
  function statement() {
    if (take('{')) {
      const inside = [];
      while (!take('}')) inside.push(...statement());
      return inside;
    }
    if (take('if')) {
      expect('(');
      const condition = expression();
      expect(')');
      const yes = statement();
      const no = take('else') ? [0x05, ...statement()] : [];
      return [...condition, 0x04, 0x40, ...yes, ...no, 0x0b];
    }
    const code = expression(false);
    expect(';');
    return code;
  }

  const code = [];
  if (isExpression) code.push(...expression());
  else while (at < tokens.length) code.push(...statement());
  if (at < tokens.length) fail('left over');
  return { code, reads, writes };
}

export function generateOperations() {
  const piece = (text, isExpression) => {
    const { code, reads, writes } = compile(text, isExpression);
    return `{ code: '${Buffer.from(code).toString('hex')}', reads: ${reads}, writes: ${writes} }`;
  };
  const table = (name, about, entries, isExpression) =>
    `/** ${about} */\nexport const ${name}: Readonly<Record<string, Operation>> = {\n${Object.entries(entries)
      .map(([mnemonic, text]) => `  ${mnemonic}: ${piece(text, isExpression)},\n`)
      .join('')}};\n`;
  return `// Generated by codegen/operations.mjs from codegen/opcodes.mjs. Do not edit.
/** A piece of WebAssembly (hexadecimal), and bit sets of the locals it reads and writes. */
export interface Operation {
  readonly code: string;
  readonly reads: number;
  readonly writes: number;
}
export const LOCALS = [${LOCALS.map((name) => `'${name}'`).join(', ')}] as const;
/** Imports 0, 1, ... of a translation: operations call them. */
export const OPERATION_FUNCTIONS = [${FUNCTIONS.map((name) => `'${name}'`).join(', ')}] as const;
/** By opcode: mnemonic, addressing mode, cycles. */
export const OPCODE_TABLE =
  '${OPCODES.map(({ mnemonic, mode, cycles }) => `${mnemonic}.${mode}${cycles}`).join(' ')}';
/** Bytes of an instruction by addressing mode. */
export const INSTRUCTION_LENGTH: Readonly<Record<string, number>> = ${JSON.stringify(LENGTH)};
${table('READ', 'Instructions that read an operand, into local m.', READ)}
${table('MODIFY', 'Read-modify-write instructions: what becomes of m.', MODIFY)}
${table('AFTER_MODIFY', 'What follows their write.', AFTER_MODIFY)}
${table('STORE', 'Values that store instructions write.', STORE, true)}
${table('IMPLIED', 'Instructions without operand, control flow or stack.', IMPLIED)}
${table('BRANCH', 'When a branch is taken.', BRANCH, true)}
/** The status byte as pushed, and the status from m. */
export const STATUS: Operation = ${piece(STATUS, true)};
export const SET_STATUS: Operation = ${piece(SET_STATUS)};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(OPERATIONS_FILE, generateOperations());
