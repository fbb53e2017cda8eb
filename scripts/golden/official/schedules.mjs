// Official schedules: at which agent steps updates and target copies happen. Compared with our rule row by row, and with a whole small agent of ours that goes
// through the same transitions (docs/differences-agents.md says how agent steps correspond).
import { createAgent } from '../../../packages/agents/src/index.ts';
import { dueOffline, dueWork } from '../../../packages/agents/src/value-agent/schedule.ts';
import { lookUp } from './networks.mjs';

const AGENTS = {
  'dopamine.jax.agents.dqn.dqn_agent.JaxDQNAgent': { kind: 'online' },
  'dopamine.jax.agents.full_rainbow.full_rainbow_agent.JaxFullRainbowAgent': { kind: 'online' },
  'dopamine.labs.offline_rl.jax.offline_dr3_agent.OfflineJaxDR3Agent': { kind: 'offline' },
  'dopamine.labs.offline_rl.jax.offline_rainbow_agent.OfflineJaxRainbowAgent': { kind: 'offline', countsTwice: true },
};

export function* scheduleChecks(vector, adapter) {
  const { config, outputs } = vector;
  const { kind, countsTwice = false } = lookUp('agent', AGENTS, config.agent);
  const rows = outputs.log.map((row) => Object.fromEntries(row.map((value, at) => [outputs.log_columns[at], value])));
  const schedule = {
    minReplayHistoryAgentSteps: config.min_replay_history,
    updatePeriodAgentSteps: config.update_period,
    targetUpdatePeriodAgentSteps: config.target_update_period,
    updatesPerPeriod: config.num_updates_per_train_step,
    updateHorizon: config.update_horizon ?? 1,
  };
  const stackSize = config.stack_size ?? 1;
  const check = (run) => ({
    name: adapter.name,
    async run() {
      if (rows.length !== config.total) throw new Error(`${rows.length} rows; expected ${config.total}`);
      expectLists(outputs, rows);
      await adapter.activate();
      await run();
    },
  });
  if (kind === 'online') {
    yield check(async () => {
      expectRows(rows, (row) => dueWork(schedule, row.agent_step, row.add_count));
      const ours = await runOnline(schedule, stackSize, config.episode_lengths, config.total);
      // Before the official accumulator has counted enough we may have started: it is late by n, and ours is the rule's own count.
      expectRows(rows, (row) =>
        row.add_count > config.min_replay_history
          ? ours[row.agent_step]
          : dueWork(schedule, row.agent_step, row.add_count),
      );
      expectRows(
        rows.map(({ agent_step }) => ({ agent_step, ...asRow(dueWork(schedule, agent_step, agent_step)) })),
        (row) => ours[row.agent_step],
      );
    });
    const lag = rows.filter(
      (row) => row.add_count <= config.min_replay_history && row.agent_step > config.min_replay_history,
    );
    if (lag.length > 0) {
      yield {
        knownDifference: `the official accumulator counts a transition n steps late, so learning may start at agent step ${lag.at(-1).agent_step + 1}; ours at ${config.min_replay_history + 1}`,
      };
    }
    return;
  }
  yield check(async () => {
    expectRows(rows, (row) => {
      const due = dueOffline(schedule, row.agent_step);
      const again = countsTwice && due.updates > 0 && dueOffline(schedule, row.agent_step + 1).syncsTarget;
      return { updates: due.updates, syncsTarget: due.syncsTarget || again };
    });
    const ours = await runOffline(schedule, stackSize, config.total);
    if (!countsTwice) expectRows(rows, (row) => ours[row.call]);
  });
  if (countsTwice) {
    yield {
      knownDifference:
        'the official CQL-C51 counts an agent step twice per call that trains; ours once, so periods are what they say',
    };
  }
}

const asRow = ({ updates, syncsTarget }) => ({ updates, syncs: +syncsTarget });

/** Compares `rule(row)` with each row. */
function expectRows(rows, rule) {
  for (const row of rows) {
    const { updates, syncs } = asRow(rule(row));
    if (updates !== row.updates || syncs !== row.syncs)
      throw new Error(
        `agent step ${row.agent_step}: ${updates} updates and ${syncs} copies; expected ${row.updates} and ${row.syncs}`,
      );
  }
}

/** The lists beside the log must say the same, by agent step or (offline) by call. */
function expectLists({ update_steps, sync_steps }, rows) {
  const at = (row) => ('stored_transitions' in row ? row.agent_step : row.call);
  const updates = rows.filter((row) => row.updates > 0).map(at);
  const syncs = rows.filter((row) => row.syncs > 0).map(at);
  if (updates.join() !== [...new Set(update_steps)].join())
    throw new Error(`update_steps are ${update_steps}; the log has ${updates}`);
  if (syncs.join() !== sync_steps.join()) throw new Error(`sync_steps are ${sync_steps}; the log has ${syncs}`);
}

/** A small agent with this schedule. */
const makeAgent = (schedule, stackSize) =>
  createAgent('classic-control', {
    environment: { observationSpec: { frameShape: [2], stackSize, dtype: 'float32' }, actionCount: 2 },
    mode: 'eager',
    changes: {
      network: { encoder: { hiddenUnits: [4] }, hiddenUnits: 4 },
      agent: { ...schedule, batchSize: 2 },
      replay: { capacity: 500 },
    },
  });

/** Calls `step(agent, index)` and notes what it did: updates made, and whether the target is the online network as it was marked before. */
async function watch(agent, index, step) {
  const name = Object.keys(agent.network.parameterShapes).find((parameter) => parameter.endsWith('bias'));
  const { shape, data } = (await agent.readParameters())[name];
  const marked = data.map((value, at) => (at === 0 ? 1000 + index : value));
  await agent.writeParameters({ [name]: { shape, data: marked } });
  const before = agent.updates;
  await step();
  const { variables } = await agent.getState();
  return {
    updates: agent.updates - before,
    syncsTarget: Math.abs(variables[`target/${name}`][0] - (1000 + index)) < 0.5,
  };
}

const observation = (index, stackSize) => Float32Array.from({ length: 2 * stackSize }, (_, at) => Math.sin(index + at));

/** Goes through the episodes; `[agent step]` is what happened then. */
async function runOnline(schedule, stackSize, episodeLengths, total) {
  const agent = await makeAgent(schedule, stackSize);
  const happened = [{ updates: 0, syncsTarget: false }];
  const lengths = [...episodeLengths];
  let left = lengths.shift() ?? Number.POSITIVE_INFINITY;
  for (let index = 1; index < total; index++) {
    const terminated = --left === 0;
    if (terminated) left = lengths.shift() ?? Number.POSITIVE_INFINITY;
    happened[index] = await watch(agent, index, () =>
      agent.observe({
        observation: observation(index, stackSize),
        action: index % 2,
        reward: 1,
        terminated,
        truncated: false,
        nextObservation: observation(index + 1, stackSize),
      }),
    );
  }
  agent.dispose();
  return happened;
}

/** Learns from transitions that are there already; `[call]` is what happened then. */
async function runOffline(schedule, stackSize, total) {
  const agent = await makeAgent(schedule, stackSize);
  for (let index = 0; index < 20; index++) {
    agent.replay.add({
      observation: observation(index, stackSize),
      action: index % 2,
      reward: 1,
      terminated: index % 7 === 6,
      truncated: false,
      nextObservation: observation(index + 1, stackSize),
    });
  }
  const happened = [];
  for (let call = 0; call < total; call++) happened[call] = await watch(agent, call, () => agent.trainOffline());
  agent.dispose();
  return happened;
}
