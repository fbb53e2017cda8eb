// A dataset for offline learning: says what it holds, checks that it fits an environment, and fills a replay memory, at once or little by little.
import {
  CheckpointError,
  CorruptDataError,
  elementCount,
  InvalidArgumentError,
  type ObservationSpec,
  requireInteger,
  type StateTree,
} from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import type { DatasetInfo } from '../datasets/transition-schema.ts';
import type { ReplayBuffer } from '../replay-buffer.ts';
import type { ReplayStep } from '../replay-interface.ts';
import {
  type DatasetFormat,
  type DatasetPart,
  type FindDatasetOptions,
  findDataset,
  specText,
} from './dataset-parts.ts';

/** One step of a dataset. */
export interface DatasetStep {
  readonly step: ReplayStep;
  /** Whether it does not follow the step before: whatever episode that left open went no further in the data. */
  readonly isAfterGap: boolean;
}

/** What a look through a dataset's actions and rewards shows. */
export interface DatasetSummary {
  readonly steps: number;
  /** Episodes that end in the data. */
  readonly episodes: number;
  /** Of those, the mean of their sums of rewards; NaN when there is none. */
  readonly meanEpisodeReturn: number;
  /** How often each action was taken, from action 0 on. */
  readonly actionCounts: readonly number[];
}

/** What a dataset is compared with: an `Environment` is one. */
export interface DatasetUser {
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
}

export interface FillOptions {
  /** Changes each step on its way in, for instance to clip its reward. */
  readonly prepare?: (step: ReplayStep) => ReplayStep;
  /** Take so many steps; what the memory then has no room for is overwritten. Default: as many as fit. */
  readonly steps?: number;
  /** Called now and then with the steps taken so far. */
  readonly onProgress?: (steps: number) => void;
}

export interface Dataset {
  readonly format: DatasetFormat;
  readonly folder: string;
  /** One sentence: format, how many files, what frames. */
  readonly description: string;
  readonly observationSpec: ObservationSpec;
  /** As the writer stated it; Dopamine's logs don't. */
  readonly actionCount: number | undefined;
  readonly notes: DatasetInfo['notes'];
  /** Files or logs. */
  readonly parts: number;
  /**
   * Looks through all actions, rewards and ends, but no frames; a second call answers from memory.
   * @throws CorruptDataError and others when a part can't be read
   */
  summarize(): Promise<DatasetSummary>;
  /**
   * @throws InvalidArgumentError when frames or actions are not those of the environment: other shape, other element type, actions that it has not
   */
  requireFit(user: DatasetUser): Promise<void>;
  /**
   * All steps in order, or those from number `from` on.
   * @param isContinued whoever asks has the step before `from`: the first step follows it where it does so in the data. Default false: it follows nothing.
   */
  steps(from?: number, isContinued?: boolean): AsyncGenerator<DatasetStep, void, void>;
  /**
   * Adds steps to a replay memory.
   * @throws InvalidArgumentError when its frames are others, before anything is added; CorruptDataError and others when a part can't be read
   * @returns how many were added, and whether that was all.
   */
  fill(replay: ReplayBuffer, options?: FillOptions): Promise<{ readonly steps: number; readonly isComplete: boolean }>;
  /** For data that no memory holds: adds steps whenever asked, over and over. `from`: the first one. */
  feed(replay: ReplayBuffer, from?: number): DatasetFeed;
}

/**
 * Opens a dataset: a Parquet file, or a folder of them (a recording), a run's folder with such a recording in `dataset`, or a folder of Dopamine's logs (or
 * the one above their `replay_logs`).
 * @throws as `findDataset`
 */
export async function openDataset(path: string, options: FindDatasetOptions = {}): Promise<Dataset> {
  const { format, folder, parts } = await findDataset(path, options);
  const { observationSpec, actionCount, notes } = parts[0]!;
  const what = format === 'parquet' ? 'Parquet' : "Dopamine's logs";
  const unit = format === 'parquet' ? 'file' : 'checkpoint';
  let summary: Promise<DatasetSummary> | undefined;
  const dataset: Dataset = {
    format,
    folder,
    description: `${what}: ${parts.length} ${unit}${parts.length === 1 ? '' : 's'} of ${specText(observationSpec)}`,
    observationSpec,
    actionCount,
    notes,
    parts: parts.length,
    summarize() {
      summary ??= summarize(parts);
      return summary;
    },
    async requireFit(user) {
      requireFrames(dataset, user.observationSpec, 'the environment');
      const { actionCounts } = await dataset.summarize();
      if ((actionCount ?? user.actionCount) !== user.actionCount || actionCounts.length > user.actionCount) {
        throw new InvalidArgumentError(
          `the dataset in ${folder} is of ${actionCount ?? `at least ${actionCounts.length}`} actions; the environment has ${user.actionCount}`,
        );
      }
    },
    steps: (from = 0, isContinued = false) => stepsOf(parts, requireInteger('from', from, 0), isContinued),
    async fill(replay, { prepare = (step: ReplayStep) => step, steps, onProgress } = {}) {
      requireFrames(dataset, replay.observationSpec, 'the replay memory');
      const wanted = steps === undefined ? Number.POSITIVE_INFINITY : requireInteger('steps', steps, 0);
      // A step takes one slot, at the start of an episode F, at its truncation one more.
      const mostSlots = replay.observationSpec.stackSize + 1;
      const breathe = createBreather();
      let taken = 0;
      let isComplete = true;
      for await (const next of dataset.steps()) {
        if (taken >= wanted || (steps === undefined && replay.size + mostSlots > replay.capacity)) {
          isComplete = false;
          break;
        }
        addTo(replay, { ...next, step: prepare(next.step) });
        taken++;
        await breathe();
        if (taken % 10_000 === 0) onProgress?.(taken);
      }
      replay.interruptEpisode();
      onProgress?.(taken);
      return { steps: taken, isComplete };
    },
    feed: (replay, from = 0) => {
      requireFrames(dataset, replay.observationSpec, 'the replay memory');
      return new DatasetFeed(dataset, replay, from);
    },
  };
  return dataset;
}

/** Adds a dataset's steps to a replay memory little by little, from its start again after its end. */
export class DatasetFeed {
  readonly #dataset: Dataset;
  readonly #replay: ReplayBuffer;
  #steps: AsyncGenerator<DatasetStep, void, void> | undefined;
  #position: number;
  #passes = 0;
  /** The memory holds the step before `#position`, because both were put back together. */
  #isContinued = false;

  constructor(dataset: Dataset, replay: ReplayBuffer, from: number) {
    this.#dataset = dataset;
    this.#replay = replay;
    this.#position = requireInteger('from', from, 0);
  }

  /** How often the end was reached. */
  get passes(): number {
    return this.#passes;
  }

  /** Number of the step that comes next. */
  get position(): number {
    return this.#position;
  }

  /**
   * Adds the next `count` steps.
   * @throws CorruptDataError and others when a part can't be read, or the dataset holds no step
   */
  async add(count: number): Promise<void> {
    requireInteger('count', count, 0);
    for (let added = 0; added < count; ) {
      const isFromStart = this.#position === 0;
      this.#steps ??= this.#dataset.steps(this.#position, this.#isContinued);
      const { value: next, done } = await this.#steps.next();
      if (!done) {
        addTo(this.#replay, next);
        this.#position++;
        added++;
        continue;
      }
      if (isFromStart) throw new CorruptDataError(`the dataset in ${this.#dataset.folder} holds no steps`);
      this.#replay.interruptEpisode();
      this.#steps = undefined;
      this.#position = 0;
      this.#passes++;
    }
  }

  getState(): StateTree {
    return { kind: 'moe-rl/dataset-feed', version: 1, position: this.#position, passes: this.#passes };
  }

  /**
   * Goes on from a saved state, exactly: the memory, whose own state is saved and put back beside this one, then gets what it would have got.
   * @throws CheckpointError when it is no such state
   */
  setState({ kind, version, position, passes }: StateTree): void {
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    if (kind !== 'moe-rl/dataset-feed' || version !== 1 || !isCount(position) || !isCount(passes)) {
      throw new CheckpointError(
        `dataset feed state is "${String(kind)}" version ${String(version)}, position ${String(position)}; expected "moe-rl/dataset-feed" version 1`,
      );
    }
    void this.#steps?.return();
    this.#steps = undefined;
    this.#position = position;
    this.#passes = passes;
    this.#isContinued = true;
  }
}

async function* stepsOf(
  parts: readonly DatasetPart[],
  from: number,
  isContinued: boolean,
): AsyncGenerator<DatasetStep, void, void> {
  let left = from;
  // Where reading starts, the first step follows nothing that the reader has.
  let isFirst = !isContinued;
  for (const part of parts) {
    let followsNothing = !part.continuesEpisode;
    for await (const step of part.steps()) {
      if (left > 0) left--;
      else {
        yield { step, isAfterGap: followsNothing || isFirst };
        isFirst = false;
      }
      followsNothing = false;
    }
  }
}

async function summarize(parts: readonly DatasetPart[]): Promise<DatasetSummary> {
  const actionCounts: number[] = [];
  let [steps, episodes, returns, episodeReturn] = [0, 0, 0, 0];
  let isWhole = false;
  for (const part of parts) {
    // The return of an episode whose beginning is not in the data is unknown.
    if (!part.continuesEpisode) [episodeReturn, isWhole] = [0, true];
    for await (const { action, reward, terminated, truncated } of part.outcomes()) {
      steps++;
      while (actionCounts.length <= action) actionCounts.push(0);
      actionCounts[action]!++;
      episodeReturn += reward;
      if (!terminated && !truncated) continue;
      if (isWhole) {
        episodes++;
        returns += episodeReturn;
      }
      [episodeReturn, isWhole] = [0, true];
    }
  }
  return { steps, episodes, meanEpisodeReturn: episodes === 0 ? Number.NaN : returns / episodes, actionCounts };
}

function requireFrames({ folder, observationSpec }: Dataset, wanted: ObservationSpec, who: string): void {
  const isSame =
    observationSpec.dtype === wanted.dtype &&
    observationSpec.frameShape.length === wanted.frameShape.length &&
    observationSpec.frameShape.every((size, axis) => size === wanted.frameShape[axis]);
  if (isSame) return;
  throw new InvalidArgumentError(
    `the dataset in ${folder} holds frames of ${specText({ ...observationSpec, stackSize: 1 })}; ${who} has ${specText({ ...wanted, stackSize: 1 })}`,
  );
}

/** Adds a step to a memory whose stacks may be of another size, and that may want to know what a truncated episode's last step led to. */
function addTo(replay: ReplayBuffer, { step, isAfterGap }: DatasetStep): void {
  const { frameShape, stackSize } = replay.observationSpec;
  const frameLength = elementCount(frameShape);
  if (isAfterGap) replay.interruptEpisode();
  const isUnknownEnd = step.truncated && !step.terminated && step.nextObservation === undefined;
  const fits = step.observation.length === frameLength || step.observation.length === frameLength * stackSize;
  replay.add({
    ...step,
    observation: fits ? step.observation : step.observation.subarray(-frameLength),
    truncated: step.truncated && !isUnknownEnd,
    ...(step.nextObservation === undefined ? {} : { nextObservation: step.nextObservation.subarray(-frameLength) }),
  });
  if (isUnknownEnd) replay.interruptEpisode();
}
