// Which transitions a batch is made of: uniformly, or in proportion to their priorities. A sampler is told when a transition becomes sampleable and
// when it stops being so; it draws only among those.
import {
  CheckpointError,
  InvalidArgumentError,
  type Rng,
  requireFinite,
  requireOneOf,
  type StateTree,
} from '@moe-rl/core';
import { importanceWeights } from './importance-weights.ts';
import { requirePriority, SumTree } from './sum-tree.ts';

export interface UniformSamplingConfig {
  readonly kind: 'uniform';
}

export interface PrioritizedSamplingConfig {
  readonly kind: 'prioritized';
  /** A transition of priority p is drawn in proportion to `p ** priorityExponent`. Default 1 (Dopamine's agents take the square root themselves). */
  readonly priorityExponent?: number;
  /** Exponent of the importance weights. Default 0.5, constant, as in Dopamine's Rainbow. */
  readonly importanceExponent?: number;
  /**
   * `stratified` (default): one draw in each of B equal parts of the total priority (Schaul et al. 2016; Dopamine's classic prioritized replay).
   * `independent`: B independent draws (Dopamine's newer `PrioritizedSamplingDistribution`).
   */
  readonly draws?: 'stratified' | 'independent';
}

export type SamplingConfig = UniformSamplingConfig | PrioritizedSamplingConfig;

export interface Sampler {
  /** Transitions that can be drawn now. */
  readonly sampleableCount: number;
  isSampleable(slot: number): boolean;
  add(slot: number): void;
  remove(slot: number): void;
  /** Fills `indices` and the matching importance `weights`. Called only while `sampleableCount` > 0. */
  draw(indices: Int32Array, weights: Float32Array, slotsInUse: number): void;
  updatePriorities(indices: ArrayLike<number>, priorities: ArrayLike<number>): void;
  getState(): StateTree;
  setState(state: StateTree): void;
}

/**
 * Draws slots uniformly, or by priority with importance weights.
 * @throws InvalidArgumentError for another kind
 */
export function createSampler(config: SamplingConfig, capacity: number, rng: Rng): Sampler {
  requireOneOf('sampling.kind', config.kind, ['uniform', 'prioritized']);
  return config.kind === 'uniform' ? uniformSampler(capacity, rng) : prioritizedSampler(config, capacity, rng);
}

/** Sampleable slots as a bit set; draws by rejection, which is quick because all but a few slots in use are sampleable. */
function uniformSampler(capacity: number, rng: Rng): Sampler {
  let isIn = new Uint8Array(capacity);
  let count = 0;
  return {
    get sampleableCount() {
      return count;
    },
    isSampleable: (slot) => isIn[slot] === 1,
    add(slot) {
      if (isIn[slot] === 0) {
        isIn[slot] = 1;
        count++;
      }
    },
    remove(slot) {
      if (isIn[slot] === 1) {
        isIn[slot] = 0;
        count--;
      }
    },
    draw(indices, weights, slotsInUse) {
      for (let position = 0; position < indices.length; position++) {
        let slot = rng.nextInteger(slotsInUse);
        while (isIn[slot] === 0) slot = rng.nextInteger(slotsInUse);
        indices[position] = slot;
      }
      weights.fill(1);
    },
    updatePriorities() {
      throw new InvalidArgumentError('updatePriorities: sampling is uniform; expected sampling.kind "prioritized"');
    },
    getState: () => ({ kind: 'uniform', sampleable: isIn.slice() }),
    setState(state) {
      const sampleable = state.sampleable;
      if (state.kind !== 'uniform' || !(sampleable instanceof Uint8Array) || sampleable.length !== capacity) {
        throw new CheckpointError(`sampler state of kind "${String(state.kind)}"; expected "uniform" over ${capacity}`);
      }
      count = countSampleable(sampleable);
      isIn = sampleable.slice();
    },
  };
}

function prioritizedSampler(config: PrioritizedSamplingConfig, capacity: number, rng: Rng): Sampler {
  const priorityExponent = requireFinite('sampling.priorityExponent', config.priorityExponent ?? 1, 0);
  const importanceExponent = requireFinite('sampling.importanceExponent', config.importanceExponent ?? 0.5, 0);
  const draws = requireOneOf('sampling.draws', config.draws ?? 'stratified', ['stratified', 'independent']);
  const tree = new SumTree(capacity);
  // So that the tree's total is finite whatever the priorities; 1 is what new transitions begin with.
  const largestValue = Number.MAX_VALUE / 2 ** Math.ceil(Math.log2(capacity));
  let isIn = new Uint8Array(capacity);
  let count = 0;
  // New transitions get the largest priority seen so far, so that each is likely to be replayed soon; it starts at 1 and never decreases.
  let maxRecordedPriority = 1;
  let probabilities = new Float64Array(0);
  let targets = new Float64Array(0);
  return {
    get sampleableCount() {
      return count;
    },
    isSampleable: (slot) => isIn[slot] === 1,
    add(slot) {
      if (isIn[slot] === 0) {
        isIn[slot] = 1;
        count++;
      }
      tree.set(slot, maxRecordedPriority ** priorityExponent);
    },
    remove(slot) {
      if (isIn[slot] === 1) {
        isIn[slot] = 0;
        count--;
        tree.set(slot, 0);
      }
    },
    draw(indices, weights) {
      const total = tree.total;
      if (!(total > 0)) {
        throw new InvalidArgumentError(
          `sample: all ${count} sampleable transitions have priority 0; expected at least one above 0`,
        );
      }
      const batchSize = indices.length;
      if (probabilities.length !== batchSize) {
        probabilities = new Float64Array(batchSize);
        targets = new Float64Array(batchSize);
      }
      for (let position = 0; position < batchSize; position++) {
        const uniform = rng.nextFloat();
        targets[position] = draws === 'stratified' ? ((position + uniform) / batchSize) * total : uniform * total;
      }
      tree.findMany(targets, indices);
      for (let position = 0; position < batchSize; position++) {
        probabilities[position] = tree.get(indices[position]!) / total;
      }
      importanceWeights(probabilities, importanceExponent, weights);
    },
    updatePriorities(indices, priorities) {
      if (indices.length !== priorities.length) {
        throw new InvalidArgumentError(
          `updatePriorities: ${indices.length} indices but ${priorities.length} priorities; expected as many`,
        );
      }
      for (let position = 0; position < indices.length; position++) {
        const slot = indices[position]!;
        if (!Number.isInteger(slot) || slot < 0 || slot >= capacity) {
          throw new InvalidArgumentError(
            `updatePriorities: index ${slot} at position ${position}; expected 0 to ${capacity - 1}`,
          );
        }
        const priority = priorities[position]!;
        requirePriority(`updatePriorities: priority at position ${position} is`, priority, slot);
        if (!(priority ** priorityExponent <= largestValue)) {
          throw new InvalidArgumentError(
            `updatePriorities: priority at position ${position} is ${priority} for index ${slot}; ` +
              `expected at most ${largestValue ** (1 / priorityExponent)}, or the sum over ${capacity} of them is infinite`,
          );
        }
      }
      // Backwards: of several priorities for one transition the first stays, as in Dopamine's SumTree.
      for (let position = indices.length - 1; position >= 0; position--) {
        const priority = priorities[position]!;
        if (priority > maxRecordedPriority) maxRecordedPriority = priority;
        // A transition that was overwritten since it was sampled keeps its place out of the tree.
        if (isIn[indices[position]!] === 1) tree.set(indices[position]!, priority ** priorityExponent);
      }
    },
    getState: () => ({
      kind: 'prioritized',
      sampleable: isIn.slice(),
      priorities: tree.toArray(),
      maxRecordedPriority,
    }),
    setState(state) {
      const { sampleable, priorities } = state;
      if (
        state.kind !== 'prioritized' ||
        !(sampleable instanceof Uint8Array) ||
        sampleable.length !== capacity ||
        !(priorities instanceof Float64Array) ||
        priorities.length !== capacity ||
        !Number.isFinite(state.maxRecordedPriority)
      ) {
        throw new CheckpointError(
          `sampler state of kind "${String(state.kind)}"; expected "prioritized" over ${capacity}`,
        );
      }
      const newCount = countSampleable(sampleable);
      const stray = priorities.findIndex((priority, slot) => priority !== 0 && sampleable[slot] === 0);
      if (stray >= 0) {
        throw new CheckpointError(
          `sampler state: slot ${stray} has priority ${priorities[stray]} but can't be sampled; expected 0`,
        );
      }
      tree.fill(priorities);
      isIn = sampleable.slice();
      count = newCount;
      maxRecordedPriority = state.maxRecordedPriority as number;
    },
  };
}

function countSampleable(bits: Uint8Array): number {
  let count = 0;
  for (const [slot, bit] of bits.entries()) {
    if (bit > 1) throw new CheckpointError(`sampler state: slot ${slot} is marked ${bit}; expected 0 or 1`);
    count += bit;
  }
  return count;
}
