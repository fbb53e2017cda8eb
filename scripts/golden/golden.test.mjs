// The golden runner's own arithmetic: it must notice a wrong value, and read vectors as their README says. And the worked tokenizer example.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tokenize } from '../../packages/encoders/src/index.ts';
import { importFrom } from './adapters.mjs';
import replay from './families/replay.mjs';
import { checksOf } from './honour.mjs';
import { difference, materialize } from './vectors.mjs';

test('generated inputs are the documented ones', () => {
  const { data } = materialize({ shape: [4], dtype: 'float32', lcg: { seed: 12345, scale: 1 } });
  [-0.9591946, -0.9669043, 0.086311586, 0.2698081].forEach((value, index) => {
    expect(data[index]).toBeCloseTo(value, 7);
  });
  expect(Array.from(materialize({ shape: [4], dtype: 'uint8', lcg: { seed: 12345 } }).data)).toEqual([5, 4, 139, 162]);
});

test('a difference is found in shape, in a value, in a NaN and in what a summary covers', () => {
  const golden = { shape: [3], dtype: 'float32', data: [1, -2, 4] };
  const of = (data, shape = [3]) => difference({ shape, data }, golden, 1e-5);
  expect(of([1, -2, 4.00001])).toBeUndefined();
  expect(of([1, -2, 4.001])).toMatch(/element 2 is 4.001; expected 4/);
  expect(of([1, -2, Number.NaN])).toMatch(/element 2 is NaN/);
  expect(of([1, -2, 4], [1, 3])).toMatch(/shape \[1,3\]; expected \[3\]/);
  const summary = { shape: [4], sum: 10, abs_sum: 10, first: [1, 2], strided: [1, 3], stride: 2 };
  expect(difference({ shape: [4], data: [1, 2, 3, 4] }, summary, 1e-5)).toBeUndefined();
  expect(difference({ shape: [4], data: [1, 2, 3, 5] }, summary, 1e-5)).toMatch(/sum is 11; expected 10/);
  expect(difference({ shape: [4], data: [1, 2, 7, 0] }, summary, 1e-5)).toMatch(/element 2 is 7; expected 3/);
});

test('worked example tokenise', async () => {
  const { tokenise } = JSON.parse(readFileSync(new URL('../../testdata/examples.json', import.meta.url), 'utf8'));
  const tf = (await importFrom('tensor-ops', '@tensorflow/tfjs')).default;
  await tf.setBackend('cpu');
  const features = tf.tensor(tokenise.feature_map.flat(2), [1, 2, 2, 3]);
  for (const [type, key] of [
    ['perConv', 'per_conv'],
    ['perFeat', 'per_feat'],
    ['perSamp', 'per_samp'],
  ]) {
    expect(tokenize({}, features, { type }).arraySync()[0]).toEqual(tokenise[key]);
  }
});

test('a key of a configuration that nothing reads fails by name; descriptions and keys below read groups count', async () => {
  const family = {
    descriptions: ['notes'],
    *checks({ vector: { config } }) {
      yield { name: 'host', run: () => config.optimizer.rate + config.size };
    },
  };
  const run = async (config) => {
    for (const check of checksOf(family, { vector: { config } })) await check.run();
  };
  await run({ size: 1, optimizer: { rate: 2 }, notes: { a: 1 } });
  await expect(run({ size: 1, optimizer: { rate: 2, warmup: 3 }, nn_scale: 2 })).rejects.toThrow(
    'config has optimizer.warmup, nn_scale, which nothing here honours',
  );
});

test('windows of the classic replay that begin in padding after a cut episode are listed, not failed', async () => {
  // Slots: padding, 1, 2, 3 (cut), padding, 4, 5, 6 (open). The official replay also samples slot 4, its padding.
  const transitions = [1, 2, 3, 4, 5, 6].map((frame) => [frame, 0, 1, 0, frame === 3 ? 1 : 0]);
  const window = (index, state, next) => ({ index, state, next_state: next, action: 0, reward: 1, terminal: 0 });
  const elements = [
    window(1, [0, 1], [1, 2]),
    window(2, [1, 2], [2, 3]),
    { ...window(4, [3, 0], [0, 4]), reward: 0 },
    window(5, [0, 4], [4, 5]),
    window(6, [4, 5], [5, 6]),
  ];
  const config = { n: 1, stack: 2, gamma: 0.9, capacity: 60, add_count_including_padding: 8, cursor: 8 };
  const given = {
    vector: { config, inputs: { transitions }, outputs: { elements } },
    name: 'tf_nstep_cut',
    adapters: [],
  };
  const [check, listed, configuration] = [...checksOf(replay, given)];
  check.run();
  configuration.run();
  expect(listed.knownDifference).toMatch(/1 windows .* begin in the padding/);
});
