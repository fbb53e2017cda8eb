// Shapes and their values.
import { describe, expect, it } from 'vitest';
import { ShapeError } from './errors.ts';
import { elementCount, tensorData } from './tensor-data.ts';

describe('tensorData', () => {
  it('pairs a shape with as many values, and refuses others', () => {
    expect(elementCount([2, 3, 4])).toBe(24);
    expect(elementCount([])).toBe(1);
    expect(elementCount([5, 0])).toBe(0);
    const data = new Float32Array(6);
    expect(tensorData([2, 3], data)).toEqual({ shape: [2, 3], data });
    expect(() => tensorData([2, 2], data)).toThrow(ShapeError);
    expect(() => tensorData([2, 2], data)).toThrow('shape [2,2] holds 4 values but 6 were given');
  });
});
