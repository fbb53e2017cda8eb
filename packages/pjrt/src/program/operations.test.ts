// Every rule of the tracer's table against tfjs' plain JavaScript kernels: one program with a result for each, compiled once, beside the same functions run eagerly. The
// same for two members of a batch, each with values of its own.
import { batchConvolutions, createProgram, createProgramBatch } from '@moe-rl/tfjs-graph';
import { operationCases, operationInputs, operationValues, referenceCases, rules } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadForTests, missing } from '../testing/plugin.ts';

type Inputs = Record<string, tf.Tensor>;
type Results = Record<string, ArrayLike<number>>;

const members = [operationValues(0), operationValues(1)] as const;

describe.skipIf(missing !== undefined)('the table of operations', () => {
  /** How and for which member it was computed. */
  const computed: [string, number, Results][] = [];
  const wanted: Results[] = [];

  beforeAll(async () => {
    await loadForTests();
    const configOf = (names: readonly string[]) => ({
      variables: {},
      entryPoints: {
        all: {
          inputs: operationInputs,
          run: (tensors: Inputs) => Object.fromEntries(names.map((name) => [name, operationCases[name]!(tensors)])),
        },
      },
    });
    const names = Object.keys(operationCases);
    const program = await createProgram(configOf(names));
    computed.push(['alone', 0, await program.run('all', members[0])]);
    program.dispose();
    for (const convolutions of batchConvolutions) {
      const batch = await createProgramBatch({ size: 2, convolutions });
      // Nothing else depends on it.
      const config = configOf(convolutions === 'each' ? names : names.filter((name) => /conv|depthwise/i.test(name)));
      const programs = await Promise.all(members.map((_, place) => batch.createProgram(place, config)));
      const results = await Promise.all(programs.map((one, place) => one.run('all', members[place]!)));
      for (const [place, result] of results.entries()) computed.push([`batched (${convolutions})`, place, result]);
      for (const one of programs) one.dispose();
    }
    await tf.setBackend('cpu');
    for (const values of members) {
      const results: Results = {};
      for (const [name, operation] of Object.entries(operationCases)) {
        const tensors = Object.entries(operationInputs).map(([key, { shape, dtype }]) => [
          key,
          tf.tensor(values[key as keyof typeof values], [...shape], dtype),
        ]);
        results[name] = (referenceCases[name] ?? operation)(Object.fromEntries(tensors) as Inputs).dataSync();
      }
      wanted.push(results);
    }
  }, 600_000);

  test.each(Object.keys(operationCases))('%s', (name) => {
    expect(computed).toHaveLength(5);
    for (const [how, member, results] of computed) {
      const [values, right] = [results[name], wanted[member]![name]!];
      if (values === undefined && how.includes('grouped')) continue;
      if (values === undefined) throw new Error(`${how}: ${name} was not computed`);
      expect(values.length, how).toBe(right.length);
      for (let index = 0; index < right.length; index++) {
        const [value, expected] = [values[index]!, right[index]!];
        expect(
          Math.abs(value - expected),
          `${how}, member ${member}: ${name}[${index}] is ${value}; expected ${expected}`,
        ).toBeLessThan(2e-4 * (1 + Math.abs(expected)));
      }
    }
  });

  test('the table holds what tfjs calls its kernels', () => {
    const known = new Set<unknown>(Object.values(tf).filter((value) => typeof value === 'string'));
    const own = ['MoeRlRandomNormal', 'MoeRlRandomUniform'];
    expect(Object.keys(rules).filter((name) => !known.has(name) && !own.includes(name))).toEqual([]);
  });
});
