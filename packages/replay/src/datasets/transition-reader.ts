// Reads transitions from a Parquet file, a row group at a time.
import { CorruptDataError, type Observation } from '@moe-rl/core';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { ReplayStep } from '../replay-interface.ts';
import { type DatasetInfo, frameBytesOf, INFO_KEY, parseInfo, TRANSITION_COLUMNS } from './transition-schema.ts';

/** A dataset in memory, or anything that hands out ranges of its bytes (hyparquet's `asyncBufferFromUrl`, `asyncBufferFromFile`). */
export type DatasetSource = ArrayBuffer | AsyncBuffer;

/**
 * What a dataset says about itself, and how many steps it holds.
 * @throws CorruptDataError when it is no Parquet file, or one of other contents
 */
export async function readDatasetInfo(source: DatasetSource): Promise<DatasetInfo & { readonly rows: number }> {
  const { info, metadata } = await open(source);
  return { ...info, rows: Number(metadata.num_rows) };
}

/**
 * The steps, in order, ready for `ReplayBuffer.add`.
 * @throws CorruptDataError when the file is no dataset of transitions, or a row does not fit its description
 */
export async function* readTransitions(source: DatasetSource): AsyncGenerator<ReplayStep, void, void> {
  const { info, metadata } = await open(source);
  const frameBytes = frameBytesOf(info.observationSpec);
  const wholeBytes = frameBytes * info.observationSpec.stackSize;
  for await (const { row, object } of readRows(source, metadata, TRANSITION_COLUMNS)) {
    const observationOf = (value: unknown): Observation => {
      if (!(value instanceof Uint8Array) || (value.length !== frameBytes && value.length !== wholeBytes)) {
        throw new CorruptDataError(`dataset row ${row}: an observation is not ${frameBytes} or ${wholeBytes} bytes`);
      }
      return info.observationSpec.dtype === 'uint8' ? value : new Float32Array(Uint8Array.from(value).buffer);
    };
    yield {
      ...outcomeOf(object, row, info),
      observation: observationOf(object.observation),
      ...(object.next_observation == null ? {} : { nextObservation: observationOf(object.next_observation) }),
    };
  }
}

/** A step without what was seen: quick to read, because a Parquet file keeps each column by itself. */
export type Outcome = Pick<ReplayStep, 'action' | 'reward' | 'terminated' | 'truncated'>;

/**
 * The steps' actions, rewards and ends, in order.
 * @throws CorruptDataError as `readTransitions`
 */
export async function* readOutcomes(source: DatasetSource): AsyncGenerator<Outcome, void, void> {
  const { info, metadata } = await open(source);
  const columns = ['action', 'reward', 'terminated', 'truncated'];
  for await (const { row, object } of readRows(source, metadata, columns)) yield outcomeOf(object, row, info);
}

function outcomeOf(object: Record<string, unknown>, row: number, { actionCount }: DatasetInfo): Outcome {
  const { action, reward, terminated, truncated } = object;
  if (!Number.isInteger(action) || typeof reward !== 'number' || !Number.isFinite(reward)) {
    throw new CorruptDataError(
      `dataset row ${row}: action ${String(action)} and reward ${String(reward)}; expected an integer and a finite number`,
    );
  }
  if (actionCount !== undefined && !((action as number) >= 0 && (action as number) < actionCount)) {
    throw new CorruptDataError(`dataset row ${row}: action ${String(action)}; the dataset says it has ${actionCount}`);
  }
  if (typeof terminated !== 'boolean' || typeof truncated !== 'boolean') {
    throw new CorruptDataError(`dataset row ${row}: terminated or truncated is not a flag`);
  }
  return { action: action as number, reward, terminated, truncated };
}

async function* readRows(
  source: DatasetSource,
  metadata: FileMetaData,
  columns: string[],
): AsyncGenerator<{ row: number; object: Record<string, unknown> }, void, void> {
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = row + Number(group.num_rows);
    let objects: Record<string, unknown>[];
    try {
      objects = await parquetReadObjects({
        file: source as AsyncBuffer,
        metadata,
        columns,
        rowStart: row,
        rowEnd,
        utf8: false,
      });
    } catch (cause) {
      throw new CorruptDataError(`dataset rows ${row} to ${rowEnd - 1} can't be read`, { cause });
    }
    if (objects.length !== rowEnd - row) {
      throw new CorruptDataError(`dataset rows ${row} to ${rowEnd - 1}: ${objects.length} came`);
    }
    for (const object of objects) yield { row: row++, object };
  }
  if (row !== Number(metadata.num_rows)) {
    throw new CorruptDataError(`the dataset says it has ${metadata.num_rows} rows; its row groups hold ${row}`);
  }
}

async function open(source: DatasetSource): Promise<{ info: DatasetInfo; metadata: FileMetaData }> {
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(source as AsyncBuffer);
  } catch (cause) {
    throw new CorruptDataError('the dataset is not a Parquet file, or is cut off', { cause });
  }
  const columns = new Set(metadata.schema.map((element) => element.name));
  const missing = TRANSITION_COLUMNS.filter((name) => !columns.has(name));
  const text = metadata.key_value_metadata?.find(({ key }) => key === INFO_KEY)?.value;
  if (missing.length > 0 || text === undefined) {
    throw new CorruptDataError(
      `the Parquet file holds no transitions: ${missing.length > 0 ? `columns ${missing.join(', ')} are missing` : `it has no metadata "${INFO_KEY}"`}`,
    );
  }
  const info = parseInfo(text);
  return { info, metadata };
}
