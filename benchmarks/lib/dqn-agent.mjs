// Our side of step.mjs and agents.mjs: the DQN agent of a preset with the peers' loss (Huber) and 18 actions, over a replay of 3,000 made-up frames.
// `step` is the agent's whole update: sampling 32 from replay, feeding the planar bytes, the step itself, reading the loss back. The peers' batches lie
// ready. `act`: the values of one observation, read back.
import { createAgent } from '../../packages/agents/src/index.ts';
import { createRng } from '../../packages/core/src/index.ts';

/** The networks that are measured: our preset, and what the peers' scripts call theirs. */
export const NETWORKS = {
  nature: { preset: 'dqn', peer: 'nature' },
  impala: { preset: 'dqn-impala', peer: 'impala' },
  'impala-soft-moe': { preset: 'dqn-soft-moe', peer: 'moe' },
};

/** `measure(what, count)` returns the times of `count` calls of `step` or `act` in ms; only `whats` are made ready. */
export async function createDqnAgent(network, mode, { whats = ['step', 'act'] } = {}) {
  const observationSpec = { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' };
  const agent = await createAgent(NETWORKS[network].preset, {
    environment: { observationSpec, actionCount: 18 },
    seed: 1,
    mode,
    changes: { agent: { error: 'huber' }, replay: { capacity: 4000 } },
  });
  const rng = createRng(1, 'bench');
  const frames = (count) => new Uint8Array(Uint32Array.from({ length: 1764 * count }, () => rng.nextUint32()).buffer);
  for (let step = 0; step < 3000; step++) {
    agent.replay.add({
      observation: frames(1),
      action: rng.nextInteger(18),
      reward: rng.nextFloat(),
      terminated: false,
      truncated: false,
    });
  }
  const observation = frames(4);
  const calls = { step: () => agent.learn(), act: () => agent.values(observation) };
  const measure = async (what, count) => {
    const times = [];
    for (let call = 0; call < count; call++) {
      const start = performance.now();
      await calls[what]();
      times.push(performance.now() - start);
    }
    return times;
  };
  if (whats.includes('step')) await measure('step', 5);
  if (whats.includes('act')) await measure('act', 20);
  return { measure, stop: () => agent.dispose() };
}
