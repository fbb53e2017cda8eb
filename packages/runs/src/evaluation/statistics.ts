// Summary statistics of a list of returns.

export interface ReturnStatistics {
  readonly mean: number;
  /** Sample standard deviation divided by the square root of the number of episodes; null for one episode, which says nothing about it. */
  readonly standardError: number | null;
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly episodes: number;
}

/** @throws RangeError for an empty list. */
export function returnStatistics(returns: readonly number[]): ReturnStatistics {
  const episodes = returns.length;
  if (episodes === 0) throw new RangeError('statistics of no episodes');
  const sorted = [...returns].sort((left, right) => left - right);
  const mean = returns.reduce((sum, value) => sum + value, 0) / episodes;
  const squares = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const middle = Math.floor(episodes / 2);
  return {
    mean,
    standardError: episodes === 1 ? null : Math.sqrt(squares / (episodes - 1) / episodes),
    median: episodes % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    minimum: sorted[0]!,
    maximum: sorted[episodes - 1]!,
    episodes,
  };
}
