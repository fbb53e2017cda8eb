// The tf.layers version with every router: in a model, trained, saved and loaded.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RouterConfig } from '../index.ts';
import { TopKMoeLayer, type TopKMoeLayerConfig } from '../tfjs.ts';

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
    expect(() => new TopKMoeLayer({ auxiliaryLosses: { balance: 1 } })).toThrow(
      /auxiliary loss "balance" is unknown; for router "token-choice" expected one of importance/,
    );
    expect(
      () => new TopKMoeLayer({ router: { type: 'expert-choice' }, auxiliaryLosses: { loadBalancing: 1 } }),
    ).toThrow(
      /auxiliary loss "loadBalancing" doesn't fit router "expert-choice": experts choose, so that all have the same load/,
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

  test("calculateLosses works after model.apply, in a training loop of one's own", () => {
    const model = tf.sequential();
    model.add(
      new TopKMoeLayer({
        ...config,
        router: { type: 'switch' },
        auxiliaryLosses: { loadBalancing: 0.5 },
        inputShape: [8, 3],
      }),
    );
    model.add(tf.layers.flatten());
    model.add(tf.layers.dense({ units: 1 }));
    const { value, grads } = tf.variableGrads(() => {
      const output = model.apply(x(), { training: true }) as tf.Tensor;
      const own = tf.addN(model.calculateLosses());
      return tf.add(tf.mul(tf.sum(output), 0), own).asScalar();
    });
    expect(value.dataSync()[0]).toBeGreaterThan(0.4);
    const gate = Object.keys(grads).find((name) => name.includes('router'))!;
    expect(Math.max(...tf.abs(grads[gate]!).dataSync())).toBeGreaterThan(0);
  });

  test('holds one tensor at most between calls', () => {
    const layer = new TopKMoeLayer({ ...config, auxiliaryLosses: { routerZ: 1 } });
    const input = x();
    const call = () => tf.tidy(() => (layer.apply(input, { training: true }) as tf.Tensor).dataSync());
    call();
    const before = tf.memory().numTensors;
    for (let repeat = 0; repeat < 3; repeat++) call();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a layer that was looked at before it joined a model saves and loads', async () => {
    const built = [1, 2].map(() => new TopKMoeLayer({ ...config, router: { type: 'deepseek', k: 2 } }));
    for (const layer of built) layer.explain(x());
    const input = tf.input({ shape: [8, 3] });
    const output = built.reduce((tensor, layer) => layer.apply(tensor) as tf.SymbolicTensor, input);
    const model = tf.model({ inputs: input, outputs: output });
    const loaded = await saveAndLoad(model);
    const [a, b] = [model.predict(x()) as tf.Tensor, loaded.predict(x()) as tf.Tensor];
    expect(Array.from(b.dataSync())).toEqual(Array.from(a.dataSync()));
  });

  test('honours the mask of a layer before it: padding takes no slot and gives zeros', () => {
    const layer = new TopKMoeLayer({ ...config, router: { type: 'token-choice', capacity: 2 } });
    const model = tf.sequential({ layers: [tf.layers.masking({ maskValue: 0, inputShape: [8, 3] }), layer] });
    const real = tf.randomNormal([2, 5, 3], 0, 1, 'float32', 2);
    const padded = tf.concat([tf.zeros([2, 3, 3]), real], 1);
    const output = model.predict(padded) as tf.Tensor;
    const alone = layer.explain(real).output;
    expect(Array.from(tf.slice(output, [0, 3, 0], [2, 5, 3]).dataSync())).toEqual(Array.from(alone.dataSync()));
    expect(
      tf
        .slice(output, [0, 0, 0], [2, 3, 3])
        .dataSync()
        .every((value) => value === 0),
    ).toBe(true);
    const unmasked = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [8, 3] }), layer] });
    expect(Array.from((unmasked.predict(padded) as tf.Tensor).dataSync())).not.toEqual(Array.from(output.dataSync()));
  });

  test('advance runs a course of training: experts are spawned from one, the distilled router is frozen, and saving keeps the stage', async () => {
    const evo = new TopKMoeLayer({
      ...config,
      router: { type: 'dense-to-sparse', sharedUpdates: 2, temperatureUpdates: 4, hardUpdates: 3, maskedShare: 0 },
      inputShape: [8, 3],
    });
    const model = tf.sequential({ layers: [evo] });
    const kernels = () => evo.getWeights().filter(({ shape }) => shape.length === 3)[0]!;
    const first = () => Array.from(tf.slice(kernels(), [0, 0, 0], [1, -1, -1]).dataSync());
    const last = () => Array.from(tf.slice(kernels(), [3, 0, 0], [1, -1, -1]).dataSync());
    expect(evo.advance(0)).toBe('shared');
    expect(last()).not.toEqual(first());
    expect(new Set(evo.explain(x()).topExperts.dataSync())).toEqual(new Set([0]));
    expect(evo.advance(2)).toBe('sparsify');
    expect(last()).toEqual(first());
    expect(evo.advance(5)).toBe('hard');
    expect(evo.temperature).toBeCloseTo(2 - (3 / 4) * 1.7, 6);
    const loaded = (await saveAndLoad(model)).layers[0] as TopKMoeLayer;
    expect(loaded.getConfig()).toMatchObject({ stage: 'hard' });

    const stable = new TopKMoeLayer({
      ...config,
      router: { type: 'stable', distillationUpdates: 2 },
      inputShape: [8, 3],
    });
    const other = tf.sequential({ layers: [stable] });
    other.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const distilled = () =>
      stable
        .getWeights()
        .filter(({ shape }) => shape.includes(50))
        .map((weight) => Array.from(weight.dataSync()));
    const start = distilled();
    stable.advance(0);
    await other.trainOnBatch(x(), x());
    const trained = distilled();
    expect(trained).not.toEqual(start);
    stable.advance(2);
    await other.trainOnBatch(x(), x());
    expect(distilled()).toEqual(trained);
  });

  test('refuses options that it has not got, and warns of a router that gets no gradient', () => {
    expect(() => new TopKMoeLayer({ numExpert: 4 } as TopKMoeLayerConfig)).toThrow(
      /TopKMoeLayer has no option "numExpert"; expected one of .*; did you mean numExperts/,
    );
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    new TopKMoeLayer({ router: { type: 'deepseek', k: 1 } });
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/router "deepseek" with k = 1/));
    warn.mockClear();
    new TopKMoeLayer({ router: { type: 'deepseek', k: 2 } });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test('works on feature maps and refuses what has no tokens', () => {
    const layer = new TopKMoeLayer(config);
    expect((layer.apply(tf.randomNormal([2, 4, 4, 3])) as tf.Tensor).shape).toEqual([2, 4, 4, 3]);
    expect(() => new TopKMoeLayer(config).apply(tf.zeros([2, 5]))).toThrow(/got input shape \[2,5\]/);
  });
});

test('a layer that is loaded in a later stage has the losses of that stage, not of the first', () => {
  const make = (stage: 'distill' | 'frozen'): number => {
    const layer = new TopKMoeLayer({ ...config, router: { type: 'stable', distillationUpdates: 2 }, stage });
    layer.apply(x(), { training: true });
    return layer.calculateLosses().reduce((sum, loss) => sum + loss.dataSync()[0]!, 0);
  };
  expect(make('distill')).toBeGreaterThan(0);
  expect(make('frozen')).toBe(0);
});

test('refuses stages, temperatures and weights that there are not', () => {
  const make = (more: object) => () => new TopKMoeLayer({ ...config, ...more } as TopKMoeLayerConfig);
  expect(make({ stage: 'frozen' })).toThrow(/^stage is "frozen"; expected none, which router "token-choice" has/);
  expect(make({ router: { type: 'stable' }, stage: 'forzen' })).toThrow(/expected one of distill, frozen/);
  for (const temperature of [0, Number.NaN, -1]) expect(make({ temperature })).toThrow(/^temperature is/);
  for (const loadBalancing of [Number.NaN, '0.1'])
    expect(make({ auxiliaryLosses: { loadBalancing } })).toThrow(/^auxiliaryLosses\.loadBalancing is .*finite number/);
});

test('the bias of a layer that does not learn stays', () => {
  const biasAfter = (trainable: boolean): number[] => {
    const layer = new TopKMoeLayer({ ...config, router: { type: 'deepseek', k: 2 }, trainable });
    layer.apply(x(), { training: true });
    return Array.from(
      layer
        .getWeights()
        .find(({ shape }) => shape.join() === '4')!
        .dataSync(),
    );
  };
  expect(biasAfter(true).some((bias) => bias !== 0)).toBe(true);
  expect(biasAfter(false)).toEqual([0, 0, 0, 0]);
});
