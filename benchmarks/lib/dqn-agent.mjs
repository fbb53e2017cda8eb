// Our side of step.mjs, agents.mjs and gpu.mjs: the DQN agent of a preset with the peers' loss (Huber) and 18 actions, over a replay of 3,000 made-up frames.
// `step` is the agent's whole update: sampling a batch (of 32) from replay, feeding the planar bytes, the step itself, reading the loss back; `learn` is the same
// with a batch that lies ready, as the peers' do. `act`: the values of one observation, read back.
import { createAgent } from '../../packages/agents/src/index.ts';
import { createRng } from '../../packages/core/src/index.ts';

/** The networks that are measured: our preset, and what the peers' scripts call theirs. */
export const NETWORKS = {
  nature: { preset: 'dqn', peer: 'nature' },
  impala: { preset: 'dqn-impala', peer: 'impala' },
  'impala-soft-moe': { preset: 'dqn-soft-moe', peer: 'moe' },
};
/** With those that only gpu.mjs measures. */
export const ALL_NETWORKS = { ...NETWORKS, 'impala-top1': { preset: 'dqn-top1-moe', peer: 'top1' } };

/** What `isTiny` makes small: everything is run, nothing is measured. */
const TINY = { encoder: { widthScale: 0.25 }, hiddenUnits: 32 };

/** `measure(what, count)` returns the times of `count` calls of `step`, `learn` or `act` in ms; only `whats` are made ready. */
export async function createDqnAgent(network, mode, { whats = ['step', 'act'], batchSize = 32, isTiny = false } = {}) {
  const side = isTiny ? 24 : 84;
  const observationSpec = { frameShape: [side, side], stackSize: 4, dtype: 'uint8' };
  const agent = await createAgent(ALL_NETWORKS[network].preset, {
    environment: { observationSpec, actionCount: 18 },
    seed: 1,
    mode,
    changes: {
      agent: { error: 'huber', batchSize },
      replay: { capacity: 4000 },
      ...(isTiny ? { network: TINY } : {}),
    },
  });
  const rng = createRng(1, 'bench');
  const words = (side * side) / 4;
  const frames = (count) => new Uint8Array(Uint32Array.from({ length: words * count }, () => rng.nextUint32()).buffer);
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
  const sample = agent.replay.sample.bind(agent.replay);
  let ready;
  const calls = {
    step() {
      agent.replay.sample = sample;
      return agent.learn();
    },
    learn() {
      ready ??= sample(batchSize);
      agent.replay.sample = () => ready;
      return agent.learn();
    },
    act: () => agent.values(observation),
  };
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
