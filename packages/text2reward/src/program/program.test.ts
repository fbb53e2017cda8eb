// From a reply to a reward: the first fenced block, names longest first, and a sandbox that refuses by name whatever a program must not do.
import { InvalidArgumentError } from '@moe-rl/core';
import { createSmallEnvironment } from '@moe-rl/small-environments';
import { describe, expect, it } from 'vitest';
import { findDescription } from '../descriptions/index.ts';
import { RewardProgramError } from '../errors.ts';
import { firstFencedBlock } from './extract-code.ts';
import { mapNames, nameMapping } from './map-names.ts';
import { RewardProgram } from './reward-program.ts';

const description = findDescription('minatar/breakout');

async function open(source: string, options: Partial<Parameters<typeof RewardProgram.create>[0]> = {}) {
  const environment = createSmallEnvironment('minatar/breakout', { seed: 1 });
  environment.reset();
  const program = await RewardProgram.create({ source, name: 'p.js', description, environment, ...options });
  program.begin();
  return {
    program,
    step(action = 1, randomSeed?: number) {
      const { reward, terminated } = environment.step(action);
      return program.reward({ action, reward, terminated, ...(randomSeed === undefined ? {} : { randomSeed }) });
    },
    environment,
  };
}

/** What the program is refused with, at its making or at its first step. */
async function refusal(source: string, options = {}): Promise<RewardProgramError> {
  try {
    const { program, step } = await open(source, options);
    try {
      step();
    } finally {
      program.dispose();
    }
  } catch (error) {
    if (error instanceof RewardProgramError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('the first fenced block', () => {
  it.each([
    ['Think.\n```js\na();\n```\nand\n```js\nb();\n```', 'a();\n'],
    ['~~~\na();\n```\nb();\n~~~', 'a();\n```\nb();\n'],
    ['````js\n```\ninner\n```\n````', '```\ninner\n```\n'],
    ['   ```javascript title="x"\r\na();\r\n   ```', 'a();\n'],
    ['```js\n```', '\n'],
  ])('of %j is %j', (reply, code) => {
    expect(firstFencedBlock(reply)).toBe(code);
  });

  it.each(['no code', 'inline ```a()``` only', '```js\nnever closed', '    ```\nindented\n    ```'])(
    'of %j is none',
    (reply) => {
      expect(firstFencedBlock(reply)).toBeUndefined();
    },
  );
});

describe('names', () => {
  it('are replaced longest first, only where they end, and whatever holds the environment', () => {
    const mapping = { 'cube.x': 'cubeX', 'cube.xSpeed': 'cubeXSpeed', cube: 'CUBE', cubeA: 'SECOND' };
    expect(mapNames('env.cube.x + e.cube.xSpeed + env.cubeA + f(p).cube + env.cube.xy + cube.x', mapping)).toBe(
      'env.cubeX + e.cubeXSpeed + env.SECOND + f(p).CUBE + env.CUBE.xy + cube.x',
    );
    expect(mapNames('env.ball.directionX - env.ball.x', nameMapping(description))).toBe('env.directionX - env.ballX');
  });
});

describe('a program', () => {
  it('sees the step: values now and before, lists, the action by its name, the own reward', async () => {
    const source = `
      const bricks = (state) => state.bricks.reduce((sum, brick) => sum + brick, 0);
      function computeReward(env, action, previous) {
        const { ball } = env; // views as well as names that are mapped
        return (ball.x - previous.ball.x) + 10 * (env.ball.y - previous.ball.y) + 100 * (action === 'RIGHT') + (bricks(env) - 30);
      }`;
    const { program, step, environment } = await open(source);
    const before = { ...environment.peekState() } as { ballX: number; ballY: number };
    const reward = step(3);
    const after = environment.peekState() as { ballX: number; ballY: number; bricks: number[] };
    const bricks = after.bricks.filter((brick) => brick === 1).length;
    expect(reward).toBe(after.ballX - before.ballX + 10 * (after.ballY - before.ballY) + 100 + bricks - 30);
    program.dispose();
  });

  it.each([
    ['syntax', 'function computeReward( {', /is no JavaScript/],
    ['no-function', 'const reward = 1;', /defines no function computeReward/],
    ['threw', 'function computeReward() { throw new Error("no fun"); }', /threw Error: no fun \(line 1\)/],
    ['threw', 'function computeReward() { throw null }', /threw/],
    ['threw', '\n\nfunction computeReward(env) { return env.ball.x.y.z }', /line 3/],
    ['unknown-name', 'function computeReward(env) { return env.ball.z }', /env.ball has no z; it has x, y, directionX/],
    [
      'unknown-name',
      'function computeReward(env, a, b) { return b.fruit.x }',
      /previous has no fruit; it has paddle, ball/,
    ],
    ['unknown-name', 'function computeReward() { return fruit.x }', /'fruit' is not defined/],
    ['unknown-name', 'function computeReward() { return Date.now() }', /Date is not available/],
    ['unknown-name', 'function computeReward() { return Math.random() }', /Math.random/],
    ['unknown-name', 'function computeReward() { return process.pid }', /process is not available/],
    ['unknown-name', 'function computeReward() { return eval("1") }', /eval is not available/],
    ['threw', 'function computeReward() { return (() => 1).constructor("return 1")() }', /not a function/],
    ['step-limit', 'function computeReward() { for (;;) {} }', /more than 100,000 steps/],
    ['step-limit', '} ); for (;;) {} (function () { function computeReward() {}', /steps/],
    ['step-limit', 'function computeReward() { try { for (;;) {} } catch { return 1 } }', /steps/],
    ['stack-limit', 'function f() { return f() + 1 } function computeReward() { return f() }', /too deeply/],
    [
      'memory-limit',
      'function computeReward() { const a = []; for (;;) a.push([a.length, 1, 2, 3]) }',
      /more than 2.0 MiB/,
    ],
    ['memory-limit', 'function computeReward() { return "x".repeat(1e9).length }', /MiB/],
    ['memory-limit', 'function computeReward() { return new Array(4e9).indexOf(1) }', /a list has 4000000000 elements/],
    [
      'memory-limit',
      'function computeReward() { const a = []; a.length = 4e9; return [].concat(a).length }',
      /a list has/,
    ],
    ['memory-limit', 'function computeReward() { const a = []; a.length = 4e9; return a.sort().length }', /a list has/],
    ['not-finite', 'function computeReward() { return 0 / 0 }', /returned NaN/],
    ['not-finite', 'function computeReward(env) { return env.bricks[200] - 1 }', /returned NaN/],
    ['not-finite', 'function computeReward() { return -1 / 0 }', /returned -Infinity/],
    [
      'too-large',
      'function computeReward() { return 1e9 }',
      /returned 1000000000; expected a finite number of at most 1000/,
    ],
    ['promise', 'async function computeReward() { return 1 }', /returned a promise/],
    ['promise', 'function computeReward() { return import("fs") }', /returned a promise/],
    ['no-number', 'function computeReward() { return "1" }', /returned the text "1"/],
    ['no-number', 'function computeReward() {}', /returned undefined/],
    ['unknown-name', 'function computeReward() { return 7n ** 3n > 1n ? 1 : 0 }', /BigInt \(7n\) is not available/],
    ['step-limit', 'function computeReward() { return "a".repeat(2e5).indexOf("a".repeat(1e5) + "b") }', /steps/],
    [
      'step-limit',
      'function computeReward() { const s = "a".repeat(3000); for (;;) try { s.split(s + "b") } catch {} }',
      /steps/,
    ],
    ['threw', 'function computeReward() { throw (async () => 1)() }', /threw something: a promise/],
    ['threw', 'function computeReward() { throw import("fs") }', /threw something: a promise/],
    ['threw', 'function computeReward() { throw (async () => { throw 1 })() }', /threw something: a promise/],
    ['threw', 'function computeReward() { throw { message: { toString: 1 } } }', /threw something: \{"toString":1\}/],
    ['threw', 'function computeReward() { throw { name: { toString: 1 } } }', /threw \{"toString":1\}/],
    ['threw', 'function computeReward() { Math.max = () => 5; return 1 }', /read-only/],
    ['threw', 'function computeReward() { globalThis.count = 1; return 1 }', /not extensible/],
  ] as const)('is refused as %s: %s', async (fault, source, message) => {
    // What needs memory to fail gets steps enough.
    const limits = { steps: fault === 'memory-limit' ? 10_000_000 : 100_000, memoryBytes: 2 << 20 };
    const error = await refusal(source, { limits });
    expect(error.message).toMatch(message);
    expect(error.message).toContain('the reward program p.js');
    expect(error.fault).toBe(fault);
  });

  it('is refused when its time is up, however few steps it took', async () => {
    const long = 'function computeReward() { const s = "x".repeat(4000); for (let i = 0; ; i++) s.indexOf("y" + i) }';
    const error = await refusal(long, { limits: { timeMs: 20, steps: 1e9 } });
    expect(error.fault).toBe('time-limit');
  });

  it('can be asked again after a step in which it failed', async () => {
    const source = 'function computeReward(env) { if (env.ball.y === 4) for (;;) {} return env.ball.y }';
    const { program, step } = await open(source, { limits: { steps: 100_000 } });
    expect(() => step()).toThrow(RewardProgramError);
    expect(step()).toBe(5);
    program.dispose();
  });

  it('keeps nothing from one step to the next: its variables begin anew, built-in objects are frozen', async () => {
    const { program, step } = await open('let count = 0; function computeReward() { return ++count }');
    expect([step(), step(), step()]).toEqual([1, 1, 1]);
    program.dispose();
  });

  it.each([
    ...[
      '/a/',
      '/a/.constructor',
      '(async () => {})()',
      '(async () => {})().constructor',
      '[].values()',
      '"".matchAll(/a/g)',
    ],
    ...['new Map().values()', 'new Set().values()', '""[Symbol.iterator]()', '[].values().map((one) => one)'],
    ...[
      'new Float64Array(1).buffer',
      'Iterator.from({ next() {} })',
      '(() => { try { deep() } catch (e) { return e } })()',
    ],
  ])('finds nothing to keep a count in behind %s', async (made) => {
    const source = `
      function deep() { return deep() + 1 }
      function computeReward() {
        const made = ${made};
        for (const place of [typeof made === 'function' ? made : Object.getPrototypeOf(made), Object.getPrototypeOf(Object.getPrototypeOf(made))]) {
          try { place.count = (place.count ?? 0) + 1; return place.count } catch {}
        }
        return 0;
      }`;
    const { program, step } = await open(source);
    expect([step(), step()]).toEqual([0, 0]);
    program.dispose();
  });

  it('is asked for what it can answer only: by name', async () => {
    const random = await open('function computeReward() { return Math.random() }', { hasRandomness: true });
    expect(() => random.step()).toThrow('randomSeed is undefined; expected an integer');
    const { program, step } = await open('function computeReward(env, action) { return action.length }');
    expect(() => program.reward({ action: 6, reward: 0, terminated: false })).toThrow(
      'action is 6; expected an integer',
    );
    for (const one of [program, random.program]) one.dispose();
    expect(() => step()).toThrow('the reward program p.js was disposed');
    expect(() => step()).toThrow(InvalidArgumentError);
  });

  it.each([
    [{ limits: { step: 10 } }, 'limits has no option "step"'],
    [{ limits: { steps: Number.NaN } }, 'limits.steps is NaN'],
    [{ limits: { memoryBytes: -1 } }, 'limits.memoryBytes is -1'],
    [{ limits: { timeMs: 0 } }, 'limits.timeMs is 0'],
    [{ limits: { magnitude: Number.NaN } }, 'limits.magnitude is NaN'],
    [{ limit: {} }, 'a reward program has no option "limit"'],
    [{ source: undefined }, 'source is undefined'],
  ])('is refused with %j', async (options, message) => {
    const made = open('function computeReward() { return 1 }', options as never);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it('has the usual limits where one is given as undefined', async () => {
    const error = await refusal('function computeReward() { for (;;) {} }', { limits: { steps: undefined } });
    expect(error.message).toContain('more than 1,000,000 steps');
  });

  it('has random numbers of the seed that comes with the step, and only where it may', async () => {
    const { program, step } = await open('function computeReward() { return Math.random() }', { hasRandomness: true });
    const numbers = [step(1, 7), step(1, 8), step(1, 7)];
    expect(numbers[0]).toBe(numbers[2]);
    expect(numbers[0]).not.toBe(numbers[1]);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    program.dispose();
  });
});
