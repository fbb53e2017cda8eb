// The seam for learning rules: which record a configuration means, what is refused, and an outsider's variant in a whole agent.
// The example of docs/extending imports the package by name, as an outsider's does: the agent that trains it comes from there too.
import { createAgent, registerAgentVariant as registerByName } from '@moe-rl/agents';
import { InvalidArgumentError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { mergeConfig } from '../config/validate.ts';
import {
  encoderTypes,
  getPreset,
  type LearningConfig,
  listAgentVariants,
  registerAgentVariant,
  registerEncoder,
  variantOf,
} from '../index.ts';
import type { NetworkOutput } from '../networks/network-interface.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import type { AgentVariant, TargetContext } from './variant.ts';
import { C51, CQL, DOUBLE_DQN, DQN, RAINBOW } from './variants.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const configOf = (agent: Partial<LearningConfig>) => mergeConfig(getPreset('dqn'), { agent });

describe('the variant of a configuration', () => {
  it.each([
    [{}, DQN, []],
    [{ doubleQ: true }, DOUBLE_DQN, []],
    [{ atoms: 51 }, C51, []],
    [{ atoms: 51, doubleQ: true }, RAINBOW, []],
    [{ conservativeCoefficient: 0.1 }, DQN, ['conservative']],
    [{ conservativeCoefficient: 0.1, coadaptationCoefficient: 1, atoms: 51 }, C51, ['conservative', 'coadaptation']],
    [{ variant: 'cql', conservativeCoefficient: 0.1 }, CQL, ['conservative']],
    [{ variant: 'rainbow', atoms: 11 }, RAINBOW, []],
  ])('%j', (agent, expected, penalties) => {
    const { name, target, loss, penalties: made } = variantOf(configOf(agent));
    expect({ name, target, loss }).toEqual({ name: expected.name, target: expected.target, loss: expected.loss });
    expect(made.map((penalty) => penalty.name)).toEqual(penalties);
  });

  it.each([
    [{ variant: 'dqn', doubleQ: true }, 'agent.doubleQ is true, but agent.variant is "dqn"'],
    [{ variant: 'dqn', atoms: 51 }, 'agent.atoms is 51, but agent.variant is "dqn"; expected 1'],
    [{ variant: 'rainbow' }, 'agent.atoms is 1, but agent.variant is "rainbow"; expected more'],
    [{ variant: 'cql' }, 'agent.conservativeCoefficient is 0, but agent.variant is "cql"; expected more than 0'],
    [{ variant: 'dqn', coadaptationCoefficient: 1 }, 'agent.coadaptationCoefficient is 1, but agent.variant is "dqn"'],
  ])('refuses what it would not read: %j', (agent, message) => {
    expect(() => variantOf(configOf(agent))).toThrow(InvalidArgumentError);
    expect(() => variantOf(configOf(agent))).toThrow(message);
  });

  it('is refused by name when nobody registered it', () => {
    expect(() => configOf({ variant: 'toString' })).toThrow(
      'agent.variant is "toString"; expected one of switches, dqn',
    );
    expect(() => registerAgentVariant({ ...DQN })).toThrow('the name "dqn" is taken');
  });
});

it('refuses a variant or an encoder that could not be trained with, naming what it lacks', () => {
  const mine = { ...DQN, name: 'half-a-variant' };
  const refused = (change: object) => () => registerAgentVariant({ ...mine, ...change } as AgentVariant);
  expect(refused({ name: undefined })).toThrow('agent variant undefined: expected a name');
  expect(refused({ target: undefined })).toThrow(
    'agent variant "half-a-variant": target is undefined; expected a function',
  );
  expect(refused({ values: 'quantiles' })).toThrow('values is "quantiles"; expected one of plain, categorical');
  expect(refused({ penalties: undefined })).toThrow('penalties is undefined; expected a list');
  expect(refused({ penalties: [{ name: 'x' }] })).toThrow('a penalty: coefficient is undefined');
  expect(listAgentVariants()).not.toContain('half-a-variant');
  expect(() => registerEncoder('half-an-encoder', undefined as never)).toThrow('the factory is undefined');
  expect(() => registerEncoder('half-an-encoder', () => ({}) as never, { depth: 2 as never })).toThrow(
    'encoder "half-an-encoder": settings.depth is 2; expected what `setting` makes',
  );
  expect(encoderTypes()).not.toContain('half-an-encoder');
});

it('reports a penalty with a negative coefficient, which raises what it is of, under its own name', async () => {
  registerByName({
    ...DQN,
    name: 'dqn-with-bonus',
    penalties: [{ name: 'bonus', coefficient: () => -0.5, value: ({ rewards }) => tf.onesLike(rewards) }],
  });
  const agent = await createAgent(fit(getPreset('dqn'), TINY), {
    environment: SMALL_SPEC,
    seed: 1,
    changes: { agent: { variant: 'dqn-with-bonus' } },
  });
  const transitions = randomTransitions(2);
  for (let step = 0; step < 9; step++) await agent.observe(transitions.next().value);
  const metrics = await agent.learn();
  agent.dispose();
  expect(metrics['train/penalty/bonus']).toBe(1);
  expect(metrics['train/loss']).toBeCloseTo(metrics['train/tdLoss']! - 0.5, 5);
  expect(metrics['train/learningRate']).toBeCloseTo(TINY.optimizer!.learningRate!, 7);
});

describe('Munchausen DQN, from an example outside of the package', () => {
  let munchausen: AgentVariant;
  beforeAll(async () => {
    const file: string = '../../../../docs/extending/munchausen-dqn.mjs';
    const { register } = await import(/* @vite-ignore */ file);
    register({
      variants: {
        register(variant: AgentVariant) {
          munchausen = variant;
          registerByName(variant);
        },
      },
    });
  });

  it('has the targets of equation 2', () => {
    const values = [0.02, 0.05, -0.01];
    const nextValues = [0.3, 0.29, 0.2];
    const [reward, discount, action, temperature] = [0.5, 0.99, 2, 0.03];
    const policy = (q: readonly number[]) => {
      const weights = q.map((value) => Math.exp(value / temperature));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight) => weight / sum);
    };
    const next = policy(nextValues);
    const soft = next.reduce((sum, p, index) => sum + p * (nextValues[index]! - temperature * Math.log(p)), 0);
    const expected = reward + 0.9 * temperature * Math.log(policy(values)[action]!) + discount * soft;
    const output = (row: readonly number[]) => ({ values: tf.tensor2d([[...row]]) }) as unknown as NetworkOutput;
    const target = munchausen.target({
      rewards: tf.tensor1d([reward]),
      discounts: tf.tensor1d([discount]),
      actions: tf.tensor1d([action], 'int32'),
      target: output(values),
      nextTarget: output(nextValues),
    } as Partial<TargetContext> as TargetContext);
    expect(target.dataSync()[0]).toBeCloseTo(expected, 5);
  });

  it('trains, and otherwise than DQN', async () => {
    const parameters: unknown[] = [];
    for (const variant of ['dqn', 'munchausen-dqn']) {
      const agent = await createAgent(fit(getPreset('dqn'), TINY), {
        environment: SMALL_SPEC,
        seed: 1,
        changes: { agent: { variant } },
      });
      const transitions = randomTransitions(2);
      for (let step = 0; step < 14; step++) await agent.observe(transitions.next().value);
      expect(agent.updates).toBe(3);
      parameters.push((await agent.readParameters())['Dense_1/kernel']!.data);
      agent.dispose();
    }
    expect(parameters[1]).not.toEqual(parameters[0]);
  });
});
