// What goes into a replay buffer and what comes out of it.
import type { Observation, ObservationSpec, Rng } from '@moe-rl/core';
import type { FrameArray } from './frame-store.ts';
import type { SamplingConfig } from './sampler.ts';

export interface ReplayBufferConfig {
  /** What is stored: frame shape, frames per observation (F) and dtype, as the environment describes them. */
  readonly observationSpec: ObservationSpec;
  /** Slots of the ring. Each agent step takes one, each episode start F - 1 more, each truncation one more. Default 1,000,000. */
  readonly capacity?: number;
  /** n of n-step returns. Default 1. */
  readonly updateHorizon?: number;
  /** gamma. Default 0.99. */
  readonly discountFactor?: number;
  /**
   * What happens to the last n transitions of an episode that was cut by a time limit. `bootstrap` (default): the window ends at the cut and bootstraps
   * from the last observation, so each transition is used. `discard`: they are never sampled, as in Dopamine's classic replay.
   */
  readonly truncation?: 'bootstrap' | 'discard';
  /** Default uniform. */
  readonly sampling?: SamplingConfig;
  /** The random stream that sampling draws from; the buffer saves and restores it with its own state. */
  readonly rng: Rng;
  /** Slots per frame chunk. Default: chunks of at most 32 MiB. */
  readonly chunkSlots?: number;
}

/** One step of experience; a `Transition` of @moe-rl/core is one. */
export interface ReplayStep {
  /** What was acted on: its newest frame only (`[...frameShape]`), or the whole stack (`[F, ...frameShape]`). */
  readonly observation: Observation;
  readonly action: number;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  /** What the action led to; needed only where `truncated` and the buffer bootstraps truncated episodes. */
  readonly nextObservation?: Observation;
}

/** One batch. The arrays are reused: the next `sample` of the same size overwrites them. */
export interface ReplaySample {
  readonly batchSize: number;
  /**
   * `[B, W, ...frameShape]`, W = `windowLength`: the observation is frames `0 .. F-1`, the next observation is frames `W-F .. W-1`.
   * The next observation of a terminal transition (discount 0) is zeros, or its own frames where the two overlap.
   */
  readonly frames: FrameArray;
  /** `[B]` */
  readonly actions: Int32Array;
  /** `[B]` n-step return: sum of gamma^k r_k up to and including the step that ended the episode. */
  readonly rewards: Float32Array;
  /** `[B]` What the next observation's value is multiplied with: gamma^(length of the window), 0 where the episode terminated within it. */
  readonly discounts: Float32Array;
  /** `[B]` Slots, for `updatePriorities` and error messages. */
  readonly indices: Int32Array;
  /** `[B]` Importance weights, the largest is 1; all 1 when sampling is uniform. */
  readonly weights: Float32Array;
}
