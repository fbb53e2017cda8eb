// Whether something has the form of a description: what is read from a file may be anything.
import { didYouMean } from '@moe-rl/core';

type Tree = Readonly<Record<string, unknown>>;
/** What is wrong with a value at a place; undefined: nothing. */
type Check = (value: unknown, place: string) => string | undefined;

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const refused = (place: string, value: unknown, expected: string): string =>
  `${place} is ${(JSON.stringify(value) ?? 'undefined').slice(0, 60)}; expected ${expected}`;

const text: Check = (value, place) => (typeof value === 'string' ? undefined : refused(place, value, 'a text'));
const word: Check = (value, place) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : refused(place, value, 'a text that is not empty');
const whole: Check = (value, place) =>
  value === undefined || typeof value === 'number' ? undefined : refused(place, value, 'a number');
const type: Check = (value, place) =>
  ['number', 'boolean', 'number[]'].includes(String(value)) && typeof value === 'string'
    ? undefined
    : refused(place, value, 'number, boolean or number[]');

const firstOf = (faults: Iterable<string | undefined>): string | undefined =>
  [...faults].find((fault) => fault !== undefined);

/** An object with these keys and no others; `inner` says how the place of a key is written. */
function record(
  checks: Readonly<Record<string, Check>>,
  inner = (place: string, key: string) => `${place}.${key}`,
): Check {
  return (value, place) => {
    if (!isTree(value)) return refused(place, value, `an object with ${Object.keys(checks).join(', ')}`);
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(checks, key));
    if (unknown !== undefined) {
      const known = Object.keys(checks);
      return `${inner(place, unknown)} is not known; expected one of ${known.join(', ')}${didYouMean(unknown, known)}`;
    }
    return firstOf(Object.entries(checks).map(([key, check]) => check(value[key], inner(place, key))));
  };
}

const list =
  (check: Check): Check =>
  (value, place) =>
    Array.isArray(value)
      ? firstOf(value.map((one, index) => check(one, `${place}[${index}]`)))
      : refused(place, value, 'a list');

/** An object whose values are all of one form. */
const named =
  (check: Check): Check =>
  (value, place) =>
    isTree(value)
      ? firstOf(Object.entries(value).map(([key, one]) => check(one, `${place}.${key}`)))
      : refused(place, value, 'an object');

const source: Check = (value, place) => {
  if (!isTree(value)) return refused(place, value, '{ ram, form } or { state }');
  return 'ram' in value
    ? record({ ram: list(() => undefined), form: text })(value, place)
    : record({ state: word })(value, place);
};

const field = record({ type, doc: text, simulatorName: text, source, maximumLength: whole });

const description = record(
  {
    id: word,
    title: word,
    rules: text,
    actions: list(record({ name: word, doc: text })),
    objects: named(record({ doc: text, fields: named(field) })),
    fields: named(field),
    knowledge: (value, place) => (value === undefined ? undefined : list(text)(value, place)),
  },
  (_, key) => key,
);

/** What of a description is missing, unknown or of another form, in words; undefined: nothing is. */
export function formFault(value: unknown): string | undefined {
  const fault = description(value, 'it');
  if (fault !== undefined) return fault;
  const names = (value as { readonly actions: readonly { readonly name: string }[] }).actions.map(({ name }) => name);
  if (names.length === 0) return 'actions is empty; expected at least one';
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `the action ${twice} is there twice`;
}
