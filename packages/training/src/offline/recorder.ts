// Records the transitions of a run as a dataset.
import { readdirSync, statSync } from 'node:fs';
import { InvalidArgumentError } from '@moe-rl/core';
import { makeFolder } from '@moe-rl/core/node';
import { DatasetRecorder, type DatasetRecorderConfig } from '@moe-rl/replay/node';
import type { TransitionRecorder } from '@moe-rl/runs';

export interface RecorderOptions extends DatasetRecorderConfig {
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
export function createRecorder({ isResume, ...config }: RecorderOptions): TransitionRecorder {
  if (!isResume) requireNewFolder(config.folder);
  makeFolder(config.folder);
  return new DatasetRecorder(config);
}
