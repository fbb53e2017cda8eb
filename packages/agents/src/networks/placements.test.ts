// Where mixtures stand, and networks as experts: parameters, outputs by hand, and settings that go together.
import { createRng } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { applyOverrides, type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { loadTestBackend, SMALL_SPEC } from '../testing/fixtures.ts';
import { createNetwork } from './network.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const build = (preset: string, moe: object, more: DeepPartial<AgentConfig> = {}) => {
  const small = { network: { encoder: { type: 'nature', widthScale: 1 / 16 }, hiddenUnits: 6 } };
  const { network, agent } = mergeConfig(getPreset(preset), small, { network: { moe: { experts: 3, ...moe } } }, more);
  return createNetwork(network, { ...SMALL_SPEC, atoms: agent.atoms });
};
const parametersOf = (network: ReturnType<typeof build>) =>
  Object.fromEntries(
    Object.entries(network.initialize(createRng(1, 'test'))).map(([name, { shape, data }]) => [
      name,
      tf.tensor(data, [...shape]),
    ]),
  );
const observations = () =>
  tf.tensor(
    Float32Array.from({ length: 2 * 288 }, (_, i) => (i * 37) % 256),
    [2, 2, 12, 12],
  );

describe('placement all', () => {
  it('has a mixture behind each stack, and the official one', () => {
    const network = build('dqn-nature-soft-moe', { placement: 'all', expertHiddenUnits: 5 });
    expect(network.mixtures.map(({ sizes }) => [sizes.numTokens, sizes.tokenSize])).toEqual([
      [9, 2],
      [4, 4],
      [4, 4],
      [4, 4],
    ]);
    const names = Object.keys(network.parameterShapes);
    for (const scope of ['stack_0/', 'stack_1/', 'stack_2/', ''])
      expect(names.some((name) => name.startsWith(`${scope}SoftMoE_0/`))).toBe(true);
    const { mixtures, values } = network.apply(parametersOf(network), observations());
    expect(mixtures.map(({ output }) => output.shape.join())).toEqual(['2,9,2', '2,4,4', '2,4,4', '2,4,4']);
    expect(values.shape).toEqual([2, 3]);
  });

  it('is refused for an encoder without stacks', () => {
    const perceptron = { network: { encoder: { type: 'perceptron' } } };
    const { network } = mergeConfig(getPreset('dqn-nature-soft-moe'), perceptron, {
      network: { moe: { placement: 'all' } },
    });
    expect(() => createNetwork(network, SMALL_SPEC)).toThrow(
      'network.moe.placement is "all", but the encoder perceptron has no stacks',
    );
  });
});

describe('big experts', () => {
  it('are whole networks whose values the router weighs', () => {
    const network = build('dqn-nature-soft-moe', { expertType: 'big' });
    const parameters = parametersOf(network);
    const { values, mixtures } = network.apply(parameters, observations());
    const [mixture] = mixtures;
    // One token per sample: the combine weights are a softmax over the experts' slots.
    const weights = tf.reshape(tf.sum(mixture!.combineWeights!, 3), [2, 3, 1]);
    expect(Array.from(tf.sum(weights, 1).dataSync())).toEqual([1, 1].map((one) => expect.closeTo(one, 5) as number));
    // The same network with one expert alone has that expert's values.
    const alone = createNetwork(
      mergeConfig({ ...getPreset('dqn'), network: network.config }, { network: { moe: { experts: 1 } } }).network,
      SMALL_SPEC,
    );
    const each = [0, 1, 2].map((expert) => {
      const own = Object.fromEntries(
        Object.keys(alone.parameterShapes).map((name) => [
          name,
          parameters[name.replace('Expert_0/', `Expert_${expert}/`)] ?? parameters[name]!,
        ]),
      );
      // With one expert all weight is its own, whatever the router says.
      for (const name of alone.routerParameters) own[name] = tf.ones([...alone.parameterShapes[name]!.shape]);
      return alone.apply(own, observations()).values;
    });
    const expected = tf.sum(tf.mul(tf.stack(each, 1), weights), 1).dataSync();
    for (const [index, value] of values.dataSync().entries()) expect(value).toBeCloseTo(expected[index]!, 4);
  });

  it('are weighed by a router that sees the augmented image as they do', () => {
    const network = build('dqn-nature-soft-moe', { expertType: 'big', router: { type: 'token-choice' } });
    const parameters = parametersOf(network);
    const augment = (image: tf.Tensor) => tf.reverse(image, 1);
    const augmented = network.apply(parameters, observations(), { augment });
    const expected = network.apply(parameters, tf.reverse(observations(), 2));
    const logits = ({ mixtures }: typeof augmented) => Array.from(mixtures[0]!.routerLogits.dataSync());
    for (const [index, logit] of logits(augmented).entries()) expect(logit).toBeCloseTo(logits(expected)[index]!, 4);
    expect(logits(augmented)).not.toEqual(logits(network.apply(parameters, observations())));
    for (const [index, value] of augmented.values.dataSync().entries())
      expect(value).toBeCloseTo(expected.values.dataSync()[index]!, 4);
  });

  it('share the head of distributions, and have no placement', () => {
    const network = build('rainbow-soft-moe', { expertType: 'big' });
    const names = Object.keys(network.parameterShapes);
    expect(names.filter((name) => name.startsWith('NoisyNetwork_1/')).length).toBeGreaterThan(0);
    expect(names.some((name) => /Expert_\d\/NoisyNetwork_1/.test(name))).toBe(false);
    const config = mergeConfig(getPreset('dqn-soft-moe'), { network: { moe: { expertType: 'big' } } });
    expect(() => applyOverrides(config, { 'network.moe.placement': 'both' })).toThrow(
      'network.moe.placement does not apply',
    );
    expect(() => applyOverrides(config, { 'network.moe.expertHiddenUnits': '8' })).toThrow('does not apply');
    expect(() =>
      build('dqn-top1-moe', { expertType: 'big', router: { type: 'token-choice', numSharedExperts: 1 } }),
    ).toThrow('network.moe.router.numSharedExperts is 1, but network.moe.expertType is "big"; expected 0');
  });
});
