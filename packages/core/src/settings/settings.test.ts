// Settings: what is taken, what is refused and with which words; defaults by type; lists and JSON Schema that say exactly what is taken.
import { describe, expect, it } from 'vitest';
import {
  defaultSettings,
  describeSettings,
  resolveSettings,
  type SettingsTree,
  setting,
  settingsJsonSchema,
  type UnionSetting,
  validateSettings,
} from './index.ts';

const router: UnionSetting = {
  kind: 'union',
  doc: 'Router',
  discriminator: 'type',
  default: 'none',
  variants: {
    none: { doc: 'No mixture', fields: {} },
    soft: {
      doc: 'Soft',
      fields: {
        scale: setting.positive('First scale', 1),
        rate: setting.positive('Rate', 1, { applies: { path: './scale', above: 1 } }),
      },
    },
    sparse: {
      doc: 'Sparse',
      fields: { k: setting.integer('Experts per token', 2, { maximum: 64 }), noise: setting.boolean('Noise', false) },
    },
  },
};
const isMixture = { path: 'network.router.type', notIn: ['none'] } as const;
const SCHEMA = setting.group({
  // Stands before what decides about it.
  early: setting.integer('Early', 1, { applies: { path: 'network.experts', above: 8 } }),
  network: setting.group({
    router,
    experts: setting.integer('Experts', 8, { maximum: 1024, applies: isMixture }),
    units: setting.numbers('Widths', [512], { minimum: 1, isInteger: true, maximumLength: 3 }),
  }),
  atoms: setting.integer('Atoms', 1),
  error: setting.choice('Error of plain values', 'mse', ['mse', 'huber'], { applies: { path: 'atoms', in: [1] } }),
  penalty: setting.atLeastZero('Penalty', 0, {
    applies: {
      any: [
        { path: 'network.experts', above: 8, orAbsent: true },
        { path: 'atoms', above: 100 },
      ],
    },
  }),
  top: setting.number('Largest value', 10, { applies: { path: 'atoms', above: 1 } }),
  seconds: setting.number('Limit', null, { minimum: 0, maximum: 9, isMaximumOpen: true, isNullable: true }),
});
const BASE = defaultSettings(SCHEMA);
const set = (paths: Record<string, string>, base: SettingsTree = BASE) => resolveSettings(SCHEMA, base, { paths });

describe('settings by type', () => {
  it('have only what applies, by default', () => {
    expect(BASE).toEqual({
      network: { router: { type: 'none' }, units: [512] },
      atoms: 1,
      error: 'mse',
      penalty: 0,
      seconds: null,
    });
  });

  it('bring the defaults of a type with it, whatever the order of the changes, and drop those of the one before', () => {
    const sparse = set({ 'network.router.k': '3', 'network.router.type': 'sparse' });
    expect(sparse.network).toEqual({ router: { type: 'sparse', k: 3, noise: false }, units: [512], experts: 8 });
    expect(set({ 'network.router.type': 'soft' }, sparse).network).toMatchObject({
      router: { type: 'soft', scale: 1 },
    });
    expect(set({ 'network.router.type': 'none' }, sparse)).toEqual(BASE);
    expect(set({ atoms: '51' })).toMatchObject({ atoms: 51, top: 10 });
    expect(set({ atoms: '51' })).not.toHaveProperty('error');
  });

  it('may stand before what decides about them', () => {
    expect(set({ early: '5', 'network.experts': '9', 'network.router.type': 'soft' }).early).toBe(5);
    expect(() => set({ early: '5', 'network.router.type': 'soft' })).toThrow('early does not apply');
  });

  it('take objects as text, nested changes before paths, and lists in brackets or without', () => {
    expect(set({ 'network.router': '{"type":"sparse","k":4}' }).network).toMatchObject({ router: { k: 4 } });
    const merged = resolveSettings(SCHEMA, BASE, {
      nested: [{ network: { router: { type: 'soft', scale: 2 } } }, { network: { units: [1, 2] } }],
      paths: { 'network.router.scale': '3' },
    });
    expect(merged.network).toMatchObject({ router: { type: 'soft', scale: 3 }, units: [1, 2] });
    expect(set({ 'network.units': '[64, 32]' }).network).toMatchObject({ units: [64, 32] });
    expect(set({ seconds: 'null' }).seconds).toBeNull();
  });

  it.each([
    [{ 'network.router.k': '3' }, 'network.router.k does not apply to network.router.type none; it belongs to sparse'],
    [
      { 'network.router.type': 'soft', 'network.router.k': '3' },
      'network.router.k does not apply to network.router.type soft; it belongs to sparse',
    ],
    [
      { 'network.experts': '4' },
      'network.experts does not apply: it belongs to settings where network.router.type is not none; here network.router.type is "none"',
    ],
    [{ atoms: '2', error: 'mse' }, 'error does not apply: it belongs to settings where atoms is 1; here atoms is 2'],
    [
      { 'network.router.type': 'soft', penalty: '3' },
      'network.experts is above 8 or absent, or atoms is above 100; here network.experts is 8, atoms is 1',
    ],
    [
      { 'network.router.type': 'soft', 'network.router.rate': '3' },
      'network.router.rate does not apply: it belongs to settings where network.router.scale is above 1; here network.router.scale is 1',
    ],
    [{ top: '3' }, 'top does not apply: it belongs to settings where atoms is above 1; here atoms is 1'],
    [{ 'network.router.type': 'hard' }, 'network.router.type is "hard"; expected one of none, soft, sparse'],
    [{ 'network.router.type': 'sofd' }, 'expected one of none, soft, sparse; did you mean soft?'],
    [
      { 'network.router.type': 'sparse', 'network.router.k': '65' },
      'network.router.k is 65; expected an integer of at least 1 and at most 64',
    ],
    [{ 'network.unit': '3' }, 'there is no setting "network.unit"; did you mean network.units?'],
    [{ 'network.constructor': '3' }, 'there is no setting "network.constructor"'],
    [{ network: '3' }, '"network" is a group of settings; expected one of network.router'],
    [{ 'network.units': '1,2,3,4' }, 'network.units is [1,2,3,4]; expected at most 3 integers'],
    [{ 'network.units': '0.5' }, 'network.units is [0.5]; expected a list of integers of at least 1'],
    [{ seconds: '9' }, 'seconds is 9; expected a number of at least 0 and below 9, or null'],
    [{ 'network.router': '{"type":' }, 'network.router is {"type":; expected JSON'],
  ])('refuse %j', (paths, message) => {
    expect(() => set(paths as Record<string, string>)).toThrow(message);
  });

  it('are checked whole, as a file has them', () => {
    expect(validateSettings(SCHEMA, JSON.parse(JSON.stringify(BASE)))).toEqual(BASE);
    expect(() => validateSettings(SCHEMA, { ...BASE, top: 1 })).toThrow('top does not apply');
    expect(() => validateSettings(SCHEMA, { ...BASE, error: undefined })).toThrow('error is undefined');
    const { seconds, ...rest } = BASE;
    expect(seconds).toBeNull();
    expect(() => validateSettings(SCHEMA, rest)).toThrow('seconds is missing');
    expect(() => validateSettings(SCHEMA, { ...BASE, network: { router: {}, units: [1] } })).toThrow(
      'network.router.type is missing; expected one of none, soft, sparse',
    );
    expect(() => resolveSettings(SCHEMA, BASE, { nested: [{ network: 3 }] })).toThrow(
      'network is 3; expected an object',
    );
    expect(() => resolveSettings(SCHEMA, BASE, { nested: [{ 'network.units': [1] }] })).toThrow(
      'network.units: the key "network.units" has dots; expected nested settings, { network: { units: ... } }',
    );
  });
});

describe('the list of settings', () => {
  it('with settings: each one listed can be set to its own value, each other one is refused', () => {
    for (const base of [BASE, set({ 'network.router.type': 'sparse', atoms: '51' })]) {
      const listed = describeSettings(SCHEMA, base).map(({ path }) => path);
      for (const { path, value } of describeSettings(SCHEMA, base)) {
        const text = value === null ? 'null' : Array.isArray(value) ? value.join() : String(value);
        expect(set({ [path]: text }, base)).toEqual(base);
      }
      for (const { path, default: standard } of describeSettings(SCHEMA)) {
        if (!listed.includes(path)) expect(() => set({ [path]: String(standard) }, base)).toThrow(/does not apply/);
      }
    }
  });

  it('without settings: all of them, with where they apply', () => {
    expect(describeSettings(SCHEMA).map(({ path, where }) => [path, where])).toEqual([
      ['early', 'network.experts is above 8'],
      ['network.router.type', undefined],
      ['network.router.scale', 'network.router.type is soft'],
      ['network.router.rate', 'network.router.type is soft, network.router.scale is above 1'],
      ['network.router.k', 'network.router.type is sparse'],
      ['network.router.noise', 'network.router.type is sparse'],
      ['network.experts', 'network.router.type is not none'],
      ['network.units', undefined],
      ['atoms', undefined],
      ['error', 'atoms is 1'],
      ['penalty', 'network.experts is above 8 or absent, or atoms is above 100'],
      ['top', 'atoms is above 1'],
      ['seconds', undefined],
    ]);
  });
});

describe('JSON Schema', () => {
  it('has every setting with kind, bounds and meaning, and each type with its own', () => {
    const schema = settingsJsonSchema(SCHEMA, { title: 'test' });
    expect(schema).toMatchObject({
      title: 'test',
      type: 'object',
      additionalProperties: false,
      properties: {
        seconds: { type: ['number', 'null'], minimum: 0, exclusiveMaximum: 9, description: 'Limit' },
        network: {
          properties: {
            units: { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: 3 },
            router: { properties: { type: { enum: ['none', 'soft', 'sparse'] }, k: true } },
          },
        },
      },
    });
    const { allOf } = (schema as never as { properties: { network: { properties: { router: { allOf: object[] } } } } })
      .properties.network.properties.router;
    expect(allOf[2]).toMatchObject({
      if: { properties: { type: { const: 'sparse' } } },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: { properties: { k: { type: 'integer', minimum: 1, maximum: 64 } }, additionalProperties: false },
    });
  });
});
