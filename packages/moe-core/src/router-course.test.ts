// Packed choices against the worked router metrics, and their edge cases.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { choicesPerExpert, packChoices, sharedChoices } from './index.ts';

const { router_metrics: example } = JSON.parse(
  readFileSync(new URL('../../../testdata/examples.json', import.meta.url), 'utf8'),
);
const packed = (sets: number[][]): Uint8Array =>
  packChoices(sets.flatMap((set) => [0, 1, 2, 3].map((expert) => +set.includes(expert))));

test('saturation, change rate and choices per expert of the worked example', () => {
  const [now, next, final] = [example.sets_t, example.sets_t1, example.sets_final].map(packed) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  expect(sharedChoices(now, final)).toBeCloseTo(example.saturation_t, 12);
  expect(sharedChoices(next, final)).toBeCloseTo(example.saturation_t1, 12);
  expect(1 - sharedChoices(next, now)).toBeCloseTo(example.change_rate, 12);
  expect(choicesPerExpert(next, 4).map((count) => count / 8)).toEqual(example.utilisation_t1);
});

test('any number of choices per token: shares are of the choices there were, all of none', () => {
  // Two tokens, five experts: more than a byte.
  const first = packChoices([1, 0, 0, 0, 0, 0, 1, 1, 0, 1]);
  const second = packChoices([0, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
  expect(first.length).toBe(2);
  expect(sharedChoices(first, second)).toBe(0.5);
  expect(sharedChoices(second, first)).toBe(1);
  expect(choicesPerExpert(first, 5)).toEqual([1, 1, 1, 0, 1]);
  expect(sharedChoices(packChoices([0, 0]), packChoices([1, 1]))).toBe(1);
  expect(() => sharedChoices(first, packChoices([1]))).toThrow('choices have 2 and 1 bytes');
});
