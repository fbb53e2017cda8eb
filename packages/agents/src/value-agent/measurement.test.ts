// What an agent reports, against values computed from its network's own output: every number means what the metric registry says.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { createAgent } from './create-agent.ts';
import type { ValueAgent } from './value-agent.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const create = (preset: string, changes: DeepPartial<AgentConfig> = {}): Promise<ValueAgent> =>
  createAgent(fit(mergeConfig(getPreset(preset), { network: { encoder: { type: 'nature' } } }), TINY), {
    environment: SMALL_SPEC,
    seed: 1,
    changes,
  });

/** One observation over and over, so that every batch is known. */
async function observeOne(agent: ValueAgent, steps: number): Promise<Uint8Array> {
  const { observation } = randomTransitions(4).next().value as { observation: Uint8Array };
  const step = {
    observation,
    action: 1,
    reward: 0.5,
    terminated: true,
    truncated: false,
    nextObservation: observation,
  };
  for (let index = 0; index < steps; index++) await agent.observe(step);
  return observation;
}

async function outputOf(agent: ValueAgent, observation: Uint8Array) {
  const parameters = Object.fromEntries(
    Object.entries(await agent.readParameters()).map(([name, { shape, data }]) => [
      name,
      tf.tensor(data as Float32Array, [...shape]),
    ]),
  );
  return agent.network.apply(parameters, tf.tensor(Float32Array.from(observation), [1, 2, 12, 12]));
}

it('top-1: the load of an expert is its share of tokens, and dropped tokens are those with a zero output', async () => {
  const agent = await create('dqn-top1-moe', { network: { moe: { experts: 6 } } });
  const parameters = await agent.readParameters();
  (parameters['ExpertModel_0/net/bias']!.data as Float32Array).fill(1);
  await agent.writeParameters(parameters);
  const observation = await observeOne(agent, 8);
  const measured = await agent.measure();
  const mixture = (await outputOf(agent, observation)).mixtures[0]!;
  const top = Array.from(mixture.topExperts.dataSync());
  // Four tokens, six experts: some get none.
  const shares = [0, 1, 2, 3, 4, 5].map((expert) => top.filter((chosen) => chosen === expert).length / top.length);
  shares.forEach((share, expert) => {
    expect(measured[`expert/load/${expert}`]).toBeCloseTo(share, 6);
  });
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
  const outputs = mixture.output.arraySync() as number[][][];
  const zero = outputs[0]!.filter((token) => token.every((value) => value === 0)).length;
  expect(measured['router/droppedTokenFraction']).toBeCloseTo(zero / top.length, 6);
  // An expert without tokens is silent, though its empty slots have activations (of its biases).
  const hidden = mixture.expertsHidden.arraySync() as number[][][][];
  const silent = hidden[0]!.flatMap((slots, expert) =>
    slots[0]!.map((_, unit) => shares[expert] === 0 || slots.every((slot) => slot[unit] === 0)),
  );
  expect(measured['network/dormantFraction']).toBeGreaterThanOrEqual(
    silent.filter(Boolean).length / silent.length - 1e-6,
  );
  agent.dispose();
});

it('featureNorm is the mean norm of the feature vectors, dormantFraction the share of silent neurons', async () => {
  const agent = await create('dqn');
  const parameters = await agent.readParameters();
  // Two of eight neurons can't fire.
  for (const unit of [1, 5]) (parameters['Dense_0/bias']!.data as Float32Array)[unit] = -100;
  await agent.writeParameters(parameters);
  const observation = await observeOne(agent, 8);
  const { features } = await outputOf(agent, observation);
  const values = Array.from(features.dataSync());
  const measured = await agent.measure();
  expect(measured['network/featureNorm']).toBeCloseTo(Math.hypot(...values), 5);
  expect(measured['network/dormantFraction']).toBeCloseTo(values.filter((value) => value === 0).length / 8, 6);
  expect(measured['network/dormantFraction']).toBeGreaterThanOrEqual(2 / 8);
  expect(measured['network/effectiveRank']).toBe(1);
  agent.dispose();
});

it('the numbers of an update are those of its batch', async () => {
  const agent = await create('double-dqn', {
    agent: { minReplayHistoryAgentSteps: 8, updatePeriodAgentSteps: 9, conservativeCoefficient: 0.5 },
    optimizer: { type: 'sgd', learningRate: 0.25, annealUpdates: 4 },
  });
  const observation = await observeOne(agent, 8);
  const before = await agent.readParameters();
  const values = Array.from(await agent.values(observation));
  const metrics = (await agent.observe({
    observation,
    action: 1,
    reward: 0.5,
    terminated: true,
    truncated: false,
    nextObservation: observation,
  }))!;
  const largest = Math.max(...values);
  const penalty = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0)) - values[1]!;
  expect(metrics['train/meanQ']).toBeCloseTo(values[1]!, 5);
  expect(metrics['train/maxQ']).toBeCloseTo(largest, 5);
  // Terminal: the target is the reward.
  expect(metrics['train/meanTarget']).toBeCloseTo(0.5, 6);
  expect(metrics['train/tdLoss']).toBeCloseTo((values[1]! - 0.5) ** 2, 4);
  expect(metrics['train/penalty/conservative']).toBeCloseTo(penalty, 5);
  expect(metrics['train/loss']).toBeCloseTo(metrics['train/tdLoss']! + 0.5 * penalty, 5);
  expect(metrics['train/learningRate']).toBeCloseTo(0.25, 6);
  // Nine were added; the newest has no next observation yet.
  expect(metrics['replay/transitions']).toBe(8);
  // SGD moves by rate times gradient.
  let squares = 0;
  for (const [name, { data }] of Object.entries(await agent.readParameters()))
    (data as Float32Array).forEach((value, index) => {
      squares += ((value - (before[name]!.data as Float32Array)[index]!) / 0.25) ** 2;
    });
  expect(metrics['train/gradientNorm']! / Math.sqrt(squares)).toBeCloseTo(1, 3);
  agent.dispose();
});

it('router losses are reported together and one by one, after their weights', async () => {
  const agent = await create('dqn-top1-moe', {
    auxiliaryLosses: { importance: 0.5, loadBalance: 0.01, load: 0.3, routerZ: 0.001, entropy: 0.2 },
  });
  await observeOne(agent, 8);
  const metrics = await agent.learn();
  const parts = ['importance', 'loadBalance', 'load', 'routerZ', 'entropy'].map(
    (name) => metrics[`train/auxiliaryLoss/${name}`]!,
  );
  expect(parts.every((part) => part >= 0)).toBe(true);
  expect(new Set(parts).size).toBeGreaterThanOrEqual(4);
  const sum = parts.reduce((total, part) => total + part, 0);
  expect(metrics['train/auxiliaryLoss']).toBeCloseTo(sum, 5);
  expect(metrics['train/loss']).toBeCloseTo(metrics['train/tdLoss']! + sum, 5);
  agent.dispose();
});
