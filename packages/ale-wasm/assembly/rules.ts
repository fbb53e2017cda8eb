// Rules of a game (reward, lives, game over) as a small stack machine, run once per emulated frame. The host compiles the notation of the
// game table (src/rules-compiler.ts) to this bytecode. Everything is a signed 32-bit integer.
import { RAM_PAGE, Environment, environment } from './state';
import { peek } from './bus';

export const CODE: usize = memory.data(0x4000, 16);
export const CODE_BYTES: i32 = 0x4000;
const STACK: usize = memory.data(64 * 4, 16);
const LETS: usize = memory.data(256 * 4, 16);
const VARIABLES: usize = memory.data(16 * 4, 16);
const STATE: usize = changetype<usize>(environment) + offsetof<Environment>('rule0');

let rulesAt: i32 = 0;
let outAt: i32 = 0;
let initialAt: i32 = 0;
/** Start of the mode procedure in the code, -1 when the game has none. */
export let procedureAt: i32 = -1;
export function setRules(initial: i32, rules: i32, out: i32, procedure: i32): void {
  initialAt = initial;
  rulesAt = rules;
  outAt = out;
  procedureAt = procedure;
}

// Operations of the stack machine; src/rules-compiler.ts has the same numbers.
const PUSH8 = 1, PUSH32 = 2, RAM = 3, RAM_INDEXED = 4, BUS = 5, LET = 6, STATE_VARIABLE = 7, MODE = 8, VARIABLE = 9, BCD = 10;
const ADD = 16, SUBTRACT = 17, MULTIPLY = 18, AND = 19, OR = 20, SHIFT_LEFT = 21, SHIFT_RIGHT = 22, DIVIDE = 23, REMAINDER = 24, MINIMUM = 25, MAXIMUM = 26;
const SIGNED8 = 27, BOOLEAN = 28, NOT = 29, EQUAL = 32, NOT_EQUAL = 33, LESS = 34, GREATER = 35, LESS_EQUAL = 36, GREATER_EQUAL = 37;
const JUMP = 48, JUMP_IF_ZERO = 49, TABLE = 50, MAP = 51;
const SET_LET = 64, SET_STATE = 65, SET_VARIABLE = 66, END = 67, SET_OUTPUT = 68;
const SELECT = 80, SOFT_RESET = 81, ACT = 82, RANDOM = 83;

/** What the procedure wants done before it goes on: one of the constants below with an argument. */
export let request: i32 = 0;
export let argument: i32 = 0;
export const REQUEST_NONE = 0, REQUEST_SELECT = 1, REQUEST_SOFT_RESET = 2, REQUEST_ACT = 3, REQUEST_RANDOM = 4;

/** The byte of the console that was read last: it stays on the bus. */
export let lastRead: i32 = 0;
@inline function note(byte: i32): i32 { return lastRead = byte; }

/** Set when a procedure has jumped so often that it would hardly ever end: rules jump forward only, and far less often. */
export let isStuck: bool = false;
const MOST_JUMPS = 1000000;

@inline function stack(depth: i32): usize { return STACK + (depth << 2); }

/** Runs code from offset `at` until END or a request; returns where it stopped (-1 at END). */
function execute(at: i32): i32 {
  let p: usize = CODE + at, d = 0, jumps = 0;
  isStuck = false;
  request = REQUEST_NONE;
  while (true) {
    const operation = <i32>load<u8>(p++);
    switch (operation) {
      case PUSH8: store<i32>(stack(d++), load<u8>(p++)); break;
      case PUSH32: store<i32>(stack(d++), load<i32>(p)); p += 4; break;
      case RAM: store<i32>(stack(d++), note(load<u8>(RAM_PAGE + load<u8>(p++)))); break;
      case RAM_INDEXED: store<i32>(stack(d - 1), note(load<u8>(RAM_PAGE + 0x80 + (load<i32>(stack(d - 1)) & 127)))); break;
      case BUS: store<i32>(stack(d++), note(peek(load<u16>(p)))); p += 2; break;
      case LET: store<i32>(stack(d++), load<i32>(LETS + (<usize>load<u8>(p++) << 2))); break;
      case STATE_VARIABLE: store<i32>(stack(d++), load<i32>(STATE + (<usize>(load<u8>(p++) & 15) << 2))); break;
      case MODE: store<i32>(stack(d++), environment.mode); break;
      case VARIABLE: store<i32>(stack(d++), load<i32>(VARIABLES + (<usize>(load<u8>(p++) & 15) << 2))); break;
      case BCD: {
        const byte = note(load<u8>(RAM_PAGE + load<u8>(p++)));
        store<i32>(stack(d++), 10 * (byte >> 4) + (byte & 15));
        break;
      }
      case JUMP:
        p = CODE + load<u16>(p);
        if (++jumps > MOST_JUMPS) {
          isStuck = true;
          return -1;
        }
        break;
      case JUMP_IF_ZERO: p = load<i32>(stack(--d)) ? p + 2 : CODE + load<u16>(p); break;
      case TABLE: {
        const count = <i32>load<u8>(p), index = load<i32>(stack(d - 1));
        store<i32>(stack(d - 1), <u32>index < <u32>count ? load<i32>(p + 1 + (index << 2)) : 0);
        p += 1 + (count << 2);
        break;
      }
      case MAP: {
        const count = <i32>load<u8>(p), key = load<i32>(stack(d - 1));
        let value = load<i32>(p + 1);
        p += 5;
        for (let i = 0; i < count; i++, p += 8) if (load<i32>(p) == key) value = load<i32>(p + 4);
        store<i32>(stack(d - 1), value);
        break;
      }
      case SET_LET: store<i32>(LETS + (<usize>load<u8>(p++) << 2), load<i32>(stack(--d))); break;
      case SET_STATE: store<i32>(STATE + (<usize>(load<u8>(p++) & 15) << 2), load<i32>(stack(--d))); break;
      case SET_VARIABLE: store<i32>(VARIABLES + (<usize>(load<u8>(p++) & 15) << 2), load<i32>(stack(--d))); break;
      case SET_OUTPUT:
        d -= 3;
        environment.reward = load<i32>(stack(d));
        environment.lives = load<i32>(stack(d + 1));
        environment.gameOver = i32(load<i32>(stack(d + 2)) != 0);
        break;
      case SELECT: request = REQUEST_SELECT; argument = load<i32>(stack(--d)); return <i32>(p - CODE);
      case SOFT_RESET: request = REQUEST_SOFT_RESET; return <i32>(p - CODE);
      case ACT: request = REQUEST_ACT; argument = load<i32>(stack(--d)); return <i32>(p - CODE);
      case RANDOM: request = REQUEST_RANDOM; argument = <i32>load<u8>(p++); return <i32>(p - CODE);
      case SIGNED8: store<i32>(stack(d - 1), <i32>(<i8>load<i32>(stack(d - 1)))); break;
      case BOOLEAN: store<i32>(stack(d - 1), i32(load<i32>(stack(d - 1)) != 0)); break;
      case NOT: store<i32>(stack(d - 1), i32(load<i32>(stack(d - 1)) == 0)); break;
      case END: return -1;
      default: {
        const b = load<i32>(stack(--d)), a = load<i32>(stack(d - 1));
        store<i32>(stack(d - 1), binary(operation, a, b));
      }
    }
  }
}
function binary(operation: i32, a: i32, b: i32): i32 {
  switch (operation) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case AND: return a & b;
    case OR: return a | b;
    case SHIFT_LEFT: return a << b;
    case SHIFT_RIGHT: return a >> b;
    case DIVIDE: return b == 0 || (a == i32.MIN_VALUE && b == -1) ? 0 : a / b;
    case REMAINDER: return b == 0 || b == -1 ? 0 : a % b;
    case MINIMUM: return min(a, b);
    case MAXIMUM: return max(a, b);
    case EQUAL: return i32(a == b);
    case NOT_EQUAL: return i32(a != b);
    case LESS: return i32(a < b);
    case GREATER: return i32(a > b);
    case LESS_EQUAL: return i32(a <= b);
    case GREATER_EQUAL: return i32(a >= b);
  }
  return 0;
}

/** The state variables as at the start of a game. */
export function startRules(): void {
  execute(initialAt);
  environment.reward = 0;
}
/** Reward, lives and game over of the state variables as they are. */
export function readOutputs(): void { execute(outAt); }
/** One evaluation, after an emulated frame. */
export function evaluateRules(): void { execute(rulesAt); }
/** Runs the mode procedure from `at` to its next request. */
export function continueProcedure(at: i32): i32 { return execute(at); }
export function setVariable(index: i32, value: i32): void { store<i32>(VARIABLES + (<usize>(index & 15) << 2), value); }
