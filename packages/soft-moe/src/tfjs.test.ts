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

  test('a look with explain() before the layer is in a model changes neither names nor what can be loaded', async () => {
    const layers = [1, 2].map((seed) => new SoftMoeLayer({ ...config, seed }));
    const before = tf.memory().numTensors;
    const [first] = layers.map((layer) => layer.explain(tf.zeros([1, 6, 4])));
    const kept = Object.values(first!).filter((value) => value instanceof tf.Tensor).length;
    // the weights of both layers, the two inputs and what the two looks returned
    expect(tf.memory().numTensors - before).toBe(2 * (6 + 1 + kept));
    const input = tf.input({ shape: [6, 4] });
    const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    const model = tf.model({ inputs: input, outputs: output });
    const names = model.weights.map((weight) => weight.name);
    expect(new Set(names).size).toBe(names.length);
    const loaded = await saveAndLoad(model);
    const x = tf.randomNormal([2, 6, 4]);
    const [a, b] = [model.predict(x) as tf.Tensor, loaded.predict(x) as tf.Tensor];
    expect(Array.from(b.dataSync())).toEqual(Array.from(a.dataSync()));
  });

  test('the mask of an embedding with maskZero keeps padding out, and goes on through the layer', () => {
    const ids = tf.tensor2d([
      [1, 2, 3, 0, 0],
      [2, 1, 3, 1, 2],
    ]);
    const others = tf.tensor2d([
      [1, 2, 3, 0, 0],
      [3, 3, 3, 3, 3],
    ]);
    const build = (maskZero: boolean) => {
      const model = tf.sequential();
      const embeddingsInitializer = tf.initializers.randomNormal({ seed: 1 });
      model.add(tf.layers.embedding({ inputDim: 4, outputDim: 3, inputLength: 5, maskZero, embeddingsInitializer }));
      model.add(new SoftMoeLayer({ ...config, name: `masked_${maskZero}` }));
      model.add(new SoftMoeLayer({ ...config, seed: 4 }));
      return model;
    };
    const rows = (tensor: tf.Tensor, sample: number): number[][] => (tensor.arraySync() as number[][][])[sample]!;
    const masked = build(true).predict(ids) as tf.Tensor;
    // the second layer's tokens are zeros that it would mix in if the mask had ended at the first
    expect(rows(masked, 0).slice(3)).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(rows(masked, 0)[0]).not.toEqual([0, 0, 0]);
    const unmasked = build(false).predict(ids) as tf.Tensor;
    expect(rows(unmasked, 0)[0]).not.toEqual(rows(masked, 0)[0]);
    expect(rows(unmasked, 1)).toEqual(rows(masked, 1));
    expect(rows(build(true).predict(others) as tf.Tensor, 0)).toEqual(rows(masked, 0));
    const layer = build(true).layers[1] as SoftMoeLayer;
    const mask = tf.tensor2d([[1, 0]]);
    expect(layer.computeMask(tf.ones([1, 2, 3]), mask)).toBe(mask);
    const { combineWeights } = layer.explain(tf.ones([1, 5, 3]), tf.tensor2d([[1, 1, 1, 0, 0]], [1, 5], 'bool'));
    expect(Array.from(tf.sum(combineWeights, [2, 3]).greater(0).dataSync())).toEqual([1, 1, 1, 0, 0]);
  });

  test('a mask that ended at a layer before is not taken for its own', () => {
    const model = tf.sequential();
    model.add(tf.layers.embedding({ inputDim: 4, outputDim: 3, inputLength: 5, maskZero: true }));
    model.add(tf.layers.averagePooling1d({ poolSize: 2, strides: 1 }));
    model.add(new SoftMoeLayer(config));
    const output = model.predict(tf.tensor2d([[1, 2, 3, 0, 0]])) as tf.Tensor;
    expect(output.shape).toEqual([1, 4, 3]);
    expect(output.dataSync().every((value) => value !== 0)).toBe(true);
  });

  test('a custom loop may ask the model for its losses after apply', () => {
    const model = network();
    const x = tf.randomNormal([4, 6, 6, 1]);
    const { grads } = tf.variableGrads(() => {
      const loss = tf.mean(tf.square(model.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar;
      return model.calculateLosses().reduce((sum, each) => tf.add(sum, each) as tf.Scalar, loss);
    });
    expect(Object.values(grads).every((gradient) => gradient.dataSync().every(Number.isFinite))).toBe(true);
  });

  test('an option that does not exist is refused by name', () => {
    const misspelt = { ...config, numExpert: 4 } as SoftMoeLayerConfig;
    expect(() => new SoftMoeLayer(misspelt)).toThrow(
      /SoftMoeLayer has no option "numExpert".*did you mean numExperts\?/,
    );
  });

  test('tf.tidy takes what applySoftMoe returns', () => {
    const full = { numExperts: 2, hiddenSize: 8, numTokens: 5, tokenSize: 3 };
    const ops = createTfjsOps(tf);
    const parameters = toTensors(ops, initSoftMoe(createRng(3), full));
    const before = tf.memory().numTensors;
    const result = tf.tidy(() => applySoftMoe(ops, parameters, tf.ones([1, 5, 3]), full));
    expect(result.output.dataSync().every(Number.isFinite)).toBe(true);
    tf.dispose(result);
    expect(tf.memory().numTensors).toBe(before);
  });
});
