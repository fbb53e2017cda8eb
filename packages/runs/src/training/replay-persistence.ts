// How a run keeps what is too large to be written whole with every checkpoint: its replay memory, and a recording of its transitions.
import type { StateTree, Transition } from '@moe-rl/core';

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

/** Takes every transition of the training, as the environment gave it. */
export interface TransitionRecorder {
  /** The observations may change afterwards. */
  add(transition: Transition): void | Promise<void>;
  /** Called with every checkpoint: what has been added until then is to stay. Returns what `restore` gets. */
  save(): StateTree | Promise<StateTree>;
  /** The run goes on from a checkpoint: what was added behind it comes again. Undefined when the checkpoint knows nothing of a recording. */
  restore(state: StateTree | undefined): void | Promise<void>;
  /** The episode under way is lost: the next transition begins another one. */
  interruptEpisode(): void;
}
