// Vectors made by running Dopamine's replay code: n-step windows of the classic buffer, the sum tree, both ways of prioritized sampling.
import { readdirSync, readFileSync } from 'node:fs';
import { createRng, type Rng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { ReplayBuffer } from './replay-buffer.ts';
import { createSampler } from './sampler.ts';
import { SumTree } from './sum-tree.ts';

const folder = new URL('../../../testdata/golden/losses/', import.meta.url);
const load = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const filesOf = (prefix: string) => readdirSync(folder).filter((name) => name.startsWith(prefix));

interface Element {
  state: number[];
  action: number;
  reward: number;
  terminal: number;
  next_state: number[];
}
type Row = [observation: number, action: number, reward: number, terminal: number, episodeEnd: number];

function fill(replay: ReplayBuffer, transitions: Row[]): void {
  for (const [observation, action, reward, terminal, episodeEnd] of transitions) {
    replay.add({
      observation: Uint8Array.of(observation),
      action,
      reward,
      terminated: terminal === 1,
      truncated: terminal === 0 && episodeEnd === 1,
      nextObservation: Uint8Array.of(255),
    });
  }
}

function classicBuffer(config: { n: number; stack: number; gamma: number; capacity: number }) {
  return new ReplayBuffer({
    observationSpec: { frameShape: [1], stackSize: config.stack, dtype: 'uint8' },
    capacity: config.capacity,
    updateHorizon: config.n,
    discountFactor: config.gamma,
    truncation: 'discard',
    rng: createRng(1),
    chunkSlots: 7,
  });
}

describe.each(filesOf('tf_nstep_'))('%s', (name) => {
  const { config, inputs, outputs } = load(name);
  it('samples the same slots, with the same states, rewards, terminals and next states', () => {
    const replay = classicBuffer(config);
    fill(replay, inputs.transitions);
    const slots = Array.from({ length: config.capacity }, (_, slot) => slot).filter((slot) =>
      replay.isSampleable(slot),
    );
    expect(slots).toEqual(outputs.elements.map((element: { index: number }) => element.index));
    const batch = replay.gather(slots);
    outputs.elements.forEach((element: Element, row: number) => {
      const window = Array.from(batch.frames.subarray(row * replay.windowLength, (row + 1) * replay.windowLength));
      expect(window.slice(0, config.stack)).toEqual(element.state);
      expect(batch.actions[row]).toBe(element.action);
      expect(Math.abs(batch.rewards[row]! - element.reward)).toBeLessThanOrEqual(
        1e-6 * Math.max(1, Math.abs(element.reward)),
      );
      if (element.terminal === 1) {
        expect(batch.discounts[row]).toBe(0);
      } else {
        expect(batch.discounts[row]).toBeCloseTo(config.gamma ** config.n, 6);
        expect(window.slice(replay.nextObservationOffset)).toEqual(element.next_state);
      }
    });
  });

  it('samples the same transitions plus those that truncation cut, when it bootstraps them', () => {
    const replay = new ReplayBuffer({
      observationSpec: { frameShape: [1], stackSize: config.stack, dtype: 'uint8' },
      capacity: 100,
      updateHorizon: config.n,
      discountFactor: config.gamma,
      rng: createRng(1),
    });
    fill(replay, inputs.transitions);
    // Two more episodes push the end of the first ones out of the last n slots.
    const extra: Row[] = Array.from({ length: config.n + 2 }, () => [200, 0, 0, 0, 0]);
    fill(replay, extra);
    const batch = replay.gather(
      Array.from({ length: 100 }, (_, slot) => slot).filter((slot) => replay.isSampleable(slot)),
    );
    const newest = new Set<number>();
    for (let row = 0; row < batch.batchSize; row++) {
      newest.add(batch.frames[row * replay.windowLength + config.stack - 1]!);
    }
    for (const [observation] of inputs.transitions as Row[]) {
      const stored = replay.size < 100 || observation > 20;
      if (stored) expect(newest.has(observation)).toBe(true);
    }
  });
});

/** The JAX accumulator differs from the classic replay only around terminals; its windows before that are the same. */
describe.each(filesOf('nstep_'))('%s', (name) => {
  const { config, inputs, outputs } = load(name);
  it('agrees on every window that ends before the episode does; the others are known differences', () => {
    const replay = classicBuffer({ ...config, capacity: 100 });
    fill(replay, inputs.transitions);
    // One more episode, so that the last windows are complete too.
    fill(
      replay,
      Array.from({ length: 2 * config.n + 1 }, (): Row => [200, 0, 0, 0, 0]),
    );
    const batch = replay.gather(
      Array.from({ length: 100 }, (_, slot) => slot).filter((slot) => replay.isSampleable(slot)),
    );
    const ours = new Map<number, number>();
    for (let row = 0; row < batch.batchSize; row++) {
      ours.set(batch.frames[row * replay.windowLength + config.stack - 1]!, row);
    }
    for (const element of outputs.elements) {
      if (element.terminal === 1) continue;
      const row = ours.get(element.state.at(-1))!;
      expect(batch.actions[row]).toBe(element.action);
      const window = Array.from(batch.frames.subarray(row * replay.windowLength, (row + 1) * replay.windowLength));
      expect(window.slice(0, config.stack)).toEqual(element.state);
      expect(window.slice(replay.nextObservationOffset)).toEqual(element.next_state);
      expect(batch.rewards[row]).toBeCloseTo(element.reward, 5);
    }
  });
});

describe.each(filesOf('sum_tree_'))('%s', (name) => {
  const { config, inputs, outputs } = load(name);
  it('finds the same indices before and after an update, at edges too', () => {
    const tree = new SumTree(config.capacity);
    inputs.priorities.forEach((priority: number, index: number) => {
      tree.set(index, priority);
    });
    expect(tree.total).toBeCloseTo(outputs.root, 6);
    const query = () => inputs.uniforms.map((uniform: number) => tree.find(uniform * tree.total));
    expect(query()).toEqual(outputs.jax_query_indices);
    expect(query()).toEqual(outputs.tf_sample_indices);
    expect(inputs.edge_targets.map((target: number) => tree.find(target))).toEqual(outputs.edge_indices);
    tree.setMany(inputs.update_indices, inputs.update_values);
    expect(tree.total).toBeCloseTo(outputs.after_update_root, 6);
    const leaves = Array.from(tree.toArray());
    outputs.after_update_leaves.forEach((leaf: number, index: number) => {
      expect(leaves[index]).toBeCloseTo(leaf, 6);
    });
    expect(query()).toEqual(outputs.after_update_query_indices);
  });
});

/** A stream that hands out given uniforms. */
function replayedUniforms(uniforms: number[]): Rng {
  let position = 0;
  return { ...createRng(1), nextFloat: () => uniforms[position++]! };
}

describe.each(filesOf('prioritized_sampling_'))('%s', (name) => {
  const { config, inputs, outputs } = load(name);
  it('draws the same keys with the same probabilities', () => {
    // Dopamine's distribution keeps keys in slots and fills the slot of a removed key with the last one; ours keeps slots, so the same bookkeeping
    // is done here.
    const tree = new SumTree(config.capacity);
    const keys: number[] = [];
    let used = 0;
    for (const entry of outputs.log) {
      if (entry.op === 'add') {
        tree.set(keys.length, entry.priority ** config.priority_exponent);
        keys.push(entry.key);
      } else if (entry.op === 'update') {
        tree.setMany(
          entry.keys.map((key: number) => keys.indexOf(key)),
          entry.priorities.map((priority: number) => priority ** config.priority_exponent),
        );
      } else if (entry.op === 'remove') {
        const slot = keys.indexOf(entry.key);
        const lastSlot = keys.length - 1;
        tree.set(slot, tree.get(lastSlot));
        tree.set(lastSlot, 0);
        keys[slot] = keys[lastSlot]!;
        keys.pop();
      } else {
        expect(tree.total).toBeCloseTo(entry.root, 6);
        const slots = Array.from({ length: entry.size }, () => tree.find(inputs.uniforms[used++] * tree.total));
        expect(slots.map((slot) => keys[slot])).toEqual(entry.keys);
        slots.forEach((slot, row) => {
          expect(tree.get(slot) / tree.total).toBeCloseTo(entry.probabilities[row], 9);
        });
      }
    }
  });

  it('the sampler draws in proportion to priority ** exponent, with weights of those probabilities', () => {
    const first = outputs.log.filter((entry: { op: string }) => entry.op === 'add').slice(0, 6);
    const draw = outputs.log.find((entry: { op: string }) => entry.op === 'sample');
    const sampler = createSampler(
      { kind: 'prioritized', priorityExponent: config.priority_exponent, draws: 'independent' },
      config.capacity,
      replayedUniforms(inputs.uniforms),
    );
    for (const { key } of first) sampler.add(key);
    sampler.updatePriorities(
      first.map((entry: { key: number }) => entry.key),
      first.map((entry: { priority: number }) => entry.priority),
    );
    const indices = new Int32Array(draw.size);
    const weights = new Float32Array(draw.size);
    sampler.draw(indices, weights, config.capacity);
    expect(Array.from(indices)).toEqual(draw.keys);
    const raw = draw.probabilities.map((probability: number) => 1 / Math.sqrt(probability + 1e-10));
    raw.forEach((weight: number, row: number) => {
      expect(weights[row]).toBeCloseTo(weight / Math.max(...raw), 6);
    });
  });
});

it('tf_stratified_sample: one draw per equal part of the total', () => {
  const { config, inputs, outputs } = load('tf_stratified_sample.json');
  const capacity = inputs.priorities.length;
  const sampler = createSampler({ kind: 'prioritized' }, capacity, replayedUniforms(inputs.uniforms));
  const all = Array.from({ length: capacity }, (_, slot) => slot);
  for (const slot of all) sampler.add(slot);
  sampler.updatePriorities(all, inputs.priorities);
  const indices = new Int32Array(config.batch);
  sampler.draw(indices, new Float32Array(config.batch), capacity);
  expect(Array.from(indices)).toEqual(outputs.indices);
});
