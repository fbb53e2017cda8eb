// The course of the routers: what the probe keeps, and that an agent of any mixture reports it, the same after a restart.
import type { MetricRow } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, randomTransitions, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { createAgent } from './create-agent.ts';
import { RouterProbe } from './router-probe.ts';
import type { ValueAgent } from './value-agent.ts';

await loadTestBackend();

const saturations = (rows: readonly MetricRow[]): [number, number][] =>
  rows.map(({ agentSteps, values }) => [agentSteps, values['router/saturation']!]);

describe('RouterProbe', () => {
  // Two tokens, three experts.
  const choose = (first: number, second: number): number[] =>
    [first, second].flatMap((chosen) => [0, 1, 2].map((expert) => +(expert === chosen)));

  it('tells the change and the use of experts at once, and the saturation of every checkpoint at the end', () => {
    const probe = new RouterProbe(3);
    expect(probe.saturation()).toEqual([]);
    expect(probe.record(10, choose(0, 1))).toEqual({ 'router/utilization': 2 / 3 });
    expect(probe.record(20, choose(0, 0))).toEqual({
      'router/utilization': 1 / 3,
      'router/changeRate': 0.5,
      'router/keptFromFirst': 0.5,
    });
    const restored = new RouterProbe(3);
    restored.setState(structuredClone(probe.getState()));
    for (const one of [probe, restored]) {
      one.record(30, choose(2, 0));
      expect(saturations(one.saturation())).toEqual([
        [10, 0],
        [20, 0.5],
        [30, 1],
      ]);
    }
    expect(restored.getState()).toEqual(probe.getState());
  });

  it('leaves out every second checkpoint when there are many, never the first or the newest', () => {
    const probe = new RouterProbe(3);
    for (let step = 0; step < 300; step++) probe.record(step, choose(step % 3, 0));
    const steps = probe.saturation().map(({ agentSteps }) => agentSteps);
    expect(steps.length).toBeLessThanOrEqual(130);
    expect(steps.slice(0, 3)).toEqual([0, 4, 8]);
    expect(steps.at(-1)).toBe(299);
  });
});

describe('a restored RouterProbe', () => {
  it('keeps its checkpoints where two were recorded at one agent step', () => {
    const probe = new RouterProbe(2);
    const restored = new RouterProbe(2);
    // The 128th and 129th fall on one step, and so do 130th and 131st, of which every second is kept by then.
    for (let count = 1; count <= 130; count++) probe.record(Math.ceil(count / 2), count === 130 ? [0, 1] : [1, 0]);
    probe.record(65, [0, 1]);
    probe.record(66, [1, 0]);
    probe.record(66, [0, 1]);
    probe.record(66, [1, 0]);
    restored.setState(structuredClone(probe.getState()));
    expect(saturations(restored.saturation())).toEqual(saturations(probe.saturation()));
    expect(restored.record(67, [0, 1])).toEqual(probe.record(67, [0, 1]));
    expect(saturations(restored.saturation())).toEqual(saturations(probe.saturation()));
  });
});

describe('an agent', () => {
  const make = (type: string, mode: 'auto' | 'eager'): Promise<ValueAgent> =>
    createAgent(fit(mergeConfig(getPreset('dqn'), { network: { encoder: { type: 'nature' } } }), TINY), {
      environment: SMALL_SPEC,
      seed: 1,
      mode,
      changes: {
        network: { moe: { experts: 4, router: { type } } },
        statistics: { periodUpdates: 1, followsRouters: true },
      } as object,
    });
  const train = async (agent: ValueAgent, updates: number): Promise<Record<string, number>[]> => {
    const transitions = randomTransitions(1);
    for (let step = 0; step < 12; step++) await agent.observe(transitions.next().value);
    const reports: Record<string, number>[] = [];
    for (let update = 0; update < updates; update++) reports.push((await agent.learn()) as Record<string, number>);
    return reports;
  };

  it.each(['soft', 'token-choice', 'expert-choice', 'dynmole'])('with router %s follows its choices', async (type) => {
    const agent = await make(type, 'eager');
    const reports = await train(agent, 3);
    for (const report of reports) {
      expect(report['router/utilization']).toBeGreaterThanOrEqual(0.25);
      expect(report['router/utilization']).toBeLessThanOrEqual(1);
    }
    expect(reports.at(-1)!['router/changeRate']).toBeGreaterThanOrEqual(0);
    const rows = saturations(agent.routerSaturation());
    expect(rows.at(-1)![1]).toBe(1);
    expect(rows[0]![1]).toBeCloseTo(reports.at(-1)!['router/keptFromFirst']!, 12);
    agent.dispose();
  });

  it('goes on following them after a restart, as a recorded program too', async () => {
    const agent = await make('token-choice', 'auto');
    await train(agent, 2);
    const other = await make('token-choice', 'eager');
    await other.setState(await agent.getState());
    expect(other.routerSaturation()).toEqual(agent.routerSaturation());
    const before = agent.routerSaturation().length;
    await agent.learn();
    expect(agent.routerSaturation().length).toBe(before + 1);
    agent.dispose();
    other.dispose();
  });
});
