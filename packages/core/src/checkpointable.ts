// State that can be saved and restored. Everything stateful (agents, replay, environments, random streams) implements this, so that a resumed run
// continues exactly where it stopped.
import type { TypedArray } from './tensor-data.ts';

/** A leaf or subtree of a state: JSON values and typed arrays. */
export type StateValue =
  | number
  | string
  | boolean
  | null
  | TypedArray
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** A state: a tree of JSON values and typed arrays, without class instances. */
export interface StateTree {
  readonly [key: string]: StateValue;
}

/** Can hand out its whole state and take it back. */
export interface Checkpointable {
  /** A snapshot that later changes don't touch. Agents whose state lives on a device may need to wait for it. */
  getState(): StateTree | Promise<StateTree>;
  /**
   * Replaces the state.
   * @throws CheckpointError when the state is of another kind, version or architecture; the old state is then kept.
   */
  setState(state: StateTree): void | Promise<void>;
}
