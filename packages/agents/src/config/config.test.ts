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
      'network.moe.type': 'softMoe',
      'network.encoder.hiddenUnits': '64,32',
      'optimizer.learningRate': 1e-3,
    });
    expect(config.agent).toMatchObject({ minReplayHistoryAgentSteps: 1000, doubleQ: true });
    expect(config.network.moe.type).toBe('softMoe');
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
      '"replay" is a group of settings; expected one of replay.capacity',
    );
  });

  it.each([
    ['agent.batchSize', '0', 'agent.batchSize is 0; expected an integer of at least 1'],
    ['agent.batchSize', '1.5', 'agent.batchSize is 1.5; expected an integer of at least 1'],
    ['agent.batchSize', 'many', 'agent.batchSize is "many"; expected a number'],
    ['agent.epsilonTrain', '2', 'agent.epsilonTrain is 2; expected a number of at least 0 and at most 1'],
    ['agent.doubleQ', 'yes', 'agent.doubleQ is "yes"; expected true or false'],
    ['network.moe.type', 'EXPERTCHOICE', 'network.moe.type is "EXPERTCHOICE"; expected one of none, softMoe, topK'],
    ['optimizer.learningRate', '0', 'optimizer.learningRate is 0; expected a number above 0'],
    ['network.moe.selectedExperts', '9', 'network.moe.selectedExperts is 9; expected at most network.moe.experts, 8'],
    ['sparsity.sparsity', '1', 'sparsity.sparsity is 1; expected a number of at least 0 and at most 0.9999'],
  ])('%s=%s', (path, value, message) => {
    expect(() => applyOverrides(BASE_CONFIG, { [path]: value })).toThrow(InvalidArgumentError);
    expect(() => applyOverrides(BASE_CONFIG, { [path]: value })).toThrow(message);
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
    expect(() => validateAgentConfig(null)).toThrow('configuration is null');
    expect(validateAgentConfig(JSON.parse(JSON.stringify(BASE_CONFIG)))).toEqual(BASE_CONFIG);
  });

  it('merge by nesting without touching the base', () => {
    const merged = mergeConfig(BASE_CONFIG, { network: { moe: { experts: 3 } } });
    expect(merged.network.moe.experts).toBe(3);
    expect(BASE_CONFIG.network.moe.experts).toBe(8);
    expect(() => mergeConfig(BASE_CONFIG, { network: { mow: {} } } as never)).toThrow(
      'there is no setting "network.mow"',
    );
  });

  it('describe each of their values once', () => {
    const entries = describeAgentConfig();
    expect(new Set(entries.map(({ path }) => path)).size).toBe(entries.length);
    expect(entries.find(({ path }) => path === 'agent.error')).toMatchObject({
      kind: 'choice',
      choices: ['mse', 'huber'],
    });
    for (const { doc } of entries) expect(doc.length).toBeGreaterThan(2);
  });
});
