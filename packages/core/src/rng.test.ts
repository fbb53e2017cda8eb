// Named streams: reproducible, independent, restorable.
import { describe, expect, it } from 'vitest';
import { CheckpointError, InvalidArgumentError } from './errors.ts';
import { createRng, type RngState } from './rng.ts';

describe('createRng', () => {
  it('gives the same numbers for the same seed and name, others for another seed or name', () => {
    const draw = (seed: number, name: string) => {
      const rng = createRng(seed, name);
      return Array.from({ length: 8 }, () => rng.nextUint32());
    };
    expect(draw(7, 'explore')).toEqual(draw(7, 'explore'));
    expect(draw(7, 'explore')).not.toEqual(draw(8, 'explore'));
    expect(draw(7, 'explore')).not.toEqual(draw(7, 'replay'));
    expect(draw(2 ** 32, 'explore')).not.toEqual(draw(0, 'explore'));
  });

  it('draws uniform floats and standard normals', () => {
    const rng = createRng(1, 'moments');
    const count = 40_000;
    let sum = 0;
    let normalSum = 0;
    let normalSquares = 0;
    for (let index = 0; index < count; index++) {
      const value = rng.nextFloat();
      expect(value >= 0 && value < 1).toBe(true);
      sum += value;
      const normal = rng.nextNormal();
      normalSum += normal;
      normalSquares += normal * normal;
    }
    expect(Math.abs(sum / count - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(normalSum / count)).toBeLessThan(0.025);
    expect(Math.abs(normalSquares / count - 1)).toBeLessThan(0.03);
  });

  it('draws integers without bias over a bound that does not divide 2^32', () => {
    const rng = createRng(3, 'integers');
    const counts = new Array<number>(6).fill(0);
    for (let index = 0; index < 60_000; index++) counts[rng.nextInteger(6)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    expect(() => rng.nextInteger(0)).toThrow(InvalidArgumentError);
  });

  it('continues exactly after getState and setState, the spare normal included', () => {
    const rng = createRng(5, 'resume');
    rng.nextNormal();
    const state = structuredClone(rng.getState());
    const expected = [rng.nextNormal(), rng.nextNormal(), rng.nextUint32()];
    const other = createRng(99, 'elsewhere');
    other.setState(state);
    expect([other.nextNormal(), other.nextNormal(), other.nextUint32()]).toEqual(expected);
    expect(() => other.setState({ words: [1, 2] } as unknown as RngState)).toThrow(CheckpointError);
    const before = other.getState();
    for (const wrong of [
      [0, 0, 0, 0],
      [1, 2, 3, -4],
      [1, 2, 3, 2 ** 32],
    ]) {
      expect(() => other.setState({ words: wrong, spareNormal: null })).toThrow(CheckpointError);
    }
    for (const wrong of [Number.NaN, 'one']) {
      const damaged = { words: [1, 2, 3, 4], spareNormal: wrong } as RngState;
      expect(() => other.setState(damaged)).toThrow(/spareNormal is .*; expected a finite number or null/);
    }
    // What was refused changed nothing.
    expect(other.getState()).toEqual(before);
  });

  it('forks by name, whatever was drawn before', () => {
    const first = createRng(5, 'run');
    const child = first.fork('noise').nextUint32();
    first.nextUint32();
    expect(first.fork('noise').nextUint32()).toBe(child);
    expect(() => createRng(-1)).toThrow('seed is -1');
  });
});
