// Every rule of the tracer's table against tfjs' plain JavaScript kernels: one program with a result for each, beside the same functions run eagerly.
import { createProgram } from '@moe-rl/tfjs-graph';
import { operationCases, operationInputs, operationValues } from '@moe-rl/tfjs-graph/tracing';
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
      wanted[name] = operation(Object.fromEntries(tensors) as Inputs).dataSync();
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
});
