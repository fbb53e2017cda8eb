// Any router in any agent: each one that is registered trains Catch, recorded as it does eagerly, and reports what it did.
import { runLoop } from '@moe-rl/core';
import { mixtureTypes } from '@moe-rl/moe-core';
import { catchBall } from '@moe-rl/small-environments';
import { describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { loadTestBackend } from '../testing/fixtures.ts';
import { createValueAgent } from '../value-agent/create-value-agent.ts';
import type { ValueAgent } from '../value-agent/value-agent.ts';

const { canRecord } = await loadTestBackend();

const CHANGES: DeepPartial<AgentConfig> = {
  network: {
    encoder: { type: 'minatar', widthScale: 0.25 },
    moe: { experts: 4, expertHiddenUnits: 8 },
    tokens: { type: 'perConv' },
  },
  agent: { batchSize: 8, minReplayHistoryAgentSteps: 20, updatePeriodAgentSteps: 1, targetUpdatePeriodAgentSteps: 10 },
  optimizer: { learningRate: 1e-3 },
  replay: { capacity: 500 },
};
/** Settings without which a router says nothing about itself here. */
const OPTIONS: Readonly<Record<string, object>> = { deepseek: { k: 2 } };
/** These route by chance or by a table. */
const WITHOUT_PARAMETERS = ['random', 'hash'];

const createOnCatch = (type: string, mode: 'auto' | 'eager'): Promise<ValueAgent> =>
  createValueAgent({
    config: mergeConfig(getPreset('dqn'), CHANGES, {
      network: { moe: { router: { type, ...OPTIONS[type] } } },
    } as object),
    environment: catchBall({ seed: 1 }),
    seed: 1,
    mode,
  });

async function train(agent: ValueAgent, steps: number): Promise<number[]> {
  const losses: number[] = [];
  let step = 0;
  for await (const { metrics } of runLoop({ environment: catchBall({ seed: 1 }), agent, seed: 1 })) {
    if (metrics?.['train/loss'] !== undefined) losses.push(metrics['train/loss']);
    if (++step >= steps) return losses;
  }
  return losses;
}

describe.each(mixtureTypes())('router %s', (type) => {
  it('trains on Catch and reports what it did', async () => {
    const agent = await createOnCatch(type, 'auto');
    const before = await agent.readParameters();
    const losses = await train(agent, 50);
    expect(losses.length).toBeGreaterThan(20);
    expect(losses.every(Number.isFinite)).toBe(true);
    const after = await agent.readParameters();
    const changed = agent.network.routerParameters.filter(
      (name) => before[name]!.data.join() !== after[name]!.data.join(),
    );
    if (WITHOUT_PARAMETERS.includes(type)) expect(changed).toEqual([]);
    else expect(changed).not.toEqual([]);
    const measured = await agent.measure();
    const load = Object.entries(measured).flatMap(([tag, share]) => (tag.startsWith('expert/load/') ? [share] : []));
    expect(load).toHaveLength(4);
    expect(load.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    const dropped = measured['router/droppedTokenFraction'];
    if (type === 'soft') expect(dropped).toBeUndefined();
    else expect(dropped! >= 0 && dropped! <= 1).toBe(true);
    agent.dispose();
  });

  it.skipIf(!canRecord)('learns recorded what it learns eagerly', async () => {
    const losses: number[][] = [];
    for (const mode of ['auto', 'eager'] as const) {
      const agent = await createOnCatch(type, mode);
      losses.push(await train(agent, 30));
      agent.dispose();
    }
    const [recorded, eager] = losses as [number[], number[]];
    for (const [index, loss] of eager.entries()) {
      expect(Math.abs(recorded[index]! - loss)).toBeLessThanOrEqual(2e-3 * Math.max(1, Math.abs(loss)));
    }
  });
});

it('refuses auxiliary losses that do not fit, with the reason', async () => {
  const create = (type: string, losses: object) =>
    createValueAgent({
      config: mergeConfig(
        getPreset('dqn'),
        CHANGES,
        { network: { moe: { router: { type } } } },
        { auxiliaryLosses: losses },
      ),
      environment: catchBall({ seed: 1 }),
    });
  await expect(create('expert-choice', { loadBalance: 1 })).rejects.toThrow(
    /auxiliaryLosses\.loadBalance is 1: .*expert-choice.*same load by construction/,
  );
  await expect(create('hash', { importance: 1 })).rejects.toThrow(/auxiliaryLosses\.importance is 1: .*table/);
  await expect(create('gshard-top-2', { load: 1 })).rejects.toThrow(
    /auxiliaryLosses\.load is 1: .*token-choice and switch/,
  );
});

it('runs host-side routers eagerly, and refuses to record them', async () => {
  const agent = await createOnCatch('base', 'auto');
  expect(agent.isRecorded).toBe(false);
  agent.dispose();
  const config = mergeConfig(getPreset('dqn'), CHANGES, { network: { moe: { router: { type: 'base' } } } });
  await expect(createValueAgent({ config, environment: catchBall({ seed: 1 }), mode: 'recorded' })).rejects.toThrow(
    'network.moe.router.type is base, which chooses on the host',
  );
});

it('moves the balance bias of deepseek against the load, by its rate', async () => {
  const agent = await createOnCatch('deepseek', 'auto');
  const bias = agent.network.routerParameters.find((name) => name.endsWith('balance_bias'))!;
  const read = async () => Array.from((await agent.readParameters())[bias]!.data);
  await train(agent, 30);
  const before = await read();
  await agent.learn();
  const after = await read();
  const steps = after.map((value, expert) => Math.round((value - before[expert]!) / 0.001));
  // Experts with less than their share go up, the others down.
  expect(steps.some((step) => step === 1) && steps.some((step) => step === -1)).toBe(true);
  expect(steps.every((step) => Math.abs(step) <= 1)).toBe(true);
  agent.dispose();
});

describe('the course of a mixture', () => {
  it('spawns EvoMoE experts from the first one within training, and goes on after a resume as if nothing had happened', async () => {
    const create = () =>
      createValueAgent({
        config: mergeConfig(getPreset('dqn'), CHANGES, {
          network: { moe: { router: { type: 'dense-to-sparse', sharedUpdates: 5, temperatureUpdates: 20 } } },
        }),
        environment: catchBall({ seed: 1 }),
        seed: 1,
      });
    const agent = await create();
    const kernel = Object.keys(agent.network.parameterShapes).find((name) => /ExpertModel_0\/.*kernel$/.test(name))!;
    const expert = async (index: number) => {
      const { data, shape } = (await agent.readParameters())[kernel]!;
      const size = data.length / shape[0]!;
      return Array.from(data.slice(index * size, (index + 1) * size));
    };
    await train(agent, 25);
    expect(agent.updates).toBe(5);
    const first = await expert(0);
    // In the stage of the shared expert only that one learns; the others wait with their first values.
    const other = await expert(1);
    expect(other).not.toEqual(first);
    await agent.learn();
    // Now each is the first one with some weights set to zero, an update later.
    const spawned = await expert(1);
    const near = spawned.filter((value, index) => Math.abs(value - first[index]!) < 5e-3).length;
    expect(near).toBeGreaterThan(spawned.length / 4);
    const saved = structuredClone({ agent: await agent.getState(), replay: agent.replay.getState() });
    const resumed = await create();
    await resumed.setState(saved.agent);
    resumed.replay.setState(saved.replay);
    const losses = [];
    for (const each of [agent, resumed])
      losses.push([(await each.learn())['train/loss'], (await each.learn())['train/loss']]);
    expect(losses[1]).toEqual(losses[0]);
    agent.dispose();
    resumed.dispose();
  });

  it('freezes StableMoE routers after the distillation', async () => {
    const agent = await createValueAgent({
      config: mergeConfig(getPreset('dqn'), CHANGES, {
        network: { moe: { router: { type: 'stable', distillationUpdates: 4 } } },
      }),
      environment: catchBall({ seed: 1 }),
      seed: 1,
    });
    const { schedule } = agent.network.mixtures[0]!;
    const { frozen } = schedule!.advance(1000);
    expect(frozen.length).toBeGreaterThan(0);
    const read = async () => {
      const parameters = await agent.readParameters();
      return frozen.map((name) => Array.from(parameters[name]!.data));
    };
    await train(agent, 22);
    const early = await read();
    await train(agent, 3);
    expect(await read()).not.toEqual(early);
    await train(agent, 4);
    const late = await read();
    await train(agent, 5);
    expect(agent.updates).toBeGreaterThan(8);
    expect(await read()).toEqual(late);
    agent.dispose();
  });
});

describe('the course of a mixture of whole networks', () => {
  const create = (router: object) =>
    createValueAgent({
      config: mergeConfig(getPreset('dqn'), {
        ...CHANGES,
        network: {
          encoder: { type: 'minatar', widthScale: 0.25 },
          hiddenUnits: 8,
          moe: { experts: 2, expertType: 'big', router },
        },
      } as DeepPartial<AgentConfig>),
      environment: catchBall({ seed: 1 }),
      seed: 1,
      mode: 'eager',
    });

  it('goes through StableMoE’s stages, and then keeps its distilled router', async () => {
    const agent = await create({ type: 'stable', distillationUpdates: 3 });
    await train(agent, 20);
    const { frozen } = agent.network.mixtures[0]!.schedule!.advance(3);
    const read = async () => {
      const parameters = await agent.readParameters();
      return frozen.map((name) => Array.from(parameters[name]!.data));
    };
    const states = [await read()];
    for (let update = 0; update < 5; update++) {
      await agent.learn();
      states.push(await read());
    }
    expect(agent.updates).toBe(5);
    expect(states[3]).not.toEqual(states[0]);
    expect(states[5]).toEqual(states[3]);
    agent.dispose();
  });

  it('refuses EvoMoE’s shared expert, from which no networks are spawned', async () => {
    await expect(create({ type: 'dense-to-sparse', sharedUpdates: 5 })).rejects.toThrow(
      'network.moe.router.sharedUpdates is 5, but network.moe.expertType is "big"; expected 0',
    );
  });
});

it('draws new noise for routers in the loss, from the agent’s own stream', async () => {
  const agent = await createOnCatch('noisy-top-k', 'auto');
  await train(agent, 25);
  const saved = structuredClone({ agent: await agent.getState(), replay: agent.replay.getState() });
  const learnAgain = async (change: (streams: Record<string, unknown>) => void): Promise<number> => {
    const state = structuredClone(saved);
    change(state.agent.streams as Record<string, unknown>);
    await agent.setState(state.agent);
    agent.replay.setState(state.replay);
    return (await agent.learn())['train/loss']!;
  };
  const loss = await learnAgain(() => {});
  expect(await learnAgain(() => {})).toBe(loss);
  const other = await learnAgain((streams) => {
    streams.routing = streams.sparsity;
  });
  expect(other).not.toBe(loss);
  agent.dispose();
});
