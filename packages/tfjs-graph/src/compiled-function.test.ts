// Entry points that XLA compiles beside the recorded graph: same results within rounding, over the same variables, compiled while the session goes on.

import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { prefersCompiled } from './compile-preference.ts';
import { addCompiledFunction } from './compiled-function.ts';
import { GraphRecorder } from './graph-recorder.ts';
import { createProgram, randomNormal } from './index.ts';
import { loadNative, makeVariable } from './testing/small-agent.ts';

let obstacle: string | undefined;
beforeAll(async () => {
  obstacle = await loadNative();
}, 600_000);

const x = Uint8Array.from({ length: 2 * 6 * 6 }, (_, index) => (index * 37) % 251);
const seed = (low: number) => Int32Array.of(low, 5);

async function noisyProgram() {
  const filter = makeVariable(() => tf.reshape(tf.linspace(-0.1, 0.1, 3 * 3 * 2 * 4), [3, 3, 2, 4]));
  const bias = makeVariable(() => tf.tensor1d([0.3, -0.7, 0, 1]));
  return createProgram({
    variables: { filter, bias },
    mode: 'recorded',
    entryPoints: {
      act: {
        compiled: 'always',
        inputs: { x: { shape: [1, 2, 6, 6], dtype: 'uint8' }, seed: { shape: [2], dtype: 'int32' } },
        run: ({ x: planar, seed: drawn }) => {
          const images = tf.transpose(planar as tf.Tensor4D, [0, 2, 3, 1]);
          const features = tf.relu(tf.add(tf.conv2d(images, filter as tf.Tensor4D, 2, 'same'), bias));
          const { values, indices } = tf.topk(tf.reshape(features, [9, 4]), 2);
          const noise = randomNormal([9, 2], drawn!);
          return { values: tf.add(values, noise), noise, indices: tf.cast(indices, 'int32') };
        },
      },
      grow: {
        run: () => {
          bias.assign(tf.add(bias, 1));
          return {};
        },
      },
    },
  });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(expected[i]!)));
  }
}

describe('a compiled entry point', () => {
  it('gives the recorded one’s results within rounding, with the same random numbers, over the same variables', async ({
    skip,
  }) => {
    skip(obstacle !== undefined, obstacle);
    const program = await noisyProgram();
    const compiled = program.compiled!;
    expect([compiled.has('act'), compiled.has('grow')]).toEqual([true, false]);
    // The session goes on while it is compiled, and another start does nothing.
    compiled.start('act', { x, seed: seed(0) });
    compiled.start('act', { x, seed: seed(0) });
    const before = await program.run('act', { x, seed: seed(1) });
    for (const round of [1, 2]) {
      const inputs = { x: x.map((value) => value ^ round), seed: seed(round) };
      const recorded = await program.run('act', inputs);
      const outputs = await compiled.run('act', inputs);
      expect(Object.keys(outputs)).toEqual(['values', 'noise', 'indices']);
      expectClose(outputs.values!, recorded.values!);
      expect(outputs.noise).toEqual(recorded.noise);
      expect(outputs.indices).toEqual(recorded.indices);
      // Again, and it is equal bit by bit.
      expect(await compiled.run('act', inputs)).toEqual(outputs);
    }
    await program.run('grow');
    const after = await compiled.run('act', { x, seed: seed(1) });
    expectClose(after.values!, (await program.run('act', { x, seed: seed(1) })).values!);
    expect(Math.abs(after.values![0]! - before.values![0]!)).toBeGreaterThan(0.9);
    await expect(compiled.run('act', { x })).rejects.toThrow('input "seed" of act is missing');
    await expect(compiled.run('grow')).rejects.toThrow('entry point "grow" has no compiled version');
    program.dispose();
    await expect(compiled.run('act', { x, seed: seed(1) })).rejects.toThrow('disposed');
  });

  it('is refused for a step that assigns variables, and by name where XLA can’t compile it', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const value = makeVariable(() => tf.zeros([1, 4, 4, 1]));
    const make = (run: () => Record<string, tf.Tensor>) =>
      createProgram({ variables: { value }, mode: 'recorded', entryPoints: { step: { compiled: 'always', run } } });
    await expect(
      make(() => {
        value.assign(tf.add(value, 1));
        return {};
      }),
    ).rejects.toThrow('entry point "step" assigns variables');
    const boxes = () => tf.tensor2d([[0, 0, 1, 1]]);
    const program = await make(() => ({
      cropped: tf.image.cropAndResize(value as tf.Tensor4D, boxes(), tf.tensor1d([0], 'int32'), [2, 2]),
    }));
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(program.compiled!.run('step')).rejects.toMatchObject({
        code: 'MISSING_DEPENDENCY',
        message: expect.stringContaining('entry point "step" can\'t be compiled by XLA here'),
      });
    }
    expect((await program.run('step')).cropped).toHaveLength(4);
    program.dispose();
  });
});

describe('whether a network is better compiled', () => {
  afterEach(() => vi.unstubAllEnvs());
  const convolutions = (...strides: number[]) =>
    strides.map((stride, index) => ({
      name: `entry0/Conv2D_${index}`,
      op: 'Conv2D',
      inputs: [],
      attributes: { strides: { kind: 'integers', value: [1, stride, stride, 1] } } as const,
    }));

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'depends on the vector instructions in use and on the convolutions',
    () => {
      vi.stubEnv('ONEDNN_MAX_CPU_ISA', 'AVX2');
      expect(prefersCompiled(convolutions(1, 1, 1), 'entry0')).toBe(true);
      expect(prefersCompiled(convolutions(4, 2, 1), 'entry0')).toBe(true);
      expect(prefersCompiled(convolutions(1), 'entry1')).toBe(false);
      expect(prefersCompiled([], 'entry0')).toBe(false);
      const own = { name: 'entry0/MoeRlExpertMlp_0', op: 'MoeRlExpertMlp', inputs: [], attributes: {} };
      expect(prefersCompiled([...convolutions(1), own], 'entry0')).toBe(false);
    },
  );

  it('is never so for an operation of our own kernels; asking for it is refused by name', () => {
    const recorder = new GraphRecorder();
    const node = recorder.addNode('entry0', 'MoeRlExpertMlp', [], {});
    expect(() => addCompiledFunction(recorder, 'act', 'entry0', { outputNodes: [node] })).toThrow(
      'entry point "act" can\'t be compiled: XLA has no MoeRlExpertMlp',
    );
  });
});
