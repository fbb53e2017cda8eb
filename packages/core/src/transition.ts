// What an agent sees and remembers of one step.
import type { TypedArray } from './tensor-data.ts';

/**
 * One observation, flat: for images planar `[F, H, W]` uint8, oldest frame first (`F` stacked frames; the newest is the last H*W bytes); for vectors
 * `[D]` float32. Environments may hand out the same buffer again at the next step, so copy what must be kept.
 */
export type Observation = TypedArray;

/** Facts beside the observation: `lives`, `frameNumber`, whatever the environment knows. */
export type EnvironmentInfo = Readonly<Record<string, number | string | boolean>>;

/** One step of experience, in the order of the Gymnasium interface. */
export interface Transition {
  /** What the agent acted on (time t). */
  readonly observation: Observation;
  readonly action: number;
  /** Unclipped reward of this step. */
  readonly reward: number;
  /** The episode ended in a terminal state: nothing is bootstrapped from `nextObservation`. */
  readonly terminated: boolean;
  /** The episode was cut (time limit): the value of `nextObservation` is still bootstrapped. */
  readonly truncated: boolean;
  /** What the action led to (time t + 1). */
  readonly nextObservation: Observation;
  /** What the environment said beside `nextObservation`; absent where a transition does not come from an environment. */
  readonly info?: EnvironmentInfo;
}
