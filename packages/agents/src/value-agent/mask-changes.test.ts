// What a change of masks does to the optimizer's memory: it forgets weights that left or came back, and no others.
import { createRng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { type DeepPartial, mergeConfig } from '../config/validate.ts';
import { getPreset } from '../presets/presets.ts';
import { fit, loadTestBackend, SMALL_SPEC, TINY } from '../testing/fixtures.ts';
import { createAgent } from './create-agent.ts';

await loadTestBackend();

/** Names of parameters end in names of others in each: an encoder's, an expert's or a router's layer and the head are all called Dense_0. */
const AGENTS: readonly (readonly [string, DeepPartial<AgentConfig>, readonly number[]])[] = [
  ['dqn-nature-soft-moe', { network: { moe: { router: { type: 'token-choice' } } } }, [12, 12]],
  ['dqn-nature-soft-moe', { network: { moe: { placement: 'both' } } }, [12, 12]],
  ['classic-control', {}, [288]],
];

describe.each(AGENTS)('%s with %j', (preset, changes, frameShape) => {
  it('forgets the moments of weights whose mask changes, and keeps all others', async () => {
    const tiny = fit(mergeConfig(getPreset(preset), changes), TINY, {
      network: { encoder: { hiddenUnits: [8], minimumValues: [], maximumValues: [] } },
    });
    const config = mergeConfig(tiny, {
      agent: { updateHorizon: 1 },
      sparsity: { method: 'set', sparsity: 0.5, distribution: 'uniform', updatePeriodUpdates: 3, endUpdates: 100 },
    });
    const stackSize = frameShape.length === 1 ? 1 : 2;
    const dtype = frameShape.length === 1 ? 'float32' : 'uint8';
    const agent = await createAgent(config, {
      environment: { ...SMALL_SPEC, observationSpec: { frameShape, stackSize, dtype } },
      seed: 1,
    });
    const rng = createRng(3, 'test');
    const observation = () => {
      const numbers = Array.from({ length: 288 }, () => rng.nextInteger(256));
      return dtype === 'uint8' ? Uint8Array.from(numbers) : Float32Array.from(numbers, (number) => number / 255);
    };
    let next = observation();
    for (let step = 1; step <= 8; step++) {
      const current = next;
      next = observation();
      await agent.observe({
        observation: current,
        action: step % 3,
        reward: step % 2,
        terminated: false,
        truncated: false,
        nextObservation: next,
      });
    }
    while (agent.updates < 3) await agent.learn();
    const read = async () =>
      structuredClone((await agent.getState()) as unknown as { variables: Record<string, Float32Array> }).variables;
    const before = await read();
    await agent.learn();
    const after = await read();
    agent.dispose();

    const moments = Object.keys(before).filter((name) => /^optimizer\/(first|second)Moment\//.test(name));
    const forgotten = new Set<string>();
    for (const name of moments) {
      const mask = `mask/${name.split('/').slice(2).join('/')}`;
      const expected = before[name]!.map((moment, index) =>
        mask in before && (before[mask]![index] === 0 || after[mask]![index] === 0) ? 0 : moment,
      );
      expect(after[name], name).toEqual(expected);
      if (expected.some((moment, index) => moment !== before[name]![index])) forgotten.add(name);
    }
    // Masks did change, where gradients had left something to forget; and parameters without one have moments.
    expect(forgotten.size).toBeGreaterThan(0);
    expect(moments.filter((name) => before[name]!.some((moment) => moment !== 0)).length).toBeGreaterThan(2);
  });
});
