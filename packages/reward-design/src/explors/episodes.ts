// Episodes that tabular designs learn from.

/** One episode in a decision process: what happened at times 0 to T - 1. */
export interface RewardEpisode {
  /** `[T]` */
  readonly states: ArrayLike<number>;
  /** `[T]` */
  readonly actions: ArrayLike<number>;
  /** `[T]`: true rewards. */
  readonly rewards: ArrayLike<number>;
}

/** Discounted rewards from each time on, `[T]`. */
export function returnsToGo(rewards: ArrayLike<number>, discount: number): Float64Array {
  const returns = new Float64Array(rewards.length);
  let sum = 0;
  for (let time = rewards.length - 1; time >= 0; time--) {
    sum = rewards[time]! + discount * sum;
    returns[time] = sum;
  }
  return returns;
}
