// The error function to double precision, by a series whose terms all have one sign, so that nothing cancels.

/** `2 / sqrt(pi) * integral from 0 to x of exp(-t^2) dt`, to about 1e-15. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  // exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1))
  let term = x;
  let total = x;
  for (let n = 1; n < 150; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}
