// How transitions lie in a Parquet file: one row per step, in order, so that any Parquet reader can use them.
import { CorruptDataError, elementCount, type ObservationSpec } from '@moe-rl/core';
import type { KeyValue, SchemaElement } from 'hyparquet-writer';

/** Key of the file metadata that holds `DatasetInfo` as JSON. */
export const INFO_KEY = 'moe-rl.transitions';

/** What a dataset says about itself. */
export interface DatasetInfo {
  readonly version: 1;
  readonly observationSpec: ObservationSpec;
  /** Whatever the writer wanted to note: environment, policy, seed. */
  readonly notes: Readonly<Record<string, string | number | boolean>>;
  /** Actions are the integers `0..actionCount - 1`, where the writer knew. */
  readonly actionCount?: number;
  /** In a recording of several files: which one this is, from 1, and whether its first step goes on with the episode that the file before left open. */
  readonly part?: { readonly number: number; readonly continuesEpisode: boolean };
}

/**
 * `observation`: the bytes (row-major, little-endian) of the newest frame; on the first step of an episode of the whole stack, where the writer was given it.
 * `next_observation`: only on truncated steps. Numbers and flags are what their names say.
 */
export const TRANSITION_SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: 6 },
  { name: 'observation', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
  { name: 'action', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'reward', type: 'FLOAT', repetition_type: 'REQUIRED' },
  { name: 'terminated', type: 'BOOLEAN', repetition_type: 'REQUIRED' },
  { name: 'truncated', type: 'BOOLEAN', repetition_type: 'REQUIRED' },
  { name: 'next_observation', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
];

export const TRANSITION_COLUMNS: string[] = TRANSITION_SCHEMA.slice(1).map((element) => element.name);

export function infoMetadata(info: DatasetInfo): KeyValue[] {
  return [{ key: INFO_KEY, value: JSON.stringify(info) }];
}

/**
 * Reads what a dataset says about itself.
 * @throws CorruptDataError when it is no such description.
 */
export function parseInfo(text: string): DatasetInfo {
  let info: Partial<DatasetInfo> | null;
  try {
    info = JSON.parse(text);
  } catch (cause) {
    throw new CorruptDataError(`dataset: metadata "${INFO_KEY}" is not JSON`, { cause });
  }
  const { observationSpec: spec, notes, actionCount, part } = info ?? {};
  const isSpec =
    Array.isArray(spec?.frameShape) &&
    spec.frameShape.every((size) => isIntegerFrom(1, size)) &&
    isIntegerFrom(1, spec.stackSize) &&
    ['uint8', 'float32'].includes(spec.dtype);
  const isPart = part === undefined || (isIntegerFrom(1, part?.number) && typeof part.continuesEpisode === 'boolean');
  const hasNotes = notes !== null && typeof notes === 'object';
  if (
    info?.version !== 1 ||
    !isSpec ||
    !hasNotes ||
    !isPart ||
    !(actionCount === undefined || isIntegerFrom(1, actionCount))
  ) {
    throw new CorruptDataError(
      `dataset: metadata "${INFO_KEY}" is ${text}; expected version 1 with an observationSpec and notes`,
    );
  }
  return info as DatasetInfo;
}

function isIntegerFrom(minimum: number, value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= minimum;
}

export function frameBytesOf(spec: ObservationSpec): number {
  return elementCount(spec.frameShape) * (spec.dtype === 'uint8' ? 1 : 4);
}
