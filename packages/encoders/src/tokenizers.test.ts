// Tokenizers against the worked example, and their invariants.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { permuteFeatures, TOKENIZER_TYPES, tokenize, tokenizerParameters, tokenShape } from './tokenizers.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('tokenize', () => {
  // 2x2x3 features holding 0..11, row-major.
  const features = () => tf.reshape(tf.range(0, 12), [1, 2, 2, 3]);

  it('cuts per position, per feature map and per sample (worked example)', async () => {
    const tokens = async (type: 'perConv' | 'perFeat' | 'perSamp') =>
      (await tokenize({}, features(), { type }).array()) as number[][][];
    expect(await tokens('perConv')).toEqual([
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
        [9, 10, 11],
      ],
    ]);
    expect(await tokens('perFeat')).toEqual([
      [
        [0, 3, 6, 9],
        [1, 4, 7, 10],
        [2, 5, 8, 11],
      ],
    ]);
    expect(await tokens('perSamp')).toEqual([[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]]);
  });

  it('gives the shape it announces, for every type', () => {
    const shape = [11, 11, 8] as const;
    for (const type of TOKENIZER_TYPES) {
      const config = { type, embeddingSize: 5 };
      const parameters = Object.fromEntries(
        Object.entries(tokenizerParameters(config, shape)).map(([name, spec]) => [
          name,
          tf.ones(spec.shape as number[]),
        ]),
      );
      expect(tokenize(parameters, tf.ones([2, ...shape]), config).shape, type).toEqual([
        2,
        ...tokenShape(config, shape),
      ]);
    }
    expect(tokenShape({ type: 'perPatch' }, [11, 11, 32])).toEqual([9, 32]);
    expect(tokenShape({ type: 'perConv' }, [11, 11, 32])).toEqual([121, 32]);
  });

  it('averages 3x3 patches and drops the remainder, with the gradient of a mean', () => {
    const image = tf.randomUniform([2, 7, 8, 3], -1, 1, 'float32', 11) as tf.Tensor4D;
    const tokens = tokenize({}, image, { type: 'averagePool' });
    const expected = tf.reshape(tf.avgPool(image, 3, 3, 'valid'), [2, 4, 3]);
    expect(tf.max(tf.abs(tf.sub(tokens, expected))).dataSync()[0]).toBeLessThan(1e-6);
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tokenize({}, x, { type: 'averagePool' })) as tf.Scalar)(image);
    const values = gradient.arraySync() as number[][][][];
    expect(values[0]![0]![0]![0]).toBeCloseTo(1 / 9, 6);
    expect(values[1]![6]![0]![0]).toBe(0);
  });

  it('permutes features as it is told, and refuses what is no permutation', () => {
    const x = tf.tensor2d([
      [5, 6, 7],
      [1, 2, 3],
    ]);
    expect(permuteFeatures(x, [2, 0, 1]).arraySync()).toEqual([
      [7, 5, 6],
      [3, 1, 2],
    ]);
    for (const bad of [
      [0, 1],
      [0, 1, 1],
      [0, 1, 3],
      [0, 1, 2, 2],
    ])
      expect(() => permuteFeatures(x, bad)).toThrow(`permutation has ${bad.length} entries`);
  });

  it('shuffles by one fixed permutation of all entries, the same at every call, with the inverse as its gradient', () => {
    const config = { type: 'shuffled' as const, shuffleSeed: 4 };
    const first = Array.from(tokenize({}, features(), config).dataSync());
    expect(first).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(Array.from(tokenize({}, features(), config).dataSync())).toEqual(first);
    const weights = tf.reshape(tf.range(1, 13), [1, 4, 3]);
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tokenize({}, x, config), weights)) as tf.Scalar)(
      features(),
    );
    // Entry i of the features went where `first` holds i.
    expect(Array.from(gradient.dataSync())).toEqual(Array.from({ length: 12 }, (_, index) => first.indexOf(index) + 1));
  });
});
