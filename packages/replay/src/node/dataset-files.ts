// Datasets as files: written beside their name and renamed when complete, read by ranges.
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withStorageErrors } from '@moe-rl/core/node';
import { asyncBufferFromFile } from 'hyparquet';
import { fileWriter } from 'hyparquet-writer';
import { readDatasetInfo, readTransitions } from '../datasets/transition-reader.ts';
import type { DatasetInfo } from '../datasets/transition-schema.ts';
import { TransitionWriter, type TransitionWriterConfig } from '../datasets/transition-writer.ts';
import type { ReplayStep } from '../replay-interface.ts';

/**
 * Writes steps to a Parquet file; the file appears when all are written.
 * @throws StorageError when writing fails; ShapeError, NonFiniteError or InvalidArgumentError for a bad step
 */
export async function writeTransitionFile(
  path: string,
  steps: Iterable<ReplayStep> | AsyncIterable<ReplayStep>,
  config: Omit<TransitionWriterConfig, 'writer'>,
): Promise<{ readonly rows: number }> {
  const temporary = `${path}.temporary`;
  return withStorageErrors('write', path, async () => {
    await mkdir(dirname(path), { recursive: true });
    try {
      const writer = new TransitionWriter({ ...config, writer: fileWriter(temporary) });
      for await (const step of steps) await writer.add(step);
      await writer.finish();
      await rename(temporary, path);
      return { rows: writer.rows };
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * The steps of a Parquet file, in order.
 * @throws NotFoundError when it is not there, StorageError when it can't be read; CorruptDataError when it is no dataset of transitions
 */
export async function* readTransitionFile(path: string): AsyncGenerator<ReplayStep, void, void> {
  const file = await withStorageErrors('read', path, () => asyncBufferFromFile(path));
  yield* readTransitions(file);
}

/**
 * What a Parquet file of transitions says about itself, and how many it holds.
 * @throws as `readTransitionFile`
 */
export async function readTransitionFileInfo(path: string): Promise<DatasetInfo & { readonly rows: number }> {
  return readDatasetInfo(await withStorageErrors('read', path, () => asyncBufferFromFile(path)));
}
