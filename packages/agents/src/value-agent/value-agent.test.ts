// The agent's schedules, target network, sparsity and errors.
import { CheckpointError, InvalidArgumentError, NonFiniteError, ShapeError, type Transition } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { requireAugmentable } from './augmentation.ts';
import { createAgent } from './create-agent.ts';
import { requireLearnable } from './create-value-agent.ts';
import { updatesWithin } from './schedule.ts';
import type { ValueAgent } from './value-agent.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const create = (changes: DeepPartial<AgentConfig> = {}, preset = 'dqn'): Promise<ValueAgent> =>
  createAgent(mergeConfig(fit(getPreset(preset), TINY), changes), { environment: SMALL_SPEC, seed: 1 });

async function observe(agent: ValueAgent, steps: number, seed = 2): Promise<number[]> {
  const transitions = randomTransitions(seed);
  const learnedAt: number[] = [];
  for (let step = 1; step <= steps; step++) if (await agent.observe(transitions.next().value)) learnedAt.push(step);
  return learnedAt;
}

const norm = (values: Awaited<ReturnType<ValueAgent['readParameters']>>) =>
  Object.values(values).reduce(
    (sum, { data }) => sum + (data as Float32Array).reduce((part, value) => part + value * value, 0),
    0,
  );

describe('schedules', () => {
  it('starts to learn strictly after the minimal history, then once per period', async () => {
    const agent = await create();
    expect(await observe(agent, 16)).toEqual([10, 12, 14, 16]);
    expect(agent.updates).toBe(4);
    expect(agent.trainingAgentSteps).toBe(16);
    agent.dispose();
  });

  it('copies to the target network after the updates of the same agent step, as DrQ does at each', async () => {
    const agent = await create({ agent: { updatePeriodAgentSteps: 1, targetUpdatePeriodAgentSteps: 1 } });
    await observe(agent, 12);
    expect(agent.updates).toBe(4);
    const { variables } = (await agent.getState()) as unknown as { variables: Record<string, Float32Array> };
    for (const name of Object.keys(agent.network.parameterShapes))
      expect(variables[`target/${name}`]).toEqual(variables[`params/${name}`]);
    agent.dispose();
  });

  it('refuses options and modes that there are not', async () => {
    const given = { environment: SMALL_SPEC, override: { 'agent.batchSize': 4 } };
    await expect(createAgent(fit(getPreset('dqn'), TINY), given)).rejects.toThrow(
      /^createAgent has no option "override".*did you mean overrides/,
    );
    const agent = await create();
    const { observation } = randomTransitions(2).next().value;
    for (const ask of [
      () => agent.act(observation, 'training' as 'train'),
      () => agent.values(observation, 'eval' as 'train'),
    ])
      await expect((async () => ask())()).rejects.toThrow(
        /^mode is "(training|eval)"; expected one of train, evaluate/,
      );
    agent.dispose();
  });

  it('keeps masked weights at 0 where experts are spawned from one, in the target network too', async () => {
    const router = { type: 'dense-to-sparse', sharedUpdates: 2, maskedShare: 0 };
    const agent = await create({
      network: { moe: { router, experts: 2, expertHiddenUnits: 4 } },
      agent: { targetUpdatePeriodAgentSteps: 1000 },
      sparsity: { method: 'static', sparsity: 0.5, distribution: 'uniform' },
    } as DeepPartial<AgentConfig>);
    await observe(agent, 16);
    expect(agent.updates).toBe(4);
    const { variables } = (await agent.getState()) as unknown as { variables: Record<string, Float32Array> };
    const masks = Object.keys(variables).filter((name) => name.startsWith('mask/') && name.includes('Expert'));
    expect(masks.length).toBeGreaterThan(0);
    for (const name of masks) {
      const masked = (network: string): number[] =>
        Array.from(variables[name.replace('mask', network)]!).filter((_, index) => variables[name]![index] === 0);
      for (const network of ['params', 'target']) expect(masked(network).every((weight) => weight === 0)).toBe(true);
    }
    agent.dispose();
  });

  it('learns the values of a single action', async () => {
    const config = fit(getPreset('dqn'), TINY);
    const agent = await createAgent(config, { environment: { ...SMALL_SPEC, actionCount: 1 }, seed: 1 });
    const transitions = randomTransitions(2);
    for (let step = 1; step <= 10; step++) await agent.observe({ ...transitions.next().value, action: 0 });
    expect(agent.updates).toBe(1);
    agent.dispose();
  });

  it('makes several updates per period when asked to', async () => {
    const agent = await create({ agent: { updatesPerPeriod: 3 } });
    await observe(agent, 12);
    expect(agent.updates).toBe(6);
    agent.dispose();
  });

  it('lowers epsilon linearly after the minimal history, and uses the small one in evaluation', async () => {
    const agent = await create();
    expect(agent.epsilon('train')).toBe(1);
    expect(agent.epsilon('evaluate')).toBe(0.001);
    await observe(agent, 33);
    expect(agent.epsilon('train')).toBeCloseTo(0.01 + 0.99 * (25 / 50), 10);
    agent.dispose();
    const noisy = await create({}, 'rainbow');
    expect(noisy.epsilon('train')).toBe(0);
    noisy.dispose();
  });

  it('acts at random at epsilon 1 and greedily at 0', async () => {
    const agent = await create({ agent: { epsilonEvaluate: 0 } });
    const { observation } = randomTransitions(4).next().value;
    const values = await agent.values(observation);
    const best = values.indexOf(Math.max(...values));
    const explored = new Set<number>();
    for (let draw = 0; draw < 40; draw++) {
      explored.add(await agent.act(observation, 'train'));
      expect(await agent.act(observation, 'evaluate')).toBe(best);
    }
    expect([...explored].sort()).toEqual([0, 1, 2]);
    agent.dispose();
  });
});

describe('learning', () => {
  it('changes the online network only; the target network follows when it is synchronized', async () => {
    const agent = await create({ agent: { targetUpdatePeriodAgentSteps: 1000 } });
    const target = async () => {
      const { variables } = (await agent.getState()) as unknown as { variables: Record<string, Float32Array> };
      return Object.fromEntries(
        Object.entries(variables)
          .filter(([name]) => name.startsWith('target/'))
          .map(([name, data]) => [name.slice(7), data.slice()]),
      );
    };
    const before = await target();
    await observe(agent, 14);
    expect(await target()).toEqual(before);
    const online = await agent.readParameters();
    expect(online['Conv_0/kernel']!.data).not.toEqual(before['Conv_0/kernel']);
    await agent.syncTarget();
    expect((await target())['Conv_0/kernel']).toEqual(online['Conv_0/kernel']!.data);
    agent.dispose();
  });

  it('gives what it learned from the priority of its loss, so that its chance to be drawn again changes', async () => {
    const agent = await create({}, 'rainbow');
    await observe(agent, 9);
    const given: [number[], number[]][] = [];
    const { updatePriorities } = agent.replay;
    agent.replay.updatePriorities = (indices, priorities) => {
      given.push([Array.from(indices), Array.from(priorities)]);
      updatePriorities.call(agent.replay, indices, priorities);
    };
    await agent.learn();
    expect(given).toHaveLength(1);
    const [indices, priorities] = given[0]!;
    expect(indices.every((index) => agent.replay.isSampleable(index))).toBe(true);
    expect(priorities.every((priority) => priority > 0)).toBe(true);
    expect(new Set(priorities).size).toBeGreaterThan(1);
    agent.dispose();
  });

  it('clips rewards to [-1, 1] by default and stores them unclipped when told so', async () => {
    for (const [rewardClip, expected] of [
      [1, 1],
      [0, 7],
    ] as const) {
      const agent = await create({ agent: { rewardClip } });
      const transitions = randomTransitions(2);
      for (let step = 0; step < 6; step++) await agent.observe({ ...transitions.next().value, reward: 7 });
      expect(Math.max(...agent.replay.sample(4).rewards)).toBe(expected);
      agent.dispose();
    }
  });

  it('keeps masked weights at exactly zero and their number constant', async () => {
    for (const method of ['static', 'set', 'rigl'] as const) {
      const changing = method === 'static' ? {} : { updatePeriodUpdates: 2, endUpdates: 50 };
      const agent = await create({ sparsity: { method, sparsity: 0.6, ...changing } });
      const zeros = async () => {
        const parameters = await agent.readParameters();
        return Object.fromEntries(
          Object.entries(parameters)
            .filter(([name]) => name.endsWith('kernel'))
            .map(([name, { data }]) => [name, (data as Float32Array).filter((value) => value === 0).length]),
        );
      };
      const masks = async () =>
        ((await agent.getState()) as unknown as { variables: Record<string, Float32Array> }).variables[
          'mask/Dense_0/kernel'
        ]!.slice();
      const before = await masks();
      const atStart = await zeros();
      await observe(agent, 20);
      const after = await masks();
      const ones = (mask: Float32Array) => mask.reduce((sum, bit) => sum + bit, 0);
      expect(ones(after)).toBe(ones(before));
      expect(after.some((bit, index) => bit !== before[index])).toBe(method !== 'static');
      const dense = (await agent.readParameters())['Dense_0/kernel']!.data as Float32Array;
      after.forEach((bit, index) => {
        if (bit === 0) expect(Math.abs(dense[index]!)).toBe(0);
      });
      if (method === 'static') expect(await zeros()).toEqual(atStart);
      agent.dispose();
    }
  });

  // Where the end is between two changes, the one behind it is the last: update 9 of 3, 6, 9.
  it.each([
    [2, 8],
    [3, 7],
  ])('prunes gradually to the final sparsity, every %d updates until %d', async (period, endUpdates) => {
    const agent = await create({
      sparsity: {
        method: 'pruning',
        sparsity: 0.8,
        updatePeriodUpdates: period,
        startUpdates: 2,
        endUpdates,
        distribution: 'uniform',
      },
    });
    const zeros = async () => {
      const kernel = (await agent.readParameters())['Dense_0/kernel']!.data as Float32Array;
      return [kernel.filter((value) => value === 0).length, Math.floor(0.8 * kernel.length)] as const;
    };
    await observe(agent, 9);
    const last = period * Math.ceil(endUpdates / period);
    while (agent.updates < last) await agent.learn();
    const [before, final] = await zeros();
    expect(before > 0 && before < final).toBe(true);
    await agent.learn();
    expect((await zeros())[0]).toBe(final);
    for (let update = 0; update < period; update++) await agent.learn();
    expect((await zeros())[0]).toBe(final);
    agent.dispose();
  });
});

it('measures without changing what is learned', async () => {
  const results: number[] = [];
  for (const measures of [false, true]) {
    const agent = await create({}, 'dqn-nature-soft-moe');
    await expect(agent.measure()).rejects.toThrow('holds no transition');
    const transitions = randomTransitions(2);
    for (let step = 0; step < 14; step++) {
      await agent.observe(transitions.next().value);
      if (measures && step > 5) expect((await agent.measure())['expert/load/1']).toBeGreaterThan(0);
    }
    results.push(norm(await agent.readParameters()));
    agent.dispose();
  }
  expect(results[1]).toBe(results[0]);
});

it('keeps the number of tensors constant while it acts, learns and measures, and frees them all', async () => {
  const before = tf.memory().numTensors;
  const agent = await createAgent(
    fit(getPreset('rainbow-soft-moe'), {
      ...TINY,
      network: { ...TINY.network!, encoder: { type: 'nature', widthScale: 1 / 16 } },
    }),
    {
      environment: SMALL_SPEC,
      mode: 'eager',
    },
  );
  const use = async (): Promise<number> => {
    await agent.learn();
    await agent.syncTarget();
    await agent.values(randomTransitions(1).next().value.observation, 'train');
    await agent.measure();
    return tf.memory().numTensors;
  };
  await observe(agent, 9);
  const first = await use();
  for (let round = 0; round < 3; round++) expect(await use()).toBe(first);
  agent.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

describe('bad input', () => {
  it('refuses observations of another length or type, and unknown actions', async () => {
    const agent = await create();
    const { observation } = randomTransitions(1).next().value;
    expect(() => agent.act(new Uint8Array(5), 'train')).toThrow(ShapeError);
    expect(() => agent.act(Float32Array.from(observation), 'train')).toThrow(
      'expected a Uint8Array of 288 (2 frames of [12,12])',
    );
    const step: Transition = randomTransitions(1).next().value;
    await expect(agent.observe({ ...step, action: 3 })).rejects.toThrow('action is 3; expected an integer from 0 to 2');
    await expect(agent.observe({ ...step, observation: new Uint8Array(7) })).rejects.toThrow(ShapeError);
    expect(agent.replay.addedTransitions).toBe(0);
    agent.dispose();
  });

  it('stops at a reward that is not finite, naming the agent step', async () => {
    const agent = await create();
    await observe(agent, 3);
    const step = randomTransitions(1).next().value;
    await expect(agent.observe({ ...step, reward: Number.NaN })).rejects.toThrow(NonFiniteError);
    await expect(agent.observe({ ...step, reward: Number.POSITIVE_INFINITY })).rejects.toThrow(
      'reward is Infinity at agent step 3',
    );
    expect(agent.trainingAgentSteps).toBe(3);
    agent.dispose();
  });

  it('stops at a loss that is not finite, naming step, update and the batch', async () => {
    const agent = await create();
    await observe(agent, 8);
    const parameters = await agent.readParameters();
    (parameters['Dense_0/bias']!.data as Float32Array).fill(Number.NaN);
    await agent.writeParameters(parameters);
    await expect(observe(agent, 2)).rejects.toThrow(
      /loss is NaN at agent step \d+, update 0; the batch's replay indices are \d+(, \d+){3}/,
    );
    agent.dispose();
  });

  it('stops at gradients that are not finite, though the loss is', async () => {
    const agent = await create({ agent: { error: 'huber' } });
    await observe(agent, 8);
    const parameters = await agent.readParameters();
    (parameters['Dense_0/bias']!.data as Float32Array).fill(1e25);
    await agent.writeParameters(parameters);
    await expect(observe(agent, 2)).rejects.toThrow(/gradient norm is Infinity at agent step \d+, update 0; the batch/);
    agent.dispose();
  });

  it('refuses to learn from too little, and a state of another architecture', async () => {
    const agent = await create();
    await expect(agent.learn()).rejects.toThrow(InvalidArgumentError);
    const other = await create({ network: { hiddenUnits: 9 } });
    const state = await other.getState();
    const before = norm(await agent.readParameters());
    await expect(agent.setState(state)).rejects.toThrow(CheckpointError);
    await expect(agent.setState(state)).rejects.toThrow('"params/Dense_0/kernel" of shape [16,9]; expected [16,8]');
    const moe = await create({}, 'dqn-nature-soft-moe');
    await expect(agent.setState(await moe.getState())).rejects.toThrow('another architecture');
    await expect(agent.setState({ kind: 'something else' })).rejects.toThrow('agent state is "something else"');
    await expect(agent.setState({ ...(await agent.getState()), version: 1 })).rejects.toThrow(
      'agent state is "moe-rl/value-agent" version 1; expected "moe-rl/value-agent" version 2; resume it with the release that wrote it',
    );
    expect(norm(await agent.readParameters())).toBe(before);
    for (const each of [agent, other, moe]) each.dispose();
  });

  it('refuses parameters of another shape or name', async () => {
    const agent = await create();
    await expect(agent.writeParameters({ nothing: { shape: [], data: new Float32Array(1) } })).rejects.toThrow(
      '"nothing" is not a parameter',
    );
    await expect(agent.writeParameters({ 'Dense_0/bias': { shape: [9], data: new Float32Array(9) } })).rejects.toThrow(
      ShapeError,
    );
    agent.dispose();
  });

  it('refuses an image encoder on vectors, noisy sparse networks, and runs that end before learning starts', async () => {
    const vectors = { observationSpec: { frameShape: [4], stackSize: 1, dtype: 'float32' as const }, actionCount: 2 };
    await expect(createAgent('dqn', { environment: vectors })).rejects.toThrow(
      'network.encoder.type is "nature", which takes images',
    );
    await expect(create({ sparsity: { method: 'static' } }, 'rainbow')).rejects.toThrow('network.noisy');
    expect(() => requireLearnable(getPreset('dqn'), 20_000)).toThrow('never learns');
    expect(() => requireLearnable(getPreset('dqn'), 20_001)).not.toThrow();
  });

  it('refuses batches whose augmentation would mix pixels up', async () => {
    const spec = { frameShape: [84, 84], stackSize: 1, dtype: 'uint8' as const };
    const environment = { observationSpec: spec, actionCount: 2 };
    const changes = { agent: { batchSize: 2378 } };
    await expect(createAgent('drq-eps', { environment, changes })).rejects.toThrow(
      'agent.batchSize is 2378 and agent.dataAugmentation is true; expected at most 2377 images of 84 x 84',
    );
    expect(() => requireAugmentable({ ...getPreset('drq-eps').agent, batchSize: 2377 }, spec)).not.toThrow();
    expect(() => requireAugmentable({ ...getPreset('dqn').agent, batchSize: 2378 }, spec)).not.toThrow();
  });

  it('refuses runs that end before their masks first change', () => {
    const require = (method: 'pruning' | 'rigl' | 'static', steps: number, source?: 'dataset') =>
      requireLearnable(mergeConfig(getPreset('drq-eps'), { sparsity: { method } }), steps, source);
    expect(() => require('pruning', 100_000)).toThrow(
      'sparsity.startUpdates is 500000, so masks first change at update 505000, and the run has 98400 updates: they would never change; expected less',
    );
    expect(() => require('rigl', 6600)).toThrow(
      'sparsity.updatePeriodUpdates is 5000, so masks first change at update 5000',
    );
    expect(() => require('rigl', 6601)).not.toThrow();
    expect(() => require('rigl', 5000, 'dataset')).toThrow('the run has 5000 updates');
    expect(() => require('rigl', 5001, 'dataset')).not.toThrow();
    expect(() => require('static', 2000)).not.toThrow();
  });

  it('counts the updates of a run as the agent makes them', async () => {
    for (const changes of [{}, { updatePeriodAgentSteps: 3, updatesPerPeriod: 2, minReplayHistoryAgentSteps: 10 }]) {
      const agent = await create({ agent: changes });
      for (const steps of [7, 14, 15, 18]) {
        await observe(agent, steps - agent.trainingAgentSteps);
        expect(agent.updates).toBe(updatesWithin(agent.config.agent, steps, 'environment'));
      }
      agent.dispose();
    }
  });
});
