// The runner of worked examples: it must notice a wrong value, a field that nothing reads and an example that nothing covers, whatever the others do.
import { expect, test } from 'vitest';
import { Entry } from './entry.mjs';
import { familyOf, loadFamilies, runExamples } from './run.mjs';

const double = (entry) => {
  entry.describes('note');
  entry.expect(
    'doubled',
    entry.given('x').map((value) => 2 * value),
  );
};
const run = async (examples, families = { double }) =>
  Object.fromEntries(
    (await runExamples(examples, new Map(Object.entries(families)))).map(({ name, problems }) => [
      name,
      problems.join('; '),
    ]),
  );

test('an example passes, or fails by the name of what is wrong', async () => {
  const outcomes = await run({
    double: { x: [1, 2], doubled: [2, 4], note: 'words' },
    double_again: { x: [3], doubled: [6.00000004] },
    double_wrong: { x: [1, 2], doubled: [2, 5] },
    double_longer: { x: [1, 2], doubled: [2] },
    double_unknown: { x: [1], doubled: [2], tripled: [3] },
    double_empty: { x: [1] },
    double_lacking: { doubled: [2] },
    triple: { x: [1] },
  });
  expect(outcomes).toEqual({
    double: '',
    double_again: '',
    double_wrong: 'double_wrong.doubled.1 is 4; expected 5 (off by 1.0e+0, allowed 5.1e-6)',
    double_longer: 'double_longer.doubled.1 is found; expected no such element',
    double_unknown: 'nothing here honours double_unknown.tripled',
    double_empty: 'double_empty states nothing to compare',
    double_lacking: 'double_lacking.x is missing',
    triple: 'nothing covers it',
  });
});

test('a factor allows so many times the value and no more', () => {
  const entry = new Entry({ a: [2, 4], b: [2] }, 'e');
  entry.expect('a', [3, 2], { factor: 2 });
  entry.expect('b', [4.1], { factor: 2 });
  expect(entry.report().problems).toEqual(['e.b.0 is 4.1; expected 2 (off by 2.1e+0, allowed 0.0e+0)']);
});

test('parts share the books: a field inside that nothing reads fails, too', () => {
  const entry = new Entry({ table: { 1: { a: 1 }, 2: { a: 1, b: 2 } }, list: [{ c: 1 }] }, 'e');
  for (const [, row] of entry.at('table').parts()) row.expect('a', 1);
  expect(entry.report()).toEqual({ problems: ['nothing here honours e.table.2.b, e.list.0.c'], compared: 2 });
});

test('a field that refers to another example has its value', async () => {
  const outcomes = await run({ double: { x: 'same as other.numbers', doubled: [2] }, other: { numbers: [1] } });
  expect(outcomes.double).toBe('');
});

test('an example belongs to the family with the longest name that it begins with', async () => {
  const families = await loadFamilies();
  expect(familyOf(families, 'softmoe_l2')).toBe(families.get('softmoe_l2'));
  expect(familyOf(families, 'softmoe')).toBe(families.get('softmoe'));
  expect(familyOf(families, 'erk_35')).toBe(families.get('erk'));
  expect(familyOf(families, 'voronoi_multinomial_3')).toBe(families.get('voronoi_multinomial'));
  expect(familyOf(families, 'softmoeish')).toBeUndefined();
});
