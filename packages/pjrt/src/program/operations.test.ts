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

  test('NaN goes through whatever it is in', async () => {
    await tf.setBackend('stablehlo');
    const run = ({ x, rows, image }: Inputs) => ({
      ...{ max: tf.max(x!), min: tf.min(x!), maxOfRows: tf.max(rows!, 1), minOfColumns: tf.min(rows!, 0) },
      ...{ pooled: tf.maxPool(image as tf.Tensor4D, 3, 2, 'same'), relu: tf.relu(x!), softmax: tf.softmax(x!) },
      ...{ maximum: tf.maximum(x!, 1), minimum: tf.minimum(1, x!), clipped: tf.clipByValue(x!, -1, 1) },
    });
    const inputs = {
      x: { shape: [9], dtype: 'float32' },
      rows: { shape: [3, 9], dtype: 'float32' },
      image: { shape: [1, 3, 9, 1], dtype: 'float32' },
    } as const;
    const withNaN = (length: number) => Float32Array.from({ length }, (_, i) => (i === 4 ? Number.NaN : i));
    const values = { x: withNaN(9), rows: withNaN(27), image: withNaN(27) };
    const program = await createProgram({ variables: {}, entryPoints: { all: { inputs, run } } });
    const ours = await program.run('all', values);
    program.dispose();
    await tf.setBackend('cpu');
    const tensors = Object.entries(inputs).map(([key, { shape }]) => [
      key,
      tf.tensor(values[key as keyof typeof values], [...shape]),
    ]);
    const plain = run(Object.fromEntries(tensors) as Record<'x' | 'rows' | 'image', tf.Tensor>);
    for (const [name, tensor] of Object.entries(plain)) {
      if (name === 'pooled') expect(Array.from(ours[name]!).some(Number.isNaN), name).toBe(true);
      else expect(Array.from(ours[name]!, Number.isNaN), name).toEqual(Array.from(tensor.dataSync(), Number.isNaN));
    }
  }, 300_000);

  test('tensors without elements come in, go through and come out', async () => {
    await tf.setBackend('stablehlo');
    const cases: Record<string, (x: tf.Tensor) => tf.Tensor> = {
      itself: tf.square,
      sum: (x) => tf.sum(x, 1),
      concat: (x) => tf.concat([x, x, x], 0),
      concatAlong: (x) => tf.concat([x, x], 1),
      padded: (x) =>
        tf.pad(x, [
          [0, 0],
          [1, 1],
        ]),
      cumsum: (x) => tf.cumsum(x, 1),
      cumprod: (x) => tf.cumprod(x, 0),
      nothingOfStrides: (x) => tf.stridedSlice(tf.ones([3, 4]), [2, 0], [1, 4], [2, 1]).add(tf.sum(x)),
      nothingBackwards: () => tf.stridedSlice(tf.ones([3, 4]), [0, 0], [2, 4], [-1, 1]),
    };
    const shapes: Record<string, number[]> = {};
    const run = ({ x }: Inputs) =>
      Object.fromEntries(
        Object.entries(cases).map(([name, operation]) => {
          const result = operation(x!);
          shapes[name] = result.shape;
          return [name, result];
        }),
      );
    const inputs = { x: { shape: [3, 0], dtype: 'float32' } } as const;
    const program = await createProgram({ variables: {}, entryPoints: { all: { inputs, run } } });
    const ours = await program.run('all', { x: new Float32Array(0) });
    program.dispose();
    await tf.setBackend('cpu');
    for (const [name, operation] of Object.entries(cases)) {
      const plain = operation(tf.zeros([3, 0]));
      expect(shapes[name], name).toEqual(plain.shape);
      expect(Array.from(ours[name]!), name).toEqual(Array.from(plain.dataSync()));
    }
  }, 300_000);

  test('the table holds what tfjs calls its kernels', () => {
    const known = new Set<unknown>(Object.values(tf).filter((value) => typeof value === 'string'));
    const own = ['MoeRlRandomNormal', 'MoeRlRandomUniform'];
    expect(Object.keys(rules).filter((name) => !known.has(name) && !own.includes(name))).toEqual([]);
  });
});
