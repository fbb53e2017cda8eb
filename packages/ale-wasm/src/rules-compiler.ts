// Compiles the rule notation of the game table to the bytecode that assembly/rules.ts runs after every emulated frame.
import { AleArgumentError } from './errors.ts';

/**
 * An expression of the rule notation; every value is a signed 32-bit integer. An object has one key:
 * `ram` (an address `"0x80"`..`"0xFF"`), `bus` (any address), `bcd`/`bcdbus` (addresses of packed decimal bytes, lowest first), `let`, `prev`,
 * `st`, `var` (names), `mode`, `+ * & |` (n-ary), `- << >> idiv %`, `min max`, `s8`, `bool`, `not`, comparisons, `and or`,
 * `if: [condition, then, else]`, `table: [index, values | { map, default }]`.
 */
export type RuleExpression = number | { readonly [operator: string]: unknown };

/** One step of a mode procedure; see the README. */
export type ModeStep = 'soft_reset' | { readonly [step: string]: unknown };

/** When a game gives reward, how many lives are left, and when it is over. */
export interface RuleDescription {
  /** State variables and their values when a game starts. */
  readonly state: Readonly<Record<string, RuleExpression>>;
  /** Named values computed in order after each frame. */
  readonly let: readonly (readonly [string, RuleExpression])[];
  /** New values of state variables, assigned at once; missing names keep theirs. */
  readonly next: Readonly<Record<string, RuleExpression>>;
  readonly out: { readonly reward: RuleExpression; readonly lives: RuleExpression; readonly game_over: RuleExpression };
}

/** Bytecode with its entry points; `procedure` is -1 without a mode procedure. */
export interface RuleProgram {
  readonly code: Uint8Array;
  readonly initial: number;
  readonly rules: number;
  readonly out: number;
  readonly procedure: number;
}

// The numbers of assembly/rules.ts.
const OP = {
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
const RANDOM_VARIABLE = 15;

class Assembler {
  private readonly bytes: number[] = [];
  private readonly lets = new Map<string, number>();
  private readonly variables = new Map<string, number>();
  private readonly states: string[];

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

  expression(e: unknown) {
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
    const binary = BINARY[operator];
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
        });
        return;
      case 'if': {
        const [condition, whenTrue, whenFalse] = list();
        this.expression(condition);
        const toElse = this.jump(OP.jumpIfZero);
        this.expression(whenTrue);
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
    if (Array.isArray(table)) {
      this.emit(OP.table, table.length);
      for (const value of table) this.emit32(Number(value));
      return;
    }
    const { map, default: otherwise } = table as { map: Record<string, number>; default: number };
    const entries = Object.entries(map);
    this.emit(OP.map, entries.length);
    this.emit32(otherwise);
    for (const [key, value] of entries) {
      this.emit32(Number(key));
      this.emit32(value);
    }
  }

  /** Steps of a mode procedure. Returns the places of `break_if` jumps, for the loop around. */
  steps(steps: readonly unknown[]): number[] {
    const breaks: number[] = [];
    for (const step of steps) breaks.push(...this.step(step));
    return breaks;
  }
  private step(step: unknown): number[] {
    if (step === 'soft_reset') {
      this.emit(OP.softReset);
      return [];
    }
    const s = step as Record<string, unknown>;
    const value = (e: unknown) => {
      if (JSON.stringify(e).includes('"env_rng_u32"')) this.emit(OP.random, RANDOM_VARIABLE);
      this.expression(e);
    };
    if ('set' in s) {
      value(s['to']);
      this.emit(OP.setVariable, this.variable(String(s['set'])));
    } else if ('state' in s) {
      value(s['to']);
      this.emit(OP.setState, this.stateIndex(String(s['state'])));
    } else if ('select' in s) {
      value(s['select']);
      this.emit(OP.select);
    } else if ('act' in s) {
      value(s['act']);
      this.emit(OP.act);
    } else if ('repeat' in s) {
      for (let i = 0; i < Number(s['repeat']); i++) this.steps(s['do'] as unknown[]);
    } else if ('while' in s) {
      const top = this.position;
      value(s['while']);
      const out = this.jump(OP.jumpIfZero);
      const breaks = this.steps(s['do'] as unknown[]);
      this.land(this.jump(OP.jump), top);
      for (const place of [out, ...breaks]) this.land(place);
    } else if ('loop' in s) {
      const top = this.position;
      const breaks = this.steps(s['loop'] as unknown[]);
      this.land(this.jump(OP.jump), top);
      for (const place of breaks) this.land(place);
    } else if ('break_if' in s) {
      value(s['break_if']);
      this.emit(OP.not);
      return [this.jump(OP.jumpIfZero)];
    } else if ('if' in s) {
      value(s['if']);
      const toElse = this.jump(OP.jumpIfZero);
      const breaks = this.steps(s['then'] as unknown[]);
      const toEnd = this.jump(OP.jump);
      this.land(toElse);
      breaks.push(...this.steps((s['else'] ?? []) as unknown[]));
      this.land(toEnd);
      return breaks;
    } else if ('switch' in s) {
      const ends: number[] = [];
      for (const [keys, body] of s['cases'] as [number[], unknown[]][]) {
        value({ or: keys.map((key) => ({ '==': [s['switch'], key] })) });
        const next = this.jump(OP.jumpIfZero);
        this.steps(body);
        ends.push(this.jump(OP.jump));
        this.land(next);
      }
      for (const end of ends) this.land(end);
    } else throw new AleArgumentError(`a mode procedure has the unknown step ${JSON.stringify(step)}`);
    return [];
  }
}

function hasKey(e: unknown, key: string): boolean {
  return typeof e === 'object' && e !== null && key in e;
}
function address(value: unknown, lowest: number, highest: number): number {
  const at = Number(value);
  if (!Number.isInteger(at) || at < lowest || at > highest)
    throw new AleArgumentError(
      `rules read address ${JSON.stringify(value)}; expected 0x${lowest.toString(16)}..0x${highest.toString(16)}`,
    );
  return at;
}

/**
 * Compiles rules and mode procedure.
 * @throws AleArgumentError for an unknown operator, name or address.
 */
export function compileRules(rules: RuleDescription, modeSelect: readonly ModeStep[] | null): RuleProgram {
  const names = Object.keys(rules.state);
  const a = new Assembler(names);
  const lets = () => {
    for (const [name, e] of rules.let) {
      a.expression(e);
      a.emit(OP.setLet, a.defineLet(name));
    }
  };
  const initial = a.position;
  if (Object.values(rules.state).some((value) => typeof value !== 'number')) lets();
  for (const name of names) {
    a.expression(rules.state[name]);
    a.emit(OP.setState, a.stateIndex(name));
  }
  a.emit(OP.end);
  const start = a.position;
  lets();
  const next = Object.entries(rules.next);
  for (const [, e] of next) a.expression(e);
  for (const [name] of next.reverse()) a.emit(OP.setState, a.stateIndex(name));
  const out = a.position;
  a.expression(rules.out.reward);
  a.expression(rules.out.lives);
  a.expression(rules.out.game_over);
  a.emit(OP.setOutput, OP.end);
  let procedure = -1;
  if (modeSelect) {
    procedure = a.position;
    a.steps(modeSelect);
    a.emit(OP.end);
  }
  return { code: a.finish(), initial, rules: start, out, procedure };
}
