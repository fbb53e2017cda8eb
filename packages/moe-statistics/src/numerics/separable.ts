// When a regression of classes has explained its samples all but for certain, so that its likelihood has no maximum but grows on with the coefficients.

/**
 * Whether a log-likelihood is next to nothing beside that of the class frequencies alone. (Per sample it would be small wherever one class is rare.)
 * @param counts weight of every class, all positive
 */
export function isNearlyCertain(logLikelihood: number, counts: readonly number[]): boolean {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const ofFrequencies = counts.reduce((sum, count) => sum + count * Math.log(count / total), 0);
  return !(logLikelihood < 1e-4 * ofFrequencies);
}
