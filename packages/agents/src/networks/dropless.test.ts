// A router without a capacity in a recorded step: how many tokens an expert gets is found when the graph runs, not when it is recorded (on zeros).
import { createRng } from '@moe-rl/core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createProgram, lossAndGradients } from '@moe-rl/tfjs-graph';
import { loadBackend } from '@moe-rl/tfjs-native';
import { applyTopKMoe, initTopKMoe, type TopKMoeConfig } from '@moe-rl/top-k-moe';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';

test('deepseek records: outputs and gradients of later batches are those of the dense reference', async () => {
  await loadBackend({ backend: 'auto', threads: 2 });
  const ops = createTfjsOps(tf);
  const [B, T, D] = [2, 9, 5];
  const config: TopKMoeConfig = { numExperts: 4, tokenSize: D, hiddenSize: 6, router: { type: 'deepseek', k: 2 } };
  const initial = Object.entries(initTopKMoe(createRng(1), config));
  const variables = Object.fromEntries(
    initial.map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, [...shape]))]),
  );
  const trained = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.endsWith('balance_bias')));
  const step = (dispatcher: 'dense' | 'indices') => ({
    inputs: { x: { shape: [B, T, D], dtype: 'float32' as const } },
    run: ({ x }: Record<string, tf.Tensor>) => {
      const { loss, gradients } = lossAndGradients(trained, () => ({
        loss: tf.mean(tf.square(applyTopKMoe(ops, variables, x!, { ...config, dispatcher }).output)) as tf.Scalar,
      }));
      return { loss, ...gradients };
    },
  });
  const program = await createProgram({ variables, entryPoints: { grouped: step('indices'), dense: step('dense') } });
  for (const seed of [2, 3]) {
    const rng = createRng(seed, 'tokens');
    const x = Float32Array.from({ length: B * T * D }, () => rng.nextNormal());
    const [grouped, dense] = [await program.run('grouped', { x }), await program.run('dense', { x })];
    for (const [name, values] of Object.entries(dense)) {
      Array.from(values).forEach((value, index) => {
        expect(Math.abs(Array.from(grouped[name]!)[index]! - value), `${name}[${index}]`).toBeLessThan(1e-5);
      });
    }
  }
  program.dispose();
});
