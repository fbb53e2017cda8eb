// Compiles the rule notation of the game table to the bytecode that assembly/rules.ts runs after every emulated frame.
import { AleArgumentError } from './errors.ts';
import { Assembler, integer, OP, RANDOM_VARIABLE } from './rules-assembler.ts';

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
  /**
   * Evaluated at the end of every frame, only for what it reads last: that byte stays on the bus. Default: what `out` read last, or `next` or `let`
   * before it. Only code that runs in the TIA's addresses notices.
   */
  readonly last?: RuleExpression;
}

/** Bytecode with its entry points; `procedure` is -1 without a mode procedure. */
export interface RuleProgram {
  readonly code: Uint8Array;
  readonly initial: number;
  readonly rules: number;
  readonly out: number;
  readonly procedure: number;
}

const MOST_REPEATS = 1000;
/** Takes the value of `last` from the stack; nobody reads it. */
const LAST = '\0last';

class ProcedureAssembler extends Assembler {
  /** Steps of a mode procedure. Returns the places of `break_if` jumps, for the loop around. */
  steps(steps: unknown): number[] {
    if (!Array.isArray(steps))
      throw new AleArgumentError(`the steps of a mode procedure are no list: ${JSON.stringify(steps)}`);
    const breaks: number[] = [];
    for (const step of steps) breaks.push(...this.step(step));
    return breaks;
  }
  private step(step: unknown): number[] {
    if (step === 'soft_reset') {
      this.emit(OP.softReset);
      return [];
    }
    if (typeof step !== 'object' || step === null)
      throw new AleArgumentError(`a mode procedure has the unknown step ${JSON.stringify(step)}`);
    const s = step as Record<string, unknown>;
    const value = (e: unknown) => {
      this.clear();
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
      const times = integer(s['repeat'], '`repeat`');
      if (times < 0 || times > MOST_REPEATS)
        throw new AleArgumentError(`a mode procedure repeats ${times} times; expected 0..${MOST_REPEATS}`);
      const breaks: number[] = [];
      for (let i = 0; i < times; i++) breaks.push(...this.steps(s['do']));
      for (const place of breaks) this.land(place);
    } else if ('while' in s) {
      const top = this.position;
      value(s['while']);
      const out = this.jump(OP.jumpIfZero);
      const breaks = this.steps(s['do']);
      this.land(this.jump(OP.jump), top);
      for (const place of [out, ...breaks]) this.land(place);
    } else if ('loop' in s) {
      const top = this.position;
      const breaks = this.steps(s['loop']);
      this.land(this.jump(OP.jump), top);
      for (const place of breaks) this.land(place);
    } else if ('break_if' in s) {
      value(s['break_if']);
      this.emit(OP.not);
      return [this.jump(OP.jumpIfZero)];
    } else if ('if' in s) {
      value(s['if']);
      const toElse = this.jump(OP.jumpIfZero);
      const breaks = this.steps(s['then']);
      const toEnd = this.jump(OP.jump);
      this.land(toElse);
      breaks.push(...this.steps(s['else'] ?? []));
      this.land(toEnd);
      return breaks;
    } else if ('switch' in s) {
      const ends: number[] = [];
      const breaks: number[] = [];
      for (const [keys, body] of s['cases'] as [number[], unknown[]][]) {
        value({ or: keys.map((key) => ({ '==': [s['switch'], key] })) });
        const next = this.jump(OP.jumpIfZero);
        breaks.push(...this.steps(body));
        ends.push(this.jump(OP.jump));
        this.land(next);
      }
      for (const end of ends) this.land(end);
      return breaks;
    } else throw new AleArgumentError(`a mode procedure has the unknown step ${JSON.stringify(step)}`);
    return [];
  }
}

/**
 * Compiles rules and mode procedure.
 * @throws AleArgumentError for an unknown operator, name or address.
 */
export function compileRules(rules: RuleDescription, modeSelect: readonly ModeStep[] | null): RuleProgram {
  for (const field of ['state', 'let', 'next', 'out'] as const)
    if (
      typeof rules?.[field] !== 'object' ||
      rules[field] === null ||
      Array.isArray(rules[field]) !== (field === 'let')
    )
      throw new AleArgumentError(
        `\`rules.${field}\` is ${JSON.stringify(rules?.[field])}; expected ${field === 'let' ? 'a list of [name, expression]' : 'an object'}`,
      );
  const names = Object.keys(rules.state);
  const a = new ProcedureAssembler(names);
  const lets = () => {
    for (const [name, e] of rules.let) {
      a.clear();
      a.expression(e);
      a.emit(OP.setLet, a.defineLet(name));
    }
  };
  const initial = a.position;
  if (Object.values(rules.state).some((value) => typeof value !== 'number')) lets();
  for (const name of names) {
    a.clear();
    a.expression(rules.state[name]);
    a.emit(OP.setState, a.stateIndex(name));
  }
  a.emit(OP.end);
  const start = a.position;
  lets();
  a.clear();
  const next = Object.entries(rules.next);
  for (const [, e] of next) a.expression(e);
  for (const [name] of next.reverse()) a.emit(OP.setState, a.stateIndex(name));
  const out = a.position;
  a.clear();
  a.expression(rules.out.reward);
  a.expression(rules.out.lives);
  a.expression(rules.out.game_over);
  a.emit(OP.setOutput);
  if (rules.last !== undefined) {
    a.clear();
    a.expression(rules.last);
    a.emit(OP.setLet, a.defineLet(LAST));
  }
  a.emit(OP.end);
  let procedure = -1;
  if (modeSelect) {
    procedure = a.position;
    if (a.steps(modeSelect).length > 0)
      throw new AleArgumentError('a mode procedure has a `break_if` outside of a loop');
    a.emit(OP.end);
  }
  return { code: a.finish(), initial, rules: start, out, procedure };
}
