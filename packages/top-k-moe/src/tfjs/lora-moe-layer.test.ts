// DynMoLE's layer: in the place of a dense layer, trained while that one stays frozen, saved and loaded.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { routerTypes } from '../index.ts';
import { LoraMoeLayer } from '../tfjs.ts';

beforeAll(() => tf.setBackend('cpu'));

const x = () => tf.randomNormal([6, 5, 4], 0, 1, 'float32', 2);

test('starts as the dense layer it replaces, learns, and leaves that one frozen', async () => {
  const dense = tf.layers.dense({ units: 3, inputShape: [5, 4] });
  tf.sequential({ layers: [dense] });
  const layer = LoraMoeLayer.fromDense(dense, {
    numExperts: 4,
    rank: 2,
    dropoutRate: 0.1,
    seed: 1,
    auxiliaryLosses: { entropy: 0.01, dynMoleBalance: 0.001 },
  });
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [5, 4] }), layer] });
  const close = (a: tf.Tensor, b: tf.Tensor) => expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]).toBeLessThan(1e-6);
  close(model.predict(x()) as tf.Tensor, dense.apply(x()) as tf.Tensor);
  const frozen = () =>
    layer
      .getWeights()
      .slice(-2)
      .map((weight) => Array.from(weight.dataSync()));
  const before = frozen();
  expect(before).toEqual(dense.getWeights().map((weight) => Array.from(weight.dataSync())));
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
  const { history } = await model.fit(x(), tf.zeros([6, 5, 3]), { epochs: 15, verbose: 0 });
  const losses = history['loss'] as number[];
  expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  expect(frozen()).toEqual(before);

  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts!));
  close(loaded.predict(x()) as tf.Tensor, model.predict(x()) as tf.Tensor);
  expect(tf.sum(layer.explain(x()).routing.probabilities, -1).dataSync()[0]).toBeCloseTo(1, 5);
});

test('leaves padding out of the losses that model.fit adds', () => {
  const layer = new LoraMoeLayer({
    units: 3,
    numExperts: 4,
    seed: 1,
    auxiliaryLosses: { entropy: 1, dynMoleBalance: 1 },
  });
  const mask = tf.tensor2d([[0, 0, 1, 1, 1]], [1, 5], 'bool');
  const tokens = tf.slice(x(), [0, 0, 0], [1, 3, 4]);
  const losses = [0, 7].map((padding) => {
    layer.apply(tf.concat([tf.fill([1, 2, 4], padding), tokens], 1), { training: true, mask });
    return layer.calculateLosses()[0]!.dataSync()[0]!;
  });
  layer.apply(tokens, { training: true });
  const alone = layer.calculateLosses()[0]!.dataSync()[0]!;
  expect(alone).toBeGreaterThan(0);
  for (const loss of losses) expect(loss).toBeCloseTo(alone, 5);
});

test.each([
  ['noisy-top-k', {}, 'needs a second projection of the tokens'],
  ['dense-to-sparse', {}, 'needs a temperature that falls'],
  ['stable', {}, 'needs a router that is distilled'],
  ['hash', {}, 'needs tokenIds'],
  ['switch', { inputJitter: 0.1 }, 'has an inputJitter of 0.1'],
  ['deepseek', { balanceBiasRate: 0.01 }, 'has a balanceBiasRate of 0.01'],
])('refuses the router %s with %o, which %s', (type, options, reason) => {
  const router = { type, ...options } as { type: 'switch' };
  expect(() => new LoraMoeLayer({ units: 2, router })).toThrow(`the router "${type}" ${reason}`);
});

test.each(routerTypes.filter((type) => !['noisy-top-k', 'dense-to-sparse', 'base'].includes(type)))(
  'trains with the router %s',
  (type) => {
    const options = { stable: { distillationUpdates: 0 }, hash: { ids: 'position', table: [0, 1, 2, 3, 0] } }[
      type as string
    ];
    const layer = new LoraMoeLayer({ units: 3, numExperts: 4, router: { type, ...options } as { type: 'switch' } });
    const output = layer.apply(x(), { training: true }) as tf.Tensor;
    expect(output.dataSync().every(Number.isFinite)).toBe(true);
  },
);

test('refuses what it can not do', () => {
  expect(() => new LoraMoeLayer({ units: 0 })).toThrow(/units is 0/);
  expect(() => new LoraMoeLayer({ units: 2, ranks: 2 } as object as { units: number })).toThrow(
    /no option "ranks"; .*did you mean rank/,
  );
  expect(() => new LoraMoeLayer({ units: 2, auxiliaryLosses: { loadBalancing: 1 } })).toThrow(
    /doesn't fit router "dynmole"/,
  );
  expect(() => LoraMoeLayer.fromDense(tf.layers.dense({ units: 2 }))).toThrow(
    /has 0 weights; expected a dense layer that was built/,
  );
});
