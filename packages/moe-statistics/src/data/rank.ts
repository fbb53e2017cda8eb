// Whether a polynomial design determines its coefficients.
import { SingularDesignError } from '../errors.ts';
import { factorCholesky } from '../numerics/cholesky.ts';
import { monomialExponents, monomialNames, polynomialFeatures } from './polynomial.ts';
import type { Matrix } from './samples.ts';

/** @throws SingularDesignError naming the monomial that depends on those before it */
export function requireIndependentColumns(x: Matrix, weights: Float64Array, degree: number): void {
  const features = polynomialFeatures(x, degree);
  const terms = features.length / x.rows;
  const moments = new Float64Array(terms * terms);
  for (let row = 0; row < x.rows; row++) {
    const weight = weights[row]!;
    if (weight === 0) continue;
    for (let k = 0; k < terms; k++)
      for (let l = 0; l <= k; l++)
        moments[k * terms + l]! += weight * features[row * terms + k]! * features[row * terms + l]!;
  }
  const dependent = factorCholesky(moments, terms);
  if (dependent < 0) return;
  const names = monomialNames(monomialExponents(x.columns, degree), x.names);
  throw new SingularDesignError(
    `column ${names[dependent]} of the design is a linear combination of ${names.slice(0, dependent).join(', ')}; expected independent columns, or a lower degree than ${degree}`,
  );
}
