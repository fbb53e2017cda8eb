// Records a dataset while a run goes on: a folder of Parquet files, each whole and on the disk before it has its name, so that a crash costs no more than what
// came after the last `save`; and a resumed run goes on with exactly the dataset of one that was never interrupted.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AlreadyInUseError,
  CheckpointError,
  CorruptDataError,
  type ObservationSpec,
  requireInteger,
  type StateTree,
} from '@moe-rl/core';
import { withStorageErrors } from '@moe-rl/core/node';
import type { DatasetInfo } from '../datasets/transition-schema.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { createTransitionFile, type PendingTransitionFile, readTransitionFileInfo } from './parquet-files.ts';

export interface DatasetRecorderConfig {
  /** Made if missing; holds nothing but this recording. */
  readonly folder: string;
  readonly observationSpec: ObservationSpec;
  /** Actions are `0..actionCount - 1`. */
  readonly actionCount: number;
  /** Whatever a reader should know: environment, agent, seed. */
  readonly notes?: DatasetInfo['notes'];
  /** A file ends after so many steps, or earlier where the recording is saved. Default 50,000. */
  readonly stepsPerFile?: number;
}

const STATE_KIND = 'moe-rl/dataset-recorder';
const BEGINNING: StateTree = { kind: STATE_KIND, version: 1, parts: 0, steps: 0, isEpisodeOpen: false };
const PART = /^part-(\d{6})\.parquet$/;
const OWN_FILE = /^part-\d{6}\.parquet(\.temporary)?$/;
const partName = (number: number) => `part-${String(number).padStart(6, '0')}.parquet`;

/** Writes one recording. Add steps in order, one at a time; `save` whenever the run is saved, `finish` at its end. */
export class DatasetRecorder {
  readonly #config: DatasetRecorderConfig;
  readonly #stepsPerFile: number;
  #file: PendingTransitionFile | undefined;
  /** Finished files. */
  #parts = 0;
  /** Steps in finished files. */
  #savedSteps = 0;
  /** Steps in the newest of them. */
  #lastPartSteps = 0;
  #isEpisodeOpen = false;
  /** The file under way ends in an episode that goes no further; the next step needs another. */
  #isInterrupted = false;
  #isPrepared = false;

  constructor(config: DatasetRecorderConfig) {
    this.#config = config;
    this.#stepsPerFile = requireInteger('stepsPerFile', config.stepsPerFile ?? 50_000, 1);
    requireInteger('actionCount', config.actionCount, 1);
  }

  /** Steps recorded since the recording began. */
  get steps(): number {
    return this.#savedSteps + (this.#file?.rows ?? 0);
  }

  /**
   * Records one step. Nothing is recorded when it throws.
   * @throws ShapeError, NonFiniteError or InvalidArgumentError for a bad step; StorageError when writing fails; AlreadyInUseError when the folder holds
   *   a recording that was not restored
   */
  async add(step: ReplayStep): Promise<void> {
    await this.#prepare();
    if (this.#isInterrupted) await this.#finishFile();
    const { observationSpec, actionCount, notes = {} } = this.#config;
    this.#file ??= await createTransitionFile(this.#path(this.#parts + 1), {
      observationSpec,
      actionCount,
      notes,
      part: { number: this.#parts + 1, continuesEpisode: this.#isEpisodeOpen },
    });
    await this.#file.add(step);
    this.#isEpisodeOpen = !(step.terminated || step.truncated);
    if (this.#file.rows >= this.#stepsPerFile) await this.#finishFile();
  }

  /** Says that the episode under way goes no further: the next step starts another one. */
  interruptEpisode(): void {
    if (!this.#isEpisodeOpen) return;
    this.#isEpisodeOpen = false;
    this.#isInterrupted = true;
  }

  /**
   * Puts everything recorded so far on the disk and returns what `restore` needs to go on from here.
   * @throws StorageError when writing fails
   */
  async save(): Promise<StateTree> {
    await this.#prepare();
    await this.#finishFile();
    return {
      kind: STATE_KIND,
      version: 1,
      parts: this.#parts,
      steps: this.#savedSteps,
      lastPartSteps: this.#lastPartSteps,
      isEpisodeOpen: this.#isEpisodeOpen,
    };
  }

  /**
   * Goes back to a saved state: what was recorded after it (by a run that was killed) is removed. Without one, to the beginning.
   * @throws CheckpointError when it is no such state; CorruptDataError when files of the recording are missing, or the newest is damaged or another one
   */
  async restore(state: StateTree = BEGINNING): Promise<void> {
    const { kind, version, parts, steps, isEpisodeOpen } = state;
    if (kind !== STATE_KIND || version !== 1 || !Number.isSafeInteger(parts) || !Number.isSafeInteger(steps)) {
      throw new CheckpointError(
        `recorder state is "${String(kind)}" version ${String(version)}; expected "${STATE_KIND}" version 1 with parts and steps`,
      );
    }
    const { folder } = this.#config;
    await withStorageErrors('create the folder', folder, () => mkdir(folder, { recursive: true }));
    const names = new Set(await this.#ownFiles());
    for (let part = 1; part <= (parts as number); part++) {
      if (!names.has(partName(part))) {
        throw new CorruptDataError(`${join(folder, partName(part))}, which the recording needs, is missing`);
      }
    }
    // States of earlier versions don't say it.
    const { lastPartSteps = null } = state;
    const last = join(folder, partName(parts as number));
    const rows = (parts as number) === 0 ? 0 : (await readTransitionFileInfo(last)).rows;
    if (lastPartSteps !== null && rows !== lastPartSteps) {
      throw new CorruptDataError(
        `${last} has ${rows} steps; when the recording was saved it had ${String(lastPartSteps)}`,
      );
    }
    await this.#file?.discard();
    this.#file = undefined;
    for (const name of names) {
      const number = Number(PART.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
      if (number > (parts as number)) await this.#remove(name);
    }
    this.#parts = parts as number;
    this.#savedSteps = steps as number;
    this.#lastPartSteps = rows;
    this.#isEpisodeOpen = isEpisodeOpen === true;
    this.#isInterrupted = false;
    this.#isPrepared = true;
  }

  /** Ends the recording: everything is on the disk. */
  async finish(): Promise<{ readonly steps: number; readonly files: number }> {
    await this.save();
    return { steps: this.#savedSteps, files: this.#parts };
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { folder } = this.#config;
    await withStorageErrors('create the folder', folder, () => mkdir(folder, { recursive: true }));
    const names = await this.#ownFiles();
    if (names.some((name) => PART.test(name))) {
      throw new AlreadyInUseError(`${folder} already holds a recording; restore it first, or choose another folder`);
    }
    for (const name of names) await this.#remove(name);
    this.#isPrepared = true;
  }

  async #finishFile(): Promise<void> {
    this.#isInterrupted = false;
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    if (file.rows === 0) return file.discard();
    try {
      await file.finish();
    } catch (error) {
      // What it held is lost: what comes next, if anything, goes on with nothing.
      this.#isEpisodeOpen = false;
      await file.discard();
      throw error;
    }
    this.#parts++;
    this.#savedSteps += file.rows;
    this.#lastPartSteps = file.rows;
  }

  async #ownFiles(): Promise<string[]> {
    const { folder } = this.#config;
    return (await withStorageErrors('read', folder, () => readdir(folder))).filter((name) => OWN_FILE.test(name));
  }

  #remove(name: string): Promise<void> {
    const path = join(this.#config.folder, name);
    return withStorageErrors('remove', path, () => rm(path, { force: true }));
  }

  #path(part: number): string {
    return join(this.#config.folder, partName(part));
  }
}
