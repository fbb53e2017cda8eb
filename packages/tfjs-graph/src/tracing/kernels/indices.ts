// Kernels that choose elements by their places, and random numbers.
import type { StepBuilder } from '../step-builder.ts';
import type { Value } from '../value.ts';
import { axisOf, type RuleTable } from './rule.ts';

export const indices: RuleTable = {
  GatherNd: (b, { inputs: { params, indices: places } }) => b.gatherNd(params!, places!),
  GatherV2: (b, { inputs: { x, indices: places }, attributes: { axis, batchDims } }) =>
    gather(b, x!, places!, axisOf(x!, axis ?? 0), (batchDims ?? 0) as number),
  MoeRlRandomNormal: (b, { inputs: { seed }, attributes: { shape } }) => b.randomNormal(shape as number[], seed!),
  MoeRlRandomUniform: (b, { inputs: { seed }, attributes: { shape } }) => b.randomUniform(shape as number[], seed!),
  ScatterNd: (b, { inputs: { indices: places, updates }, attributes: { shape } }) =>
    b.scatterAdd(b.full(0, shape as number[], updates!.type), places!, updates!),
  TopK: (b, { inputs: { x }, attributes: { k } }) => b.topK(x!, k as number),
  UnsortedSegmentSum: (b, { inputs: { x, segmentIds }, attributes: { numSegments } }) => {
    // Segments along the first axes: x is [segmentIds' shape, rest].
    const depth = segmentIds!.shape.length;
    const rest = x!.shape.slice(depth);
    const count = segmentIds!.shape.reduce((product, size) => product * size, 1);
    return b.scatterAdd(
      b.full(0, [numSegments as number, ...rest], x!.type),
      b.reshape(segmentIds!, [count, 1]),
      b.reshape(x!, [count, ...rest]),
    );
  },
};

/** `x`'s elements at `places` of one axis; the first `batchDims` axes go together. */
function gather(b: StepBuilder, x: Value, places: Value, axis: number, batchDims: number): Value {
  const batch = x.shape.slice(0, batchDims);
  const before = x.shape.slice(batchDims, axis);
  const after = x.shape.slice(axis + 1);
  const chosen = places.shape.slice(batchDims);
  // The gathered axis first behind the batch, then rows by their places.
  const order = x.shape.map((_, index) => index);
  const moved = [...order.slice(0, batchDims), axis, ...order.slice(batchDims, axis), ...order.slice(axis + 1)];
  const rows = b.transpose(x, moved);
  const addresses = [...batch.map((_, index) => b.iota(places.shape, index, 'i32')), b.convert(places, 'i32')].map(
    (value) => b.reshape(value, [...places.shape, 1]),
  );
  const gathered = b.gatherNd(rows, b.concatenate(addresses, places.shape.length));
  // [batch, chosen, before, after] to [batch, before, chosen, after].
  const count = batchDims + chosen.length;
  const permutation = [
    ...order.slice(0, batchDims),
    ...before.map((_, index) => count + index),
    ...chosen.map((_, index) => batchDims + index),
    ...after.map((_, index) => count + before.length + index),
  ];
  return b.transpose(gathered, permutation);
}
