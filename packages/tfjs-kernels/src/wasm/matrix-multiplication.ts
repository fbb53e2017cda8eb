// BatchMatMul and _FusedMatMul on the wasm backend. Upstream hands only one case (no transposition, no batch) to XNNPACK and runs a plain
// loop for the others, which all gradients of dense layers and everything in a mixture of experts are.

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { broadcast_util, util } from '@tensorflow/tfjs-core';
import type { KernelModule } from './module.ts';

const FLOAT_BYTES = 4;
const BATCH_AXIS = 0;
const ROWS_AXIS = 1;
const PANELS_AXIS = 2;
const WIDE_COLUMNS = 64;
/** Row ranges: whole tiles of 6, enough of them to pay for packing B once a range. */
const ROWS_MULTIPLE = 96;
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
  const scratchStride = (exports.gemmScratchBytes(depth, columns) + 127) & ~127;
  const [scratch, turned, biasAt] = module.scratch(
    scratchStride * module.threadCount,
    isTurned ? count * rows * depth * FLOAT_BYTES : 0,
    bias === undefined ? 0 : (columns + 7) * FLOAT_BYTES,
  );
  if (bias !== undefined) exports.padColumns(module.pointer(bias), 1, columns, (columns + 7) & ~7, biasAt);
  const aSize = rows * depth * FLOAT_BYTES;
  const bSize = depth * columns * FLOAT_BYTES;
  const outSize = rows * columns * FLOAT_BYTES;
  let aStart = module.pointer(a);
  const bStart = module.pointer(b);
  const outStart = module.pointer(out);
  const aStride = batchStride(aBatch, outBatch);
  const bStride = batchStride(bBatch, outBatch);
  if (isTurned) {
    const size = util.sizeFromShape(aBatch);
    for (let i = 0; i < size; i++) exports.transposeMatrix(aStart + i * aSize, depth, rows, turned + i * aSize);
    aStart = turned;
  }
  if (rowsAtOnce === 1 && count === 1 && !transposeB && bias === undefined) {
    exports.vectorTimesMatrix(aStart, bStart, outStart, columns, depth);
    return out;
  }
  const multiply = (aAt: number, bAt: number, outAt: number, batch: number): void => {
    // Wide products are shared out by columns, so that each thread packs its own part of B only.
    const axis = batch > 1 ? BATCH_AXIS : columns >= WIDE_COLUMNS ? PANELS_AXIS : ROWS_AXIS;
    const total = axis === BATCH_AXIS ? batch : axis === PANELS_AXIS ? Math.ceil(columns / 8) : rowsAtOnce;
    module.run(
      'gemm',
      [
        aAt,
        bAt,
        outAt,
        (aStride ?? 0) * aSize,
        (bStride ?? 0) * bSize,
        outSize,
        rowsAtOnce,
        columns,
        depth,
        transposeA && !isTurned ? 1 : 0,
        transposeB ? 1 : 0,
        bias === undefined ? 0 : biasAt,
        useRelu ? 1 : 0,
        axis,
      ],
      { total, multiple: axis === ROWS_AXIS ? ROWS_MULTIPLE : 1, operations: batch * rowsAtOnce * columns * depth },
      scratch,
      scratchStride,
    );
  };
  if (aStride !== undefined && bStride !== undefined) multiply(aStart, bStart, outStart, count);
  else {
    const aIndex = batchIndex(aBatch, outBatch);
    const bIndex = batchIndex(bBatch, outBatch);
    for (let i = 0; i < count; i++) {
      multiply(aStart + aIndex(i) * aSize, bStart + bIndex(i) * bSize, outStart + i * outSize, 1);
    }
  }
  return out;
}

/** How many products an operand advances for each of the batch: 1, 0 when all share it, undefined when it is neither. */
function batchStride(batch: readonly number[], outBatch: readonly number[]): 0 | 1 | undefined {
  const size = util.sizeFromShape([...batch]);
  if (size === 1) return 0;
  return size === util.sizeFromShape([...outBatch]) ? 1 : undefined;
}

/** Maps an index into the broadcast batch to an index into an operand's batch. */
function batchIndex(batch: readonly number[], outBatch: readonly number[]): (index: number) => number {
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
