// The bytecode of assembly/rules.ts: expressions of the rule notation become code for its stack machine, checked while they are written.
import { AleArgumentError } from './errors.ts';

// The numbers of assembly/rules.ts.
export const OP = {
  push8: 1,
  push32: 2,
  ram: 3,
  ramIndexed: 4,
  bus: 5,
  let: 6,
  state: 7,
  mode: 8,
  variable: 9,
  bcd: 10,
  jump: 48,
  jumpIfZero: 49,
  table: 50,
  map: 51,
  setLet: 64,
  setState: 65,
  setVariable: 66,
  end: 67,
  setOutput: 68,
  select: 80,
  softReset: 81,
  act: 82,
  random: 83,
  signed8: 27,
  boolean: 28,
  not: 29,
} as const;
const BINARY: Readonly<Record<string, number>> = {
  '+': 16,
  '-': 17,
  '*': 18,
  '&': 19,
  '|': 20,
  '<<': 21,
  '>>': 22,
  idiv: 23,
  '%': 24,
  min: 25,
  max: 26,
  '==': 32,
  '!=': 33,
  '<': 34,
  '>': 35,
  '<=': 36,
  '>=': 37,
};
export const RANDOM_VARIABLE = 15;
// What the core has room for: values on its stack, with a few left for what an operator adds by itself; entries of a table; jump targets.
const STACK_DEPTH = 60;
const TABLE_ENTRIES = 255;
const CODE_BYTES = 0xffff;
/** Deepest nesting, so that a description can't exhaust the compiler's own stack. */
const NESTING = 200;

/** Writes bytecode: jumps, names, expressions. Mode procedures are in rules-compiler.ts. */
export class Assembler {
  private readonly bytes: number[] = [];
  private readonly lets = new Map<string, number>();
  private readonly variables = new Map<string, number>();
  private readonly states: string[];
  /** Values on the core's stack here. */
  private depth = 0;
  private nesting = 0;

  constructor(stateNames: string[]) {
    if (stateNames.length > 16)
      throw new AleArgumentError(`rules have ${stateNames.length} state variables; at most 16 are possible`);
    this.states = stateNames;
  }

  get position(): number {
    return this.bytes.length;
  }
  emit(...bytes: number[]): void {
    this.bytes.push(...bytes.map((byte) => byte & 0xff));
    if (this.bytes.length > CODE_BYTES) throw new AleArgumentError(`rules need more than ${CODE_BYTES} bytes of code`);
  }
  /** Between statements, which leave nothing on the stack. */
  clear(): void {
    this.depth = 0;
  }
  private emit32(value: number): void {
    this.emit(value, value >> 8, value >> 16, value >> 24);
  }
  /** Emits a jump and returns the place of its target. */
  jump(operation: number): number {
    this.emit(operation, 0, 0);
    return this.bytes.length - 2;
  }
  land(place: number, target = this.bytes.length): void {
    this.bytes[place] = target & 0xff;
    this.bytes[place + 1] = target >> 8;
  }
  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }

  stateIndex(name: string): number {
    const index = this.states.indexOf(name);
    if (index < 0)
      throw new AleArgumentError(`rules use the state variable ${JSON.stringify(name)}, which \`state\` does not name`);
    return index;
  }
  defineLet(name: string): number {
    const index = this.lets.get(name) ?? this.lets.size;
    if (index > 255) throw new AleArgumentError('rules have more than 256 `let` values');
    this.lets.set(name, index);
    return index;
  }
  variable(name: string): number {
    let index = this.variables.get(name);
    if (index === undefined) {
      index = this.variables.size;
      if (index >= RANDOM_VARIABLE) throw new AleArgumentError('a mode procedure has more than 15 variables');
      this.variables.set(name, index);
    }
    return index;
  }

  constant(value: number): void {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31)
      throw new AleArgumentError(`rules hold ${value}, which is no signed 32-bit integer`);
    if (value >= 0 && value < 256) this.emit(OP.push8, value);
    else {
      this.emit(OP.push32);
      this.emit32(value);
    }
  }

  /** Code that leaves the value of an expression on the stack. */
  expression(e: unknown): void {
    const before = this.depth;
    if (++this.nesting > NESTING) throw new AleArgumentError(`rules are nested more than ${NESTING} deep`);
    this.value(e);
    this.nesting--;
    this.depth = before + 1;
    if (this.depth > STACK_DEPTH)
      throw new AleArgumentError(`rules need more than ${STACK_DEPTH} values at once; name parts of them with \`let\``);
  }
  private value(e: unknown) {
    if (typeof e === 'number') return this.constant(e);
    if (typeof e === 'boolean') return this.constant(e ? 1 : 0);
    if (typeof e !== 'object' || e === null || Object.keys(e).length !== 1)
      throw new AleArgumentError(`no rule expression: ${JSON.stringify(e)}`);
    const [operator, operand] = Object.entries(e)[0] as [string, unknown];
    const list = () => {
      if (!Array.isArray(operand))
        throw new AleArgumentError(
          `the operands of ${JSON.stringify(operator)} are no list: ${JSON.stringify(operand)}`,
        );
      return operand as unknown[];
    };
    const before = this.depth;
    const binary = Object.hasOwn(BINARY, operator) ? BINARY[operator] : undefined;
    if (binary !== undefined) {
      const operands = list();
      if (operands.length < 2)
        throw new AleArgumentError(`${JSON.stringify(operator)} needs two operands: ${JSON.stringify(e)}`);
      // A random word is unsigned in the notation; its remainder by a power of two is a mask.
      if (operator === '%' && hasKey(operands[0], 'env_rng_u32') && typeof operands[1] === 'number') {
        this.emit(OP.variable, RANDOM_VARIABLE);
        this.constant(operands[1] - 1);
        return this.emit(BINARY['&'] as number);
      }
      operands.forEach((item, i) => {
        this.expression(item);
        if (i > 0) this.emit(binary);
        this.depth = before + 1;
      });
      return;
    }
    switch (operator) {
      case 'ram':
        return this.emit(OP.ram, address(operand, 0x80, 0xff));
      case 'ramx':
        this.expression(operand);
        return this.emit(OP.ramIndexed);
      case 'bus':
        return this.bus(operand);
      case 'bcd':
      case 'bcdbus':
        list().forEach((item, i) => {
          if (operator === 'bcd') this.emit(OP.bcd, address(item, 0x80, 0xff));
          else this.bcdOfBus(item);
          if (i > 0) {
            this.constant(100 ** i);
            this.emit(BINARY['*'] as number, BINARY['+'] as number);
          }
        });
        return;
      case 'let': {
        const index = this.lets.get(String(operand));
        if (index === undefined)
          throw new AleArgumentError(`rules use the value ${JSON.stringify(operand)} before \`let\` defines it`);
        return this.emit(OP.let, index);
      }
      case 'prev':
      case 'st':
        return this.emit(OP.state, this.stateIndex(String(operand)));
      case 'var':
        return this.emit(OP.variable, this.variable(String(operand)));
      case 'mode':
        return this.emit(OP.mode);
      case 'env_rng_u32':
        return this.emit(OP.variable, RANDOM_VARIABLE);
      case 's8':
      case 'bool':
      case 'not':
        this.expression(operand);
        return this.emit(operator === 's8' ? OP.signed8 : operator === 'bool' ? OP.boolean : OP.not);
      case 'and':
      case 'or':
        list().forEach((item, i) => {
          this.expression(item);
          this.emit(OP.boolean);
          if (i > 0) this.emit(BINARY[operator === 'and' ? '&' : '|'] as number);
          this.depth = before + 1;
        });
        return;
      case 'if': {
        if (list().length !== 3)
          throw new AleArgumentError(`"if" needs a condition and two values: ${JSON.stringify(e)}`);
        const [condition, whenTrue, whenFalse] = list();
        this.expression(condition);
        this.depth = before;
        const toElse = this.jump(OP.jumpIfZero);
        this.expression(whenTrue);
        this.depth = before;
        const toEnd = this.jump(OP.jump);
        this.land(toElse);
        this.expression(whenFalse);
        return this.land(toEnd);
      }
      case 'table':
        return this.table(list());
    }
    throw new AleArgumentError(`rules use the unknown operator ${JSON.stringify(operator)}`);
  }
  private bus(operand: unknown): void {
    const at = address(operand, 0, 0xffff);
    this.emit(OP.bus, at, at >> 8);
  }
  private bcdOfBus(operand: unknown): void {
    this.bus(operand);
    this.constant(4);
    this.emit(BINARY['>>'] as number);
    this.constant(10);
    this.emit(BINARY['*'] as number);
    this.bus(operand);
    this.constant(15);
    this.emit(BINARY['&'] as number, BINARY['+'] as number);
  }
  private table(operands: unknown[]): void {
    this.expression(operands[0]);
    const table = operands[1];
    const most = (count: number) => {
      if (count > TABLE_ENTRIES)
        throw new AleArgumentError(`a table of the rules has ${count} entries; at most ${TABLE_ENTRIES} are possible`);
      return count;
    };
    if (Array.isArray(table)) {
      this.emit(OP.table, most(table.length));
      for (const value of table) this.emit32(integer(value, 'a table'));
      return;
    }
    const { map, default: otherwise } = (table ?? {}) as { map?: Record<string, unknown>; default?: unknown };
    if (typeof map !== 'object' || map === null)
      throw new AleArgumentError(
        `a table of the rules is ${JSON.stringify(table)}; expected a list or { map, default }`,
      );
    const entries = Object.entries(map);
    this.emit(OP.map, most(entries.length));
    this.emit32(integer(otherwise, 'the default of a table'));
    for (const [key, value] of entries) {
      this.emit32(integer(key.trim() === '' ? key : Number(key), 'a key of a table'));
      this.emit32(integer(value, 'a table'));
    }
  }
}

function hasKey(e: unknown, key: string): boolean {
  return typeof e === 'object' && e !== null && key in e;
}
export function integer(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31)
    throw new AleArgumentError(
      `${where} of the rules holds ${JSON.stringify(value)}; expected a signed 32-bit integer`,
    );
  return value;
}
function address(value: unknown, lowest: number, highest: number): number {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^(0x[0-9a-f]+|[0-9]+)$/i.test(value));
  const at = isNumber ? Number(value) : Number.NaN;
  if (!Number.isInteger(at) || at < lowest || at > highest)
    throw new AleArgumentError(
      `rules read address ${JSON.stringify(value)}; expected 0x${lowest.toString(16)}..0x${highest.toString(16)}`,
    );
  return at;
}
