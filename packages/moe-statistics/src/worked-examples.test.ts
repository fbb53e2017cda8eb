// The worked examples of testdata/statistics/examples.json, field by field, to 1e-6.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { workedExamples } from './testing/worked-examples.ts';

const entries = JSON.parse(
  readFileSync(new URL('../../../testdata/statistics/examples.json', import.meta.url), 'utf8'),
) as Record<string, Record<string, unknown>>;

function differences(found: unknown, wanted: unknown, path: string, relative: number | undefined): string[] {
  if (typeof wanted === 'number') {
    const tolerance = relative === undefined ? 1e-6 : relative * Math.abs(wanted);
    return typeof found === 'number' && Math.abs(found - wanted) <= tolerance
      ? []
      : [`${path}: ${found}, expected ${wanted}`];
  }
  if (typeof wanted === 'object' && wanted !== null) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences((found as Record<string, unknown> | undefined)?.[key], value, `${path}.${key}`, relative),
    );
  }
  return found === wanted ? [] : [`${path}: ${found}, expected ${wanted}`];
}

test.each(Object.keys(entries))('%s', (key) => {
  const entry = entries[key]!;
  const { inputs, outputs, relativeTolerance } = workedExamples[key]!(entry);
  const uncovered = Object.keys(entry).filter((field) => !inputs.includes(field) && !(field in outputs));
  expect(uncovered).toEqual([]);
  const problems = Object.entries(entry)
    .filter(([field]) => !inputs.includes(field))
    .flatMap(([field, wanted]) => differences(outputs[field], wanted, field, relativeTolerance));
  expect(problems).toEqual([]);
});

test('inputs are read from the entry: other sizes, pins and field orders give other, consistent results', () => {
  const entry = entries['em_gaussian_moe_one_step'] as unknown as Record<string, number[][]> & { pinned_gate: number };
  const flipped = {
    ...entry,
    gate: [entry['gate']![1], entry['gate']![0]],
    beta: [entry['beta']![1], entry['beta']![0]],
    var: [entry['var']![1], entry['var']![0]],
    pinned_gate: 0,
  };
  const { outputs } = workedExamples['em_gaussian_moe_one_step']!(flipped);
  expect(outputs['loglik_after']).toBeCloseTo(7.66091013, 6);
  expect((outputs['new_gate'] as number[][])[1]![1]).toBeCloseTo(-7.26263178, 5);

  const d1 = entries['voronoi_D1'] as unknown as Record<string, number[][]>;
  const reversed = (rows: number[][]): number[][] => rows.map((row) => [...row].reverse());
  const reordered = {
    shared_true: reversed(d1['shared_true']!),
    shared_fit: reversed(d1['shared_fit']!),
    routed_true: reversed(d1['routed_true']!),
    routed_fit: reversed(d1['routed_fit']!),
    shared_fields: [...(d1['shared_fields'] as unknown as string[])].reverse(),
    routed_fields: [...(d1['routed_fields'] as unknown as string[])].reverse(),
  };
  expect(workedExamples['voronoi_D1']!(reordered).outputs['D1']).toBeCloseTo(0.35444582, 7);
});
