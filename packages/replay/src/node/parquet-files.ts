// Datasets as files: written beside their name, synced and renamed when complete; read by ranges.
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMoeRlError } from '@moe-rl/core';
import { syncFolder, withStorageErrors } from '@moe-rl/core/node';
import { asyncBufferFromFile } from 'hyparquet';
import { fileWriter } from 'hyparquet-writer';
import { readDatasetInfo, readTransitions } from '../datasets/transition-reader.ts';
import type { DatasetInfo } from '../datasets/transition-schema.ts';
import { TransitionWriter, type TransitionWriterConfig } from '../datasets/transition-writer.ts';
import type { ReplayStep } from '../replay-interface.ts';

/** A dataset file that does not exist yet: it appears, whole and on the disk, with `finish`. */
export interface PendingTransitionFile {
  readonly rows: number;
  add(step: ReplayStep): Promise<void>;
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/**
 * Starts a dataset file.
 * @throws StorageError when it can't be written
 */
export async function createTransitionFile(
  path: string,
  config: Omit<TransitionWriterConfig, 'writer'>,
): Promise<PendingTransitionFile> {
  const temporary = `${path}.temporary`;
  const guarded = <T>(operation: () => Promise<T>) => withStorageErrors('write', path, operation);
  const writer = await guarded(async () => {
    await mkdir(dirname(path), { recursive: true });
    return new TransitionWriter({ ...config, writer: fileWriter(temporary) });
  });
  return {
    get rows() {
      return writer.rows;
    },
    add: (step) => guarded(() => writer.add(step)),
    finish: () =>
      guarded(async () => {
        await writer.finish();
        const file = await open(temporary, constants.O_RDWR);
        await file.sync().finally(() => file.close());
        await rename(temporary, path);
        syncFolder(dirname(path));
      }),
    discard: () => rm(temporary, { force: true }).catch(() => undefined),
  };
}

/**
 * Writes steps to a Parquet file; the file appears when all are written.
 * @throws StorageError when writing fails; ShapeError, NonFiniteError or InvalidArgumentError for a bad step
 */
export async function writeTransitionFile(
  path: string,
  steps: Iterable<ReplayStep> | AsyncIterable<ReplayStep>,
  config: Omit<TransitionWriterConfig, 'writer'>,
): Promise<{ readonly rows: number }> {
  const file = await createTransitionFile(path, config);
  try {
    for await (const step of steps) await file.add(step);
    await file.finish();
    return { rows: file.rows };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/**
 * The steps of a Parquet file, in order.
 * @throws NotFoundError when it is not there, StorageError when it can't be read; CorruptDataError when it is no dataset of transitions
 */
export async function* readTransitionFile(path: string): AsyncGenerator<ReplayStep, void, void> {
  yield* namingFile(path, async function* () {
    yield* readTransitions(await withStorageErrors('read', path, () => asyncBufferFromFile(path)));
  });
}

/**
 * What a Parquet file of transitions says about itself, and how many it holds.
 * @throws as `readTransitionFile`
 */
export async function readTransitionFileInfo(path: string): Promise<DatasetInfo & { readonly rows: number }> {
  try {
    return await readDatasetInfo(await withStorageErrors('read', path, () => asyncBufferFromFile(path)));
  } catch (error) {
    throw withFileName(path, error);
  }
}

/** Passes on what a reader gives; its complaints about the bytes get the file's name. */
export async function* namingFile<T>(
  path: string,
  read: () => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  try {
    yield* read();
  } catch (error) {
    throw withFileName(path, error);
  }
}

function withFileName(path: string, error: unknown): unknown {
  if (isMoeRlError(error) && error.code === 'CORRUPT_DATA' && !error.message.includes(path)) {
    error.message = `${path}: ${error.message}`;
  }
  return error;
}
