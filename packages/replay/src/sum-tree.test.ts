// The sum tree against a plain array with a running sum.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SumTree } from './sum-tree.ts';

describe('SumTree', () => {
  it('finds what a running sum finds', () => {
    // Eighths add up without rounding, so both must agree exactly, at edges too.
    const priority = fc.integer({ min: 0, max: 64 }).map((value) => value / 8);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }),
        fc.array(fc.tuple(fc.nat(), priority), { minLength: 1, maxLength: 120 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
        (capacity, writes, uniforms) => {
          const tree = new SumTree(capacity);
          const naive = new Array<number>(capacity).fill(0);
          for (const [at, value] of writes) {
            tree.set(at % capacity, value);
            naive[at % capacity] = value;
          }
          const total = naive.reduce((sum, value) => sum + value, 0);
          expect(tree.total).toBe(total);
          expect(Array.from(tree.toArray())).toEqual(naive);
          if (total === 0) return;
          let edge = 0;
          const edges = naive.map((value) => (edge += value));
          const targets = [...uniforms.map((uniform) => uniform * total), ...edges];
          for (const target of targets) {
            const expected =
              target < total ? edges.findIndex((sum) => target < sum) : naive.findLastIndex((value) => value > 0);
            expect(tree.find(target)).toBe(expected);
          }
          const indices = new Int32Array(targets.length);
          tree.findMany(Float64Array.from(targets), indices);
          expect(Array.from(indices)).toEqual(targets.map((target) => tree.find(target)));
        },
      ),
      { seed: 3 },
    );
  });

  it('keeps the first of several values for one index', () => {
    const tree = new SumTree(4);
    tree.setMany([1, 2, 1], [5, 1, 9]);
    expect(Array.from(tree.toArray())).toEqual([0, 5, 1, 0]);
  });

  it('does not drift over a million updates', () => {
    const tree = new SumTree(3);
    for (let update = 0; update < 1_000_000; update++) tree.set(update % 3, (update * 0.1) % 7);
    const [a, b, c] = tree.toArray() as unknown as [number, number, number];
    expect(tree.total).toBe(a + b + c);
  });

  it('rejects bad indices and values and changes nothing', () => {
    const tree = new SumTree(4);
    tree.set(0, 1);
    expect(() => tree.set(4, 1)).toThrow(InvalidArgumentError);
    expect(() => tree.set(-1, 1)).toThrow('index -1');
    expect(() => tree.get(0.5)).toThrow(InvalidArgumentError);
    expect(() => tree.set(1, -0.5)).toThrow('value -0.5 for index 1');
    expect(() => tree.setMany([0, 1], [2, Number.NaN])).toThrow(NonFiniteError);
    expect(() => tree.setMany([0, 1], [2])).toThrow(ShapeError);
    expect(() => tree.fill([1, 2])).toThrow(ShapeError);
    expect(() => tree.findMany(new Float64Array(2), new Int32Array(3))).toThrow(ShapeError);
    expect(() => new SumTree(0)).toThrow(InvalidArgumentError);
    expect(Array.from(tree.toArray())).toEqual([1, 0, 0, 0]);
  });
});
