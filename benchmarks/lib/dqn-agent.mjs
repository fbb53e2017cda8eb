// Our side of step.mjs, agents.mjs and gpu.mjs: the DQN agent of a preset with the peers' loss (Huber) and 18 actions, over a replay of 3,000 made-up frames.
// `step` is the agent's whole update: sampling a batch (of 32) from replay, feeding the planar bytes, the step itself, reading the loss back; `learn` is the same
// with a batch that lies ready, as the peers' do. `act`: the values of one observation, read back.
import { createAgent, createValueAgents, mergeConfig, resolveAgentConfig } from '../../packages/agents/src/index.ts';
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

const ACTIONS = 18;
const sideOf = (isTiny) => (isTiny ? 24 : 84);

/**
 * `measure(what, count)` returns the times of `count` calls of `step`, `learn` or `act` in ms; only `whats` are made ready.
 * @param compiledActing the agent's option of that name
 */
export async function createDqnAgent(
  network,
  mode,
  { whats = ['step', 'act'], batchSize = 32, isTiny = false, compiledActing } = {},
) {
  const { environment, changes } = taskOf(batchSize, isTiny);
  const agent = await createAgent(ALL_NETWORKS[network].preset, {
    environment,
    seed: 1,
    mode,
    changes,
    ...(compiledActing === undefined ? {} : { compiledActing }),
  });
  const frames = fillReplay(agent, isTiny);
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

/** The same agent with several seeds as one program; `learn(count)` returns the times of `count` rounds, in each of which every agent learns once. */
export async function createDqnSeeds(network, seeds, convolutions, { batchSize = 32, isTiny = false } = {}) {
  const { environment, changes } = taskOf(batchSize, isTiny);
  const config = mergeConfig(resolveAgentConfig(ALL_NETWORKS[network].preset), changes);
  const agents = await createValueAgents({ config, environment, seeds, convolutions });
  for (const agent of agents) {
    fillReplay(agent, isTiny);
    const ready = agent.replay.sample(batchSize);
    agent.replay.sample = () => ready;
  }
  async function learn(count) {
    const times = [];
    for (let round = 0; round < count; round++) {
      const start = performance.now();
      await Promise.all(agents.map((agent) => agent.learn()));
      times.push(performance.now() - start);
    }
    return times;
  }
  return {
    learn,
    stop() {
      for (const agent of agents) agent.dispose();
    },
  };
}

function taskOf(batchSize, isTiny) {
  const side = sideOf(isTiny);
  return {
    environment: {
      observationSpec: { frameShape: [side, side], stackSize: 4, dtype: 'uint8' },
      actionCount: ACTIONS,
    },
    changes: {
      agent: { error: 'huber', batchSize },
      replay: { capacity: 4000 },
      ...(isTiny ? { network: TINY } : {}),
    },
  };
}

/** Fills an agent's replay with made-up frames; returns what makes more. */
function fillReplay({ replay }, isTiny) {
  const rng = createRng(1, 'bench');
  const words = sideOf(isTiny) ** 2 / 4;
  const frames = (count) => new Uint8Array(Uint32Array.from({ length: words * count }, () => rng.nextUint32()).buffer);
  for (let step = 0; step < 3000; step++) {
    replay.add({
      observation: frames(1),
      action: rng.nextInteger(ACTIONS),
      reward: rng.nextFloat(),
      terminated: false,
      truncated: false,
    });
  }
  return frames;
}
