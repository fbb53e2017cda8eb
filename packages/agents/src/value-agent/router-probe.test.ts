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

describe.each(['soft', 'token-choice', 'expert-choice', 'dynmole'])('an agent with router %s', (type) => {
  const changes = {
    network: { moe: { experts: 4, router: { type } } },
    statistics: { periodUpdates: 2, followsRouters: true },
  };
  const make = (): Promise<ValueAgent> =>
    createAgent(fit(mergeConfig(getPreset('dqn'), { network: { encoder: { type: 'nature' } } }), TINY), {
      environment: SMALL_SPEC,
      seed: 1,
      changes: changes as object,
    });

  it('follows its choices for one batch', async () => {
    const agent = await make();
    for (const transition of randomTransitions(40)) await agent.observe(transition);
    const reports: Record<string, number>[] = [];
    for (let update = agent.updates; update < 60; update++) {
      const metrics = await agent.learn();
      if (metrics['router/utilization'] !== undefined) reports.push(metrics as Record<string, number>);
    }
    expect(reports.length).toBeGreaterThan(5);
    for (const report of reports) {
      expect(report['router/utilization']).toBeGreaterThanOrEqual(0.25);
      expect(report['router/utilization']).toBeLessThanOrEqual(1);
    }
    const last = reports.at(-1)!;
    expect(last['router/changeRate']).toBeGreaterThanOrEqual(0);
    const rows = saturations(agent.routerSaturation());
    expect(rows.length).toBeGreaterThanOrEqual(reports.length);
    expect(rows.at(-1)![1]).toBe(1);
    expect(rows[0]![1]).toBeCloseTo(last['router/keptFromFirst']!, 12);
    const other = await make();
    await other.setState(await agent.getState());
    expect(other.routerSaturation()).toEqual(agent.routerSaturation());
    agent.dispose();
    other.dispose();
  });
});
