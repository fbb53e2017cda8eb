// The replay buffer against a naive list of whole transitions, its bad-input behavior, its snapshots.
import {
  CheckpointError,
  createRng,
  InvalidArgumentError,
  NonFiniteError,
  ShapeError,
  type StateTree,
} from '@moe-rl/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayBuffer } from './replay-buffer.ts';
import type { ReplayBufferConfig } from './replay-interface.ts';

const pixel = { frameShape: [1], stackSize: 1, dtype: 'uint8' } as const;

function buffer(overrides: Partial<ReplayBufferConfig> = {}): ReplayBuffer {
  return new ReplayBuffer({
    observationSpec: { frameShape: [2, 3], stackSize: 4, dtype: 'uint8' },
    capacity: 64,
    rng: createRng(5, 'replay'),
    ...overrides,
  });
}

const frame = (value: number) => new Uint8Array(6).fill(value);

describe('against a naive list of transitions', () => {
  const episode = fc.record({
    length: fc.integer({ min: 1, max: 9 }),
    end: fc.constantFrom('terminated', 'truncated', 'interrupted'),
  });

  it('holds exactly the transitions of the newest slots, with right windows', () => {
    fc.assert(
      fc.property(
        fc.array(episode, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(1, 2, 3, 5, 10),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (episodes, stackSize, n, extraCapacity, chunkSlots, isWhole) => {
          const gamma = 0.9;
          const capacity = stackSize + n + 1 + extraCapacity;
          const replay = new ReplayBuffer({
            observationSpec: { frameShape: [2], stackSize, dtype: 'float32' },
            capacity,
            updateHorizon: n,
            discountFactor: gamma,
            chunkSlots,
            rng: createRng(1),
          });
          // The naive list: one entry per slot, as the documentation lays them out, whole stacks included.
          const slots: (
            | { stack: number[]; next: number[]; reward: number; discount: number; action: number }
            | undefined
          )[] = [];
          let clock = 0;
          for (const { length, end } of episodes) {
            const frames = Array.from({ length: length + 1 }, (_, k) => clock + k + 1);
            clock += length + 1;
            const at = (k: number) => (k < 0 ? 0 : frames[k]!);
            const stackAt = (k: number) => Array.from({ length: stackSize }, (_, f) => at(k - stackSize + 1 + f));
            const flat = (stack: number[]) => Float32Array.from(stack.flatMap((value) => [value, -value]));
            for (let pad = 0; pad < stackSize - 1; pad++) slots.push(undefined);
            for (let k = 0; k < length; k++) {
              const isLast = k === length - 1;
              const give = (step: number) => flat(isWhole ? stackAt(step) : [at(step)]);
              replay.add({
                observation: give(k),
                action: frames[k]!,
                reward: frames[k]! / 8,
                terminated: isLast && end === 'terminated',
                truncated: isLast && end === 'truncated',
                nextObservation: give(k + 1),
              });
              const steps = Math.min(n, length - k);
              const reachesEnd = k + n >= length;
              let reward = 0;
              for (let j = 0; j < steps; j++) reward += gamma ** j * (frames[k + j]! / 8);
              // Interrupted: the observation after the last step is unknown.
              const isLost = end === 'interrupted' && k + n > length - 1;
              slots.push(
                isLost
                  ? undefined
                  : {
                      stack: stackAt(k),
                      next: stackAt(k + steps),
                      reward,
                      discount: reachesEnd && end === 'terminated' ? 0 : gamma ** steps,
                      action: frames[k]!,
                    },
              );
            }
            if (end === 'truncated') slots.push(undefined);
            if (end === 'interrupted') replay.interruptEpisode();
          }
          const written = slots.length;
          expect(replay.size).toBe(Math.min(written, capacity));
          for (let slot = 0; slot < capacity; slot++) {
            const passes = Math.floor((written - 1 - slot) / capacity);
            const position = slot + passes * capacity;
            const expected = slot < written ? slots[position] : undefined;
            const isBehindWindow = position < written - n;
            const isStackIntact = written < capacity || position > written - capacity + stackSize - 1;
            const isExpected = expected !== undefined && isBehindWindow && isStackIntact;
            expect(replay.isSampleable(slot)).toBe(isExpected);
            if (!isExpected || expected === undefined) continue;
            const batch = replay.gather([slot]);
            const plain = Array.from(batch.frames).filter((_, index) => index % 2 === 0);
            expect(plain.slice(0, stackSize)).toEqual(expected.stack);
            if (expected.discount > 0) expect(plain.slice(replay.nextObservationOffset)).toEqual(expected.next);
            expect(batch.rewards[0]).toBeCloseTo(expected.reward, 4);
            expect(batch.discounts[0]).toBeCloseTo(expected.discount, 6);
            expect(batch.actions[0]).toBe(expected.action);
          }
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });

  it('draws only sampleable transitions, uniformly', () => {
    const replay = buffer({ capacity: 40, updateHorizon: 3 });
    for (let step = 0; step < 100; step++) {
      replay.add({ observation: frame(step), action: step, reward: 0, terminated: step % 7 === 6, truncated: false });
    }
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 1000; draw++) {
      for (const index of replay.sample(32).indices) counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    expect(counts.size).toBe(replay.sampleableTransitions);
    const expected = 32_000 / counts.size;
    for (const [slot, count] of counts) {
      expect(replay.isSampleable(slot)).toBe(true);
      expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected));
    }
  });

  it('keeps the older frames of the first observation of an episode as they were given', () => {
    const replay = buffer({ observationSpec: { ...pixel, stackSize: 3 } });
    replay.add({ observation: Uint8Array.of(9, 9, 9), action: 0, reward: 0, terminated: false, truncated: false });
    replay.add({ observation: Uint8Array.of(9, 9, 10), action: 0, reward: 0, terminated: true, truncated: false });
    replay.add({ observation: Uint8Array.of(11), action: 0, reward: 0, terminated: false, truncated: false });
    expect(Array.from(replay.gather([2]).frames)).toEqual([9, 9, 9, 10]);
  });
});

describe('prioritized sampling', () => {
  const filled = (draws: 'stratified' | 'independent', steps = 30) => {
    const replay = buffer({ sampling: { kind: 'prioritized', draws }, observationSpec: pixel });
    for (let step = 0; step < steps; step++) {
      replay.add({ observation: Uint8Array.of(step), action: 0, reward: 0, terminated: false, truncated: false });
    }
    return replay;
  };

  it.each(['stratified', 'independent'] as const)('draws in proportion to priorities (%s)', (draws) => {
    const replay = filled(draws);
    const all = Array.from({ length: 28 }, (_, slot) => slot);
    replay.updatePriorities(
      all,
      all.map((slot) => (slot < 4 ? slot : 0)),
    );
    const counts = new Array<number>(64).fill(0);
    for (let draw = 0; draw < 2000; draw++) for (const index of replay.sample(6).indices) counts[index]!++;
    // Slot 28 has the priority of new transitions, the largest so far at its time: 1.
    const expected = { 1: 1, 2: 2, 3: 3, 28: 1 };
    for (const [slot, priority] of Object.entries(expected)) {
      expect(Math.abs(counts[Number(slot)]! / 12_000 - priority / 7)).toBeLessThan(0.02);
    }
    expect(counts.reduce((sum, count, slot) => sum + (slot in expected ? count : 0), 0)).toBe(12_000);
  });

  it('gives new transitions the largest priority so far', () => {
    const replay = filled('independent');
    replay.updatePriorities([0], [50]);
    replay.updatePriorities(
      Array.from({ length: 29 }, (_, slot) => slot),
      new Array(29).fill(0),
    );
    replay.add({ observation: Uint8Array.of(1), action: 0, reward: 0, terminated: false, truncated: false });
    expect(new Set(replay.sample(16).indices)).toEqual(new Set([29]));
    replay.updatePriorities([28], [50]);
    const { indices, weights } = replay.sample(64);
    expect(new Set(indices)).toEqual(new Set([28, 29]));
    for (const weight of weights) expect(weight).toBe(1);
  });

  it('weighs rare transitions up to 1', () => {
    const replay = filled('stratified');
    replay.updatePriorities([0], [4]);
    const { indices, weights } = replay.sample(64);
    for (let row = 0; row < 64; row++) expect(weights[row]).toBeCloseTo(indices[row] === 0 ? 0.5 : 1, 5);
  });

  it('never brings an overwritten transition back', () => {
    const replay = filled('independent', 64);
    const { indices } = replay.sample(32);
    const sampled = indices.slice();
    for (let step = 0; step < 62; step++) {
      replay.add({ observation: Uint8Array.of(99), action: 0, reward: 0, terminated: false, truncated: false });
    }
    replay.updatePriorities(sampled, new Float32Array(32).fill(1e9));
    for (const index of replay.sample(64).indices) expect(replay.isSampleable(index)).toBe(true);
  });

  it('rejects bad priorities and changes nothing', () => {
    const replay = filled('independent');
    const before = replay.getState();
    expect(() => replay.updatePriorities([1, 2], [0.5, Number.NaN])).toThrow(NonFiniteError);
    expect(() => replay.updatePriorities([1], [Number.POSITIVE_INFINITY])).toThrow('Infinity');
    expect(() => replay.updatePriorities([1, 2], [0.5, -1])).toThrow(InvalidArgumentError);
    expect(() => replay.updatePriorities([1, 64], [0.5, 1])).toThrow('index 64');
    expect(() => replay.updatePriorities([1], [1, 2])).toThrow('expected as many');
    expect(replay.getState()).toEqual(before);
    replay.updatePriorities(
      Array.from({ length: 29 }, (_, slot) => slot),
      new Array(29).fill(0),
    );
    expect(() => replay.sample(4)).toThrow('priority 0');
    expect(() => buffer().updatePriorities([0], [1])).toThrow('uniform');
  });
});

describe('bad input', () => {
  const good = { observation: frame(1), action: 0, reward: 0, terminated: false, truncated: false };

  it('refuses to sample before a window is complete', () => {
    const replay = buffer({ updateHorizon: 3 });
    expect(() => replay.sample(32)).toThrow(InvalidArgumentError);
    for (let step = 0; step < 3; step++) {
      replay.add(good);
      expect(() => replay.sample(32)).toThrow('n = 3');
    }
    replay.add(good);
    expect(replay.sample(32).batchSize).toBe(32);
    expect(() => replay.sample(0)).toThrow(InvalidArgumentError);
    expect(() => replay.sample(16, replay.allocateSample(8))).toThrow(InvalidArgumentError);
    expect(() => replay.gather([0])).toThrow('slot 0');
  });

  it('refuses transitions of the wrong shape, dtype or value, and stores nothing', () => {
    const replay = buffer();
    expect(() => replay.add({ ...good, observation: new Uint8Array(7) })).toThrow(ShapeError);
    expect(() => replay.add({ ...good, observation: new Float32Array(6) })).toThrow(
      'Float32Array of 6 elements; expected uint8 [2,3] or [4,2,3]',
    );
    expect(() => replay.add({ ...good, reward: Number.NaN })).toThrow(NonFiniteError);
    expect(() => replay.add({ ...good, reward: Number.NEGATIVE_INFINITY })).toThrow('-Infinity');
    // Finite, but not as it is kept: a learner would get it as infinite, and a checkpoint with it could not be restored.
    expect(() => replay.add({ ...good, reward: 1e39 })).toThrow(NonFiniteError);
    expect(() => replay.add({ ...good, action: 1.5 })).toThrow(InvalidArgumentError);
    expect(() => replay.add({ ...good, truncated: true })).toThrow('nextObservation');
    expect(() => replay.add({ ...good, truncated: true, nextObservation: new Uint8Array(2) })).toThrow(ShapeError);
    expect(replay.size).toBe(0);
    expect(replay.addedTransitions).toBe(0);
  });

  it('refuses configurations that could never be sampled', () => {
    expect(() => buffer({ capacity: 5 })).toThrow('capacity is 5; expected an integer from 6');
    expect(() => buffer({ updateHorizon: 0 })).toThrow(InvalidArgumentError);
    expect(() => buffer({ discountFactor: 1.1 })).toThrow('discountFactor is 1.1');
    expect(() => buffer({ sampling: { kind: 'ranked' as 'uniform' } })).toThrow('sampling.kind is "ranked"');
    expect(() => buffer({ sampling: { kind: 'prioritized', priorityExponent: -1 } })).toThrow('priorityExponent');
  });
});

describe('snapshots', () => {
  const grow = (replay: ReplayBuffer, from: number, to: number) => {
    for (let step = from; step < to; step++) {
      const terminated = step % 11 === 10;
      replay.add({
        observation: frame(step),
        action: step % 4,
        reward: step,
        terminated,
        truncated: step % 13 === 12 && !terminated,
        nextObservation: frame(step + 1),
      });
      if (step > 20) {
        const { indices, frames } = replay.sample(8);
        replay.updatePriorities(
          indices,
          Array.from(indices, (index, row) => (index + frames[row * 6]!) / 7),
        );
      }
    }
  };
  const config = { sampling: { kind: 'prioritized' }, updateHorizon: 3, chunkSlots: 10 } as const;

  it('resumes exactly: contents, priorities and the random stream', () => {
    const straight = buffer(config);
    grow(straight, 0, 150);
    const first = buffer(config);
    grow(first, 0, 70);
    const state = structuredClone(first.getState()) as StateTree;
    const second = buffer({ ...config, rng: createRng(77) });
    second.setState(state);
    grow(second, 70, 150);
    expect(second.getState()).toEqual(straight.getState());
  });

  it('is not touched by later writes, on either side', () => {
    const replay = buffer(config);
    grow(replay, 0, 50);
    const state = replay.getState();
    const copy = structuredClone(state);
    const other = buffer(config);
    other.setState(state);
    grow(replay, 50, 120);
    grow(other, 50, 90);
    expect(state).toEqual(copy);
  });

  it('refuses a state of another buffer and keeps its own', () => {
    const replay = buffer(config);
    grow(replay, 0, 50);
    const before = replay.getState();
    const state = before as StateTree & { readonly frames: readonly Uint8Array[] };
    const bad: StateTree[] = [
      buffer({ ...config, capacity: 65 }).getState(),
      buffer({ ...config, sampling: { kind: 'uniform' } }).getState(),
      { ...state, kind: 'something' },
      { ...state, version: 2 },
      { ...state, actions: new Int32Array(3) },
      { ...state, slotsWritten: -1 },
      { ...state, slotsWritten: 1.5 },
      { ...state, addedTransitions: 1e6 },
      { ...state, rewards: new Float32Array(64).fill(Number.NaN) },
      { ...state, flags: new Uint8Array(64).fill(32) },
      { ...state, sampler: { ...(state.sampler as StateTree), priorities: new Float64Array(64).fill(1) } },
      { ...state, frames: [] },
      { ...state, frames: state.frames.map(() => new Uint8Array(1)) },
      { ...state, sampler: { kind: 'uniform' } },
      { ...state, rng: { words: [1] } },
    ];
    for (const wrong of bad) expect(() => replay.setState(wrong)).toThrow(CheckpointError);
    expect(replay.getState()).toEqual(before);
  });
});
