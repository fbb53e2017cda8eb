// The descriptions that come with the package: well formed, true to what the environments do, and true to the screen of the embedded game.
import { makeAtari } from '@moe-rl/ale-env';
import { createSmallEnvironment, SMALL_ENVIRONMENTS } from '@moe-rl/small-environments';
import { describe, expect, it } from 'vitest';
import { classText } from '../description/class-text.ts';
import { checkDescription, type EnvironmentDescription, namedFields } from '../description/environment-description.ts';
import { addresses, list, ram, state } from '../description/fields.ts';
import { createStateReader, valueLayout } from '../description/state-reader.ts';
import { describedEnvironments, findDescription } from './index.ts';

describe('every description', () => {
  it.each(describedEnvironments())('%s is well formed and names nothing of the simulator', (id) => {
    const description = findDescription(id);
    checkDescription(description);
    const text = classText(description);
    for (const { generalName, simulatorName, doc } of namedFields(description)) {
      expect(text).toContain(doc);
      const name = generalName.split('.').at(-1)!;
      if (name !== simulatorName && !generalName.includes(simulatorName))
        expect(text).not.toMatch(new RegExp(`\\b${simulatorName}:`));
    }
  });

  it('is there for all small environments, the embedded game and at least five of Atari, found by name', () => {
    for (const id of Object.keys(SMALL_ENVIRONMENTS)) expect(findDescription(id).id).toBe(id);
    expect(findDescription('windfall').id).toBe('atari/windfall');
    expect(describedEnvironments().filter((id) => id.startsWith('atari/')).length).toBeGreaterThan(5);
    expect(() => findDescription('windfal')).toThrow('no description of the environment "windfal"');
  });
});

/** Values of a reader by general name. */
function reading(environment: Parameters<typeof createStateReader>[0], description: EnvironmentDescription) {
  const layout = valueLayout(description);
  const read = createStateReader(environment, description, layout);
  const values = new Float64Array(layout.length);
  return () => {
    read(values);
    return Object.fromEntries(
      layout.slots.map(({ field, offset, maximumLength }) => [
        field.generalName,
        maximumLength === undefined ? values[offset]! : [...values.subarray(offset, offset + values[offset - 1]!)],
      ]),
    );
  };
}

describe('reading', () => {
  it.each(Object.keys(SMALL_ENVIRONMENTS))('%s gives its state, whatever happens', (id) => {
    const environment = createSmallEnvironment(id, { seed: 3 });
    environment.reset();
    const read = reading(environment, findDescription(id));
    for (let step = 0; step < 300; step++) {
      const { terminated, truncated } = environment.step((step * 7 + (step >> 3)) % environment.actionCount);
      for (const value of Object.values(read()))
        for (const one of [value].flat()) expect(Number.isFinite(one)).toBe(true);
      if (terminated || truncated) environment.reset();
    }
  });

  it('asterix marks empty lanes, and lists of positions are as long as what they list', () => {
    const environment = createSmallEnvironment('minatar/asterix', { seed: 1 });
    environment.reset();
    const read = reading(environment, findDescription('minatar/asterix'));
    expect(read()['lanes.x']).toEqual(new Array(8).fill(-1));
    const invaders = createSmallEnvironment('minatar/space-invaders');
    invaders.reset();
    const { 'aliens.x': x, 'aliens.y': y } = reading(invaders, findDescription('minatar/space-invaders'))();
    expect([x, y].map((one) => (one as number[]).length)).toEqual([24, 24]);
  });

  it('windfall is what the screen shows', () => {
    const environment = makeAtari({ game: 'windfall', repeatActionProbability: 0 });
    environment.reset({ seed: 5 });
    const read = reading(environment, findDescription('windfall'));
    const xs = new Set<unknown>();
    for (let step = 0; step < 60; step++) {
      const before = Number(read()['basket.x']);
      const action = step % 20 < 10 ? 1 : 2; // RIGHT, LEFT
      environment.step(action);
      const now = Number(read()['basket.x']);
      if (before > 20 && before < 116) expect(now - before).toBe(action === 1 ? 12 : -12);
      xs.add(read()['fruit.x']);
    }
    expect(read()).toMatchObject({ lives: expect.any(Number), score: expect.any(Number) });
    expect(xs.size).toBeGreaterThan(2);
  });

  it('bytes have forms', () => {
    const description: EnvironmentDescription = {
      ...findDescription('windfall'),
      objects: {},
      fields: {
        byte: ram(0x80, 'aByte', ''),
        signed: ram(0x80, 'aSigned', '', 'signed'),
        decimal: ram([0x81, 0x82], 'aDecimal', '', 'bcd'),
        low: ram(0x83, 'aLow', '', 'low'),
        high: ram(0x83, 'aHigh', '', 'high'),
        any: ram(0x84, 'anAny', '', 'nonzero'),
        several: ram(addresses(0x80, 2), 'several', '', 'list'),
        bits: ram(0x83, 'theBits', '', 'bits'),
      },
    };
    checkDescription(description);
    const memory = new Uint8Array(128);
    memory.set([250, 0x12, 0x34, 0xa5, 7]);
    const environment = { ...makeAtari(), id: 'x', actionCount: 3, ram: () => memory };
    expect(reading(environment as never, description)()).toEqual({
      byte: 250,
      signed: -6,
      decimal: 1234,
      low: 5,
      high: 10,
      any: 1,
      several: [250, 0x12],
      bits: [1, 0, 1, 0, 0, 1, 0, 1],
    });
  });
});

describe('a description of your own', () => {
  const own = findDescription('bsuite/catch');
  it.each([
    [{ fields: { 'a b': state('x', '') } }, '"a b" is no name'],
    [{ fields: { terminated: state('x', '') } }, 'the name terminated is taken'],
    [{ fields: { row: state('ballRow', '') } }, "the simulator's name ballRow is used twice"],
    [{ fields: { far: ram(0x20, 'far', '') } }, '32 is no address of the RAM'],
    [{ fields: { many: list('many', 'many', 0, '') } }, 'maximumLength is 0'],
    [
      { fields: { cells: { ...ram([0x80, 0x81], 'cells', '', 'list'), type: 'number' } } },
      'cells: form is "list" and type is "number"; expected one of byte, signed, bcd, low, high, nonzero',
    ],
    [
      { fields: { cells: { ...ram(0x80, 'cells', ''), type: 'number[]', maximumLength: 1 } } },
      'cells: form is "byte" and type is "number[]"; expected one of list, bits',
    ],
    [
      { fields: { walls: { ...ram([0x80, 0x81], 'walls', '', 'bits'), maximumLength: 8 } } },
      'walls: form "bits" reads 16 numbers and maximumLength is 8; expected at least 16',
    ],
    [{ fields: { high: ram([0x80, 0x81], 'high', '', 'signed') } }, 'form "signed" reads one byte and there are 2'],
    [{ fields: { odd: ram(0x80, 'odd', '', 'toString' as 'byte') } }, 'odd: form is "toString"; expected one of byte'],
    [{ fields: { near: ram(0x80, 'near', '') } }, 'near lies in the RAM and ball.row in the state'],
    [{ actions: [] }, 'actions is empty'],
    [{ actions: ['LEFT', 'NOOP', 'RIGHT'] }, 'actions[0] is "LEFT"; expected an object with name, doc'],
    [{ actions: [own.actions[0], own.actions[0], own.actions[1]] }, 'the action LEFT is there twice'],
    [{ objects: null }, 'objects is null; expected an object'],
    [{ objects: { ball: { doc: '' } } }, 'objects.ball.fields is undefined; expected an object'],
    [{ fields: { x: null } }, 'fields.x is null; expected an object with type, doc'],
    [{ fields: { x: { ...state('x', ''), type: 'text' } } }, 'fields.x.type is "text"; expected number, boolean'],
    [{ fields: { x: { ...state('x', ''), source: {} } } }, 'fields.x.source.state is undefined'],
    [{ fields: { x: { type: 'number', doc: '', simulatorName: 'x' } } }, 'source is undefined; expected { ram, form }'],
    [{ fields: { x: { ...state('x', ''), maxLength: 3 } } }, 'fields.x.maxLength is not known'],
    [{ fields: { x: { ...ram(0x80, 'x', ''), source: { ram: '0x80', form: 'byte' } } } }, 'source.ram is "0x80"'],
    [{ title: undefined }, 'title is undefined'],
    [{ knowledge: 'much' }, 'knowledge is "much"; expected a list'],
    [{ rule: '' }, 'rule is not known; expected one of id, title, rules'],
  ])('is refused with %j', (change, message) => {
    expect(() => checkDescription({ ...own, ...change } as EnvironmentDescription)).toThrow(message);
  });

  it.each([null, 3, [], 'text'])('is refused as %j', (value) => {
    expect(() => checkDescription(value as never)).toThrow(
      /^the description of undefined: it is .*; expected an object/,
    );
  });

  it('is refused where the environment does not show what it reads', () => {
    const environment = createSmallEnvironment('bsuite/catch');
    environment.reset();
    const wrong = { ...own, fields: { color: state('color', '') } };
    expect(() => reading(environment, wrong)()).toThrow('the state of bsuite/catch has nothing at color');
    expect(() => reading(environment, findDescription('windfall'))).toThrow('does not show its RAM');
  });
});
