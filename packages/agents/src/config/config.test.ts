// Configurations: what is refused, and with which words; overrides by path and by nesting.
import { InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { BASE_CONFIG } from '../presets/base.ts';
import { applyOverrides, describeAgentConfig, mergeConfig, validateAgentConfig } from './validate.ts';

describe('overrides', () => {
  it('reads texts as the kind of the setting', () => {
    const config = applyOverrides(BASE_CONFIG, {
      'agent.minReplayHistoryAgentSteps': '1_000',
      'agent.doubleQ': 'true',
      'network.moe.router.type': 'soft',
      'network.encoder.type': 'perceptron',
      'network.encoder.hiddenUnits': '64,32',
      'optimizer.learningRate': 1e-3,
    });
    expect(config.agent).toMatchObject({ minReplayHistoryAgentSteps: 1000, doubleQ: true });
    expect(config.network.moe).toMatchObject({ router: { type: 'soft', phi: 'learned' }, experts: 8 });
    expect(config.network.encoder.hiddenUnits).toEqual([64, 32]);
    expect(config.optimizer.learningRate).toBe(0.001);
    expect(BASE_CONFIG.agent.doubleQ).toBe(false);
  });

  it('names the nearest settings for an unknown one, and the members of a group', () => {
    expect(() => applyOverrides(BASE_CONFIG, { 'agent.batchsize': 3 })).toThrow(
      'there is no setting "agent.batchsize"; did you mean agent.batchSize',
    );
    expect(() => applyOverrides(BASE_CONFIG, { 'optimizer.learningRate.x': 3 })).toThrow(NotFoundError);
    expect(() => applyOverrides(BASE_CONFIG, { 'agent.constructor': 3 })).toThrow(NotFoundError);
    expect(() => applyOverrides(BASE_CONFIG, { replay: 3 })).toThrow(
      '"replay" is a group of settings; expected one of replay.sampling',
    );
  });

  it.each([
    ['agent.batchSize', '0', 'agent.batchSize is 0; expected an integer of at least 1 and at most 65536'],
    ['agent.batchSize', '1.5', 'agent.batchSize is 1.5; expected an integer of at least 1'],
    ['agent.batchSize', 'many', 'agent.batchSize is "many"; expected a number'],
    ['agent.epsilonTrain', '2', 'agent.epsilonTrain is 2; expected a number of at least 0 and at most 1'],
    ['agent.doubleQ', 'yes', 'agent.doubleQ is "yes"; expected true or false'],
    [
      'network.moe.router.type',
      'EXPERTCHOICE',
      'network.moe.router.type is "EXPERTCHOICE"; expected one of none, soft, token-choice',
    ],
    ['optimizer.learningRate', '0', 'optimizer.learningRate is 0; expected a number above 0'],
    [
      'sparsity.sparsity',
      '0.5',
      'sparsity.sparsity does not apply to sparsity.method none; it belongs to pruning, static, set, rigl',
    ],
  ])('%s=%s', (path, value, message) => {
    expect(() => applyOverrides(BASE_CONFIG, { [path]: value })).toThrow(InvalidArgumentError);
    expect(() => applyOverrides(BASE_CONFIG, { [path]: value })).toThrow(message);
  });

  // Each of these was taken without a word: it did nothing, or harm.
  it.each([
    [
      'network.moe.experts=4',
      'network.moe.experts does not apply: it belongs to settings where network.moe.router.type',
    ],
    ['network.tokens.patchSize=5', 'network.tokens.patchSize does not apply'],
    [
      'network.moe.router.type=token-choice network.moe.router.phi=learned',
      'network.moe.router.phi does not apply to network.moe.router.type token-choice; it belongs to soft',
    ],
    [
      'network.moe.router.type=soft network.moe.router.k=2',
      'does not apply to network.moe.router.type soft; it belongs to',
    ],
    ['network.moe.router.type=soft network.moe.router.initialScale=2', 'where network.moe.router.isNormalized is true'],
    [
      'network.moe.router.type=soft network.moe.router.slotsPerExpert=4 network.moe.router.capacityFactor=2',
      'network.moe.router.capacityFactor does not apply',
    ],
    [
      'network.moe.router.type=soft network.tokens.patchSize=5',
      'patchSize does not apply to network.tokens.type perConv',
    ],
    ['routerOptimizer.learningRate=1', 'routerOptimizer.learningRate does not apply'],
    ['network.moe.router.type=soft routerOptimizer.learningRate=1', 'does not apply to routerOptimizer.type shared'],
    ['agent.atoms=51 agent.error=huber', 'agent.error does not apply: it belongs to settings where agent.atoms is 1'],
    ['agent.minimumValue=-5', 'agent.minimumValue does not apply: it belongs to settings where agent.atoms is above 1'],
    ['replay.priorityExponent=1', 'replay.priorityExponent does not apply to replay.sampling uniform; it belongs to'],
    ['agent.expertNoiseInEvaluation=false', 'where network.noisy is true and network.moe.router.type is not none'],
    ['sparsity.dropFraction=0.1', 'does not apply to sparsity.method none; it belongs to set, rigl'],
    [
      'sparsity.method=rigl sparsity.updatePeriodUpdates=50 sparsity.endUpdates=50',
      'sparsity.updatePeriodUpdates is 50; expected less than sparsity.endUpdates, 50: the masks would never change',
    ],
    [
      'network.encoder.type=perceptron agent.dataAugmentation=true',
      'agent.dataAugmentation is true; expected false where network.encoder.type is "perceptron"',
    ],
    ['optimizer.type=sgd optimizer.beta1=0.9', 'does not apply to optimizer.type sgd; it belongs to adam'],
    ['optimizer.beta1=1', 'optimizer.beta1 is 1; expected a number of at least 0 and below 1'],
    ['optimizer.beta2=1', 'optimizer.beta2 is 1; expected a number of at least 0 and below 1'],
    ['replay.capacity=32', 'replay.capacity is 32; expected more than agent.batchSize + agent.updateHorizon, 33'],
    ['replay.capacity=5e8', 'replay.capacity is 500000000; expected an integer of at least 1 and at most 20000000'],
    ['agent.batchSize=1e9', 'agent.batchSize is 1000000000; expected an integer of at least 1 and at most 65536'],
    ['network.encoder.hiddenUnits=64', 'does not apply to network.encoder.type nature; it belongs to perceptron'],
    ['network.moe.router.type=token-choice network.moe.router.k=9', 'expected at most network.moe.experts, 8'],
  ])('refuses %s', (settings, message) => {
    const paths = Object.fromEntries(settings.split(' ').map((one) => one.split('=')));
    expect(() => applyOverrides(BASE_CONFIG, paths)).toThrow(message);
  });

  it('refuses a support that is upside down', () => {
    expect(() => applyOverrides(BASE_CONFIG, { 'agent.atoms': 51, 'agent.minimumValue': 10 })).toThrow(
      'agent.minimumValue is 10; expected less than agent.maximumValue, 10',
    );
  });
});

describe('whole configurations', () => {
  it('are refused with a missing, unknown or wrong value', () => {
    const { agent, ...rest } = structuredClone(BASE_CONFIG);
    expect(() => validateAgentConfig(rest)).toThrow('agent is missing');
    expect(() => validateAgentConfig({ ...rest, agent: { ...agent, extra: 1 } })).toThrow(
      'there is no setting "agent.extra"',
    );
    expect(() => validateAgentConfig({ ...rest, agent: [] })).toThrow('agent is []; expected an object');
    expect(() => validateAgentConfig(null)).toThrow('settings is null');
    expect(validateAgentConfig(JSON.parse(JSON.stringify(BASE_CONFIG)))).toEqual(BASE_CONFIG);
  });

  it('merge by nesting without touching the base', () => {
    const merged = mergeConfig(BASE_CONFIG, { network: { hiddenUnits: 3 } });
    expect(merged.network.hiddenUnits).toBe(3);
    expect(BASE_CONFIG.network.hiddenUnits).toBe(512);
    expect(() => mergeConfig(BASE_CONFIG, { network: { mow: {} } } as never)).toThrow(
      'there is no setting "network.mow"',
    );
  });

  it('describe each of their values once', () => {
    const entries = describeAgentConfig();
    expect(new Set(entries.map(({ path, where }) => `${path} where ${where}`)).size).toBe(entries.length);
    expect(entries.find(({ path }) => path === 'agent.error')).toMatchObject({
      kind: 'choice',
      choices: ['mse', 'huber'],
    });
    for (const { doc } of entries) expect(doc.length).toBeGreaterThan(2);
  });
});
