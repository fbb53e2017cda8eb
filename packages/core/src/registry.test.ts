// Registries: what is found, what is refused and with which words.
import { expect, it } from 'vitest';
import { InvalidArgumentError, NotFoundError } from './errors.ts';
import { createRegistry, requireFunctions } from './registry.ts';

it('finds what was registered and names what there is otherwise', () => {
  const registry = createRegistry<number>('color', { red: 1 });
  registry.register('green', 2);
  registry.register('green', 2);
  expect(registry.get('green')).toBe(2);
  expect(registry.names()).toEqual(['red', 'green']);
  expect(registry.has('toString')).toBe(false);
  expect(() => registry.get('toString')).toThrow(NotFoundError);
  expect(() => registry.get('gren')).toThrow('there is no color "gren"; there are red, green; did you mean green?');
});

it('refuses a name that is taken by another value, or that is no word', () => {
  const registry = createRegistry<number>('color', { red: 1 });
  expect(() => registry.register('red', 2)).toThrow(InvalidArgumentError);
  expect(() => registry.register('dark red', 3)).toThrow('color "dark red": expected a name of letters');
  expect(() => registry.register(undefined as never, 3)).toThrow('color undefined: expected a name of letters');
  expect(registry.get('red')).toBe(1);
  expect(registry.names()).toEqual(['red']);
});

it('refuses things without the functions that they will be asked for, naming the first', () => {
  const check = (value: unknown) => () => requireFunctions('game "mine"', value, ['reset', 'step']);
  expect(check(undefined)).toThrow('game "mine" is undefined; expected an object with reset, step');
  expect(check({ reset() {}, step: 3 })).toThrow('game "mine": step is 3; expected a function');
  expect(check({ reset() {}, step() {} })).not.toThrow();
});
