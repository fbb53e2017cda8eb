// numpy's broadcasting of shapes.
import { ShapeError } from '@moe-rl/core';

/**
 * The shape that two shapes are broadcast to.
 * @throws ShapeError when they can't be
 */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index) => {
    const x = a[a.length - rank + index] ?? 1;
    const y = b[b.length - rank + index] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new ShapeError(`shapes [${a}] and [${b}] can't be broadcast together`);
    return x === 1 ? y : x;
  });
}
