// The tf.layers version: in a model, trained, saved and loaded.

import { createRng } from '@moe-rl/core';
import { toTensors } from '@moe-rl/moe-core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { applySoftMoe, initSoftMoe } from './index.ts';
import { SoftMoeLayer, type SoftMoeLayerConfig } from './tfjs.ts';

beforeAll(() => tf.setBackend('cpu'));

const config: SoftMoeLayerConfig = { numExperts: 2, hiddenSize: 8, seed: 3 };

function network(change: Partial<SoftMoeLayerConfig> = {}): tf.Sequential {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 4, kernelSize: 3, strides: 2, activation: 'relu' }));
  model.add(new SoftMoeLayer({ ...config, ...change }));
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ units: 2 }));
  return model;
}

async function saveAndLoad(model: tf.LayersModel): Promise<tf.LayersModel> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  // through JSON, as a file would be
  const topology = JSON.parse(JSON.stringify(artifacts!.modelTopology));
  return tf.loadLayersModel(tf.io.fromMemory({ ...artifacts!, modelTopology: topology }));
}

describe('SoftMoeLayer', () => {
  test('computes what applySoftMoe computes', () => {
    const layer = new SoftMoeLayer(config);
    const tokens = tf.randomNormal([2, 5, 3], 0, 1, 'float32', 1) as tf.Tensor3D;
    const output = layer.apply(tokens) as tf.Tensor;
    const full = { numExperts: 2, hiddenSize: 8, numTokens: 5, tokenSize: 3 };
    const ops = createTfjsOps(tf);
    const expected = applySoftMoe(ops, toTensors(ops, initSoftMoe(createRng(3), full)), tokens, full).output;
    expect(output.shape).toEqual([2, 5, 3]);
    expect(Array.from(output.dataSync())).toEqual(Array.from(expected.dataSync()));
    const { dispatchWeights, combineWeights } = layer.explain(tokens);
    expect(
      tf
        .sum(dispatchWeights, 1)
        .dataSync()
        .every((sum) => Math.abs(sum - 1) < 1e-5),
    ).toBe(true);
    expect(combineWeights.shape).toEqual([2, 5, 2, 3]);
  });

  test.each<[string, Partial<SoftMoeLayerConfig>]>([
    ['plain', {}],
    ['normalized, noisy', { isNormalized: true, isNoisy: true }],
    ['sparse', { tokensPerSlot: 2, slotsPerToken: 1, phi: 'fixed-random' }],
  ])('trains in tf.sequential and survives saving: %s', async (_, change) => {
    const model = network(change);
    model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
    const x = tf.randomNormal([16, 6, 6, 1], 0, 1, 'float32', 2);
    const y = tf.concat([tf.mean(x, [1, 2]), tf.max(x, [1, 2])], 1);
    const before = tf.memory().numTensors;
    const history = await model.fit(x, y, { epochs: 15, verbose: 0 });
    const losses = history.history['loss'] as number[];
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    const grown = tf.memory().numTensors;
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    expect(tf.memory().numTensors).toBe(grown);
    expect(grown).toBeGreaterThanOrEqual(before);

    const loaded = await saveAndLoad(model);
    expect((loaded.layers[1] as SoftMoeLayer).getConfig()).toEqual((model.layers[1] as SoftMoeLayer).getConfig());
    const [a, b] = [model.predict(x) as tf.Tensor, loaded.predict(x) as tf.Tensor];
    expect(Array.from(b.dataSync())).toEqual(Array.from(a.dataSync()));
  });

  test('what does not train is not counted as trainable', () => {
    const count = (change: Partial<SoftMoeLayerConfig>) => {
      const layer = new SoftMoeLayer({ ...config, ...change });
      layer.build([null, 5, 3]);
      return layer.trainableWeights.length;
    };
    expect(count({})).toBe(5);
    expect(count({ isNormalized: true })).toBe(6);
    expect(count({ phi: 'fixed-random' })).toBe(4);
  });

  test('an input that has no tokens is refused', () => {
    expect(() => new SoftMoeLayer(config).apply(tf.zeros([2, 5]))).toThrow(
      /got input shape \[2,5\]; expected \[batch, tokens, size\]/,
    );
  });
});
