// Heads and noisy layers against the textbook formulas, computed with plain loops.
import '@tensorflow/tfjs';
import { createRng, InvalidArgumentError, NotFoundError, ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyHead, atomSupport, combineStreams, expectedValues, headParameters } from './heads.ts';
import { dense } from './layers.ts';
import { noisyDense, noisyDenseParameters } from './noisy-dense.ts';
import { checkParameters, initializeParameters } from './parameters.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const NAMES = { advantage: 'Dense_0', value: 'Dense_1' };

describe('heads', () => {
  it('combines streams as value + advantage - mean advantage, per atom', async () => {
    const plain = combineStreams(tf.tensor2d([[1, 2, 6]]), tf.tensor2d([[10]]), 3, 1);
    expect(await plain.array()).toEqual([[8, 9, 13]]);
    const categorical = combineStreams(tf.tensor2d([[1, 2, 3, 8]]), tf.tensor2d([[10, 20]]), 2, 2);
    expect(await categorical.array()).toEqual([
      [
        [9, 17],
        [11, 23],
      ],
    ]);
  });

  it('takes the expectation over the support', () => {
    const support = atomSupport(-10, 10, 3);
    expect(Array.from(support)).toEqual([-10, 0, 10]);
    const logits = tf.log(
      tf.tensor3d([
        [
          [0.5, 0.25, 0.25],
          [0.1, 0.1, 0.8],
        ],
      ]),
    );
    const values = expectedValues(logits, tf.tensor1d(support)).dataSync();
    expect(values[0]).toBeCloseTo(-2.5, 5);
    expect(values[1]).toBeCloseTo(7, 5);
  });

  it('needs positive numbers of actions and atoms', () => {
    expect(() => headParameters({ actionCount: 0 }, 4, NAMES)).toThrow(InvalidArgumentError);
    expect(() => headParameters({ actionCount: 2, atoms: 0.5 }, 4, NAMES)).toThrow('head.atoms');
  });

  it('names a missing or misshapen parameter', () => {
    const specs = headParameters({ actionCount: 2, dueling: true }, 4, NAMES);
    expect(() => dense({}, 'Dense_0', tf.ones([1, 4]))).toThrow(NotFoundError);
    expect(() => checkParameters({ ...specs, 'Dense_0/kernel': { shape: [4, 3] } }, specs)).toThrow(
      'parameter "Dense_0/kernel" has shape [4,3]; expected [4,2]',
    );
    expect(() => checkParameters({ ...specs, other: { shape: [] } }, specs)).toThrow(ShapeError);
  });
});

describe('noisy dense', () => {
  const inputs = 3;
  const outputs = 2;
  const parameters = () =>
    Object.fromEntries(
      Object.entries(
        initializeParameters(createRng(2, 'noisy'), noisyDenseParameters('NoisyNetwork_0', inputs, outputs)),
      ).map(([name, { shape, data }]) => [name, tf.tensor(data, shape as number[])]),
    );
  const f = (x: number) => Math.sign(x) * Math.sqrt(Math.abs(x));

  it('equals w = mu + sigma f(p) f(q) with noise per sample, and the means without noise', () => {
    const weights = parameters();
    const x = [
      [1, -2, 0.5],
      [0.3, 0.1, -1],
    ];
    const p = [
      [0.5, -1.5, 2],
      [-0.2, 0.7, -0.9],
    ];
    const q = [
      [1.2, -0.4],
      [0.3, 2.2],
    ];
    const actual = noisyDense(weights, 'NoisyNetwork_0', tf.tensor2d(x), {
      inputNoise: tf.tensor2d(p),
      outputNoise: tf.tensor2d(q),
    }).dataSync();
    const means = noisyDense(weights, 'NoisyNetwork_0', tf.tensor2d(x), undefined).dataSync();
    const [mu, sigma, biasMu, biasSigma] = ['kernel_mu', 'kernel_sigma', 'bias_mu', 'bias_sigma'].map((name) =>
      weights[`NoisyNetwork_0/${name}`]!.dataSync(),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    for (let sample = 0; sample < 2; sample++) {
      for (let output = 0; output < outputs; output++) {
        let mean = biasMu[output]!;
        let noisy = biasMu[output]! + biasSigma[output]! * f(q[sample]![output]!);
        for (let input = 0; input < inputs; input++) {
          const at = input * outputs + output;
          mean += x[sample]![input]! * mu[at]!;
          noisy += x[sample]![input]! * (mu[at]! + sigma[at]! * f(p[sample]![input]!) * f(q[sample]![output]!));
        }
        expect(actual[sample * outputs + output]).toBeCloseTo(noisy, 5);
        expect(means[sample * outputs + output]).toBeCloseTo(mean, 5);
      }
    }
  });

  it('shares one draw between the streams of a dueling head: value noise is the first of the advantage noise', () => {
    const config = { actionCount: 2, atoms: 1, dueling: true, noisy: true };
    const names = { advantage: 'NoisyNetwork_0', value: 'NoisyNetwork_1' };
    const weights = Object.fromEntries(
      Object.entries(initializeParameters(createRng(3, 'head'), headParameters(config, inputs, names))).map(
        ([name, { shape, data }]) => [name, tf.tensor(data, shape as number[])],
      ),
    );
    const x = tf.tensor2d([[1, 2, 3]]);
    const noise = { inputNoise: tf.tensor2d([[0.4, -0.3, 1]]), outputNoise: tf.tensor2d([[0.9, -2]]) };
    const advantage = noisyDense(weights, 'NoisyNetwork_0', x, noise);
    const value = noisyDense(weights, 'NoisyNetwork_1', x, {
      inputNoise: noise.inputNoise,
      outputNoise: tf.tensor2d([[0.9]]),
    });
    const expected = combineStreams(advantage, value, 2, 1).dataSync();
    const actual = applyHead(weights, x, config, names, noise).dataSync();
    actual.forEach((entry, index) => {
      expect(entry).toBeCloseTo(expected[index]!, 6);
    });
  });
});

describe('initializers', () => {
  it('draws within the limits of flax fans, each parameter from its own stream', () => {
    const specs = {
      kernel: { shape: [3, 3, 4, 8], initializer: { type: 'xavierUniform' } },
      experts: { shape: [2, 50, 200], initializer: { type: 'xavierUniform' }, stackedAxes: 1 },
      phi: { shape: [16, 4, 50], initializer: { type: 'lecunNormal' } },
    } as const;
    const drawn = initializeParameters(createRng(1, 'init'), specs);
    const largest = (name: string) =>
      (drawn[name]!.data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const limits = { kernel: Math.sqrt(6 / (9 * 4 + 9 * 8)), experts: Math.sqrt(6 / 250) };
    for (const [name, limit] of Object.entries(limits)) {
      expect(largest(name)).toBeLessThanOrEqual(limit);
      expect(largest(name)).toBeGreaterThan(0.95 * limit);
    }
    // phi [D, E, P] has fan-in D * E in flax: standard deviation 1 / sqrt(64).
    const phi = drawn.phi!.data as Float32Array;
    const variance = phi.reduce((sum, value) => sum + value * value, 0) / phi.length;
    expect(Math.sqrt(variance)).toBeGreaterThan(0.95 / 8);
    expect(Math.sqrt(variance)).toBeLessThan(1.05 / 8);
    const alone = initializeParameters(createRng(1, 'init'), { phi: specs.phi });
    expect(alone.phi!.data).toEqual(drawn.phi!.data);
  });
});
