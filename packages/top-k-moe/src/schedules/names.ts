// What a course of training knows of the layer that it is about.

/** Parameters of a layer that a schedule changes or freezes, and its number of tokens. */
export interface ScheduledNames {
  /** [E, ...] */
  readonly expertNames: readonly string[];
  readonly routerNames: readonly string[];
  readonly distilledNames: readonly string[];
  /** T */
  readonly numTokens: number;
}
