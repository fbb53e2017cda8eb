// An encoder of one's own in a whole agent, and what is told where it does not keep what it says.
import { setting } from '@moe-rl/core';
import { dense, denseParameters, relu } from '@moe-rl/encoders';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { createAgent, type Encoder, getPreset, registerEncoder } from '../index.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';

beforeAll(async () => {
  await loadTestBackend();
});

/** Registers a dense encoder, changed, and makes an agent with it. */
function agentWith(type: string, change: (encoder: Encoder) => Partial<Encoder>, changes: object = {}, preset = 'dqn') {
  registerEncoder(
    type,
    ({ config, observationSpec, prefix, inputScale }) => {
      const inputs = observationSpec.frameShape.reduce((product, size) => product * size, observationSpec.stackSize);
      const units = Number(config.units);
      const encoder: Encoder = {
        specs: denseParameters(`${prefix}Dense_0`, inputs, units),
        features: [1, 1, units],
        apply: (parameters, observations) =>
          relu(dense(parameters, `${prefix}Dense_0`, tf.mul(tf.reshape(observations, [-1, inputs]), inputScale))),
      };
      return { ...encoder, ...change(encoder) };
    },
    { units: setting.integer('Width', 7) },
  );
  return createAgent(fit(getPreset(preset), TINY), {
    environment: SMALL_SPEC,
    seed: 1,
    changes: { network: { encoder: { type, units: 6 } }, ...changes },
  });
}

async function learn(agent: Awaited<ReturnType<typeof agentWith>>) {
  try {
    const transitions = randomTransitions(2);
    for (let step = 0; step < 9; step++) await agent.observe(transitions.next().value);
    return await agent.learn();
  } finally {
    agent.dispose();
  }
}

it('an encoder of one’s own, with a setting, learns', async () => {
  const agent = await agentWith('own-dense', () => ({}));
  expect(agent.network.parameterShapes['encoder/Dense_0/kernel']?.shape).toEqual([288, 6]);
  expect((await learn(agent))['train/loss']).toBeGreaterThan(0);
});

it('is refused where it forgets the augmentation, which would be an agent without', async () => {
  const changes = { agent: { dataAugmentation: true } };
  await expect(agentWith('own-still', () => ({}), changes).then(learn)).rejects.toThrow(
    'agent.dataAugmentation is true, but encoder "own-still" does not call the augment that its apply is given',
  );
});

it('is refused where it gives other features than it says, or names parameters outside of its prefix', async () => {
  await expect(agentWith('own-wide', () => ({ features: [1, 1, 8] })).then(learn)).rejects.toThrow(
    /encoder "own-wide" gives \[\d+, 6\]; expected \[\d+, 1, 1, 8\] or \[\d+, 8\], as its features say/,
  );
  const specs = denseParameters('head', 288, 6);
  await expect(agentWith('own-names', () => ({ specs }))).rejects.toThrow(
    'encoder "own-names": the parameter head/kernel doesn\'t start with the prefix "encoder/"',
  );
});

it('is refused where it names stacks that nothing can follow', async () => {
  const changes = { network: { encoder: { type: 'own-stacks', units: 6 }, moe: { placement: 'all' } } };
  const made = agentWith('own-stacks', ({ features }) => ({ stacks: [features] }), changes, 'dqn-soft-moe');
  await expect(made.then(learn)).rejects.toThrow(
    'encoder "own-stacks" has 1 stacks, but its apply calls afterStack 0 times',
  );
});
