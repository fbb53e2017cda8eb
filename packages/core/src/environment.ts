// The environment interface: Gymnasium's reset/step with the same names and meanings, synchronous, with typed arrays.
import type { Observation } from './transition.ts';

/** Describes observations: `stackSize` frames of `frameShape` each; 1 for environments that don't stack. */
export interface ObservationSpec {
  /** Shape of one frame: `[84, 84]` for Atari, `[4]` for CartPole. */
  readonly frameShape: readonly number[];
  /** Frames stacked into one observation, oldest first. */
  readonly stackSize: number;
  readonly dtype: 'uint8' | 'float32';
}

/** Facts beside the observation: `lives`, `frameNumber`, whatever the environment knows. */
export type EnvironmentInfo = Readonly<Record<string, number | string | boolean>>;

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
 * `N` environments stepped together. Autoreset is Gymnasium's NEXT_STEP: the step after one that ended an episode resets that environment and
 * ignores its action (its reward is 0), so the final observation is never lost.
 */
export interface VectorEnvironment {
  readonly id: string;
  readonly environmentCount: number;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  /** Observations `[N, F, ...frameShape]`. */
  reset(options?: { readonly seed?: number }): Observation | Promise<Observation>;
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
}
