// BatchMatMul and _FusedMatMul on the wasm backend. Upstream hands only one case (no transposition, no batch) to XNNPACK and runs a plain
// loop for the others, which all gradients of dense layers and everything in a mixture of experts are.

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { broadcast_util, util } from '@tensorflow/tfjs-core';
import type { KernelModule } from './module.ts';

const FLOAT_BYTES = 4;
const DESCRIPTOR_BYTES = 80;
/** Transposed A is read 6 rows at a time; matrices with fewer rows are transposed first. */
const TILE_ROWS = 6;

/** C [..., rows, columns] = op(a) op(b) (+ bias [columns], then relu); leading dimensions broadcast. */
export function matrixMultiply(
  module: KernelModule,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  bias?: TensorInfo,
  useRelu = false,
): TensorInfo {
  const rank = a.shape.length;
  const bRank = b.shape.length;
  const rows = a.shape[rank - (transposeA ? 1 : 2)]!;
  const depth = a.shape[rank - (transposeA ? 2 : 1)]!;
  const columns = b.shape[bRank - (transposeB ? 2 : 1)]!;
  const bDepth = b.shape[bRank - (transposeB ? 1 : 2)]!;
  util.assert(
    depth === bDepth,
    () =>
      `matMul: inner sizes ${depth} and ${bDepth} of shapes [${a.shape}] and [${b.shape}] differ (transposeA=${transposeA}, transposeB=${transposeB})`,
  );
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.shape.slice(0, -2);
  const outBatch = broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  const out = module.output([...outBatch, rows, columns]);
  let count = util.sizeFromShape(outBatch);
  if (count * rows * columns === 0) return out;

  let rowsAtOnce = rows;
  // One B for many A without transposition is a single tall product.
  if (!transposeA && util.sizeFromShape(bBatch) === 1 && util.sizeFromShape(aBatch) === count) {
    rowsAtOnce = rows * count;
    count = 1;
  }
  const isTurned = transposeA && (rowsAtOnce < TILE_ROWS || bias !== undefined);
  const { exports } = module;
  const [descriptor, panels, turned, biasAt] = module.scratch(
    DESCRIPTOR_BYTES,
    exports.gemmScratchBytes(depth, columns),
    isTurned ? rows * depth * FLOAT_BYTES : 0,
    bias === undefined ? 0 : (columns + 7) * FLOAT_BYTES,
  );
  if (bias !== undefined) exports.padColumns(module.pointer(bias), 1, columns, (columns + 7) & ~7, biasAt);
  const aOffsets = batchOffsets(aBatch, outBatch);
  const bOffsets = batchOffsets(bBatch, outBatch);
  for (let i = 0; i < count; i++) {
    let aAt = module.pointer(a) + aOffsets(i) * rows * depth * FLOAT_BYTES;
    const bAt = module.pointer(b) + bOffsets(i) * depth * columns * FLOAT_BYTES;
    const outAt = module.pointer(out) + i * rows * columns * FLOAT_BYTES;
    if (rowsAtOnce === 1 && !transposeB && bias === undefined) {
      exports.vectorTimesMatrix(aAt, bAt, outAt, columns, depth);
      continue;
    }
    if (isTurned) {
      exports.transposeMatrix(aAt, depth, rows, turned);
      aAt = turned;
    }
    exports.gemm(
      aAt,
      bAt,
      outAt,
      rowsAtOnce,
      columns,
      depth,
      transposeA && !isTurned ? 1 : 0,
      transposeB ? 1 : 0,
      bias === undefined ? 0 : biasAt,
      useRelu ? 1 : 0,
      0,
      rowsAtOnce,
      descriptor,
      panels,
    );
  }
  return out;
}

/** Maps an index into the broadcast batch to an index into an operand's batch. */
function batchOffsets(batch: readonly number[], outBatch: readonly number[]): (index: number) => number {
  const size = util.sizeFromShape([...batch]);
  if (size === 1) return () => 0;
  if (size === util.sizeFromShape([...outBatch])) return (index) => index;
  const lead = outBatch.length - batch.length;
  return (index) => {
    let offset = 0;
    let scale = 1;
    let rest = index;
    for (let axis = outBatch.length - 1; axis >= 0; axis--) {
      const coordinate = rest % outBatch[axis]!;
      rest = Math.floor(rest / outBatch[axis]!);
      const own = axis >= lead ? batch[axis - lead]! : 1;
      if (own !== 1) offset += coordinate * scale;
      scale *= own;
    }
    return offset;
  };
}
