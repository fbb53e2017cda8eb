// Records the transitions of a run as a dataset: Parquet files in a folder, each ending at a checkpoint at the latest, so that a run that goes on from there
// writes the ones behind it again, and the dataset is that of a run that went straight.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, type ObservationSpec } from '@moe-rl/core';
import { makeFolder, replaceFile } from '@moe-rl/core/node';
import { TransitionWriter } from '@moe-rl/replay/datasets';
import type { TransitionRecorder } from '@moe-rl/runs';

/** A file is in memory until it is whole: at most some 60 MB of Atari frames. */
const MAX_ROWS = 8192;
const NAME = /^transitions-(\d{12})\.parquet$/;

export interface RecorderOptions {
  readonly folder: string;
  readonly observationSpec: ObservationSpec;
  /** Noted in each file: game, preset, seed. */
  readonly notes: Readonly<Record<string, string | number | boolean>>;
  /** A new run wants an empty folder; one that goes on, its own. */
  readonly isResume: boolean;
}

/** @throws InvalidArgumentError when there is something in the folder, or a file of that name */
export function requireNewFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  const what = found.isDirectory() ? readdirSync(folder)[0] : 'a file of that name';
  if (what === undefined) return;
  throw new InvalidArgumentError(
    `dataset.recordFolder is ${folder}, which is not empty (there is ${what}); expected a new folder`,
  );
}

/**
 * Makes a recorder.
 * @throws InvalidArgumentError when a new run finds files in the folder; StorageError when it can't be written
 */
export function createRecorder({ folder, observationSpec, notes, isResume }: RecorderOptions): TransitionRecorder {
  if (!isResume) requireNewFolder(folder);
  makeFolder(folder);
  let recorded = 0;
  let startsEpisode = true;
  let writer: TransitionWriter | undefined;
  let writerStart = 0;

  const finish = async (): Promise<void> => {
    if (writer === undefined) return;
    const bytes = await writer.finish();
    writer = undefined;
    replaceFile(join(folder, `transitions-${String(writerStart).padStart(12, '0')}.parquet`), new Uint8Array(bytes!));
  };
  return {
    async add(transition) {
      if (writer === undefined) {
        writer = new TransitionWriter({ observationSpec, notes: { ...notes, startsEpisode } });
        writerStart = recorded;
      }
      await writer.add(transition);
      recorded++;
      startsEpisode = transition.terminated || transition.truncated;
      if (writer.rows === MAX_ROWS) await finish();
    },
    async save() {
      await finish();
      return { recorded, startsEpisode };
    },
    restore(state) {
      recorded = Number(state?.recorded ?? 0);
      startsEpisode = state?.startsEpisode !== false;
      for (const name of readdirSync(folder)) {
        const start = NAME.exec(name)?.[1];
        if (start !== undefined && Number(start) >= recorded) rmSync(join(folder, name));
      }
    },
    interruptEpisode() {
      startsEpisode = true;
    },
  };
}
