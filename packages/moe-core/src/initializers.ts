// Initial values of parameters, as flax draws them (the distributions; the streams are ours).
import type { Rng } from '@moe-rl/core';

const draw = (count: number, next: () => number): Float32Array => Float32Array.from({ length: count }, next);

/** Uniform within +-sqrt(6 / (fanIn + fanOut)): Glorot / Xavier, flax `xavier_uniform`. */
export function xavierUniform(rng: Rng, count: number, fanIn: number, fanOut: number): Float32Array {
  return uniform(rng, count, Math.sqrt(6 / (fanIn + fanOut)));
}

/** Uniform within +-limit. */
export function uniform(rng: Rng, count: number, limit: number): Float32Array {
  return draw(count, () => (2 * rng.nextFloat() - 1) * limit);
}

/** Normal, cut at two standard deviations and scaled back to a standard deviation of sqrt(1 / fanIn): flax `lecun_normal`. */
export function lecunNormal(rng: Rng, count: number, fanIn: number): Float32Array {
  // 0.8796... is the standard deviation of a unit normal cut at +-2.
  const scale = Math.sqrt(1 / fanIn) / 0.87962566103423978;
  return draw(count, () => {
    let value = rng.nextNormal();
    while (Math.abs(value) > 2) value = rng.nextNormal();
    return value * scale;
  });
}

/** Standard normal. */
export function standardNormal(rng: Rng, count: number): Float32Array {
  return draw(count, () => rng.nextNormal());
}

/** `rows` orthonormal rows (or columns, when there are fewer of those) times `gain`, by Gram-Schmidt on a normal matrix. */
export function orthogonal(rng: Rng, rows: number, columns: number, gain = 1): Float32Array {
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const vector = Float64Array.from({ length }, () => rng.nextNormal());
    for (const other of basis) {
      const overlap = vector.reduce((total, value, index) => total + value * other[index]!, 0);
      vector.forEach((value, index) => {
        vector[index] = value - overlap * other[index]!;
      });
    }
    const norm = Math.hypot(...vector);
    // A draw that is almost a combination of the others would lose its digits: draw again.
    if (norm > 1e-3) basis.push(vector.map((value) => value / norm));
  }
  const out = new Float32Array(rows * columns);
  basis.forEach((vector, index) => {
    vector.forEach((value, position) => {
      out[rows <= columns ? index * columns + position : position * columns + index] = value * gain;
    });
  });
  return out;
}
