// Every rule of the tracer's table against tfjs' plain JavaScript kernels: one program with a result for each, beside the same functions run eagerly.
import { createProgram } from '@moe-rl/tfjs-graph';
import { operationCases, operationInputs, operationValues, referenceCases } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadWebGpu } from '../load.ts';
import { missing, withSoftwareAdapter } from '../testing/software-adapter.ts';

type Inputs = Record<string, tf.Tensor>;

describe.skipIf(missing !== undefined)(`operations in WGSL${missing === undefined ? '' : ` (${missing})`}`, () => {
  const computed: Record<string, ArrayLike<number>> = {};
  const wanted: Record<string, ArrayLike<number>> = {};

  beforeAll(async () => {
    await withSoftwareAdapter(loadWebGpu);
    const values = operationValues();
    const run = (tensors: Inputs) =>
      Object.fromEntries(Object.entries(operationCases).map(([name, f]) => [name, f(tensors)]));
    const program = await createProgram({ variables: {}, entryPoints: { all: { inputs: operationInputs, run } } });
    Object.assign(computed, await program.run('all', values));
    program.dispose();
    await tf.setBackend('cpu');
    for (const [name, operation] of Object.entries(operationCases)) {
      const tensors = Object.entries(operationInputs).map(([key, { shape, dtype }]) => [
        key,
        tf.tensor(values[key as keyof typeof values], [...shape], dtype),
      ]);
      wanted[name] = (referenceCases[name] ?? operation)(Object.fromEntries(tensors) as Inputs).dataSync();
    }
  }, 600_000);

  test.each(Object.keys(operationCases))('%s', (name) => {
    expect(computed[name]!.length).toBe(wanted[name]!.length);
    for (let index = 0; index < wanted[name]!.length; index++) {
      const [value, expected] = [computed[name]![index]!, wanted[name]![index]!];
      expect(Math.abs(value - expected), `${name}[${index}] is ${value}; expected ${expected}`).toBeLessThan(
        2e-4 * (1 + Math.abs(expected)),
      );
    }
  });

  test('what has no value is NaN or infinite, as in tfjs, and NaN goes through activations', async () => {
    const inputs = { x: { shape: [5], dtype: 'float32' }, y: { shape: [5], dtype: 'float32' } } as const;
    const run = ({ x, y }: Inputs) => ({
      ...{ log: tf.log(x!), pow: tf.pow(x!, y!), tanh: tf.tanh(x!), sigmoid: tf.sigmoid(x!), isNaN: tf.isNaN(x!) },
    });
    const values = { x: Float32Array.of(-2, Number.NaN, -2, 0, 4), y: Float32Array.of(0.5, 1, 3, 2, 0.5) };
    await tf.setBackend('wgsl');
    const program = await createProgram({ variables: {}, entryPoints: { all: { inputs, run } } });
    const ours = await program.run('all', values);
    program.dispose();
    await tf.setBackend('cpu');
    const plain = run({ x: tf.tensor(values.x), y: tf.tensor(values.y) });
    for (const [name, tensor] of Object.entries(plain)) {
      for (const [index, value] of tensor.dataSync().entries()) {
        const said = `${name}[${index}] is ${ours[name]![index]}; expected ${value}`;
        if (Number.isFinite(value)) expect(ours[name]![index], said).toBeCloseTo(value, 4);
        else expect(ours[name]![index], said).toBe(value);
      }
    }
  }, 300_000);
});
