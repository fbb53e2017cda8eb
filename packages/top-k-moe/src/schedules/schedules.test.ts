// The courses of EvoMoE and StableMoE: stages, what they freeze and spawn, and training through them.
import { createRng } from '@moe-rl/core';
import { createMixture, type MixtureInputs, type MixtureSizes, registerMixture } from '@moe-rl/moe-core';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { createTypedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { initTopKMoe, spawnExperts, topKMixtures, topKMoeParameterSpecs, toTensors } from '../index.ts';

registerMixture(...topKMixtures);
beforeAll(() => tf.setBackend('cpu'));

const ops = createTypedArrayOps({ precision: 'float64' });
const sizes: MixtureSizes = { numExperts: 4, numTokens: 8, tokenSize: 5, hiddenSize: 6 };
const values = (size: number) => Array.from({ length: size }, (_, index) => Math.sin(index * 12.9898) * 2);
const tokens = ops.tensor(values(2 * 8 * 5), [2, 8, 5]);
const uniformNoise = ops.tensor(
  values(2 * 8 * 4).map((value) => (value + 2.1) / 4.3),
  [2, 8, 4],
);

describe('EvoMoE', () => {
  const options = { sharedUpdates: 10, temperatureUpdates: 100, hardUpdates: 50, maskedShare: 0.5 };
  const mixture = createMixture({ type: 'dense-to-sparse', numSharedExperts: 1, ...options }, sizes);
  const schedule = mixture.schedule!;

  test('goes from one expert over many to the best one, as the temperature falls', () => {
    expect(schedule.stages).toEqual(['shared', 'sparsify', 'hard']);
    expect(schedule.totalUpdates).toBe(110);
    expect([0, 9, 10, 59, 60, 1000].map((updates) => schedule.advance(updates).name)).toEqual([
      'shared',
      'shared',
      'sparsify',
      'sparsify',
      'hard',
      'hard',
    ]);
    expect([0, 10, 60, 110, 500].map((updates) => schedule.advance(updates).inputs.temperature)).toEqual([
      2,
      2,
      expect.closeTo(1.15, 9),
      expect.closeTo(0.3, 9),
      0.3,
    ]);
    expect(schedule.advance(3).frozen.every((name) => name.includes('/router/'))).toBe(true);
    expect(schedule.advance(10).frozen).toEqual([]);
    expect(createMixture({ type: 'dense-to-sparse' }, sizes).schedule!.stages).toEqual(['sparsify']);
    expect(createMixture({ type: 'dense-to-sparse', isHard: true }, sizes).schedule!.stages).toEqual(['hard']);
  });

  test('in the first stage the first expert works on all tokens; then every expert is a copy of it with weights missing', () => {
    const initial = mixture.initialize(createRng(1));
    const inputs: MixtureInputs<typeof tokens> = { uniformNoise, temperature: 2 };
    const first = mixture.apply(ops, toTensors(ops, initial), tokens, { ...inputs, stage: 'shared' });
    expect(Array.from(ops.read(first.expertLoad))).toEqual([1, 0, 0, 0]);
    const changed = schedule.enter('sparsify', createRng(2), initial);
    expect(Object.keys(changed).every((name) => name.includes('ExpertModel_0') && !name.includes('Shared'))).toBe(true);
    const name = 'params/ExpertModel_0/net/kernel';
    const size = 5 * 6;
    for (let expert = 0; expert < 4; expert++) {
      const own = changed[name]!.data.subarray(expert * size, (expert + 1) * size);
      const missing = own.filter((value) => value === 0).length;
      expect(missing).toBeGreaterThan(4);
      expect(missing).toBeLessThan(26);
      own.forEach((value, index) => {
        expect([0, initial[name]!.data[index]]).toContain(value);
      });
    }
    expect(changed[`${'params/ExpertModel_0/net/bias'}`]!.shape).toEqual([4, 6]);
    expect(schedule.enter('hard', createRng(2), initial)).toEqual({});
    const later = mixture.apply(ops, toTensors(ops, { ...initial, ...changed }), tokens, {
      ...inputs,
      stage: 'sparsify',
    });
    expect(Math.min(...ops.read(later.expertLoad))).toBeGreaterThan(0);
    const hard = mixture.apply(ops, toTensors(ops, { ...initial, ...changed }), tokens, { ...inputs, stage: 'hard' });
    expect(ops.shape(hard.topExperts)).toEqual([2, 8, 1]);
  });

  test('spawnExperts takes the whole tree of a layer', () => {
    const one = {
      numExperts: 1,
      tokenSize: 5,
      hiddenSize: 6,
      numSharedExperts: 2,
      normalizesInput: true,
      hasGateBias: true,
    };
    const many = { ...one, numExperts: 3 };
    const spawned = spawnExperts(createRng(1), initTopKMoe(createRng(2), one), 3, 0);
    expect(Object.fromEntries(Object.entries(spawned).map(([name, { shape }]) => [name, shape]))).toEqual(
      Object.fromEntries(topKMoeParameterSpecs(many).map(({ name, shape }) => [name, shape])),
    );
  });
});

describe('StableMoE', () => {
  const mixture = createMixture({ type: 'stable', distillationUpdates: 20 }, sizes);
  const schedule = mixture.schedule!;
  const distilled = mixture.parameters.filter(({ name }) => name.includes('/distilled/')).map(({ name }) => name);

  test('distills, then freezes the distilled router, which decides from then on', () => {
    expect([0, 19, 20].map((updates) => schedule.advance(updates).name)).toEqual(['distill', 'distill', 'frozen']);
    expect(schedule.advance(0).losses).toEqual({ stableBalance: 0.3 / 8, distillation: 0.3 / 8 });
    expect(schedule.advance(20)).toEqual({ name: 'frozen', inputs: {}, frozen: distilled, losses: {} });
    expect(distilled).toHaveLength(2);
    const parameters = toTensors(ops, mixture.initialize(createRng(1)));
    const gate = 'params/MoE_0/router/Dense_0/kernel';
    const turned = { ...parameters, [gate]: ops.tensor(values(20), [5, 4]) };
    const choices = (tree: typeof parameters, stage: string) =>
      Array.from(ops.read(mixture.apply(ops, tree, tokens, { stage }).topExperts));
    expect(choices(turned, 'distill')).not.toEqual(choices(parameters, 'distill'));
    expect(choices(turned, 'frozen')).toEqual(choices(parameters, 'frozen'));
  });

  test('the distilled router learns to choose as the gate does, and sends no gradient into the tokens', () => {
    const tfOps = createTfjsOps(tf);
    const initial = mixture.initialize(createRng(1));
    const variables = Object.fromEntries(
      Object.entries(initial).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, [...shape]))]),
    );
    const optimizer = tf.train.adam(0.05);
    const x = tf.tensor(values(2 * 8 * 5), [2, 8, 5]);
    const loss = mixture.auxiliaryLosses['distillation']!.loss!;
    const step = (input: tf.Tensor) =>
      tf.mean(loss(tfOps, mixture.apply(tfOps, variables, input, { stage: 'distill' })));
    for (let update = 0; update < 60; update++)
      optimizer.minimize(
        () => step(x) as tf.Scalar,
        false,
        distilled.map((name) => variables[name]!),
      );
    const choices = (stage: string) => Array.from(mixture.apply(tfOps, variables, x, { stage }).topExperts.dataSync());
    const [live, frozen] = [choices('distill'), choices('frozen')];
    expect(frozen.filter((expert, index) => expert === live[index]).length).toBeGreaterThanOrEqual(15);
    expect(() => tf.grad((input: tf.Tensor) => step(input) as tf.Scalar)(x)).toThrow(/Cannot compute gradient/);
  });

  test('without distillation there is no second router and no schedule', () => {
    const plain = createMixture({ type: 'stable', distillationUpdates: 0 }, sizes);
    expect(plain.schedule).toBeUndefined();
    expect(plain.parameters.some(({ name }) => name.includes('distilled'))).toBe(false);
  });
});
