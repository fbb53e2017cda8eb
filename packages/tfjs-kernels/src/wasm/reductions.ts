// Sum over neighboring axes and UnsortedSegmentSum on the wasm backend. Upstream's Sum transposes first unless the axes are the last
// ones, which a bias gradient's never are; UnsortedSegmentSum (the gradient of gather) it lacks (tensorflow/tfjs#8082).

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import type { KernelModule } from './module.ts';

/** Whether the axes follow each other without a gap (axes of size 1 between them don't matter). */
export function areNeighbors(shape: readonly number[], axes: readonly number[]): boolean {
  const first = Math.min(...axes);
  const last = Math.max(...axes);
  for (let axis = first; axis <= last; axis++) if (!axes.includes(axis) && shape[axis] !== 1) return false;
  return axes.length > 0;
}

/** Sums a float32 tensor over neighboring axes. */
export function sumNeighbors(
  module: KernelModule,
  x: TensorInfo,
  axes: readonly number[],
  keepDims: boolean,
): TensorInfo {
  const shape = keepDims
    ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  const first = Math.min(...axes);
  const last = Math.max(...axes);
  const outer = util.sizeFromShape(x.shape.slice(0, first));
  const reduced = util.sizeFromShape(x.shape.slice(first, last + 1));
  const inner = util.sizeFromShape(x.shape.slice(last + 1));
  const out = module.output(shape);
  module.exports.sumMiddle(module.pointer(x), module.pointer(out), outer, reduced, inner);
  return out;
}

/** out [numSegments, ...] = for each segment the sum of the rows of x whose id it is; ids out of range are dropped. */
export function segmentSum(
  module: KernelModule,
  x: TensorInfo,
  segmentIds: TensorInfo,
  numSegments: number,
): TensorInfo {
  const innerShape = x.shape.slice(segmentIds.shape.length);
  const out = module.output([numSegments, ...innerShape]);
  module.exports.segmentSum(
    module.pointer(x),
    module.pointer(segmentIds),
    module.pointer(out),
    util.sizeFromShape(segmentIds.shape),
    util.sizeFromShape(innerShape),
    numSegments,
  );
  return out;
}
