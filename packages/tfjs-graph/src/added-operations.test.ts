// Operations that @moe-rl/tfjs-native adds to TensorFlow give what the recorded ones give, and stand only where they may.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addedOperations } from './added-operations.ts';
import type { TensorFlowBackend } from './binding.ts';
import { GraphRecorder, type GraphVariable } from './graph-recorder.ts';
import { createProgram, type EntryPoint } from './index.ts';
import { recordEntryPoint } from './recorder.ts';
import { loadNative, makeVariable } from './testing/small-agent.ts';

const NAMES = ['MoeRlConvolution', 'MoeRlDense', 'MoeRlImages'];
const WITHOUT = `TensorFlow has none of ${NAMES.join(', ')} here`;
let obstacle: string | undefined;
let isThere = false;
beforeAll(async () => {
  obstacle = await loadNative();
  const { addedOperations: there } = tf.backend() as TensorFlowBackend;
  isThere = NAMES.every((name) => there?.has(name));
  if (!isThere && process.arch === 'x64' && process.env.MOE_RL_REQUIRE_NATIVE === '1') throw new Error(WITHOUT);
}, 600_000);

/** Numbers of both signs, the same each time; every third is 0. */
const numbers = (size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, index) => (index % 3 === 0 ? 0 : Math.sin(index * index)));

interface Case {
  readonly image: readonly [number, number, number];
  readonly window: readonly [number, number];
  readonly filters: number;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  readonly relu: boolean;
}

const base: Case = { image: [21, 19, 4], window: [3, 3], filters: 32, stride: 1, padding: 'same', relu: true };
const cases: Record<string, Case> = {
  'the first layer of Nature': { ...base, image: [84, 84, 4], window: [8, 8], stride: 4 },
  'a stride of 2, as many filters as two panels': { ...base, window: [4, 4], filters: 64, stride: 2 },
  'filters that fill no vector': { ...base, filters: 18 },
  'one filter, one channel': { ...base, image: [5, 7, 1], filters: 1 },
  'without padding': { ...base, padding: 'valid', stride: 2 },
  'without relu': { ...base, relu: false },
  'a window that is not square': { ...base, window: [2, 5] },
  'a window as large as the image': { ...base, image: [3, 3, 2], padding: 'valid' },
  'a window of 1, with a stride over it': { ...base, window: [1, 1], stride: 3 },
  'an image smaller than the window': { ...base, image: [2, 2, 3] },
};

/** An entry point over variables of its own, recorded with the added operations and without; both results, and the operations in use. */
async function both(
  variables: Record<string, tf.Variable>,
  entryPoint: EntryPoint,
  inputs: Record<string, Float32Array | Uint8Array>,
): Promise<{ with: number[]; without: number[] }> {
  const backend = tf.backend() as TensorFlowBackend & { addedOperations?: ReadonlySet<string> };
  const { addedOperations: there } = backend;
  const run = async (names: ReadonlySet<string>): Promise<number[]> => {
    backend.addedOperations = names;
    try {
      const own = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [name, makeVariable(() => tf.clone(value))]),
      );
      const run = (given: Record<string, tf.Tensor>) => entryPoint.run({ ...given, ...own });
      const program = await createProgram({
        variables: own,
        mode: 'recorded',
        entryPoints: { step: { ...entryPoint, run } },
      });
      const { result } = await program.run('step', inputs);
      program.dispose();
      return [...result!];
    } finally {
      if (there) backend.addedOperations = there;
    }
  };
  return { with: await run(new Set(NAMES)), without: await run(new Set()) };
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const differences = actual.map(
    (value, index) => Math.abs(value - expected[index]!) / (1 + Math.abs(expected[index]!)),
  );
  expect(differences.reduce((most, difference) => Math.max(most, difference), 0)).toBeLessThan(1e-5);
}

describe('a convolution of one image', () => {
  beforeEach(({ skip }) => skip(!isThere, obstacle ?? WITHOUT));
  it.each(Object.entries(cases))('gives what TensorFlow gives: %s', async (_, given) => {
    const { image, window, filters, stride, padding, relu } = given;
    const kernelShape = [...window, image[2], filters];
    const size = kernelShape.reduce((product, dimension) => product * dimension, 1);
    const results = await both(
      {
        kernel: makeVariable(() => tf.tensor(numbers(size), kernelShape)),
        bias: makeVariable(() => tf.tensor(numbers(filters))),
      },
      {
        inputs: { x: { shape: [1, ...image], dtype: 'float32' } },
        run({ x, kernel, bias }) {
          const biased = tf.add(tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride, padding), bias!);
          return { result: relu ? tf.relu(biased) : biased };
        },
      },
      { x: numbers(image[0] * image[1] * image[2]) },
    );
    expectClose(results.with, results.without);
  });
});

describe('a dense layer of one row', () => {
  beforeEach(({ skip }) => skip(!isThere, obstacle ?? WITHOUT));
  it.each([
    [2000, 512, true],
    [512, 18, false],
    [3, 1, true],
    [1, 40, false],
  ])('gives what TensorFlow gives: %i to %i, relu %s', async (inputs, outputs, relu) => {
    const results = await both(
      {
        kernel: makeVariable(() => tf.tensor(numbers(inputs * outputs), [inputs, outputs])),
        bias: makeVariable(() => tf.tensor(numbers(outputs))),
      },
      {
        inputs: { x: { shape: [1, inputs], dtype: 'float32' } },
        run({ x, kernel, bias }) {
          const biased = tf.add(tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D), bias!);
          return { result: relu ? tf.relu(biased) : biased };
        },
      },
      { x: numbers(inputs) },
    );
    expectClose(results.with, results.without);
  });

  it('passes NaN on', async () => {
    const results = await both(
      { kernel: makeVariable(() => tf.ones([2, 2])), bias: makeVariable(() => tf.zeros([2])) },
      {
        inputs: { x: { shape: [1, 2], dtype: 'float32' } },
        run: ({ x, kernel, bias }) => ({
          result: tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D), bias!)),
        }),
      },
      { x: Float32Array.of(0, Number.NaN) },
    );
    expect(results.with).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('images out of planes of bytes', () => {
  beforeEach(({ skip }) => skip(!isThere, obstacle ?? WITHOUT));
  it.each([
    [5, 1, 4],
    [5, 0, 4],
    [3, 1, 2],
    [1, 0, 1],
  ])('are the same: of %i planes, from %i on, %i', async (planes, first, count) => {
    const [height, width] = [7, 300];
    const results = await both(
      {},
      {
        inputs: { frames: { shape: [2, planes, height, width], dtype: 'uint8' } },
        run: ({ frames }) => ({
          result: tf.transpose(tf.slice(frames!, [0, first, 0, 0], [2, count, height, width]), [0, 2, 3, 1]),
        }),
      },
      { frames: Uint8Array.from({ length: 2 * planes * height * width }, (_, index) => (index * 31) % 256) },
    );
    expect(results.with).toEqual(results.without);
  });
});

describe('which nodes they replace', () => {
  const operationsOf = (shape: number[], run: (x: tf.Tensor, w: tf.Tensor, b: tf.Variable) => tf.Tensor): string[] => {
    const recorder = new GraphRecorder();
    const variables: Record<string, tf.Variable> = {
      w: makeVariable(() => tf.ones([4, 3])),
      b: makeVariable(() => tf.zeros([3])),
    };
    const graph = Object.entries(variables).map(
      ([name, variable], index): GraphVariable => ({ name, variable, dtype: 1, resource: `variable/${index}` }),
    );
    recordEntryPoint(
      recorder,
      tf.backend() as TensorFlowBackend,
      'step',
      'entry0',
      {
        inputs: { x: { shape, dtype: 'float32' } },
        run: ({ x }) => ({ result: run(x!, variables.w!, variables.b!) }),
      },
      graph,
    );
    for (const variable of Object.values(variables)) variable.dispose();
    const replaced = addedOperations(recorder, 'entry0', new Set(NAMES));
    return [...replaced].map(([name, { op }]) => `${name.replace('entry0/', '')} ${op}`);
  };
  const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b);

  it('are layers of one row, with the relu behind them', ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const layer = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => tf.relu(dense(x, w, b));
    expect(operationsOf([1, 4], layer)).toEqual(['Add_0 MoeRlDense', 'Relu_0 MoeRlDense']);
    expect(operationsOf([2, 4], layer)).toEqual([]);
  });

  it('are not the relu of what somebody else reads, too', ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const twice = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => {
      const sums = dense(x, w, b);
      return tf.add(tf.relu(sums), sums);
    };
    expect(operationsOf([1, 4], twice)).toEqual(['Add_0 MoeRlDense']);
  });

  it('are none of a step that assigns variables', ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const assigns = (x: tf.Tensor, w: tf.Tensor, b: tf.Variable) => {
      const sums = dense(x, w, b);
      b.assign(tf.ones([3]));
      return sums;
    };
    expect(operationsOf([1, 4], assigns)).toEqual([]);
  });
});
