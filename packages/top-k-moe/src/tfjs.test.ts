// The tf.layers version with every router: in a model, trained, saved and loaded.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RouterConfig } from './index.ts';
import { TopKMoeLayer, type TopKMoeLayerConfig } from './tfjs.ts';

beforeAll(() => tf.setBackend('cpu'));

const config: TopKMoeLayerConfig = { numExperts: 4, hiddenSize: 8, seed: 3 };

async function saveAndLoad(model: tf.LayersModel): Promise<tf.LayersModel> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return tf.loadLayersModel(
    tf.io.fromMemory({ ...artifacts!, modelTopology: JSON.parse(JSON.stringify(artifacts!.modelTopology)) }),
  );
}

const x = () => tf.randomNormal([8, 8, 3], 0, 1, 'float32', 2);

describe('TopKMoeLayer', () => {
  const routers: RouterConfig[] = [
    { type: 'token-choice', k: 2, noiseStd: 1, isRenormalized: true },
    { type: 'switch' },
    { type: 'gshard-top-2' },
    { type: 'noisy-top-k' },
    { type: 'expert-prototyping', numPrototypes: 2 },
    { type: 'expert-choice', maxExpertsPerToken: 3 },
    { type: 'base' },
    { type: 'stable' },
    { type: 'dense-to-sparse' },
    { type: 'deepseek', k: 2, numGroups: 2, numKeptGroups: 1 },
    { type: 'dynmole', topP: 0.5, keepTopK: 1 },
  ];

  test.each(routers.map((router) => [router.type, router] as const))(
    '%s trains in tf.sequential and survives saving',
    async (_, router) => {
      const model = tf.sequential();
      model.add(new TopKMoeLayer({ ...config, router, isResidual: true, inputShape: [8, 3] }));
      model.add(tf.layers.flatten());
      model.add(tf.layers.dense({ units: 1 }));
      model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
      const inputs = x();
      const history = await model.fit(inputs, tf.max(inputs, [1, 2]), { epochs: 6, verbose: 0 });
      const losses = history.history['loss'] as number[];
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
      const loaded = await saveAndLoad(model);
      expect((loaded.layers[0] as TopKMoeLayer).getConfig()).toEqual((model.layers[0] as TopKMoeLayer).getConfig());
      const [a, b] = [model.predict(inputs) as tf.Tensor, loaded.predict(inputs) as tf.Tensor];
      expect(Array.from(b.dataSync())).toEqual(Array.from(a.dataSync()));
    },
  );

  test('hash takes token ids as second input', () => {
    const tokens = tf.input({ shape: [8, 3] });
    const ids = tf.input({ shape: [8], dtype: 'int32' });
    const layer = new TopKMoeLayer({ ...config, router: { type: 'hash' } });
    const model = tf.model({ inputs: [tokens, ids], outputs: layer.apply([tokens, ids]) as tf.SymbolicTensor });
    const output = model.predict([x(), tf.fill([8, 8], 2, 'int32')]) as tf.Tensor;
    expect(output.shape).toEqual([8, 8, 3]);
    const { assignment } = layer.explain(x(), tf.fill([8, 8], 2, 'int32')).routing;
    if (assignment.kind !== 'token-choice') throw new Error('expected token choice');
    expect(new Set(assignment.experts.dataSync())).toEqual(new Set([2]));
  });

  test('auxiliary losses join the loss of fit', async () => {
    const lossWith = async (weight: number) => {
      const model = tf.sequential();
      model.add(
        new TopKMoeLayer({
          ...config,
          auxiliaryLosses: { loadBalancing: weight, routerZ: weight },
          inputShape: [8, 3],
        }),
      );
      model.compile({ optimizer: tf.train.sgd(1e-9), loss: 'meanSquaredError' });
      const inputs = x();
      const { history } = await model.fit(inputs, inputs, { epochs: 1, verbose: 0 });
      return (history['loss'] as number[])[0]!;
    };
    const plain = await lossWith(0);
    // load balancing is about 1, and z about (log 4)^2
    const weighted = await lossWith(1);
    expect(weighted - plain).toBeGreaterThan(2);
    expect(weighted - plain).toBeLessThan(5);
    expect((await lossWith(2)) - plain).toBeCloseTo(2 * (weighted - plain), 3);
    expect(() => new TopKMoeLayer({ auxiliaryLosses: { balance: 1 } as object })).toThrow(
      /auxiliaryLosses has "balance"; expected one of importance/,
    );
  });

  test('the bias of deepseek moves in training, by the rate, towards balance', async () => {
    const layer = new TopKMoeLayer({
      ...config,
      router: { type: 'deepseek', k: 1, balanceBiasRate: 0.5 },
      inputShape: [8, 3],
    });
    const model = tf.sequential({ layers: [layer] });
    model.compile({ optimizer: tf.train.sgd(1e-9), loss: 'meanSquaredError' });
    const bias = () =>
      Array.from(
        layer
          .getWeights()
          .find(({ shape }) => shape.length === 1)!
          .dataSync(),
      );
    expect(bias()).toEqual([0, 0, 0, 0]);
    const inputs = x();
    model.predict(inputs);
    expect(bias()).toEqual([0, 0, 0, 0]);
    await model.fit(inputs, inputs, { epochs: 1, batchSize: 8, verbose: 0 });
    expect(bias().every((value) => [-0.5, 0, 0.5].includes(value))).toBe(true);
    expect(new Set(bias()).size).toBeGreaterThan(1);
  });

  test('works on feature maps and refuses what has no tokens', () => {
    const layer = new TopKMoeLayer(config);
    expect((layer.apply(tf.randomNormal([2, 4, 4, 3])) as tf.Tensor).shape).toEqual([2, 4, 4, 3]);
    expect(() => new TopKMoeLayer(config).apply(tf.zeros([2, 5]))).toThrow(/got input shape \[2,5\]/);
  });
});
