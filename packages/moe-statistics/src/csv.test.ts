// Reading samples: names, weights, and what is refused.
import { CorruptDataError, NonFiniteError, NotFoundError } from '@moe-rl/core';
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
