// Finds what a folder holds as a dataset: our own Parquet files, or Dopamine's logs; each file or log is a part, read one after the other.
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InvalidArgumentError, NotFoundError, type ObservationSpec, requireInteger } from '@moe-rl/core';
import { withStorageErrors } from '@moe-rl/core/node';
import { asyncBufferFromFile } from 'hyparquet';
import { type Outcome, readOutcomes } from '../datasets/transition-reader.ts';
import type { DatasetInfo } from '../datasets/transition-schema.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { readDopamineFrameShape, readDopamineLog, readDopamineOutcomes } from './dopamine-logs.ts';
import { namingFile, readTransitionFile, readTransitionFileInfo } from './parquet-files.ts';

export type DatasetFormat = 'parquet' | 'dopamine';

/** Steps that follow each other, from one file or log. */
export interface DatasetPart {
  /** For messages: the file, or the checkpoint of a log. */
  readonly name: string;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number | undefined;
  readonly notes: DatasetInfo['notes'];
  /** Whether its first step goes on with the episode that the part before left open. */
  readonly continuesEpisode: boolean;
  steps(): AsyncGenerator<ReplayStep, void, void>;
  /** The same steps without what was seen, much quicker. */
  outcomes(): AsyncGenerator<Outcome, void, void>;
}

export interface FoundDataset {
  readonly format: DatasetFormat;
  /** Where the files lie: the path that was asked for, or a folder below it. */
  readonly folder: string;
  readonly parts: readonly DatasetPart[];
}

/** Folders in which a dataset lies below the one that people name: of a run, of the DQN Replay Dataset. */
const SUBFOLDERS = ['dataset', 'replay_logs'];
const DOPAMINE_LOG = /^\$store\$_observation_ckpt\.(\d+)\.gz$/;

export interface FindDatasetOptions {
  /** Of Dopamine's logs, the checkpoints to take, in this order. Default: all, ascending. */
  readonly checkpoints?: readonly number[];
  /** Of Dopamine's logs, frames per stack in the run that wrote them. Default 4. */
  readonly stackSize?: number;
}

/**
 * @throws NotFoundError when there is no dataset, saying what was looked for and what is there; InvalidArgumentError when there are two kinds, or files that
 *   don't belong together; CorruptDataError, CheckpointError or StorageError when one can't be read.
 */
export async function findDataset(path: string, options: FindDatasetOptions = {}): Promise<FoundDataset> {
  const { isDirectory } = await withStorageErrors('read', path, async () => {
    const found = await stat(path);
    return { isDirectory: found.isDirectory() };
  });
  if (!isDirectory) return { format: 'parquet', folder: path, parts: [await parquetPart(path, undefined)] };
  const names = await withStorageErrors('read', path, () => readdir(path));
  const files = names.filter((name) => name.endsWith('.parquet')).sort(byNumbers);
  const logs = names.flatMap((name) => DOPAMINE_LOG.exec(name)?.[1] ?? []).map(Number);
  if (files.length > 0 && logs.length > 0) {
    throw new InvalidArgumentError(
      `${path} holds Parquet files and Dopamine's logs; expected a folder with one of them`,
    );
  }
  if (logs.length > 0) return { format: 'dopamine', folder: path, parts: await dopamineParts(path, logs, options) };
  if (files.length > 0) return { format: 'parquet', folder: path, parts: await parquetParts(path, files) };
  for (const name of SUBFOLDERS) if (names.includes(name)) return findDataset(join(path, name), options);
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  throw new NotFoundError(
    `${path} holds no dataset: expected *.parquet files of this program, or Dopamine's logs ($store$_observation_ckpt.N.gz and its siblings); it holds ${shown || 'nothing'}`,
  );
}

async function parquetParts(folder: string, files: readonly string[]): Promise<DatasetPart[]> {
  const parts: DatasetPart[] = [];
  let before: DatasetInfo | undefined;
  for (const file of files) {
    const info = await readTransitionFileInfo(join(folder, file));
    parts.push(await parquetPart(join(folder, file), before, info));
    const [first, here] = [parts[0]!, parts.at(-1)!];
    if (specText(here.observationSpec) !== specText(first.observationSpec) || here.actionCount !== first.actionCount) {
      throw new InvalidArgumentError(
        `${folder} holds files that don't belong together: ${first.name} has ${specText(first.observationSpec)} and ${first.actionCount ?? 'unknown'} actions, ${here.name} ${specText(here.observationSpec)} and ${here.actionCount ?? 'unknown'}`,
      );
    }
    before = info;
  }
  return parts;
}

async function parquetPart(path: string, before: DatasetInfo | undefined, known?: DatasetInfo): Promise<DatasetPart> {
  const info = known ?? (await readTransitionFileInfo(path));
  const { observationSpec, actionCount, notes, part } = info;
  // A file that was lost in between leaves a gap, which no episode reaches over.
  const follows = part !== undefined && before?.part?.number === part.number - 1;
  return {
    name: basename(path),
    observationSpec,
    actionCount,
    notes,
    continuesEpisode: follows && part.continuesEpisode,
    steps: () => readTransitionFile(path),
    outcomes: () =>
      namingFile(path, async function* () {
        yield* readOutcomes(await withStorageErrors('read', path, () => asyncBufferFromFile(path)));
      }),
  };
}

async function dopamineParts(
  folder: string,
  present: readonly number[],
  { checkpoints = [...present].sort((a, b) => a - b), stackSize = 4 }: FindDatasetOptions,
): Promise<DatasetPart[]> {
  requireInteger('stackSize', stackSize, 1);
  if (checkpoints.length === 0) throw new InvalidArgumentError('checkpoints is empty; expected at least one');
  const parts: DatasetPart[] = [];
  for (const checkpoint of checkpoints) {
    if (!present.includes(checkpoint)) {
      throw new NotFoundError(
        `${folder} holds no checkpoint ${checkpoint}; there are ${[...present].sort((a, b) => a - b).join(', ')}`,
      );
    }
    const config = { folder, checkpoint, stackSize };
    const frameShape = await readDopamineFrameShape(config);
    parts.push({
      name: `checkpoint ${checkpoint}`,
      observationSpec: { frameShape, stackSize, dtype: 'uint8' },
      actionCount: undefined,
      notes: {},
      continuesEpisode: false,
      steps: () => readDopamineLog(config),
      outcomes: () => readDopamineOutcomes(config),
    });
    if (specText(parts.at(-1)!.observationSpec) !== specText(parts[0]!.observationSpec)) {
      throw new InvalidArgumentError(
        `${folder} holds logs of different frames: ${parts[0]!.name} [${parts[0]!.observationSpec.frameShape}], checkpoint ${checkpoint} [${frameShape}]`,
      );
    }
  }
  return parts;
}

/** `uint8 [84,84]`, and how many are stacked. */
export function specText({ dtype, frameShape, stackSize }: ObservationSpec): string {
  return `${dtype} [${frameShape}]${stackSize > 1 ? ` in stacks of ${stackSize}` : ''}`;
}

/** `part-2` before `part-10`. */
function byNumbers(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
