// The stages of several mixtures at once: what belongs to a stage belongs to each mixture by its own size.
import { sliceFrames } from '@moe-rl/encoders';
import { auxiliaryLossOf } from '@moe-rl/moe-core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { mergeConfig } from '../config/validate.ts';
import { OPS } from '../networks/moe.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { createCourse } from './course.ts';
import { createValueAgent } from './create-value-agent.ts';

await loadTestBackend();

it('weighs StableMoE’s losses by the tokens of each mixture, in the course and in what is learned', async () => {
  const config = mergeConfig(fit(getPreset('dqn-nature-soft-moe'), TINY), {
    network: { moe: { placement: 'all', router: { type: 'stable', distillationUpdates: 5 } } },
    statistics: { periodUpdates: 0 },
  });
  const agent = await createValueAgent({ config, environment: SMALL_SPEC, seed: 1, mode: 'eager' });
  const { mixtures } = agent.network;
  const weights = mixtures.map(({ sizes }) => 0.3 / sizes.numTokens);
  expect(new Set(weights).size).toBeGreaterThan(1);
  const course = createCourse(mixtures);
  expect(course.at(0)!.losses).toEqual(weights.map((weight) => ({ stableBalance: weight, distillation: weight })));
  expect(course.at(5)!.losses).toEqual(weights.map(() => ({})));

  const transitions = randomTransitions(2);
  for (let step = 0; step < 8; step++) await agent.observe(transitions.next().value);
  // The next batch, drawn ahead from the same state of the replay buffer.
  const state = agent.replay.getState();
  const { frames } = agent.replay.sample(config.agent.batchSize);
  agent.replay.setState(state);
  const windows = tf.tensor(Float32Array.from(frames as Uint8Array), [config.agent.batchSize, 3, 12, 12]);
  const parameters = Object.fromEntries(
    Object.entries(await agent.readParameters()).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const { mixtures: records } = agent.network.apply(parameters, sliceFrames(windows, 0, 2), {
    routing: { isTraining: true, stage: 'distill' },
  });
  const expected = (name: string): number =>
    mixtures.reduce(
      (sum, mixture, index) =>
        sum + weights[index]! * tf.mean(auxiliaryLossOf(mixture, name)(OPS, records[index]!)).dataSync()[0]!,
      0,
    );
  const [balance, distillation] = [expected('stableBalance'), expected('distillation')];
  expect(Math.abs(balance)).toBeGreaterThan(1e-3);
  const metrics = await agent.learn();
  agent.dispose();
  expect(metrics['train/auxiliaryLoss/stableBalance']).toBeCloseTo(balance, 5);
  expect(metrics['train/auxiliaryLoss/distillation']).toBeCloseTo(distillation, 5);
  expect(metrics['train/auxiliaryLoss']).toBeCloseTo(balance + distillation, 5);
});
