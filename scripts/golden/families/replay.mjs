// Replay's share of the folder `losses`: n-step windows of Dopamine's classic and JAX replays, the sum tree, prioritized sampling.
import assert from 'node:assert/strict';
import { createRng } from '../../../packages/core/src/index.ts';
import { ReplayBuffer, SumTree } from '../../../packages/replay/src/index.ts';
import { createSampler } from '../../../packages/replay/src/sampler.ts';
import { expectKey } from '../honour.mjs';

export default {
  descriptions: ['transition_columns', 'semantics', 'rule'],
  *checks({ vector, name }) {
    if (name.startsWith('tf_nstep_')) {
      yield { name: 'host', run: () => checkClassicWindows(vector) };
      const fromPadding = paddingAfterTruncation(vector).filter(isSampled(vector)).length;
      if (fromPadding > 0) {
        yield {
          name: 'host',
          knownDifference: `${fromPadding} windows of the classic replay begin in the padding after an episode that a time limit cut (action 0, reward 0); ours never begin there`,
        };
      }
    }
    if (name.startsWith('nstep_')) {
      // What is the same is checked, what is not is listed.
      yield { name: 'host', run: () => checkAccumulatorWindows(vector) };
      if (vector.outputs.elements.some((element) => element.terminal === 1)) {
        yield {
          name: 'host',
          knownDifference:
            'the JAX accumulator repeats the last window with zeroed frames at a terminal and sets terminal one step early; ours has the classic replay’s windows (tf_nstep_*)',
        };
      }
    }
    if (name.startsWith('sum_tree_')) yield { name: 'host', run: () => checkSumTree(vector) };
    if (name.startsWith('prioritized_sampling_')) yield { name: 'host', run: () => checkPrioritizedSampling(vector) };
    if (name === 'tf_stratified_sample') yield { name: 'host', run: () => checkStratifiedSampling(vector) };
  },
};

function filledBuffer(config, transitions) {
  const replay = new ReplayBuffer({
    observationSpec: { frameShape: [1], stackSize: config.stack, dtype: 'uint8' },
    capacity: config.capacity ?? 200,
    updateHorizon: config.n,
    discountFactor: config.gamma,
    truncation: 'discard',
    rng: createRng(1),
  });
  for (const [observation, action, reward, terminal, episodeEnd] of transitions) {
    replay.add({
      observation: Uint8Array.of(observation),
      action,
      reward,
      terminated: terminal === 1,
      truncated: terminal === 0 && episodeEnd === 1,
    });
  }
  const slots = Array.from({ length: replay.capacity }, (_, slot) => slot).filter((slot) => replay.isSampleable(slot));
  const rows = slots.map((slot) => {
    const batch = replay.gather([slot]);
    const frames = Array.from(batch.frames);
    return {
      index: slot,
      state: frames.slice(0, config.stack),
      nextState: frames.slice(replay.nextObservationOffset),
      action: batch.actions[0],
      reward: batch.rewards[0],
      discount: batch.discounts[0],
    };
  });
  return rows;
}

const close = (actual, expected, tolerance, what) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual} instead of ${expected}`,
  );

/** Slots of a classic replay as they lie at the end: for each, whether it is padding after an episode that was cut. Also how many were written. */
function classicSlots({ config, inputs }) {
  const slots = [];
  let written = 0;
  let isCut = false;
  let startsEpisode = true;
  const write = (slot) => {
    slots[written++ % config.capacity] = slot;
  };
  for (const [, , , terminal, episodeEnd] of inputs.transitions) {
    if (startsEpisode) for (let pad = 1; pad < config.stack; pad++) write({ isPaddingAfterCut: isCut });
    write({ isPaddingAfterCut: false });
    startsEpisode = terminal === 1 || episodeEnd === 1;
    isCut = startsEpisode && terminal === 0;
  }
  return { slots, written };
}

const paddingAfterTruncation = (vector) =>
  classicSlots(vector).slots.flatMap(({ isPaddingAfterCut }, slot) => (isPaddingAfterCut ? [slot] : []));
const isSampled =
  ({ outputs }) =>
  (slot) =>
    outputs.elements.some(({ index }) => index === slot);

function checkClassicWindows(vector) {
  const { config, inputs } = vector;
  const { written } = classicSlots(vector);
  expectKey('add_count_including_padding', config.add_count_including_padding, written);
  expectKey('cursor', config.cursor, written % config.capacity);
  const rows = filledBuffer(config, inputs.transitions);
  const padding = new Set(paddingAfterTruncation(vector));
  const elements = vector.outputs.elements.filter(({ index }) => !padding.has(index));
  assert.deepEqual(
    rows.map((row) => row.index),
    elements.map((element) => element.index),
  );
  rows.forEach((row, position) => {
    const element = elements[position];
    assert.deepEqual(row.state, element.state);
    assert.equal(row.action, element.action);
    close(row.reward, element.reward, 1e-6, `reward at ${row.index}`);
    close(row.discount, element.terminal === 1 ? 0 : config.gamma ** config.n, 1e-6, `discount at ${row.index}`);
    if (element.terminal === 0) assert.deepEqual(row.nextState, element.next_state);
  });
}

function checkAccumulatorWindows({ config, inputs, outputs }) {
  // One more episode completes the windows of the last one.
  const more = Array.from({ length: 2 * config.n + 1 }, () => [200, 0, 0, 0, 0]);
  const rows = new Map(filledBuffer(config, [...inputs.transitions, ...more]).map((row) => [row.state.at(-1), row]));
  for (const element of outputs.elements.filter(({ terminal }) => terminal === 0)) {
    const row = rows.get(element.state.at(-1));
    assert.deepEqual(row.state, element.state);
    assert.deepEqual(row.nextState, element.next_state);
    assert.equal(row.action, element.action);
    close(row.reward, element.reward, 1e-6, 'reward');
  }
}

function checkSumTree({ config, inputs, outputs }) {
  const tree = new SumTree(config.capacity);
  inputs.priorities.forEach((priority, index) => {
    tree.set(index, priority);
  });
  const query = () => inputs.uniforms.map((uniform) => tree.find(uniform * tree.total));
  close(tree.total, outputs.root, 1e-6, 'root');
  assert.deepEqual(query(), outputs.jax_query_indices);
  assert.deepEqual(query(), outputs.tf_sample_indices);
  assert.deepEqual(
    inputs.edge_targets.map((target) => tree.find(target)),
    outputs.edge_indices,
  );
  tree.setMany(inputs.update_indices, inputs.update_values);
  close(tree.total, outputs.after_update_root, 1e-6, 'root after update');
  tree.toArray().forEach((leaf, index) => {
    close(leaf, outputs.after_update_leaves[index], 1e-6, `leaf ${index}`);
  });
  assert.deepEqual(query(), outputs.after_update_query_indices);
}

/** Dopamine's distribution keeps keys in slots and moves the last into the slot of a removed one; ours names slots, so that is done here. */
function checkPrioritizedSampling({ config, inputs, outputs }) {
  const sampler = createSampler(
    { kind: 'prioritized', priorityExponent: config.priority_exponent, draws: 'independent' },
    config.capacity,
    givenUniforms(inputs.uniforms),
  );
  const keys = [];
  const priorities = [];
  const put = (slot, priority) => {
    priorities[slot] = priority;
    sampler.add(slot);
    sampler.updatePriorities([slot], [priority]);
  };
  for (const entry of outputs.log) {
    if (entry.op === 'add') {
      keys.push(entry.key);
      put(keys.length - 1, entry.priority);
    } else if (entry.op === 'update') {
      entry.keys.forEach((key, position) => {
        put(keys.indexOf(key), entry.priorities[position]);
      });
    } else if (entry.op === 'remove') {
      const slot = keys.indexOf(entry.key);
      const last = keys.length - 1;
      sampler.remove(last);
      if (slot !== last) put(slot, priorities[last]);
      keys[slot] = keys[last];
      keys.pop();
    } else {
      const indices = new Int32Array(entry.size);
      const weights = new Float32Array(entry.size);
      sampler.draw(indices, weights, config.capacity);
      assert.deepEqual(
        Array.from(indices, (slot) => keys[slot]),
        entry.keys,
      );
      const raw = entry.probabilities.map((probability) => 1 / Math.sqrt(probability + 1e-10));
      raw.forEach((weight, row) => {
        close(weights[row], weight / Math.max(...raw), 1e-6, `weight ${row}`);
      });
    }
  }
}

function checkStratifiedSampling({ config, inputs, outputs }) {
  const capacity = inputs.priorities.length;
  const sampler = createSampler({ kind: 'prioritized' }, capacity, givenUniforms(inputs.uniforms));
  const slots = inputs.priorities.map((_, slot) => slot);
  for (const slot of slots) sampler.add(slot);
  sampler.updatePriorities(slots, inputs.priorities);
  const indices = new Int32Array(config.batch);
  sampler.draw(indices, new Float32Array(config.batch), capacity);
  assert.deepEqual(Array.from(indices), outputs.indices);
}

function givenUniforms(uniforms) {
  let position = 0;
  return { ...createRng(1), nextFloat: () => uniforms[position++] };
}
