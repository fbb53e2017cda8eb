// The environment interface: Gymnasium's reset/step with the same names and meanings, synchronous, with typed arrays.
import type { EnvironmentInfo, Observation } from './transition.ts';

/** Describes observations: `stackSize` frames of `frameShape` each; 1 for environments that don't stack. */
export interface ObservationSpec {
  /** Shape of one frame: `[84, 84]` for Atari, `[4]` for CartPole. */
  readonly frameShape: readonly number[];
  /** Frames stacked into one observation, oldest first. */
  readonly stackSize: number;
  readonly dtype: 'uint8' | 'float32';
}

export interface ResetOutput {
  readonly observation: Observation;
  readonly info: EnvironmentInfo;
}

export interface StepOutput {
  readonly observation: Observation;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  readonly info: EnvironmentInfo;
}

/** One environment, as `gymnasium.Env`. After `terminated` or `truncated`, `reset` must be called before the next `step`. */
export interface Environment {
  /** Name for logs, for instance `atari/breakout`. */
  readonly id: string;
  readonly observationSpec: ObservationSpec;
  /** Actions are the integers `0..actionCount - 1`. */
  readonly actionCount: number;
  /** Starts an episode. A `seed` restarts the environment's random stream; without one the stream goes on. */
  reset(options?: { readonly seed?: number }): ResetOutput;
  /** Takes one agent step (several emulator frames where the environment skips frames). */
  step(action: number): StepOutput;
  /** RGB picture of the last frame, `[height, width, 3]`, where the environment can draw itself. */
  render?(): { readonly width: number; readonly height: number; readonly rgb: Uint8Array };
  /** Everything needed to go on exactly from here; absent where an environment can't. */
  getState?(): import('./checkpointable.ts').StateTree;
  setState?(state: import('./checkpointable.ts').StateTree): void;
  close?(): void;
}

/**
 * When a copy whose episode has ended starts the next one; meanings and order are those of Gymnasium 1.x (`AutoresetMode`):
 *
 * - `next-step`: the step after the one that ended the episode resets the copy and ignores its action; its reward is 0. No observation is lost.
 * - `same-step`: the step that ends the episode resets the copy too and returns the new episode's first observation; the last one of the ended episode is
 *   in `finalObservations`.
 * - `disabled`: nothing happens by itself; stepping is refused until `reset({ mask })` has reset every copy that has ended.
 */
export type AutoresetMode = 'next-step' | 'same-step' | 'disabled';

export interface VectorResetOptions {
  /** Copy `i` restarts its random stream with `seed + i`; without it the streams go on. Default of the first reset: 0. */
  readonly seed?: number;
  /** `[N]`, true or 1: this copy starts a new episode, the others stay where they are. At least one is true. Default: all do. */
  readonly mask?: ArrayLike<boolean | number>;
}

/** `N` environments stepped together. */
export interface VectorEnvironment {
  readonly id: string;
  readonly environmentCount: number;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  readonly autoreset: AutoresetMode;
  /** Observations `[N, F, ...frameShape]` of all copies, also of those that `mask` leaves alone. */
  reset(options?: VectorResetOptions): Observation | Promise<Observation>;
  step(actions: ArrayLike<number>): VectorStepOutput | Promise<VectorStepOutput>;
  close?(): void | Promise<void>;
}

export interface VectorStepOutput {
  /** `[N, F, ...frameShape]` */
  readonly observations: Observation;
  /** `[N]` */
  readonly rewards: Float32Array;
  /** `[N]`, 0 or 1 */
  readonly terminated: Uint8Array;
  /** `[N]`, 0 or 1 */
  readonly truncated: Uint8Array;
  /** `same-step` only, `[N]`: where this step ended an episode, its last observation `[F, ...frameShape]`; elsewhere undefined. */
  readonly finalObservations?: readonly (Observation | undefined)[];
  /** `same-step` only, `[N]`: where this step ended an episode, its last info; elsewhere undefined. */
  readonly finalInfo?: readonly (EnvironmentInfo | undefined)[];
}
