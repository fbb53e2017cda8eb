// Descriptions that say nonsense are refused by name when they are compiled, and a procedure that never ends is an error, not a hang.
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from './embedded-game.ts';
import { AleArgumentError, AleModeError } from './errors.ts';
import { compileRules, type ModeStep } from './rules-compiler.ts';

const out = { reward: 0, lives: 1, game_over: 0 };
const compile = (reward: unknown, modeSelect: unknown = null) =>
  compileRules(
    { state: { score: 0 }, let: [], next: {}, out: { ...out, reward: reward as never } },
    modeSelect as ModeStep[],
  );
const nested = (depth: number): unknown => (depth === 0 ? 1 : { '+': [1, nested(depth - 1)] });
const negated = (depth: number): unknown => (depth === 0 ? 1 : { not: negated(depth - 1) });

describe('rules that are refused', () => {
  it.each<[string, unknown, RegExp]>([
    ['a table of 256 entries', { table: [0, Array(256).fill(1)] }, /256 entries; at most 255/],
    ['a table with a non-number', { table: [0, [1, 'x']] }, /a table of the rules holds "x"/],
    ['a table with nothing', { table: [0] }, /expected a list or/],
    ['a map with a non-number', { table: [0, { map: { 1: null }, default: 0 }] }, /holds null/],
    ['a map with a wrong key', { table: [0, { map: { one: 1 }, default: 0 }] }, /a key of a table/],
    ['a map without default', { table: [0, { map: { 1: 1 } }] }, /the default of a table/],
    ['an expression too deep for the stack', nested(100), /more than 60 values at once/],
    ['an expression too deep for the compiler', negated(5000), /nested more than 200 deep/],
    ['an inherited name as operator', { constructor: [1, 2] }, /unknown operator "constructor"/],
    ['another one', { toString: [1, 2] }, /unknown operator "toString"/],
    ['an address that is nothing', { ram: '' }, /read address ""/],
    ['an address that is null', { ram: null }, /read address null/],
    ['a condition without values', { if: [1, 2] }, /"if" needs/],
  ])('%s', (_, reward, message) => {
    expect(() => compile(reward)).toThrow(AleArgumentError);
    expect(() => compile(reward)).toThrow(message);
  });
  it("parts that are missing, and procedures that can't be", () => {
    expect(() => compileRules({} as never, null)).toThrow(/`rules.state` is undefined/);
    expect(() => compile(0, [{ repeat: 1e9, do: [] }])).toThrow(/repeats 1000000000 times/);
    expect(() => compile(0, [{ break_if: 1 }])).toThrow(/outside of a loop/);
    expect(() => compile(0, [{ while: 1 }])).toThrow(/are no list/);
    expect(() => compile(0, ['reset'])).toThrow(/unknown step "reset"/);
  });
  it('deep ones that fit are not', () => {
    expect(compile(nested(50)).code.length).toBeGreaterThan(100);
    expect(compile({ table: [0, Array(255).fill(7)] }).code.length).toBeGreaterThan(1000);
  });
});

it('a mode procedure that never ends is an error', () => {
  for (const procedure of [
    [{ while: 1, do: [] }],
    [{ loop: [{ set: 'x', to: 1 }] }],
    [{ while: 1, do: ['soft_reset'] }],
  ]) {
    const game = { ...EMBEDDED_GAME, md5: '', program: compile(0, procedure) };
    expect(() => new Ale(EMBEDDED_GAME_ROM, { game })).toThrow(AleModeError);
  }
});
