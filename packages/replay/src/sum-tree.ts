// A complete binary tree over non-negative numbers: set one, draw one in proportion, both in O(log capacity). Prioritized sampling stands on it.
// Parents are always recomputed as left + right, never adjusted by a difference, so rounding does not build up and a restored tree is bit-equal.
import { InvalidArgumentError, NonFiniteError, requireInteger, ShapeError } from '@moe-rl/core';

/**
 * Sum tree of Schaul et al. 2016 (Prioritized Experience Replay, appendix B.2.1), float64.
 * Leaves stand in index order, so `find` walks the cumulative sum from index 0 up.
 */
export class SumTree {
  readonly capacity: number;
  /** Node 1 is the root, node k has children 2k and 2k + 1, leaf i is node `#leafStart + i`. */
  readonly #nodes: Float64Array;
  readonly #leafStart: number;

  constructor(capacity: number) {
    this.capacity = requireInteger('SumTree capacity', capacity, 1, 2 ** 30);
    let leafStart = 1;
    while (leafStart < capacity) leafStart *= 2;
    this.#leafStart = leafStart;
    this.#nodes = new Float64Array(2 * leafStart);
  }

  /** Sum of all values. */
  get total(): number {
    return this.#nodes[1]!;
  }

  /** The value at `index`. */
  get(index: number): number {
    this.#requireIndex(index);
    return this.#nodes[this.#leafStart + index]!;
  }

  /**
   * Sets the value at `index`.
   * @throws InvalidArgumentError when the index is outside the tree or the value is negative
   * @throws NonFiniteError when the value is NaN or infinite
   */
  set(index: number, value: number): void {
    this.#requireIndex(index);
    requirePriority('value', value, index);
    const nodes = this.#nodes;
    let node = this.#leafStart + index;
    nodes[node] = value;
    for (node >>= 1; node >= 1; node >>= 1) nodes[node] = nodes[2 * node]! + nodes[2 * node + 1]!;
  }

  /**
   * Sets many values. Of several values for one index the first counts, as in Dopamine's `SumTree.set`. Nothing is changed when one of them is bad.
   * @throws as `set`; ShapeError when the lengths differ
   */
  setMany(indices: ArrayLike<number>, values: ArrayLike<number>): void {
    if (indices.length !== values.length) {
      throw new ShapeError(`${indices.length} indices but ${values.length} values; expected as many`);
    }
    for (let position = 0; position < indices.length; position++) {
      this.#requireIndex(indices[position]!);
      requirePriority('value', values[position]!, indices[position]!);
    }
    // Backwards, so that the first of several values is the one that stays.
    for (let position = indices.length - 1; position >= 0; position--) this.set(indices[position]!, values[position]!);
  }

  /**
   * The index whose interval of the cumulative sum holds `target`: the least index with cumulative sum above it.
   * A target at or beyond `total` (rounding) gives the last index with a positive value; an index with value 0 is never given while `total` > 0.
   */
  find(target: number): number {
    const nodes = this.#nodes;
    const leafStart = this.#leafStart;
    let node = 1;
    let rest = target;
    while (node < leafStart) {
      node *= 2;
      const left = nodes[node]!;
      if (rest >= left && nodes[node + 1]! > 0) {
        rest -= left;
        node++;
      }
    }
    return node - leafStart;
  }

  /**
   * `find` for each of `targets` (overwritten) at once, into `indices`. All descend a level together, so that their loads, which miss the caches in a
   * large tree, overlap: of a prioritized batch of 32 from a million it takes 8 microseconds instead of 25.
   * @throws ShapeError when the lengths differ
   */
  findMany(targets: Float64Array, indices: Int32Array): void {
    const nodes = this.#nodes;
    const count = targets.length;
    if (indices.length !== count)
      throw new ShapeError(`${count} targets but ${indices.length} indices; expected as many`);
    indices.fill(1);
    for (let first = 1; first < this.#leafStart; first *= 2) {
      for (let position = 0; position < count; position++) {
        const child = 2 * indices[position]!;
        const left = nodes[child]!;
        const goesRight = targets[position]! >= left && nodes[child + 1]! > 0;
        if (goesRight) targets[position]! -= left;
        indices[position] = goesRight ? child + 1 : child;
      }
    }
    for (let position = 0; position < count; position++) indices[position]! -= this.#leafStart;
  }

  /** A copy of the values, `[capacity]`. */
  toArray(): Float64Array {
    return this.#nodes.slice(this.#leafStart, this.#leafStart + this.capacity);
  }

  /**
   * Replaces all values.
   * @throws ShapeError when there are not `capacity` of them; InvalidArgumentError or NonFiniteError when one is bad
   */
  fill(values: ArrayLike<number>): void {
    if (values.length !== this.capacity) {
      throw new ShapeError(`${values.length} values; expected the tree's capacity, ${this.capacity}`);
    }
    for (let index = 0; index < values.length; index++) requirePriority('value', values[index]!, index);
    this.#nodes.set(values, this.#leafStart);
    for (let node = this.#leafStart - 1; node >= 1; node--) {
      this.#nodes[node] = this.#nodes[2 * node]! + this.#nodes[2 * node + 1]!;
    }
  }

  #requireIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.capacity) {
      throw new InvalidArgumentError(`index ${index}; expected an integer from 0 to ${this.capacity - 1}`);
    }
  }
}

/** @throws NonFiniteError for NaN and infinities, InvalidArgumentError for negative numbers, naming the value and the index. */
export function requirePriority(name: string, value: number, index: number): void {
  if (!Number.isFinite(value)) {
    throw new NonFiniteError(`${name} ${value} for index ${index}; expected a finite number of at least 0`);
  }
  if (value < 0) throw new InvalidArgumentError(`${name} ${value} for index ${index}; expected at least 0`);
}
