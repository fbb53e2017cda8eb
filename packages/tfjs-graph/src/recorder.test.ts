// What a recording must keep apart: constants that differ in one bit only, and variables from the arrays that a caller feeds.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TensorFlowBackend } from './binding.ts';
import { graphOperation } from './graph-operation.ts';
import { GraphRecorder } from './graph-recorder.ts';
import { createProgram, lossAndGradients, registerNativeGradients } from './index.ts';
import { recordEntryPoint } from './recorder.ts';
import { loadNative, makeVariable } from './testing/small-agent.ts';

let obstacle: string | undefined;
beforeAll(async () => {
  obstacle = await loadNative();
}, 600_000);

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe('constants of a recorded step', () => {
  it('are told apart by their bits: infinities, NaN, both zeros, also where all elements are one value', async ({
    skip,
  }) => {
    skip(obstacle !== undefined, obstacle);
    const lists: Record<string, number[]> = {
      infinities: [infinity, infinity],
      negativeInfinities: [-infinity, -infinity],
      nans: [nan, nan],
      nulls: [0, 0],
      negativeZeros: [-0, -0],
      zerosOfBothSigns: [0, -0],
      mixed: [1, infinity, 0],
      mixedNan: [1, nan, 0],
      mixedNegative: [1, -infinity, -0],
      scalar: [infinity],
      negativeScalar: [-infinity],
    };
    const program = await createProgram({
      variables: {},
      mode: 'recorded',
      entryPoints: {
        run: { run: () => Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, tf.tensor1d(list)])) },
        // Constants are shared between entry points.
        again: { run: () => ({ negatives: tf.fill([2], -infinity), large: tf.fill([400], -0) }) },
        others: { run: () => ({ positives: tf.fill([2], infinity), large: tf.fill([400], 0) }) },
      },
    });
    const outputs = await program.run('run');
    // toEqual tells -0 from 0.
    for (const [key, list] of Object.entries(lists)) expect([key, ...outputs[key]!]).toEqual([key, ...list]);
    const [again, others] = [await program.run('again'), await program.run('others')];
    expect([...again.negatives!]).toEqual([-infinity, -infinity]);
    expect([...others.positives!]).toEqual([infinity, infinity]);
    expect([again.large![399], others.large![399]]).toEqual([-0, 0]);
    program.dispose();
  });

  it('are told apart by element type and shape', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const program = await createProgram({
      variables: {},
      mode: 'recorded',
      entryPoints: {
        run: {
          run: () => ({
            numbers: tf.tensor1d([0, 0], 'float32'),
            integers: tf.tensor1d([0, 0], 'int32'),
            flags: tf.tensor1d([0, 0], 'bool'),
            outer: tf.matMul(tf.tensor2d([0, 0], [2, 1]), tf.tensor2d([0, 0], [1, 2])),
            inner: tf.matMul(tf.tensor2d([0, 0], [1, 2]), tf.tensor2d([0, 0], [2, 1])),
          }),
        },
      },
    });
    const { numbers, integers, flags, outer, inner } = await program.run('run');
    expect(numbers).toEqual(new Float32Array(2));
    expect(integers).toEqual(new Int32Array(2));
    expect(flags).toEqual(new Uint8Array(2));
    expect([outer!.length, inner!.length]).toEqual([4, 1]);
    program.dispose();
  });
});

/** Ways from a fed `[2, 3]` tensor to a value of the same shape that may be the fed memory itself. */
const passages: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  'the input itself': (x) => x,
  clone: (x) => tf.clone(x),
  cast: (x) => tf.cast(x, 'float32'),
  reshape: (x) => tf.reshape(tf.reshape(x, [6]), [2, 3]),
  'slice of everything': (x) => tf.slice(x, [0, 0], [2, 3]),
  'slice of the first rows': (x) => tf.slice(tf.reshape(x, [2, 3, 1]), [0, 0, 0], [2, 3, 1]),
  stridedSlice: (x) => tf.stridedSlice(x, [0, 0], [2, 3], [1, 1]),
  split: (x) => tf.split(x, 1, 0)[0]!,
  unstack: (x) => tf.unstack(tf.reshape(x, [1, 2, 3]))[0]!,
  'stack of one': (x) => tf.stack([x]),
  'concat of one': (x) => tf.concat([x], 0),
  squeeze: (x) => tf.squeeze(tf.expandDims(x, 0), [0]),
  tile: (x) => tf.tile(x, [1, 1]),
  pad: (x) =>
    tf.pad(x, [
      [0, 0],
      [0, 0],
    ]),
  transpose: (x) => tf.transpose(x, [0, 1]),
  broadcastTo: (x) => tf.broadcastTo(x, [2, 3]),
  reverse: (x) => tf.reverse(x, []),
  'addN of one': (x) => tf.addN([x]),
  'sum over an axis of 1': (x) => tf.sum(tf.expandDims(x, 0), 0),
};

describe.each(['recorded', 'eager'] as const)('a variable assigned from an input (%s)', (mode) => {
  beforeEach(({ skip }) => skip(obstacle !== undefined, obstacle));

  it.each(Object.entries(passages))('never lives in the caller’s array: %s', async (_, passage) => {
    const value = makeVariable(() => tf.zeros([2, 3]));
    const program = await createProgram({
      variables: { value },
      mode,
      entryPoints: {
        set: {
          inputs: { x: { shape: [2, 3], dtype: 'float32' } },
          run({ x }) {
            value.assign(tf.reshape(passage(x!), [2, 3]));
            return {};
          },
        },
        read: { run: () => ({ value }) },
      },
    });
    const fed = Float32Array.of(1, 2, 3, 4, 5, 6);
    await program.run('set', { x: fed });
    fed.fill(70);
    const { value: read } = await program.run('read');
    expect([...read!]).toEqual([1, 2, 3, 4, 5, 6]);
    // A result is the caller's: writing to it changes nothing here.
    read!.fill(80);
    expect([...(await program.readVariables()).value!.data]).toEqual([1, 2, 3, 4, 5, 6]);
    program.dispose();
  });
});

describe('results of an eager program on the cpu backend', () => {
  it('are copies, not the variables’ own arrays', async () => {
    const previous = tf.getBackend() ?? 'cpu';
    await tf.setBackend('cpu');
    try {
      const value = makeVariable(() => tf.tensor1d([1, 2]));
      const program = await createProgram({ variables: { value }, entryPoints: { read: { run: () => ({ value }) } } });
      (await program.run('read')).value!.fill(9);
      expect([...(await program.readVariables()).value!.data]).toEqual([1, 2]);
      program.dispose();
    } finally {
      await tf.setBackend(previous);
    }
  });
});

describe('the recorded gradient of relu', () => {
  it('reads its output, so that TensorFlow fuses what comes before', ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    registerNativeGradients();
    const recorder = new GraphRecorder();
    const w = makeVariable(() => tf.ones([2, 3]), true);
    recordEntryPoint(
      recorder,
      tf.backend() as TensorFlowBackend,
      'step',
      'entry0',
      {
        run: () =>
          lossAndGradients({ w }, () => ({ loss: tf.sum(tf.relu(tf.add(w, tf.tensor1d([-1, -2, 1])))) })).gradients,
      },
      [{ name: 'w', variable: w, dtype: 1, resource: 'variable/VarHandleOp_0' }],
    );
    w.dispose();
    const inputs = recorder.nodes.filter(({ op }) => op === 'ReluGrad').map(({ inputs }) => inputs[1]);
    expect(inputs).toEqual(['entry0/Relu_0']);
  });
});

describe('operations that a graph calls otherwise', () => {
  const add = { op: 'Add', attributes: { T: { kind: 'type', value: 1 } } } as const;
  const convolved = { op: 'Conv2D', shape: [1, 2, 2, 3] };

  it('are biases behind convolutions', () => {
    expect(graphOperation(add, [convolved, { op: undefined, shape: [3] }]).op).toBe('BiasAdd');
  });

  it.each([
    ['as many numbers are added', { op: undefined, shape: [1, 2, 2, 3] }],
    ['one number is added', { op: undefined, shape: [1] }],
    ['a scalar is added', { op: undefined, shape: [] }],
    ['nobody knows what is added', { op: undefined, shape: undefined }],
  ])('are not so where %s', (_, other) => {
    expect(graphOperation(add, [convolved, other])).toEqual(add);
  });

  it('give what they give eagerly', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const run = ({ x }: Record<string, tf.Tensor>) => {
      const image = tf.reshape(x!, [1, 4, 3, 2]) as tf.Tensor4D;
      const filter = tf.reshape(tf.range(0, 24, 1), [2, 3, 2, 2]) as tf.Tensor4D;
      const matrix = tf.reshape(x!, [4, 6]);
      const bias = tf.slice(tf.reshape(x!, [24]), [0], [2]);
      return {
        biased: tf.relu(tf.add(tf.conv2d(image, filter, 1, 'same'), bias)),
        product: tf.add(tf.matMul(matrix, tf.slice(matrix, [0, 0], [4, 2]), true), bias),
        flipped: tf.matMul(matrix, matrix, false, true),
      };
    };
    const entryPoints = { step: { inputs: { x: { shape: [24], dtype: 'float32' as const } }, run } };
    const x = Float32Array.from({ length: 24 }, (_, index) => Math.sin(index));
    const [recorded, eager] = await Promise.all(
      (['recorded', 'eager'] as const).map((mode) => createProgram({ variables: {}, mode, entryPoints })),
    );
    const [left, right] = [await recorded!.run('step', { x }), await eager!.run('step', { x })];
    for (const [name, values] of Object.entries(right)) {
      for (const [index, value] of values.entries()) expect(left[name]![index]).toBeCloseTo(value, 4);
    }
    for (const program of [recorded!, eager!]) program.dispose();
  });
});
