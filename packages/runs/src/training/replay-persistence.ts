// How a run keeps its replay memory, which is too large to be written whole with every checkpoint.
import type { StateTree } from '@moe-rl/core';

/** Saves what is too large to be written whole with every checkpoint: the replay memory. */
export interface ReplayPersistence {
  /** Where it is kept; nothing else is in there. */
  readonly folder: string;
  /** Writes what is new; returns what the checkpoint must remember to find this version again. The two versions before must stay readable. */
  save(): StateTree | Promise<StateTree>;
  restore(state: StateTree): void | Promise<void>;
  /** The episode under way is lost: the next step begins another one. */
  interruptEpisode(): void;
}
