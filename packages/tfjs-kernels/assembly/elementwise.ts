// Streaming loops: the fused optimizer step, relu's gradient, sums over leading axes, segment sums.

/** dx = y > 0 ? dy : 0, for elements [first, last); `first` is a multiple of 4. */
export function reluGradient(dy: usize, y: usize, dx: usize, first: i32, last: i32, _scratch: usize): void {
  const zero = f32x4.splat(0);
  let i = <usize>first << 2;
  const bytes = <usize>last << 2, whole = bytes & ~15;
  for (; i < whole; i += 16) v128.store(dx + i, v128.and(v128.load(dy + i), f32x4.gt(v128.load(y + i), zero)));
  for (; i < bytes; i += 4) store<f32>(dx + i, load<f32>(y + i) > 0 ? load<f32>(dy + i) : 0);
}

/** out[row, :] = x[row, :] + bias, for rows [first, last) of `columns` values. */
export function addBias(x: usize, bias: usize, out: usize, columns: i32, first: i32, last: i32, _scratch: usize): void {
  const row = <usize>columns << 2, whole = row & ~15;
  let at = <usize>first * row;
  for (let r = first; r < last; r++) {
    let i: usize = 0;
    for (; i < whole; i += 16) v128.store(out + at + i, f32x4.add(v128.load(x + at + i), v128.load(bias + i)));
    for (; i < row; i += 4) store<f32>(out + at + i, load<f32>(x + at + i) + load<f32>(bias + i));
    at += row;
  }
}

/** x [outer, reduced, inner] -> out [outer, inner], the sum over the middle axis. */
export function sumMiddle(x: usize, out: usize, outer: i32, reduced: i32, inner: i32): void {
  const row = <usize>inner << 2, whole = row & ~15;
  if (inner == 1) {
    for (let o = 0; o < outer; o++) {
      let sum = f32x4.splat(0);
      const bytes = <usize>reduced << 2, wholeBytes = bytes & ~15;
      let i: usize = 0;
      for (; i < wholeBytes; i += 16) sum = f32x4.add(sum, v128.load(x + i));
      let total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
      for (; i < bytes; i += 4) total += load<f32>(x + i);
      store<f32>(out, total);
      out += 4;
      x += bytes;
    }
    return;
  }
  for (let o = 0; o < outer; o++) {
    memory.fill(out, 0, row);
    // Blocks of rows into registers first: shorter chains of additions, so less rounding than one running sum.
    for (let start = 0; start < reduced; start += 64) {
      const count = min(64, reduced - start);
      let i: usize = 0;
      for (; i < whole; i += 16) {
        let sum = f32x4.splat(0);
        let at = x + i;
        for (let r = 0; r < count; r++) {
          sum = f32x4.add(sum, v128.load(at));
          at += row;
        }
        v128.store(out + i, f32x4.add(v128.load(out + i), sum));
      }
      for (; i < row; i += 4) {
        let sum: f32 = 0;
        let at = x + i;
        for (let r = 0; r < count; r++) {
          sum += load<f32>(at);
          at += row;
        }
        store<f32>(out + i, load<f32>(out + i) + sum);
      }
      x += <usize>count * row;
    }
    out += row;
  }
}

/** out[segment, :] += x[i, :] for each i whose segment is in [0, segments); others are dropped, as TensorFlow does. `out` is zeroed first. */
export function segmentSum(x: usize, segmentIds: usize, out: usize, count: i32, inner: i32, segments: i32): void {
  memory.fill(out, 0, <usize>(segments * inner) << 2);
  for (let i = 0; i < count; i++) {
    const segment = load<i32>(segmentIds + (<usize>i << 2));
    if (segment < 0 || segment >= segments) {
      x += <usize>inner << 2;
      continue;
    }
    let to = out + (<usize>(segment * inner) << 2);
    for (let j = 0; j < inner; j++) {
      store<f32>(to, load<f32>(to) + load<f32>(x));
      to += 4;
      x += 4;
    }
  }
}

/**
 * One Adam step on elements [first, last), `first` a multiple of 4: m' = beta1 m + (1 - beta1) g, v' = beta2 v + (1 - beta2) g^2, w' = w - stepSize m' / (sqrt(v') scale + epsilon).
 * (Kingma and Ba 2015; `stepSize` = learning rate / (1 - beta1^t), `scale` = 1 / sqrt(1 - beta2^t);
 * `rest1` = 1 - beta1 and `rest2` = 1 - beta2, rounded once only.)
 */
export function adam(
  w: usize, m: usize, v: usize, g: usize, wOut: usize, mOut: usize, vOut: usize,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32, stepSize: f32, scale: f32, epsilon: f32, first: i32, last: i32, _scratch: usize,
): void {
  const keep1 = f32x4.splat(beta1), take1 = f32x4.splat(rest1), keep2 = f32x4.splat(beta2), take2 = f32x4.splat(rest2);
  const size4 = f32x4.splat(stepSize), scale4 = f32x4.splat(scale), epsilon4 = f32x4.splat(epsilon);
  const bytes = <usize>last << 2, whole = bytes & ~15;
  let i = <usize>first << 2;
  for (; i < whole; i += 16) {
    const gradient = v128.load(g + i);
    const m4 = f32x4.add(f32x4.mul(keep1, v128.load(m + i)), f32x4.mul(take1, gradient));
    const v4 = f32x4.add(f32x4.mul(keep2, v128.load(v + i)), f32x4.mul(take2, f32x4.mul(gradient, gradient)));
    v128.store(mOut + i, m4);
    v128.store(vOut + i, v4);
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v4), scale4), epsilon4);
    v128.store(wOut + i, f32x4.sub(v128.load(w + i), f32x4.div(f32x4.mul(size4, m4), denominator)));
  }
  for (; i < bytes; i += 4) {
    const gradient = load<f32>(g + i);
    const m1 = beta1 * load<f32>(m + i) + rest1 * gradient;
    const v1 = beta2 * load<f32>(v + i) + rest2 * (gradient * gradient);
    store<f32>(mOut + i, m1);
    store<f32>(vOut + i, v1);
    store<f32>(wOut + i, load<f32>(w + i) - stepSize * m1 / (sqrt<f32>(v1) * scale + epsilon));
  }
}
