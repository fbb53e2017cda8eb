// Every kind of agent: the recorded graph gives what the eager step gives, noise and augmentation included; and a resumed run goes on exactly.
import type { AgentMetrics } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { createValueAgent } from './create-value-agent.ts';
import type { ValueAgent } from './value-agent.ts';

const VARIANTS: Readonly<Record<string, { preset: string; changes?: DeepPartial<AgentConfig> }>> = {
  dqn: { preset: 'dqn' },
  'dqn soft moe': { preset: 'dqn-nature-soft-moe' },
  'dqn soft moe, normalized': {
    preset: 'dqn-nature-soft-moe',
    changes: { network: { moe: { router: { isNormalized: true, initialScale: 4 } } } },
  },
  'dqn impala soft moe, shuffled tokens': {
    preset: 'dqn-soft-moe',
    changes: { network: { tokens: { type: 'shuffled' } } },
  },
  'dqn top-1 moe with auxiliary losses': {
    preset: 'dqn-top1-moe',
    changes: {
      auxiliaryLosses: { importance: 1, loadBalance: 0.01, routerZ: 0.001 },
      network: { encoder: { type: 'nature' } },
    },
  },
  'double dqn': { preset: 'double-dqn' },
  'dqn token mean': { preset: 'dqn-token-mean', changes: { network: { encoder: { type: 'nature' } } } },
  'final moe': { preset: 'dqn-nature-soft-moe', changes: { network: { moe: { placement: 'final' } } } },
  'two moes, extra layer': {
    preset: 'dqn-nature-soft-moe',
    changes: { network: { moe: { placement: 'both' }, extraLinearLayer: true } },
  },
  'mixtures everywhere': {
    preset: 'dqn-nature-soft-moe',
    changes: { network: { moe: { placement: 'all', router: { slotsPerExpert: 2 } } } },
  },
  'noisy mixtures everywhere': {
    preset: 'rainbow-soft-moe',
    changes: { network: { encoder: { type: 'nature' }, moe: { placement: 'all', router: { slotsPerExpert: 2 } } } },
  },
  'big experts with heads of their own': {
    preset: 'dqn-nature-soft-moe',
    changes: { network: { moe: { expertType: 'big' } } },
  },
  'big experts of top-1 routing': {
    preset: 'dqn-top1-moe',
    changes: { network: { encoder: { type: 'nature' }, moe: { expertType: 'big' } } },
  },
  'big noisy experts with one head': {
    preset: 'rainbow-soft-moe',
    changes: { network: { encoder: { type: 'nature' }, moe: { expertType: 'big' } } },
  },
  rainbow: { preset: 'rainbow' },
  'rainbow soft moe': { preset: 'rainbow-soft-moe', changes: { network: { encoder: { type: 'nature' } } } },
  'rainbow top-1 moe': { preset: 'rainbow-top1-moe', changes: { network: { encoder: { type: 'nature' } } } },
  'der soft moe': { preset: 'der-soft-moe' },
  'drq(eps)': { preset: 'drq-eps' },
  'cql with dr3': {
    preset: 'cql',
    changes: { network: { encoder: { type: 'nature' } }, agent: { coadaptationCoefficient: 0.1 } },
  },
  'cql c51': { preset: 'cql-c51', changes: { network: { encoder: { type: 'nature' } } } },
  'own optimizer of routers, rmsprop, weight decay': {
    preset: 'dqn-nature-soft-moe',
    changes: {
      optimizer: { type: 'rmsprop', centered: true, weightDecay: 0.01 },
      routerOptimizer: { type: 'adam', learningRate: 0.1, annealUpdates: 10 },
    },
  },
  rigl: {
    preset: 'dqn',
    changes: { sparsity: { method: 'rigl', sparsity: 0.5, updatePeriodUpdates: 3, endUpdates: 100 } },
  },
};

const config = (name: string): AgentConfig => {
  const { preset, changes = {} } = VARIANTS[name]!;
  const { updateHorizon } = getPreset(preset).agent;
  // Types first: what is small depends on them.
  const tiny = mergeConfig(fit(mergeConfig(getPreset(preset), changes), TINY), {
    agent: { updatePeriodAgentSteps: 2, updateHorizon: Math.min(updateHorizon, 3), minReplayHistoryAgentSteps: 8 },
  });
  return mergeConfig(tiny, changes);
};

const ROUTER_TAGS = {
  none: [],
  soft: ['router/dispatchEntropy', 'router/combineEntropy'],
  'token-choice': ['router/entropy', 'router/droppedTokenFraction'],
};

const { canRecord } = await loadTestBackend();

async function train(
  agent: ValueAgent,
  transitions: ReturnType<typeof randomTransitions>,
  steps: number,
): Promise<AgentMetrics[]> {
  const metrics: AgentMetrics[] = [];
  for (let step = 0; step < steps; step++) {
    const update = await agent.observe(transitions.next().value);
    if (update) metrics.push(update);
  }
  return metrics;
}

/** One of each kind of state: uniform and prioritized replay, noise, augmentation, several optimizers, masks. */
const RESUMED = [
  'dqn soft moe',
  'rainbow soft moe',
  'drq(eps)',
  'own optimizer of routers, rmsprop, weight decay',
  'rigl',
];

describe('the recorded step equals the eager one', () => {
  it.skipIf(!canRecord).each(Object.keys(VARIANTS))('%s', async (name) => {
    const results: { metrics: AgentMetrics[]; values: Float32Array; evaluation: Float32Array }[] = [];
    for (const mode of ['eager', 'recorded'] as const) {
      const agent = await createValueAgent({ config: config(name), environment: SMALL_SPEC, seed: 3, mode });
      expect(agent.isRecorded).toBe(mode === 'recorded');
      const metrics = await train(agent, randomTransitions(5), 16);
      const probe = randomTransitions(9).next().value.observation;
      results.push({ metrics, values: await agent.values(probe, 'train'), evaluation: await agent.values(probe) });
      const measured = await agent.measure();
      expect(measured['network/effectiveRank']).toBeGreaterThan(0);
      expect(ROUTER_TAGS[agent.network.config.moe.router.type as keyof typeof ROUTER_TAGS]).toEqual(
        Object.keys(measured).filter((tag) => tag.startsWith('router/')),
      );
      agent.dispose();
    }
    const [eager, recorded] = results as [(typeof results)[0], (typeof results)[0]];
    expect(recorded.metrics.length).toBe(eager.metrics.length);
    expect(eager.metrics.length).toBeGreaterThanOrEqual(3);
    for (const [index, metrics] of eager.metrics.entries()) {
      for (const [tag, value] of Object.entries(metrics)) expectClose(recorded.metrics[index]![tag]!, value);
    }
    for (const [index, value] of eager.values.entries()) expectClose(recorded.values[index]!, value);
    for (const [index, value] of eager.evaluation.entries()) expectClose(recorded.evaluation[index]!, value);
  });
});

describe('a resumed agent goes on exactly', () => {
  it.each(RESUMED)('%s', async (name) => {
    const agentConfig = config(name);
    const create = () => createValueAgent({ config: agentConfig, environment: SMALL_SPEC, seed: 3 });
    const straight = await create();
    const transitions = randomTransitions(5);
    await train(straight, transitions, 15);
    const saved = { agent: await straight.getState(), replay: straight.replay.getState() };
    const rest = Array.from({ length: 9 }, () => transitions.next().value);
    const resumed = await createValueAgent({ config: agentConfig, environment: SMALL_SPEC, seed: 77 });
    await resumed.setState(structuredClone(saved.agent));
    resumed.replay.setState(structuredClone(saved.replay));
    const again = async (agent: ValueAgent) => {
      const log: unknown[] = [];
      for (const transition of rest)
        log.push(await agent.act(transition.observation, 'train'), await agent.observe(transition));
      return log;
    };
    expect(await again(resumed)).toEqual(await again(straight));
    expect(resumed.updates).toBe(straight.updates);
    expect(await resumed.getState()).toEqual(await straight.getState());
    straight.dispose();
    resumed.dispose();
  });
});

describe('evaluating in between changes nothing in training', () => {
  it.each(['dqn soft moe', 'rainbow soft moe'])('%s', async (name) => {
    const run = async (evaluates: boolean) => {
      const agent = await createValueAgent({
        config: mergeConfig(config(name), { agent: { epsilonEvaluate: 0.5 } }),
        environment: SMALL_SPEC,
        seed: 3,
      });
      const probes = randomTransitions(8);
      const log: unknown[] = [];
      for (const transition of take(randomTransitions(5), 20)) {
        log.push(await agent.act(transition.observation, 'train'), await agent.observe(transition));
        if (!evaluates) continue;
        for (const { observation } of take(probes, 3)) await agent.act(observation, 'evaluate');
        await agent.values(transition.observation, 'train');
        await agent.values(transition.observation);
        if (agent.replay.sampleableTransitions > 0) await agent.measure();
      }
      const { variables, streams } = (await agent.getState()) as unknown as Record<'variables' | 'streams', object>;
      // Streams too: a value that other noise left the largest would hide a draw.
      const trainingStreams = Object.entries(streams).filter(([name]) => !/^(evaluate|inspect|measure)/.test(name));
      log.push(variables, trainingStreams);
      agent.dispose();
      return log;
    };
    expect(await run(true)).toEqual(await run(false));
  });
});

function take<T>(iterator: Iterator<T>, count: number): T[] {
  return Array.from({ length: count }, () => iterator.next().value as T);
}

/** The same to float32 rounding of other kernels in the same order: a graph may fuse what runs one by one eagerly. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(2e-3 * Math.max(1, Math.abs(expected)));
}
