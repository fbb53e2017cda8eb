// How transitions lie in a Parquet file: one row per step, in order, so that any Parquet reader can use them.
import { elementCount, type ObservationSpec } from '@moe-rl/core';
import type { KeyValue, SchemaElement } from 'hyparquet-writer';

/** Key of the file metadata that holds `DatasetInfo` as JSON. */
export const INFO_KEY = 'moe-rl.transitions';

/** What a dataset says about itself. */
export interface DatasetInfo {
  readonly version: 1;
  readonly observationSpec: ObservationSpec;
  /** Whatever the writer wanted to note: environment, policy, seed. */
  readonly notes: Readonly<Record<string, string | number | boolean>>;
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

export function frameBytesOf(spec: ObservationSpec): number {
  return elementCount(spec.frameShape) * (spec.dtype === 'uint8' ? 1 : 4);
}
