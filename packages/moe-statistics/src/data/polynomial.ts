// Polynomial features of total degree at most k in s variables: J_k = C(s + k, k) columns, by degree, then lexicographic (1, x1, x2, x1^2, x1 x2, x2^2, ...).
import type { Matrix } from './samples.ts';

/** Exponents [J][s] of the monomials. */
export function monomialExponents(columns: number, degree: number): number[][] {
  const monomials: number[][] = [];
  const extend = (prefix: number[], left: number): void => {
    if (prefix.length === columns - 1) {
      monomials.push([...prefix, left]);
      return;
    }
    for (let exponent = left; exponent >= 0; exponent--) extend([...prefix, exponent], left - exponent);
  };
  for (let total = 0; total <= degree; total++) extend([], total);
  return monomials;
}

/** C(s + k, k), the number of monomials. */
export function monomialCount(columns: number, degree: number): number {
  let count = 1;
  for (let k = 1; k <= degree; k++) count = (count * (columns + k)) / k;
  return Math.round(count);
}

/** Names like `1`, `x`, `x^2`, `x1*x2^2`. */
export function monomialNames(exponents: readonly (readonly number[])[], names: readonly string[]): string[] {
  return exponents.map(
    (powers) =>
      powers
        .map((power, column) => (power === 0 ? '' : power === 1 ? names[column]! : `${names[column]}^${power}`))
        .filter((factor) => factor !== '')
        .join('*') || '1',
  );
}

/** The features [n, J] of x [n, s]. */
export function polynomialFeatures(x: Matrix, degree: number): Float64Array {
  const exponents = monomialExponents(x.columns, degree);
  const count = exponents.length;
  const features = new Float64Array(x.rows * count);
  for (let row = 0; row < x.rows; row++) {
    for (let monomial = 0; monomial < count; monomial++) {
      let product = 1;
      for (let column = 0; column < x.columns; column++) {
        const value = x.values[row * x.columns + column]!;
        for (let power = exponents[monomial]![column]!; power > 0; power--) product *= value;
      }
      features[row * count + monomial] = product;
    }
  }
  return features;
}
