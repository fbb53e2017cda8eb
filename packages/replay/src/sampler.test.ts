// The samplers by themselves and in the ring: what is out of the ring is out of the draw, priority included.
import { CheckpointError, createRng, InvalidArgumentError } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { importanceWeights } from './importance-weights.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { createSampler, type Sampler } from './sampler.ts';

const prioritized = (capacity = 8): Sampler =>
  createSampler({ kind: 'prioritized', draws: 'independent' }, capacity, createRng(4, 'sampler'));

function drawn(sampler: Sampler, count: number): { indices: Int32Array; weights: Float32Array } {
  const indices = new Int32Array(count);
  const weights = new Float32Array(count);
  sampler.draw(indices, weights, 8);
  return { indices, weights };
}

describe('a slot that leaves the sampler', () => {
  it('loses its priority: it is not drawn, and the others’ weights don’t count it', () => {
    const sampler = prioritized();
    for (const slot of [0, 1, 2]) sampler.add(slot);
    sampler.updatePriorities([0, 1, 2], [1000, 1, 3]);
    sampler.remove(0);
    expect((sampler.getState().priorities as Float64Array)[0]).toBe(0);
    const { indices, weights } = drawn(sampler, 400);
    expect(new Set(indices)).toEqual(new Set([1, 2]));
    const often = indices.filter((slot) => slot === 2).length;
    expect(Math.abs(often - 300)).toBeLessThan(60);
    // (1 / P) ** 0.5 over the largest: 1 for priority 1, 3 ** -0.5 for priority 3.
    for (const [row, slot] of indices.entries()) expect(weights[row]).toBeCloseTo(slot === 1 ? 1 : 3 ** -0.5, 5);
  });

  it('takes no priority while it is out, and comes back with the largest so far', () => {
    const sampler = prioritized();
    sampler.add(0);
    sampler.add(1);
    sampler.remove(0);
    sampler.updatePriorities([0], [5]);
    expect((sampler.getState().priorities as Float64Array)[0]).toBe(0);
    sampler.add(0);
    expect((sampler.getState().priorities as Float64Array)[0]).toBe(5);
  });
});

describe('priorities as large as numbers get', () => {
  it('are drawn in proportion up to where their sum is infinite, and refused beyond, with nothing changed', () => {
    const sampler = prioritized();
    for (const slot of [0, 1, 2, 3]) sampler.add(slot);
    const largest = Number.MAX_VALUE / 8;
    sampler.updatePriorities([0, 1, 2, 3], [largest, largest, largest, largest]);
    expect(new Set(drawn(sampler, 100).indices)).toEqual(new Set([0, 1, 2, 3]));
    const before = sampler.getState();
    // Their sum would be infinite: one slot alone would be drawn, with weight 1.
    expect(() => sampler.updatePriorities([0, 1], [2, 1e308])).toThrow(InvalidArgumentError);
    expect(sampler.getState()).toEqual(before);
  });

  it('count as their powers, and a refused one leaves new transitions as they were', () => {
    const sampler = createSampler({ kind: 'prioritized', priorityExponent: 2 }, 8, createRng(4, 'sampler'));
    sampler.add(0);
    sampler.add(1);
    expect(() => sampler.updatePriorities([0, 1], [5, 1e200])).toThrow('position 1 is 1e+200 for index 1');
    sampler.add(2);
    expect(Array.from(sampler.getState().priorities as Float64Array).slice(0, 3)).toEqual([1, 1, 1]);
  });

  it('leave weights that are numbers, whatever the exponent of importance', () => {
    const weights = importanceWeights([0.5, 0.25, 0.25], 1100);
    expect(Array.from(weights)).toEqual([0, 1, 1]);
    expect(importanceWeights([0.5, 0.49], 1100)[0]).toBeCloseTo((0.49 / 0.5) ** 1100, 12);
    expect(Array.from(importanceWeights([0.5, 0.25], 2))).toEqual([0.25, 1]);
  });
});

describe('a ring that comes around', () => {
  it('forgets the priority of every slot that it overwrites', () => {
    const replay = new ReplayBuffer({
      observationSpec: { frameShape: [1], stackSize: 2, dtype: 'uint8' },
      capacity: 16,
      updateHorizon: 2,
      sampling: { kind: 'prioritized' },
      rng: createRng(1, 'replay'),
    });
    for (let step = 0; step < 60; step++) {
      const terminated = step % 5 === 4;
      replay.add({ observation: Uint8Array.of(step), action: 0, reward: 0, terminated, truncated: false });
      const sampleable = Array.from({ length: 16 }, (_, slot) => slot).filter((slot) => replay.isSampleable(slot));
      if (sampleable.length === 0) continue;
      replay.updatePriorities(
        sampleable,
        sampleable.map((slot) => slot + 1),
      );
      const { priorities } = replay.getState().sampler as { priorities: Float64Array };
      expect(Array.from(priorities)).toEqual(
        Array.from(priorities, (_, slot) => (replay.isSampleable(slot) ? slot + 1 : 0)),
      );
      for (const slot of replay.sample(32).indices) expect(replay.isSampleable(slot)).toBe(true);
    }
  });
});

describe('a sampler’s state', () => {
  it('is refused when it does not add up, and changes nothing then', () => {
    const sampler = prioritized(4);
    for (const slot of [0, 1]) sampler.add(slot);
    const state = sampler.getState();
    const bad = [
      { ...state, sampleable: Uint8Array.of(1, 1, 2, 0) },
      { ...state, priorities: Float64Array.of(1, 1, 1, 0) },
      { ...state, maxRecordedPriority: Number.NaN },
      { ...state, priorities: new Float64Array(3) },
    ];
    for (const wrong of bad) expect(() => sampler.setState(wrong)).toThrow(CheckpointError);
    expect(sampler.getState()).toEqual(state);
    const uniform = createSampler({ kind: 'uniform' }, 2, createRng(1));
    expect(() => uniform.setState({ kind: 'uniform', sampleable: Uint8Array.of(1, 9) })).toThrow('marked 9');
  });
});
