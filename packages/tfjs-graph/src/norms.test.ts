// The norm of several tensors is that of their numbers, eagerly and recorded, on tfjs' own backend and on TensorFlow.
import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { createProgram, globalNorm, type ProgramMode } from './index.ts';
import { loadNative } from './testing/small-agent.ts';

async function norm(mode: ProgramMode): Promise<number> {
  const kernel = tf.variable(tf.tensor2d([1, -2, 2, 4], [2, 2]));
  const bias = tf.variable(tf.scalar(-12));
  const program = await createProgram({
    variables: { kernel, bias },
    entryPoints: { norm: { run: () => ({ norm: globalNorm([kernel, bias]) }) } },
    mode,
  });
  const { norm: value } = await program.run('norm');
  program.dispose();
  return value![0]!;
}

it('equals that of their numbers', async () => {
  await loadBackend({ backend: 'cpu' });
  expect(await norm('auto')).toBeCloseTo(13, 5);
  expect(globalNorm([]).dataSync()[0]).toBe(0);
});

it('is the same on TensorFlow, eagerly and recorded', async ({ skip }) => {
  const obstacle = await loadNative();
  skip(obstacle !== undefined, obstacle);
  expect(await norm('eager')).toBeCloseTo(13, 5);
  expect(await norm('recorded')).toBeCloseTo(13, 5);
});
