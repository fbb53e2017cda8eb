// Means over seeds with their 95 % intervals by Student's t. What the render-*.mjs scripts share.

/** Quantiles at 97.5 %, by degrees of freedom from 1 on. */
const QUANTILES = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131],
  ...[2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
];

/** The mean, and half the width of its interval: not a number for a single value. */
export function studentInterval(values) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, half: Number.NaN };
  const quantile = QUANTILES[count - 2];
  if (quantile === undefined) throw new Error(`${count} values; expected at most ${QUANTILES.length + 1}`);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return { mean, half: quantile * Math.sqrt(variance / count) };
}
