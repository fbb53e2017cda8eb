// Reading samples: names, weights, and what is refused.
import { CorruptDataError, InvalidArgumentError, NonFiniteError, NotFoundError } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { parseCsv, readCsv } from './node.ts';

test('columns by name, quotes, blanks and a byte order mark', () => {
  const text = '\ufeffdose, "count, daily",weight\n1,2,1\n\n 3 ,"4",0.5\n';
  expect(parseCsv(text, { y: 'count, daily', weights: 'weight' })).toEqual({
    x: [[1], [3]],
    y: [2, 4],
    names: ['dose'],
    weights: [1, 0.5],
  });
});

test('what is refused, by line and column', () => {
  expect(() => parseCsv('a,b\n1,2\n3,x\n', { y: 'b' })).toThrow(NonFiniteError);
  expect(() => parseCsv('a,b\n1,2\n3,x\n', { y: 'b' })).toThrow('line 3, column b: "x"');
  expect(() => parseCsv('a,b\n1,\n', { y: 'b' })).toThrow('column b: ""');
  expect(() => parseCsv('dose,b\n1,2\n', { y: 'doze' })).toThrow(
    /no column "doze"; it has dose, b; did you mean dose\?$/,
  );
  expect(() => parseCsv('a,b\n1,2,3\n', { y: 'b' })).toThrow(CorruptDataError);
  expect(() => parseCsv('', { y: 'b' })).toThrow(CorruptDataError);
  expect(() => readCsv('/no/such/file.csv', { y: 'b' })).toThrow(NotFoundError);
});

test('a column is one column, and is read for one thing', () => {
  // The second "a" was silently the first once more.
  expect(() => parseCsv('a,a,b\n1,2,3\n', { y: 'b' })).toThrow(CorruptDataError);
  expect(() => parseCsv('a,b,b\n1,2,3\n', { y: 'b' })).toThrow('the text has several columns "b"');
  for (const columns of [
    { y: 'b', x: ['a', 'b'] },
    { y: 'b', weights: 'b' },
    { y: 'b', x: ['a', 'a'] },
  ])
    expect(() => parseCsv('a,b\n1,2\n', columns)).toThrow(InvalidArgumentError);
  // Misspelt, the weights were one covariate more.
  expect(() => parseCsv('a,b,w\n1,2,3\n', { y: 'b', weight: 'w' } as never)).toThrow(/no option "weight".*weights/);
  // Columns that nobody asked for may be called as they like.
  expect(parseCsv('a,note,note,b\n1,u,v,2\n', { y: 'b', x: ['a'] }).x).toEqual([[1]]);
});
