// Router measures against numbers worked out by hand.
import type { MoeOutput } from '@moe-rl/moe-core';
import { assignTokens, type Routing } from '@moe-rl/top-k-moe';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { loadTestBackend } from '../testing/fixtures.ts';
import { OPS } from './moe.ts';
import { routerChoices, softRouterMeasures, sparseRouterMeasures } from './router-measures.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const read = (x: tf.Tensor | undefined): number[] => Array.from(x!.dataSync());
const H = (...shares: number[]): number => shares.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);

it('sparse: load is the share of tokens assigned, not the mean probability; dropped tokens are counted', () => {
  // Four tokens, three experts; 0, 0, 0, 2 are the best. With one place per expert, tokens 1 and 2 find expert 0 full.
  const rows = [
    [0.5, 0.3, 0.2],
    [0.6, 0.4, 0],
    [0.4, 0.3, 0.3],
    [0.1, 0.1, 0.8],
  ];
  const probabilities = tf.tensor3d([rows]);
  const experts = tf.tensor3d([[[0], [0], [0], [2]]], undefined, 'int32');
  const weights = tf.tensor3d([[[0.5], [0.6], [0.4], [0.8]]]);
  const assignment = assignTokens<tf.Tensor>(OPS, experts, weights, { numExperts: 3, capacity: 1 });
  const routing = { assignment, probabilities, logits: probabilities } as Routing<tf.Tensor>;
  const measures = sparseRouterMeasures(routing);
  expect(read(routerChoices({ routing } as MoeOutput<tf.Tensor>))).toEqual([1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1]);
  const load = read(measures.load);
  [0.75, 0, 0.25].forEach((share, expert) => {
    expect(load[expert]).toBeCloseTo(share, 6);
  });
  expect(read(measures['router/droppedTokenFraction'])[0]).toBeCloseTo(0.5, 6);
  const mean = rows.reduce((sum, row) => sum + H(...row), 0) / 4;
  expect(read(measures['router/entropy'])[0]).toBeCloseTo(mean, 5);
});

it('sparse: where experts choose, a token that nobody took counts as dropped', () => {
  const probabilities = tf.tensor3d([
    [
      [0.9, 0.1],
      [0.5, 0.5],
      [0.2, 0.8],
      [0.5, 0.5],
    ],
  ]);
  const tokens = tf.tensor3d(
    [
      [
        [0, 1],
        [2, 1],
      ],
    ],
    undefined,
    'int32',
  );
  const weights = tf.ones([1, 2, 2]);
  const assignment = { kind: 'expert-choice', numExperts: 2, capacity: 2, tokens, weights } as const;
  const routing = { assignment, probabilities, logits: probabilities } as Routing<tf.Tensor>;
  const measures = sparseRouterMeasures(routing);
  expect(read(routerChoices({ routing } as MoeOutput<tf.Tensor>))).toEqual([1, 0, 1, 1, 0, 1, 0, 0]);
  expect(read(measures.load)).toEqual([0.5, 0.5]);
  expect(read(measures['router/droppedTokenFraction'])[0]).toBeCloseTo(0.25, 6);
});

it('soft: load is the share of the combine weight, entropies are over tokens and over slots', () => {
  // Two tokens, two experts with two slots each: [B, T, E, P].
  const combine = tf.tensor4d([
    [
      [
        [0.1, 0.2],
        [0.3, 0.4],
      ],
      [
        [1, 0],
        [0, 0],
      ],
    ],
  ]);
  const dispatch = tf.tensor4d([
    [
      [
        [0.5, 0.9],
        [1, 0.25],
      ],
      [
        [0.5, 0.1],
        [0, 0.75],
      ],
    ],
  ]);
  const measures = softRouterMeasures(dispatch, combine);
  expect(read(routerChoices({ combineWeights: combine } as MoeOutput<tf.Tensor>))).toEqual([0, 1, 1, 0]);
  const load = read(measures.load);
  expect(load[0]).toBeCloseTo((0.3 + 1) / 2, 6);
  expect(load[1]).toBeCloseTo(0.7 / 2, 6);
  expect(read(measures['router/combineEntropy'])[0]).toBeCloseTo((H(0.1, 0.2, 0.3, 0.4) + 0) / 2, 5);
  expect(read(measures['router/dispatchEntropy'])[0]).toBeCloseTo(
    (H(0.5, 0.5) + H(0.9, 0.1) + H(1, 0) + H(0.25, 0.75)) / 4,
    5,
  );
});

it('capped expert choice: places that stay empty count for no expert, with a single token too', () => {
  // One expert of three takes the one token of the sample.
  const probabilities = tf.tensor3d([[[0.2, 0.7, 0.1]]]);
  const tokens = tf.tensor3d([[[-1], [0], [-1]]], undefined, 'int32');
  const weights = tf.tensor3d([[[0], [0.7], [0]]]);
  const used = tf.tensor3d([[[0], [1], [0]]]);
  const assignment = { kind: 'expert-choice', numExperts: 3, capacity: 1, tokens, weights, used } as const;
  const routing = { assignment, probabilities, logits: probabilities } as Routing<tf.Tensor>;
  const measures = sparseRouterMeasures(routing);
  expect(read(measures.load)).toEqual([0, 1, 0]);
  expect(read(routerChoices({ routing } as MoeOutput<tf.Tensor>))).toEqual([0, 1, 0]);
  expect(read(measures['router/droppedTokenFraction'])).toEqual([0]);
});
