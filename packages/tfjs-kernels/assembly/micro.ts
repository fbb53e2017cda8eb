// The two inner loops that everything dense runs on: a tile of 6 rows x 8 columns, held in 12 vector registers (WebAssembly on x86-64
// has 15 to use; 6 x 8 needs 12 + 2 for B + 1 for A).
//
// `microRows`: the k values of a row lie side by side in memory (A as it is, or the window of a convolution, one segment per filter row).
// `microColumns`: the 6 row values lie side by side (A transposed, or the filter gradient, where the "rows" are window elements).
// B is read 8 columns at a time; `bStride` bytes lie between two k.

/** Bytes of a tile descriptor: 6 pointers into A, 6 into C, then 32 bytes for a partial row. */
export const DESCRIPTOR_BYTES: i32 = 80;

/** Add the tile to what C holds. */
export const ACCUMULATE: i32 = 1;
/** Clamp at zero from below before storing. */
export const RELU: i32 = 2;

// @ts-ignore: decorator
@inline function multiplyAdd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline function storeRow(c: usize, low: v128, high: v128, columns: i32, flags: i32, partial: usize): void {
  if (columns == 8) {
    if (flags & ACCUMULATE) {
      low = f32x4.add(low, v128.load(c));
      high = f32x4.add(high, v128.load(c, 16));
    }
    if (flags & RELU) {
      const zero = f32x4.splat(0);
      low = f32x4.max(low, zero);
      high = f32x4.max(high, zero);
    }
    v128.store(c, low);
    v128.store(c, high, 16);
  } else storePartialRow(c, low, high, columns, flags, partial);
}

function storePartialRow(c: usize, low: v128, high: v128, columns: i32, flags: i32, partial: usize): void {
  v128.store(partial, low);
  v128.store(partial, high, 16);
  for (let i = 0; i < columns; i++) {
    let value = load<f32>(partial + (<usize>i << 2));
    if (flags & ACCUMULATE) value += load<f32>(c + (<usize>i << 2));
    if (flags & RELU) value = max<f32>(value, 0);
    store<f32>(c + (<usize>i << 2), value);
  }
}

/**
 * C[6 x 8] = bias + sum over segments and k of A[row, k] * B[k, column].
 * `bias`: 8 values or 0. `rows`: how many of the 6 rows are stored; `columns`: how many of the 8.
 */
export function microRows(
  descriptor: usize, b: usize, segments: i32, run: i32, segmentStride: usize, bias: usize, rows: i32, columns: i32, flags: i32,
): void {
  let a0 = <usize>load<u32>(descriptor), a1 = <usize>load<u32>(descriptor, 4), a2 = <usize>load<u32>(descriptor, 8);
  let a3 = <usize>load<u32>(descriptor, 12), a4 = <usize>load<u32>(descriptor, 16), a5 = <usize>load<u32>(descriptor, 20);
  let low0 = f32x4.splat(0), high0 = f32x4.splat(0);
  if (bias) {
    low0 = v128.load(bias);
    high0 = v128.load(bias, 16);
  }
  let low1 = low0, low2 = low0, low3 = low0, low4 = low0, low5 = low0;
  let high1 = high0, high2 = high0, high3 = high0, high4 = high0, high5 = high0;
  const back = segmentStride - (<usize>run << 2);
  for (let s = 0; s < segments; s++) {
    // Two k at a time: 0 to 30 percent faster than one (fewer pointer increments); four: no further gain.
    let k = run;
    for (; k >= 2; k -= 2) {
      {
        const bLow = v128.load(b), bHigh = v128.load(b, 16);
        let a = v128.load_splat<f32>(a0);
        low0 = multiplyAdd(a, bLow, low0);
        high0 = multiplyAdd(a, bHigh, high0);
        a = v128.load_splat<f32>(a1);
        low1 = multiplyAdd(a, bLow, low1);
        high1 = multiplyAdd(a, bHigh, high1);
        a = v128.load_splat<f32>(a2);
        low2 = multiplyAdd(a, bLow, low2);
        high2 = multiplyAdd(a, bHigh, high2);
        a = v128.load_splat<f32>(a3);
        low3 = multiplyAdd(a, bLow, low3);
        high3 = multiplyAdd(a, bHigh, high3);
        a = v128.load_splat<f32>(a4);
        low4 = multiplyAdd(a, bLow, low4);
        high4 = multiplyAdd(a, bHigh, high4);
        a = v128.load_splat<f32>(a5);
        low5 = multiplyAdd(a, bLow, low5);
        high5 = multiplyAdd(a, bHigh, high5);
      }
      {
        const bLow = v128.load(b, 32), bHigh = v128.load(b, 48);
        let a = v128.load_splat<f32>(a0, 4);
        low0 = multiplyAdd(a, bLow, low0);
        high0 = multiplyAdd(a, bHigh, high0);
        a = v128.load_splat<f32>(a1, 4);
        low1 = multiplyAdd(a, bLow, low1);
        high1 = multiplyAdd(a, bHigh, high1);
        a = v128.load_splat<f32>(a2, 4);
        low2 = multiplyAdd(a, bLow, low2);
        high2 = multiplyAdd(a, bHigh, high2);
        a = v128.load_splat<f32>(a3, 4);
        low3 = multiplyAdd(a, bLow, low3);
        high3 = multiplyAdd(a, bHigh, high3);
        a = v128.load_splat<f32>(a4, 4);
        low4 = multiplyAdd(a, bLow, low4);
        high4 = multiplyAdd(a, bHigh, high4);
        a = v128.load_splat<f32>(a5, 4);
        low5 = multiplyAdd(a, bLow, low5);
        high5 = multiplyAdd(a, bHigh, high5);
      }
      a0 += 8; a1 += 8; a2 += 8; a3 += 8; a4 += 8; a5 += 8;
      b += 64;
    }
    if (k > 0) {
      const bLow = v128.load(b), bHigh = v128.load(b, 16);
      let a = v128.load_splat<f32>(a0);
      low0 = multiplyAdd(a, bLow, low0);
      high0 = multiplyAdd(a, bHigh, high0);
      a = v128.load_splat<f32>(a1);
      low1 = multiplyAdd(a, bLow, low1);
      high1 = multiplyAdd(a, bHigh, high1);
      a = v128.load_splat<f32>(a2);
      low2 = multiplyAdd(a, bLow, low2);
      high2 = multiplyAdd(a, bHigh, high2);
      a = v128.load_splat<f32>(a3);
      low3 = multiplyAdd(a, bLow, low3);
      high3 = multiplyAdd(a, bHigh, high3);
      a = v128.load_splat<f32>(a4);
      low4 = multiplyAdd(a, bLow, low4);
      high4 = multiplyAdd(a, bHigh, high4);
      a = v128.load_splat<f32>(a5);
      low5 = multiplyAdd(a, bLow, low5);
      high5 = multiplyAdd(a, bHigh, high5);
      a0 += 4; a1 += 4; a2 += 4; a3 += 4; a4 += 4; a5 += 4;
      b += 32;
    }
    a0 += back; a1 += back; a2 += back; a3 += back; a4 += back; a5 += back;
  }
  const partial = descriptor + 48;
  storeRow(<usize>load<u32>(descriptor, 24), low0, high0, columns, flags, partial);
  if (rows > 1) storeRow(<usize>load<u32>(descriptor, 28), low1, high1, columns, flags, partial);
  if (rows > 2) storeRow(<usize>load<u32>(descriptor, 32), low2, high2, columns, flags, partial);
  if (rows > 3) storeRow(<usize>load<u32>(descriptor, 36), low3, high3, columns, flags, partial);
  if (rows > 4) storeRow(<usize>load<u32>(descriptor, 40), low4, high4, columns, flags, partial);
  if (rows > 5) storeRow(<usize>load<u32>(descriptor, 44), low5, high5, columns, flags, partial);
}

/**
 * C[6 x 8] = sum over segments and k of A[k, row] * B[k, column]; rows before `firstRow` are not stored (tiles at an edge overlap
 * their neighbor, so that nothing past the end of A is read).
 */
export function microColumns(
  a: usize, aStride: usize, aSegmentStride: usize, b: usize, bStride: usize, bSegmentStride: usize, segments: i32, count: i32,
  c: usize, cStride: usize, firstRow: i32, columns: i32, flags: i32, partial: usize,
): void {
  let low0 = f32x4.splat(0), low1 = low0, low2 = low0, low3 = low0, low4 = low0, low5 = low0;
  let high0 = low0, high1 = low0, high2 = low0, high3 = low0, high4 = low0, high5 = low0;
  for (let s = 0; s < segments; s++) {
    let aK = a, bK = b;
    for (let k = count; k > 0; k--) {
      const bLow = v128.load(bK), bHigh = v128.load(bK, 16);
      let value = v128.load_splat<f32>(aK);
      low0 = multiplyAdd(value, bLow, low0);
      high0 = multiplyAdd(value, bHigh, high0);
      value = v128.load_splat<f32>(aK, 4);
      low1 = multiplyAdd(value, bLow, low1);
      high1 = multiplyAdd(value, bHigh, high1);
      value = v128.load_splat<f32>(aK, 8);
      low2 = multiplyAdd(value, bLow, low2);
      high2 = multiplyAdd(value, bHigh, high2);
      value = v128.load_splat<f32>(aK, 12);
      low3 = multiplyAdd(value, bLow, low3);
      high3 = multiplyAdd(value, bHigh, high3);
      value = v128.load_splat<f32>(aK, 16);
      low4 = multiplyAdd(value, bLow, low4);
      high4 = multiplyAdd(value, bHigh, high4);
      value = v128.load_splat<f32>(aK, 20);
      low5 = multiplyAdd(value, bLow, low5);
      high5 = multiplyAdd(value, bHigh, high5);
      aK += aStride;
      bK += bStride;
    }
    a += aSegmentStride;
    b += bSegmentStride;
  }
  if (firstRow < 1) storeRow(c, low0, high0, columns, flags, partial);
  if (firstRow < 2) storeRow(c + cStride, low1, high1, columns, flags, partial);
  if (firstRow < 3) storeRow(c + cStride * 2, low2, high2, columns, flags, partial);
  if (firstRow < 4) storeRow(c + cStride * 3, low3, high3, columns, flags, partial);
  if (firstRow < 5) storeRow(c + cStride * 4, low4, high4, columns, flags, partial);
  storeRow(c + cStride * 5, low5, high5, columns, flags, partial);
}
