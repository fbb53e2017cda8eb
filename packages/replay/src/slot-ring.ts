// The ring's slots without their frames: action, reward and flags of each, and the n-step window that starts at one. Windows are put together when a
// batch is sampled, so that nothing has to be rewritten when an episode ends.
import { CheckpointError, type StateTree } from '@moe-rl/core';
import type { ReplaySample } from './replay-interface.ts';

// Flags of a slot. Slots that are neither PADDING nor FINAL_OBSERVATION hold transitions.
export const TERMINATED = 1;
/** The episode was cut here and the next slot holds its last observation. */
export const TRUNCATED = 2;
/** The episode was cut here and its last observation is unknown: windows that reach over this slot can't be used. */
export const CUT = 4;
export const PADDING = 8;
export const FINAL_OBSERVATION = 16;
const NOT_A_TRANSITION = PADDING | FINAL_OBSERVATION;

const ALL_FLAGS = 31;

export class SlotRing {
  readonly capacity: number;
  readonly updateHorizon: number;
  /** gamma^0 .. gamma^n */
  readonly #discountPowers: Float64Array;
  #actions: Int32Array;
  #rewards: Float32Array;
  #flags: Uint8Array;
  #written = 0;

  constructor(capacity: number, updateHorizon: number, discountFactor: number) {
    this.capacity = capacity;
    this.updateHorizon = updateHorizon;
    this.#discountPowers = Float64Array.from({ length: updateHorizon + 1 }, (_, k) => discountFactor ** k);
    this.#actions = new Int32Array(capacity);
    this.#rewards = new Float32Array(capacity);
    this.#flags = new Uint8Array(capacity);
  }

  /** Slots written since the start, padding included; the next one goes to `written % capacity`. */
  get written(): number {
    return this.#written;
  }

  /** Fills the next slot. */
  push(action: number, reward: number, flags: number): void {
    const slot = this.#written % this.capacity;
    this.#actions[slot] = action;
    this.#rewards[slot] = reward;
    this.#flags[slot] = flags;
    this.#written++;
  }

  /** Says that the episode of the newest slot goes no further and its last observation is unknown. */
  cutNewest(): void {
    const slot = (this.#written - 1) % this.capacity;
    this.#flags[slot] = this.#flags[slot]! | CUT;
  }

  /** Whether the slot holds a transition whose window does not reach over a cut. */
  isUsable(slot: number): boolean {
    if ((this.#flags[slot]! & NOT_A_TRANSITION) !== 0) return false;
    for (let k = 0, at = slot; k < this.updateHorizon; k++) {
      const flags = this.#flags[at]!;
      if ((flags & (TERMINATED | TRUNCATED)) !== 0) return true;
      if ((flags & CUT) !== 0) return false;
      at = at + 1 === this.capacity ? 0 : at + 1;
    }
    return true;
  }

  /**
   * Puts action, n-step return and discount of the window that starts at `sample.indices[position]` into the sample.
   * @returns steps from its observation to the next one, 0 where the episode terminates within the window.
   */
  readWindow(sample: ReplaySample, position: number): number {
    const { capacity, updateHorizon } = this;
    const slot = sample.indices[position]!;
    let windowReward = 0;
    let length = 0;
    let isTerminal = false;
    for (let at = slot; length < updateHorizon; ) {
      windowReward += this.#discountPowers[length]! * this.#rewards[at]!;
      length++;
      const flags = this.#flags[at]!;
      if ((flags & (TERMINATED | TRUNCATED)) !== 0) {
        isTerminal = (flags & TERMINATED) !== 0;
        break;
      }
      at = at + 1 === capacity ? 0 : at + 1;
    }
    sample.actions[position] = this.#actions[slot]!;
    sample.rewards[position] = windowReward;
    sample.discounts[position] = isTerminal ? 0 : this.#discountPowers[length]!;
    return isTerminal ? 0 : length;
  }

  /** Copies of the slots, as fields of the buffer's state. */
  getState(): StateTree {
    return {
      slotsWritten: this.#written,
      actions: this.#actions.slice(),
      rewards: this.#rewards.slice(),
      flags: this.#flags.slice(),
    };
  }

  /**
   * Replaces the slots.
   * @throws CheckpointError when the fields are missing, misshapen, or hold what no slot can; nothing is changed then.
   */
  setState({ slotsWritten, actions, rewards, flags }: StateTree): void {
    if (
      !(actions instanceof Int32Array && rewards instanceof Float32Array && flags instanceof Uint8Array) ||
      ![actions, rewards, flags].every((array) => array.length === this.capacity) ||
      !Number.isSafeInteger(slotsWritten) ||
      (slotsWritten as number) < 0
    ) {
      throw new CheckpointError('replay state: actions, rewards, flags or counts are missing or misshapen');
    }
    const badReward = rewards.findIndex((reward) => !Number.isFinite(reward));
    if (badReward >= 0) throw new CheckpointError(`replay state: slot ${badReward} has reward ${rewards[badReward]}`);
    const badFlags = flags.findIndex((value) => value > ALL_FLAGS);
    if (badFlags >= 0) throw new CheckpointError(`replay state: slot ${badFlags} has unknown flags ${flags[badFlags]}`);
    this.#actions = actions.slice();
    this.#rewards = rewards.slice();
    this.#flags = flags.slice();
    this.#written = slotsWritten as number;
  }
}
