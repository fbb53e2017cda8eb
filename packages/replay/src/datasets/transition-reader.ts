// Reads transitions from a Parquet file, a row group at a time.
import { CorruptDataError, type Observation } from '@moe-rl/core';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { ReplayStep } from '../replay-interface.ts';
import { type DatasetInfo, frameBytesOf, INFO_KEY, TRANSITION_COLUMNS } from './transition-schema.ts';

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
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = row + Number(group.num_rows);
    let objects: Record<string, unknown>[];
    try {
      objects = await parquetReadObjects({
        file: source as AsyncBuffer,
        metadata,
        columns: TRANSITION_COLUMNS,
        rowStart: row,
        rowEnd,
        utf8: false,
      });
    } catch (cause) {
      throw new CorruptDataError(`dataset rows ${row} to ${rowEnd - 1} can't be read`, { cause });
    }
    for (const object of objects) {
      const observationOf = (value: unknown): Observation => {
        if (!(value instanceof Uint8Array) || (value.length !== frameBytes && value.length !== wholeBytes)) {
          throw new CorruptDataError(`dataset row ${row}: an observation is not ${frameBytes} or ${wholeBytes} bytes`);
        }
        return info.observationSpec.dtype === 'uint8' ? value : new Float32Array(value.slice().buffer);
      };
      const { action, reward, terminated, truncated } = object;
      if (typeof action !== 'number' || typeof reward !== 'number' || !Number.isFinite(reward)) {
        throw new CorruptDataError(
          `dataset row ${row}: action ${String(action)} and reward ${String(reward)}; expected numbers`,
        );
      }
      yield {
        observation: observationOf(object.observation),
        action,
        reward,
        terminated: terminated === true,
        truncated: truncated === true,
        ...(object.next_observation == null ? {} : { nextObservation: observationOf(object.next_observation) }),
      };
      row++;
    }
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

function parseInfo(text: string): DatasetInfo {
  let info: DatasetInfo;
  try {
    info = JSON.parse(text) as DatasetInfo;
  } catch (cause) {
    throw new CorruptDataError(`dataset: metadata "${INFO_KEY}" is not JSON`, { cause });
  }
  const spec = info?.observationSpec;
  const isSpec =
    Array.isArray(spec?.frameShape) && Number.isInteger(spec?.stackSize) && ['uint8', 'float32'].includes(spec?.dtype);
  if (info?.version !== 1 || !isSpec) {
    throw new CorruptDataError(
      `dataset: metadata "${INFO_KEY}" is ${text}; expected version 1 with an observationSpec`,
    );
  }
  return info;
}
