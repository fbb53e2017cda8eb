// Batches drawn ahead are those that would have been drawn, and what is learned from them is the same.
import { createRng } from '@moe-rl/core';
import { ReplayBuffer } from '@moe-rl/replay';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { Batches } from './batches.ts';
import { createAgent } from './create-agent.ts';

beforeAll(async () => {
  await loadTestBackend();
});

const config = (sampling: 'uniform' | 'prioritized'): Pick<AgentConfig, 'agent' | 'replay'> =>
  ({ agent: { batchSize: 4 }, replay: { sampling } }) as AgentConfig;

function filled(): ReplayBuffer {
  const replay = new ReplayBuffer({
    observationSpec: { frameShape: [3], stackSize: 1, dtype: 'float32' },
    capacity: 50,
    updateHorizon: 1,
    discountFactor: 0.9,
    rng: createRng(3, 'replay'),
  });
  const rng = createRng(1, 'transitions');
  for (let step = 1; step <= 40; step++) {
    const observation = Float32Array.from({ length: 3 }, () => rng.nextFloat());
    replay.add({ observation, action: 0, reward: step, terminated: step % 9 === 0, truncated: false });
  }
  return replay;
}

describe('batches', () => {
  it('that were prepared are the same in the same order, and leave the one in use alone', () => {
    const plain = filled();
    const wanted = Array.from({ length: 6 }, () => Array.from(plain.sample(4).indices));
    const batches = new Batches(filled(), config('uniform'));
    for (let update = 0; update < wanted.length; update++) {
      const batch = batches.take();
      if (update % 3 !== 2) batches.prepare();
      expect(Array.from(batch.indices)).toEqual(wanted[update]);
    }
  });

  it('are not drawn ahead where priorities decide', () => {
    const replay = filled();
    const state = JSON.stringify(replay.getState());
    new Batches(replay, config('prioritized')).prepare();
    expect(JSON.stringify(replay.getState())).toBe(state);
  });

  it('that an update which failed leaves behind are not taken later', () => {
    const batches = new Batches(filled(), config('uniform'));
    batches.prepare();
    batches.forget();
    const plain = filled();
    plain.sample(4);
    expect(Array.from(batches.take().indices)).toEqual(Array.from(plain.sample(4).indices));
  });
});

describe('several updates in a row', () => {
  it('learn what they learn one by one', async () => {
    const make = () =>
      createAgent(mergeConfig(fit(getPreset('dqn'), TINY), { agent: { updatesPerPeriod: 3 } }), {
        environment: SMALL_SPEC,
        seed: 1,
      });
    const [together, alone] = [await make(), await make()];
    const transitions = [randomTransitions(2), randomTransitions(2)] as const;
    for (let step = 1; step <= 9; step++) {
      await together.observe(transitions[0].next().value);
      await alone.observe(transitions[1].next().value);
    }
    expect(together.updates).toBe(0);
    const next = transitions[0].next().value;
    await together.observe(next);
    expect(together.updates).toBe(3);
    // The same transition stored, then the same three updates asked for one by one.
    alone.replay.add({ ...next, reward: Math.min(1, Math.max(-1, next.reward)) });
    for (let update = 0; update < 3; update++) await alone.learn();
    expect(await together.readParameters()).toEqual(await alone.readParameters());
    together.dispose();
    alone.dispose();
  });
});
