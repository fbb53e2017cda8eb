// Observations: pixel-wise maximum of two gray screens, and the area resize from 160 x height to 84 x 84, bit-equal to OpenCV's INTER_AREA
// for 8-bit pictures: float32, each output a weighted sum in OpenCV's order, rounded half to even. Rows that repeat are resized once.
export const SIDE: i32 = 84;
const TAPS = 4; // a row of the output touches at most 4 rows of the screen (250 lines), a column 3 columns

// Columns in groups of 4: base column (16 bytes), then 3 x 16 bytes of swizzle indices, then 3 x 16 bytes of weights.
const GROUP_BYTES: usize = 112;
const GROUPS: usize = memory.data(21 * 112, 16);
// Per output row: first row, count, 4 weights.
const ROWS: usize = memory.data(84 * 24, 16);
const RESIZED: usize = memory.data(8 * 336, 16);
const TAP_INDEX: usize = memory.data(16), TAP_WEIGHT: usize = memory.data(16);

/** OpenCV's sources and weights of output d; returns how many. */
function taps(source: i32, d: i32): i32 {
  const scale: f64 = <f64>source / <f64>SIDE, start = <f64>d * scale, end = start + scale, cell = min(scale, <f64>source - start);
  let first = <i32>Math.ceil(start);
  const last = min(<i32>Math.floor(end), source - 1);
  first = min(first, last);
  let count = 0;
  if (<f64>first - start > 1e-3) count = tap(count, first - 1, (<f64>first - start) / cell);
  for (let s = first; s < last; s++) count = tap(count, s, 1.0 / cell);
  if (end - <f64>last > 1e-3) count = tap(count, last, min(min(end - <f64>last, 1.0), cell) / cell);
  return count;
}
function tap(count: i32, index: i32, weight: f64): i32 {
  if (count >= TAPS) return count;
  store<i32>(TAP_INDEX + (count << 2), index);
  store<f32>(TAP_WEIGHT + (count << 2), <f32>weight);
  return count + 1;
}

export function prepareResize(height: i32): void {
  for (let g = 0; g < 21; g++) {
    const group = GROUPS + g * GROUP_BYTES;
    memory.fill(group, 0, GROUP_BYTES);
    memory.fill(group + 16, 0x80, 48);
    taps(160, g * 4);
    const base = min(load<i32>(TAP_INDEX), 144);
    store<i32>(group, base);
    for (let lane = 0; lane < 4; lane++) {
      const count = taps(160, g * 4 + lane);
      for (let k = 0; k < count; k++) {
        store<u8>(group + 16 + k * 16 + lane * 4, load<i32>(TAP_INDEX + (k << 2)) - base);
        store<f32>(group + 64 + k * 16 + lane * 4, load<f32>(TAP_WEIGHT + (k << 2)));
      }
    }
  }
  for (let d = 0; d < SIDE; d++) {
    const row = ROWS + d * 24, count = taps(height, d);
    store<i32>(row, load<i32>(TAP_INDEX));
    store<i32>(row, count, 4);
    for (let k = 0; k < count; k++) store<f32>(row + (k << 2), load<f32>(TAP_WEIGHT + (k << 2)), 8);
  }
}

function resizeRow(source: usize, target: usize): void {
  for (let group = GROUPS; group < GROUPS + 21 * GROUP_BYTES; group += GROUP_BYTES, target += 16) {
    const pixels = v128.load(source + load<i32>(group));
    let sum = f32x4.mul(f32x4.convert_i32x4_u(i8x16.swizzle(pixels, v128.load(group, 16))), v128.load(group, 64));
    sum = f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_u(i8x16.swizzle(pixels, v128.load(group, 32))), v128.load(group, 80)));
    sum = f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_u(i8x16.swizzle(pixels, v128.load(group, 48))), v128.load(group, 96)));
    v128.store(target, sum);
  }
}
@inline function sameRow(a: usize, b: usize): bool {
  let difference = v128.xor(v128.load(a), v128.load(b));
  for (let i: usize = 16; i < 160; i += 16) difference = v128.or(difference, v128.xor(v128.load(a + i), v128.load(b + i)));
  return !v128.any_true(difference);
}

const RESULT: usize = memory.data(8 * 4);
@inline function resultOf(row: i32): usize { return load<usize>(RESULT + ((row & 7) << 2)); }

/** 160 x height gray at `source` to 84 x 84 at `target`. */
export function resize(source: usize, target: usize): void {
  let done = -1, slot: usize = 0;
  for (let d = 0; d < SIDE; d++) {
    const row = ROWS + d * 24, first = load<i32>(row), count = load<i32>(row, 4);
    while (done < first + count - 1) {
      done++;
      const at = source + done * 160;
      if (done > 0 && sameRow(at, at - 160)) store<usize>(RESULT + ((done & 7) << 2), resultOf(done - 1));
      else {
        slot = (slot + 1) & 7;
        resizeRow(at, RESIZED + slot * 336);
        store<usize>(RESULT + ((done & 7) << 2), RESIZED + slot * 336);
      }
    }
    const w0 = f32x4.splat(load<f32>(row, 8)), w1 = f32x4.splat(load<f32>(row, 12)), w2 = f32x4.splat(load<f32>(row, 16)), w3 = f32x4.splat(load<f32>(row, 20));
    const r0 = resultOf(first), r1 = resultOf(first + 1), r2 = count > 2 ? resultOf(first + 2) : 0, r3 = count > 3 ? resultOf(first + 3) : 0;
    const out = target + d * SIDE;
    for (let x: usize = 0; x < 336; x += 16) {
      let sum = f32x4.mul(w0, v128.load(r0 + x));
      if (count > 1) sum = f32x4.add(sum, f32x4.mul(w1, v128.load(r1 + x)));
      if (count > 2) sum = f32x4.add(sum, f32x4.mul(w2, v128.load(r2 + x)));
      if (count > 3) sum = f32x4.add(sum, f32x4.mul(w3, v128.load(r3 + x)));
      const words = i32x4.trunc_sat_f32x4_u(f32x4.nearest(sum));
      const halves = i16x8.narrow_i32x4_u(words, words);
      v128.store_lane<u32>(out + (x >> 2), i8x16.narrow_i16x8_u(halves, halves), 0);
    }
  }
}

export function maximum(a: usize, b: usize, target: usize, bytes: i32): void {
  for (let i = 0; i < bytes; i += 16) v128.store(target + i, i8x16.max_u(v128.load(a + i), v128.load(b + i)));
}

// ---- gray look-up of palette indices, 16 at a time; odd indices (PAL color loss) the slow way
const EVEN: usize = memory.data(128, 16);
export function prepareGray(gray: usize): void { for (let i = 0; i < 128; i++) store<u8>(EVEN + i, load<u8>(gray + 2 * i)); }
/** Palette indices at `source` to gray at `target`, by the table `gray` (256 bytes) that prepareGray was given. */
export function toGray(source: usize, target: usize, bytes: i32, gray: usize): void {
  for (let i = 0; i < bytes; i += 16) {
    const pixels = v128.load(source + i);
    if (v128.any_true(v128.and(pixels, i8x16.splat(1)))) {
      for (let k = i; k < i + 16; k++) store<u8>(target + k, load<u8>(gray + <usize>load<u8>(source + k)));
      continue;
    }
    const index = i8x16.shr_u(pixels, 1);
    let result = i8x16.swizzle(v128.load(EVEN), index);
    for (let part: usize = 16; part < 128; part += 16) result = v128.or(result, i8x16.swizzle(v128.load(EVEN + part), i8x16.sub(index, i8x16.splat(<i8>part))));
    v128.store(target + i, result);
  }
}
