// Means with and without weights.

/** The mean of values, weighted where weights are given. */
export function weightedMean(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let index = 0; index < values.length; index++) {
    const weight = weights === undefined ? 1 : weights[index]!;
    if (weight === 0) continue;
    sum += weight * values[index]!;
    total += weight;
  }
  return sum / total;
}

/** The weighted variance, about the weighted mean. */
export function weightedVariance(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const mean = weightedMean(values, weights);
  return weightedMean(
    Float64Array.from(values, (value) => (value - mean) ** 2),
    weights,
  );
}
