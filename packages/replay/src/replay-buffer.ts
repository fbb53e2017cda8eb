// The replay buffer: a ring of slots, one per agent step, over a frame store that holds each frame once; stacks and n-step windows are put together
// when a batch is sampled. Semantics are those of Dopamine's classic OutOfGraphReplayBuffer, with truncated episodes mended (see `truncation`).
import {
  CheckpointError,
  elementCount,
  InvalidArgumentError,
  NonFiniteError,
  type Observation,
  type ObservationSpec,
  type Rng,
  type RngState,
  requireFinite,
  requireInteger,
  requireOneOf,
  ShapeError,
  type StateTree,
} from '@moe-rl/core';
import { allocateFrames, type FrameArray, FrameStore } from './frame-store.ts';
import type { ReplayBufferConfig, ReplaySample, ReplayStep } from './replay-interface.ts';
import { createSampler, type Sampler, type SamplingConfig } from './sampler.ts';
import { CUT, FINAL_OBSERVATION, PADDING, SlotRing, TERMINATED, TRUNCATED } from './slot-ring.ts';

const STATE_KIND = 'moe-rl/replay-buffer';
const STATE_VERSION = 1;

/**
 * Experience replay: `add` a step, `sample` a batch of n-step transitions, uniformly or by priority (Schaul et al. 2016). Observations
 * are frames [...frameShape] that are stacked when sampled; rewards are sums of n discounted rewards.
 * @throws InvalidArgumentError naming the setting that is out of range
 */
export class ReplayBuffer {
  readonly observationSpec: ObservationSpec;
  readonly capacity: number;
  readonly updateHorizon: number;
  readonly discountFactor: number;
  readonly truncation: 'bootstrap' | 'discard';
  /** W, frames per sampled window: F + 1 for n = 1 (neighboring stacks share frames), 2F for n > 1. */
  readonly windowLength: number;
  /** Where in the window the next observation starts: W - F. */
  readonly nextObservationOffset: number;

  readonly #ring: SlotRing;
  readonly #store: FrameStore;
  readonly #sampler: Sampler;
  readonly #rng: Rng;
  readonly #samplingKind: SamplingConfig['kind'];
  readonly #frameLength: number;
  readonly #stackSize: number;
  readonly #samples = new Map<number, ReplaySample>();
  /** Of the batch being put together: steps from each observation to the next one, 0 where the episode terminates within the window. */
  #windowLengths = new Int32Array(32);
  #addedTransitions = 0;
  #isEpisodeOpen = false;

  constructor(config: ReplayBufferConfig) {
    const { observationSpec } = config;
    const stackSize = requireInteger('observationSpec.stackSize', observationSpec.stackSize, 1, 1024);
    const dtype = requireOneOf('observationSpec.dtype', observationSpec.dtype, ['uint8', 'float32']);
    for (const dimension of observationSpec.frameShape) requireInteger('observationSpec.frameShape', dimension, 1);
    this.observationSpec = observationSpec;
    this.updateHorizon = requireInteger('updateHorizon', config.updateHorizon ?? 1, 1, 1_000_000);
    this.discountFactor = requireFinite('discountFactor', config.discountFactor ?? 0.99, 0, 1);
    this.truncation = requireOneOf('truncation', config.truncation ?? 'bootstrap', ['bootstrap', 'discard']);
    // Fewer slots than this would leave nothing to sample: n + F slots around the cursor never are.
    const leastCapacity = stackSize + this.updateHorizon + 1;
    this.capacity = requireInteger('capacity', config.capacity ?? 1_000_000, leastCapacity, 2 ** 30);
    this.windowLength = this.updateHorizon === 1 ? stackSize + 1 : 2 * stackSize;
    this.nextObservationOffset = this.windowLength - stackSize;
    this.#stackSize = stackSize;
    this.#frameLength = elementCount(observationSpec.frameShape);
    this.#store = new FrameStore({
      capacity: this.capacity,
      frameLength: this.#frameLength,
      dtype,
      ...(config.chunkSlots === undefined ? {} : { chunkSlots: requireInteger('chunkSlots', config.chunkSlots, 1) }),
    });
    const sampling = config.sampling ?? { kind: 'uniform' };
    this.#sampler = createSampler(sampling, this.capacity, config.rng);
    this.#samplingKind = sampling.kind;
    this.#rng = config.rng;
    this.#ring = new SlotRing(this.capacity, this.updateHorizon, this.discountFactor);
  }

  /** Slots in use, padding and last observations included; at most `capacity`. */
  get size(): number {
    return Math.min(this.#ring.written, this.capacity);
  }

  /** Transitions added since the start, also those overwritten since. */
  get addedTransitions(): number {
    return this.#addedTransitions;
  }

  /** Transitions that `sample` draws from now. */
  get sampleableTransitions(): number {
    return this.#sampler.sampleableCount;
  }

  /** Bytes of memory taken so far: frames and everything beside them. */
  get memoryBytes(): number {
    const perSlot = 9 + 1 + (this.#samplingKind === 'prioritized' ? 16 : 0);
    return this.#store.allocatedBytes + this.capacity * perSlot;
  }

  /**
   * Stores one step. Steps of an episode come in order; the step after one that terminated or truncated starts the next episode.
   * Nothing is stored when it throws.
   * @throws ShapeError when an observation has another length or dtype than `observationSpec` says
   * @throws NonFiniteError when the reward is NaN, or infinite in single precision
   * @throws InvalidArgumentError when the action is not an int32, or a truncated step comes without `nextObservation`
   */
  add(step: ReplayStep): void {
    const { observation, action, reward } = step;
    const frames = this.#requireFrames('observation', observation);
    if (!Number.isInteger(action) || action !== (action | 0)) {
      throw new InvalidArgumentError(`add: action is ${action}; expected a 32-bit integer`);
    }
    // Rewards are kept in single precision, where 1e39 is infinite.
    if (!Number.isFinite(Math.fround(reward))) {
      throw new NonFiniteError(
        `add: reward is ${reward} at transition ${this.#addedTransitions}; expected a finite number in single precision`,
      );
    }
    const isCut = step.truncated && !step.terminated;
    const keepsLast = isCut && this.truncation === 'bootstrap';
    if (keepsLast && step.nextObservation === undefined) {
      throw new InvalidArgumentError('add: a truncated step needs nextObservation, whose value is bootstrapped');
    }
    const last = keepsLast ? this.#requireFrames('nextObservation', step.nextObservation as Observation) : undefined;

    if (!this.#isEpisodeOpen) this.#startEpisode(frames);
    const flags = step.terminated ? TERMINATED : keepsLast ? TRUNCATED : isCut ? CUT : 0;
    this.#push(frames, frames.length - this.#frameLength, action, reward, flags);
    this.#addedTransitions++;
    this.#isEpisodeOpen = !(step.terminated || step.truncated);
    if (last !== undefined) this.#push(last, last.length - this.#frameLength, 0, 0, FINAL_OBSERVATION);
  }

  /**
   * Says that the episode under way goes no further and its last observation is not known (an environment that could not be restored, for instance).
   * The next step starts a new episode; windows that would reach over the gap are never sampled. Does nothing between episodes.
   */
  interruptEpisode(): void {
    if (!this.#isEpisodeOpen) return;
    this.#ring.cutNewest();
    this.#isEpisodeOpen = false;
  }

  /** Makes the arrays of a batch, for callers that hold several batches at once. */
  allocateSample(batchSize: number): ReplaySample {
    requireInteger('batchSize', batchSize, 1);
    return {
      batchSize,
      frames: allocateFrames(this.observationSpec.dtype, batchSize * this.windowLength * this.#frameLength),
      actions: new Int32Array(batchSize),
      rewards: new Float32Array(batchSize),
      discounts: new Float32Array(batchSize),
      indices: new Int32Array(batchSize),
      weights: new Float32Array(batchSize),
    };
  }

  /**
   * Draws a batch, with replacement, into `into` or into arrays that the next call of the same size reuses.
   * @throws InvalidArgumentError when no transition with a complete window is stored yet, or all priorities are 0
   */
  sample(batchSize = 32, into?: ReplaySample): ReplaySample {
    const sample = into ?? this.#reusedSample(batchSize);
    if (sample.batchSize !== batchSize) {
      throw new InvalidArgumentError(`sample: the batch to fill is for ${sample.batchSize}; expected ${batchSize}`);
    }
    if (this.#sampler.sampleableCount === 0) {
      throw new InvalidArgumentError(
        `sample: none of the ${this.#addedTransitions} transitions added so far can be sampled; ` +
          `expected at least one with a complete window (n = ${this.updateHorizon}) behind it: add more first`,
      );
    }
    this.#sampler.draw(sample.indices, sample.weights, this.size);
    this.#assemble(sample);
    return sample;
  }

  /**
   * The transitions at `indices`, as `sample` would give them, with weights 1.
   * @throws InvalidArgumentError when one of them can't be sampled
   */
  gather(indices: ArrayLike<number>, into?: ReplaySample): ReplaySample {
    const sample = into ?? this.allocateSample(indices.length);
    if (sample.batchSize !== indices.length) {
      throw new InvalidArgumentError(`gather: the batch is for ${sample.batchSize}; expected ${indices.length}`);
    }
    for (let position = 0; position < indices.length; position++) {
      const slot = indices[position]!;
      if (!this.isSampleable(slot)) {
        throw new InvalidArgumentError(`gather: slot ${slot} holds no transition with a complete window`);
      }
      sample.indices[position] = slot;
      sample.weights[position] = 1;
    }
    this.#assemble(sample);
    return sample;
  }

  /** Whether `slot` holds a transition that `sample` may draw. */
  isSampleable(slot: number): boolean {
    return Number.isInteger(slot) && slot >= 0 && slot < this.size && this.#sampler.isSampleable(slot);
  }

  /**
   * Sets priorities, as sampled `indices` come back from learning. Of several for one transition the first counts.
   * Nothing is changed when it throws.
   * @throws NonFiniteError when a priority is NaN or infinite
   * @throws InvalidArgumentError when a priority is negative or so large that its power can't be summed over the memory, the lengths differ, an index is out of range, or sampling is uniform
   */
  updatePriorities(indices: ArrayLike<number>, priorities: ArrayLike<number>): void {
    this.#sampler.updatePriorities(indices, priorities);
  }

  /**
   * A snapshot. Frame chunks are not copied now: each is copied when it is next written to. To save a large buffer to disk use `ReplayCheckpointer`
   * of `@moe-rl/replay/node`, which writes only what is new.
   */
  getState(): StateTree {
    return this.#state(this.#store.snapshot());
  }

  /** As `getState`, but the frame chunks are the live ones: valid only until the next `add`. */
  liveState(): StateTree {
    return this.#state(this.#store.liveChunks());
  }

  /**
   * Replaces the contents, the random stream's position included. Frame chunks are taken over without copying.
   * @throws CheckpointError when the state is of a buffer with another shape, capacity or sampling; the contents are kept then
   */
  setState(state: StateTree): void {
    if (state.kind !== STATE_KIND || state.version !== STATE_VERSION) {
      throw new CheckpointError(
        `replay state is "${String(state.kind)}" version ${String(state.version)}; expected "${STATE_KIND}" version ${STATE_VERSION}`,
      );
    }
    const expected = JSON.stringify(this.#layout());
    if (JSON.stringify(state.layout) !== expected) {
      throw new CheckpointError(`replay state has layout ${JSON.stringify(state.layout)}; expected ${expected}`);
    }
    const { slotsWritten, addedTransitions, frames } = state;
    const isCount = Number.isSafeInteger(addedTransitions) && (addedTransitions as number) >= 0;
    if (!isCount || (addedTransitions as number) > (slotsWritten as number) || !Array.isArray(frames)) {
      throw new CheckpointError(
        `replay state: ${String(addedTransitions)} transitions in ${String(slotsWritten)} slots, or no list of frames`,
      );
    }
    const before = { ring: this.#ring.getState(), sampler: this.#sampler.getState(), rng: this.#rng.getState() };
    try {
      this.#ring.setState(state);
      this.#sampler.setState(state.sampler as StateTree);
      this.#rng.setState(state.rng as RngState);
      this.#store.restore((frames as (FrameArray | null)[]).map((chunk) => chunk ?? undefined));
    } catch (cause) {
      this.#ring.setState(before.ring);
      this.#sampler.setState(before.sampler);
      this.#rng.setState(before.rng);
      if (cause instanceof CheckpointError) throw cause;
      throw new CheckpointError(`replay state: ${(cause as Error).message}`, { cause });
    }
    this.#addedTransitions = addedTransitions as number;
    this.#isEpisodeOpen = state.isEpisodeOpen === true;
  }

  #state(frames: readonly (FrameArray | undefined)[]): StateTree {
    return {
      kind: STATE_KIND,
      version: STATE_VERSION,
      layout: this.#layout(),
      addedTransitions: this.#addedTransitions,
      isEpisodeOpen: this.#isEpisodeOpen,
      ...this.#ring.getState(),
      sampler: this.#sampler.getState(),
      rng: this.#rng.getState(),
      frames: frames.map((chunk) => chunk ?? null),
    };
  }

  /** What must agree for a state to fit. */
  #layout() {
    const { frameShape, stackSize, dtype } = this.observationSpec;
    return {
      frameShape: [...frameShape],
      stackSize,
      dtype,
      capacity: this.capacity,
      updateHorizon: this.updateHorizon,
      truncation: this.truncation,
      sampling: this.#samplingKind,
      chunkSlots: this.#store.chunkSlots,
    };
  }

  /**
   * The F - 1 slots before an episode's first transition hold what the first observation shows before its newest frame: the older frames where a whole
   * stack was given, else zeros. So a sampled stack is always what was acted on, and no stack reaches into the episode before.
   */
  #startEpisode(frames: FrameArray): void {
    const isWhole = frames.length > this.#frameLength;
    for (let older = 0; older < this.#stackSize - 1; older++) {
      if (isWhole) this.#push(frames, older * this.#frameLength, 0, 0, PADDING);
      else this.#push(undefined, 0, 0, 0, PADDING);
    }
  }

  #push(frames: FrameArray | undefined, offset: number, action: number, reward: number, flags: number): void {
    const { capacity, updateHorizon } = this;
    const slot = this.#ring.written % capacity;
    if (frames === undefined) this.#store.writeZeros(slot);
    else this.#store.write(slot, frames, offset);
    this.#ring.push(action, reward, flags);
    // As in Dopamine, the slots from cursor - n (window not complete) to cursor + F - 1 (stack about to be overwritten) are not sampled.
    const cursor = this.#ring.written;
    this.#sampler.remove((cursor + this.#stackSize - 1) % capacity);
    const completed = cursor - updateHorizon - 1;
    if (completed >= 0 && this.#ring.isUsable(completed % capacity)) this.#sampler.add(completed % capacity);
  }

  /**
   * Puts the transitions at `sample.indices` into the rows. Everything but the frames first: these loads miss the caches, and together they wait at once
   * (with the copies in between, one after the other: a tenth of the time of a batch).
   */
  #assemble(sample: ReplaySample): void {
    const { batchSize } = sample;
    if (this.#windowLengths.length < batchSize) this.#windowLengths = new Int32Array(batchSize);
    for (let position = 0; position < batchSize; position++) {
      this.#windowLengths[position] = this.#ring.readWindow(sample, position);
    }
    for (let position = 0; position < batchSize; position++) this.#copyFrames(sample, position);
  }

  #copyFrames(sample: ReplaySample, position: number): void {
    const { capacity } = this;
    const frameLength = this.#frameLength;
    const stackSize = this.#stackSize;
    const length = this.#windowLengths[position]!;
    const row = position * this.windowLength * frameLength;
    const first = sample.indices[position]! - stackSize + 1;
    const from = first < 0 ? first + capacity : first;
    if (length === 0) {
      this.#store.read(from, stackSize, sample.frames, row);
      sample.frames.fill(0, row + stackSize * frameLength, row + this.windowLength * frameLength);
    } else if (this.updateHorizon === 1) {
      this.#store.read(from, stackSize + 1, sample.frames, row);
    } else {
      this.#store.read(from, stackSize, sample.frames, row);
      this.#store.read((from + length) % capacity, stackSize, sample.frames, row + stackSize * frameLength);
    }
  }

  #reusedSample(batchSize: number): ReplaySample {
    let sample = this.#samples.get(batchSize);
    if (sample === undefined) {
      sample = this.allocateSample(batchSize);
      this.#samples.set(batchSize, sample);
    }
    return sample;
  }

  #requireFrames(name: string, observation: Observation): FrameArray {
    const { dtype, frameShape, stackSize } = this.observationSpec;
    const isRightDtype = dtype === 'uint8' ? observation instanceof Uint8Array : observation instanceof Float32Array;
    const length = observation?.length;
    if (!isRightDtype || (length !== this.#frameLength && length !== this.#frameLength * stackSize)) {
      throw new ShapeError(
        `add: ${name} is ${observation?.constructor?.name ?? String(observation)} of ${length} elements; expected ${dtype} ` +
          `[${frameShape}]${stackSize > 1 ? ` or [${[stackSize, ...frameShape]}]` : ''}`,
      );
    }
    return observation as FrameArray;
  }
}
