// Matrix multiplication C = op(A) op(B), row-major, on the tiles of micro.ts. B is packed into panels of 8 columns, K_BLOCK deep, so that
// a panel stays in the first-level and all panels of a block in the second-level cache; A is read where it lies.

import { ACCUMULATE, DESCRIPTOR_BYTES, microColumns, microRows, RELU } from './micro';

/** How deep a packed block of B is; 256 x 8 floats = 8 KiB a panel. */
const K_BLOCK: i32 = 256;

/** Bytes of scratch that `gemm` needs: a tile's descriptor and a packed block of B. */
export function gemmScratchBytes(depth: i32, columns: i32): i32 {
  return DESCRIPTOR_BYTES + ((columns + 7) & ~7) * min(depth, K_BLOCK) * 4;
}

/** Packs rows [0, depth) of a row-major B[depth, columns] (bytes between rows: `stride`) into panels [columns / 8][depth][8], zeros at the edge. */
export function packPanels(b: usize, stride: usize, depth: i32, columns: i32, panels: usize): void {
  let column = 0;
  // Two panels at a time: 16 floats are one cache line of B.
  for (; column + 16 <= columns; column += 16) {
    let source = b + (<usize>column << 2);
    let first = panels + <usize>column * <usize>depth * 4;
    let second = first + <usize>depth * 32;
    for (let k = 0; k < depth; k++) {
      v128.store(first, v128.load(source));
      v128.store(first, v128.load(source, 16), 16);
      v128.store(second, v128.load(source, 32));
      v128.store(second, v128.load(source, 48), 16);
      source += stride;
      first += 32;
      second += 32;
    }
  }
  for (; column + 8 <= columns; column += 8) {
    let source = b + (<usize>column << 2);
    let panel = panels + <usize>column * <usize>depth * 4;
    for (let k = 0; k < depth; k++) {
      v128.store(panel, v128.load(source));
      v128.store(panel, v128.load(source, 16), 16);
      source += stride;
      panel += 32;
    }
  }
  if (column < columns) {
    let source = b + (<usize>column << 2);
    let panel = panels + <usize>column * <usize>depth * 4;
    const rest = columns - column;
    for (let k = 0; k < depth; k++) {
      for (let i = 0; i < rest; i++) store<f32>(panel + (<usize>i << 2), load<f32>(source + (<usize>i << 2)));
      for (let i = rest; i < 8; i++) store<f32>(panel + (<usize>i << 2), 0);
      source += stride;
      panel += 32;
    }
  }
}

/** The same from a transposed B[columns, depth] (bytes between its rows: `stride`). */
export function packPanelsTransposed(b: usize, stride: usize, depth: i32, columns: i32, panels: usize): void {
  for (let column = 0; column < columns; column += 8) {
    const panel = panels + <usize>column * <usize>depth * 4;
    for (let half = 0; half < 8; half += 4) {
      const rows = columns - column - half;
      const target = panel + (<usize>half << 2);
      const source = b + <usize>(column + half) * stride;
      let k = 0;
      if (rows >= 4) {
        for (; k + 4 <= depth; k += 4) {
          const at = source + (<usize>k << 2), to = target + <usize>k * 32;
          const r0 = v128.load(at), r1 = v128.load(at + stride), r2 = v128.load(at + stride * 2), r3 = v128.load(at + stride * 3);
          const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
          const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
          v128.store(to, v128.shuffle<f64>(t0, t1, 0, 2));
          v128.store(to, v128.shuffle<f64>(t0, t1, 1, 3), 32);
          v128.store(to, v128.shuffle<f64>(t2, t3, 0, 2), 64);
          v128.store(to, v128.shuffle<f64>(t2, t3, 1, 3), 96);
        }
      }
      for (; k < depth; k++) {
        for (let i = 0; i < 4; i++) {
          const value: f32 = i < rows ? load<f32>(source + <usize>i * stride + (<usize>k << 2)) : 0;
          store<f32>(target + <usize>k * 32 + (<usize>i << 2), value);
        }
      }
    }
  }
}

/** What a range of `gemm` counts: products of the batch, rows of C, or panels of 8 columns of C. */
const BATCH: i32 = 0;
const ROWS: i32 = 1;

/**
 * C[rows, columns] = op(A) op(B) (+ bias, then relu) for each of a batch of products; the batch strides are bytes, 0 for an operand that all
 * share. [first, last) is a range along `axis`: the batch, or, in a batch of one, rows of C or panels of 8 columns.
 * `a`: A[rows, depth], or A[depth, rows] when `transposeA` (then rows >= 6 is required, and no bias). `bias`: [columns rounded up to 8] or 0.
 * `scratch`: `gemmScratchBytes`, one for each thread.
 */
export function gemm(
  a: usize, b: usize, c: usize, aBatchStride: usize, bBatchStride: usize, cBatchStride: usize, rows: i32, columns: i32, depth: i32,
  transposeA: bool, transposeB: bool, bias: usize, relu: bool, axis: i32, first: i32, last: i32, scratch: usize,
): void {
  if (axis == BATCH) {
    for (let i = first; i < last; i++) {
      const at = <usize>i;
      product(
        a + at * aBatchStride, b + at * bBatchStride, c + at * cBatchStride, rows, columns, depth, transposeA, transposeB, bias, relu,
        0, rows, 0, columns, scratch,
      );
    }
  } else if (axis == ROWS) {
    product(a, b, c, rows, columns, depth, transposeA, transposeB, bias, relu, first, last, 0, columns, scratch);
  } else {
    product(a, b, c, rows, columns, depth, transposeA, transposeB, bias, relu, 0, rows, first * 8, min(last * 8, columns), scratch);
  }
}

function product(
  a: usize, b: usize, c: usize, rows: i32, columns: i32, depth: i32, transposeA: bool, transposeB: bool, bias: usize, relu: bool,
  firstRow: i32, lastRow: i32, firstColumn: i32, lastColumn: i32, descriptor: usize,
): void {
  const panels = descriptor + DESCRIPTOR_BYTES;
  const cStride = <usize>columns << 2;
  const bStride = <usize>(transposeB ? depth : columns) << 2;
  b += transposeB ? <usize>firstColumn * bStride : <usize>firstColumn << 2;
  c += <usize>firstColumn << 2;
  const width = lastColumn - firstColumn;
  for (let k = 0; k < depth || k == 0; k += K_BLOCK) {
    const block = min(K_BLOCK, depth - k);
    const flags = (k > 0 ? ACCUMULATE : 0) | (relu && k + block >= depth ? RELU : 0);
    if (transposeB) packPanelsTransposed(b + (<usize>k << 2), bStride, block, width, panels);
    else packPanels(b + <usize>k * bStride, bStride, block, width, panels);
    const blockBias = k == 0 && bias ? bias + (<usize>firstColumn << 2) : 0;
    for (let row = firstRow; row < lastRow; row += 6) {
      const count = min(6, lastRow - row);
      if (transposeA) {
        // The last tile moves back, so that it reads no further than A's end.
        const start = min(row, lastRow - 6 > 0 ? lastRow - 6 : 0);
        const aTile = a + (<usize>start << 2) + <usize>k * (<usize>rows << 2);
        const cTile = c + <usize>start * cStride;
        for (let column = 0; column < width; column += 8) {
          microColumns(
            aTile, <usize>rows << 2, 0, panels + <usize>column * <usize>block * 4, 32, 0, 1, block,
            cTile + (<usize>column << 2), cStride, row - start, min(8, width - column), flags, descriptor + 48,
          );
        }
      } else {
        for (let i = 0; i < 6; i++) {
          const at = <usize>(row + min(i, count - 1));
          store<u32>(descriptor + (<usize>i << 2), <u32>(a + (at * <usize>depth + <usize>k) * 4));
        }
        for (let column = 0; column < width; column += 8) {
          for (let i = 0; i < count; i++) {
            store<u32>(descriptor + 24 + (<usize>i << 2), <u32>(c + <usize>(row + i) * cStride + (<usize>column << 2)));
          }
          microRows(
            descriptor, panels + <usize>column * <usize>block * 4, 1, block, 0,
            blockBias ? blockBias + (<usize>column << 2) : 0, count, min(8, width - column), flags,
          );
        }
      }
    }
  }
}

/** y[columns] = x[depth] B[depth, columns]: one row, B read once where it lies (acting on one observation). */
export function vectorTimesMatrix(x: usize, b: usize, y: usize, columns: i32, depth: i32): void {
  const stride = <usize>columns << 2;
  let column = 0;
  for (; column + 32 <= columns; column += 32) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    let row = b + (<usize>column << 2);
    for (let k = 0; k < depth; k++) {
      const value = v128.load_splat<f32>(x + (<usize>k << 2));
      s0 = f32x4.add(s0, f32x4.mul(value, v128.load(row)));
      s1 = f32x4.add(s1, f32x4.mul(value, v128.load(row, 16)));
      s2 = f32x4.add(s2, f32x4.mul(value, v128.load(row, 32)));
      s3 = f32x4.add(s3, f32x4.mul(value, v128.load(row, 48)));
      s4 = f32x4.add(s4, f32x4.mul(value, v128.load(row, 64)));
      s5 = f32x4.add(s5, f32x4.mul(value, v128.load(row, 80)));
      s6 = f32x4.add(s6, f32x4.mul(value, v128.load(row, 96)));
      s7 = f32x4.add(s7, f32x4.mul(value, v128.load(row, 112)));
      row += stride;
    }
    const to = y + (<usize>column << 2);
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(to, s4, 64);
    v128.store(to, s5, 80);
    v128.store(to, s6, 96);
    v128.store(to, s7, 112);
  }
  for (; column < columns; column++) {
    let sum: f32 = 0;
    let at = b + (<usize>column << 2);
    for (let k = 0; k < depth; k++) {
      sum += load<f32>(x + (<usize>k << 2)) * load<f32>(at);
      at += stride;
    }
    store<f32>(y + (<usize>column << 2), sum);
  }
}
