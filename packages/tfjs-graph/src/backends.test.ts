// The same program on tfjs' cpu backend (eager) and recorded on TensorFlow; and, with one thread, the same bits from run to run.

import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createProgram, randomNormal } from './index.ts';
import { createBatch, createEntryPoints, createVariables } from './testing/small-agent.ts';

async function train(updates: number): Promise<{ losses: number[]; kernel: number[]; isRecorded: boolean }> {
  const variables = createVariables();
  const agent = await createProgram({ variables, entryPoints: createEntryPoints(variables) });
  const losses: number[] = [];
  for (let i = 0; i < updates; i++) losses.push((await agent.run('learn', createBatch(i))).loss![0]!);
  const { 'online/Conv_0/kernel': kernel } = await agent.readVariables(['online/Conv_0/kernel']);
  const { isRecorded } = agent;
  agent.dispose();
  return { losses, kernel: [...kernel!.data], isRecorded };
}

describe('programs on different backends', () => {
  it('agree; with one thread TensorFlow repeats itself exactly', async ({ skip }) => {
    await loadBackend({ backend: 'cpu' });
    const eager = await train(5);
    expect(eager.isRecorded).toBe(false);
    try {
      await loadBackend({ backend: 'tensorflow', threads: 1 });
    } catch (error) {
      if (process.env.MOE_RL_REQUIRE_NATIVE === '1') throw error;
      skip(true, `TensorFlow can't be used here: ${error}`);
    }
    const recorded = await train(5);
    expect(recorded.isRecorded).toBe(true);
    for (const [index, loss] of eager.losses.entries()) expect(recorded.losses[index]).toBeCloseTo(loss, 4);
    for (const [index, value] of eager.kernel.entries()) expect(recorded.kernel[index]).toBeCloseTo(value, 4);
    const [first, second] = [await train(30), await train(30)];
    expect(second).toEqual(first);
  });

  it('refuse to record where that is not possible', async () => {
    await loadBackend({ backend: 'cpu' });
    await expect(createProgram({ variables: {}, entryPoints: {}, mode: 'recorded' })).rejects.toThrow(/backend is cpu/);
  });

  it('draw numbers by seed in JavaScript too', async () => {
    await loadBackend({ backend: 'cpu' });
    const program = await createProgram({
      variables: {},
      entryPoints: {
        draw: {
          inputs: { seed: { shape: [2], dtype: 'int32' } },
          run: ({ seed }) => ({ x: randomNormal([500], seed!) }),
        },
      },
    });
    const first = (await program.run('draw', { seed: Int32Array.of(1, 2) })).x!;
    expect((await program.run('draw', { seed: Int32Array.of(1, 2) })).x).toEqual(first);
    expect((await program.run('draw', { seed: Int32Array.of(2, 2) })).x).not.toEqual(first);
    const deviation = Math.sqrt(Array.from(first).reduce((sum, value) => sum + value * value, 0) / 500);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.15);
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('a bad configuration', () => {
  it('is named', async () => {
    await loadBackend({ backend: 'cpu' });
    const variable = tf.tidy(() => tf.variable(tf.zeros([2])));
    const run = () => ({});
    const cases: [Parameters<typeof createProgram>[0], RegExp][] = [
      [{ variables: { a: variable, b: variable }, entryPoints: {} }, /under two names/],
      [{ variables: { a: tf.zeros([1]) as tf.Variable }, entryPoints: {} }, /variables.a is not a tf.Variable/],
      [{ variables: {}, entryPoints: {}, mode: 'fast' as 'auto' }, /mode is "fast"/],
      [
        { variables: {}, entryPoints: { go: { run, inputs: { x: { shape: [1], dtype: 'int64' as 'int32' } } } } },
        /entryPoints.go.inputs.x.dtype is "int64"/,
      ],
      [
        { variables: {}, entryPoints: { go: { run, inputs: { x: { shape: [-1], dtype: 'int32' } } } } },
        /x.shape is \[-1\]/,
      ],
    ];
    for (const [config, message] of cases) await expect(createProgram(config)).rejects.toThrow(message);
  });
});
