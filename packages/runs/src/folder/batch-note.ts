// What a run folder says of batches: from which agent step on the run was computed together with which others, in the file batch.json. A run that was always alone
// has none.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '@moe-rl/core';
import { readJsonObject, replaceFile } from '@moe-rl/core/node';

const FORMAT_VERSION = 1;

/** Where a run stands in a batch of runs that are computed as one program. */
export interface BatchPlace {
  /** Places of the program; some may have been empty. */
  readonly size: number;
  /** From 0. */
  readonly place: number;
  /** Seeds of the runs that were there at the start. */
  readonly seeds: readonly number[];
}

/** A part of a run, until the next part's start: where it was computed. */
export interface BatchStretch extends BatchPlace {
  readonly fromAgentSteps: number;
}

const fileOf = (runFolder: string): string => join(runFolder, 'batch.json');

/**
 * The parts of a run; none for one that was always alone.
 * @throws CheckpointError for a file of another version
 */
export function readBatchStretches(runFolder: string): readonly BatchStretch[] {
  const file = fileOf(runFolder);
  if (!existsSync(file)) return [];
  const { formatVersion, stretches } = readJsonObject(file);
  if (formatVersion !== FORMAT_VERSION || !Array.isArray(stretches)) {
    throw new CheckpointError(
      `${file} has format version ${JSON.stringify(formatVersion ?? null)}; this program reads version ${FORMAT_VERSION}`,
    );
  }
  return stretches as readonly BatchStretch[];
}

/**
 * Notes where the run goes on from `fromAgentSteps`.
 * @param place undefined: alone, which is noted only where the run was in a batch before
 * @returns the place that the run had before, when it goes on elsewhere: the same numbers up to the order of sums only
 */
export function noteBatch(
  runFolder: string,
  fromAgentSteps: number,
  seed: number,
  place: BatchPlace | undefined,
): BatchPlace | undefined {
  const kept = readBatchStretches(runFolder).filter((stretch) => stretch.fromAgentSteps < fromAgentSteps);
  const last = kept.at(-1);
  if (place === undefined && last === undefined) return undefined;
  const stretch: BatchStretch = { fromAgentSteps, ...(place ?? { size: 1, place: 0, seeds: [seed] }) };
  replaceFile(
    fileOf(runFolder),
    `${JSON.stringify({ formatVersion: FORMAT_VERSION, stretches: [...kept, stretch] }, null, 2)}\n`,
  );
  return last !== undefined && (last.size !== stretch.size || last.place !== stretch.place) ? last : undefined;
}
