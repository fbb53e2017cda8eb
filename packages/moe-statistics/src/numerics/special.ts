// Scalar functions of the densities: log factorials, log gamma, the sigmoid without overflow.

export const LOG_2_PI = Math.log(2 * Math.PI);

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Gamma(x) for x > 0, to about 1e-14 (Lanczos, g = 7, n = 9). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  let sum = LANCZOS[0]!;
  for (let k = 1; k < LANCZOS.length; k++) sum += LANCZOS[k]! / (shifted + k);
  const base = shifted + 7.5;
  return 0.5 * LOG_2_PI + (shifted + 0.5) * Math.log(base) - base + Math.log(sum);
}

/** 1 / (1 + exp(-z)). */
export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const exponential = Math.exp(z);
  return exponential / (1 + exponential);
}

/** ln(1 + exp(z)). */
export function softplus(z: number): number {
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
}

/** ln N(y; mean, variance). */
export function logNormal(y: number, mean: number, variance: number): number {
  return -0.5 * (LOG_2_PI + Math.log(variance) + (y - mean) ** 2 / variance);
}

/** ln sum exp(values), where all of them may be far below what exp can hold. */
export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}
