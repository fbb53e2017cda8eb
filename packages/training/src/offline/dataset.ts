// A dataset to learn from: a folder of Parquet files as this project records them, or of the logs of Dopamine's replay (the DQN Replay Dataset).
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, NotFoundError, type ObservationSpec, ShapeError } from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';
import type { ReplayBuffer, ReplayStep } from '@moe-rl/replay';
import { readDopamineLog, readTransitionFile, readTransitionFileInfo } from '@moe-rl/replay/node';

/** One file, or one checkpoint of a log. */
interface DatasetPart {
  readonly name: string;
  readonly steps: () => AsyncIterable<ReplayStep>;
  /** True when an episode was under way before it that does not go on here. */
  readonly interrupts: boolean;
}

export interface Dataset {
  readonly folder: string;
  readonly parts: readonly DatasetPart[];
}

const DOPAMINE_LOG = /^add_count_ckpt\.(\d+)\.gz$/;

/**
 * Opens a dataset and looks whether it fits the environment.
 * @throws NotFoundError without a folder or files of a dataset in it; ShapeError when observations are others than the environment's; CorruptDataError
 */
export async function openDataset(folder: string, observationSpec: ObservationSpec): Promise<Dataset> {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw storageError('read', folder, cause);
  }
  const parquet = names.filter((name) => name.endsWith('.parquet'));
  const logs = names
    .flatMap((name) => DOPAMINE_LOG.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
  if (parquet.length > 0)
    return {
      folder,
      parts: await Promise.all(parquet.map((name) => parquetPart(join(folder, name), observationSpec))),
    };
  if (logs.length === 0) {
    throw new NotFoundError(
      `${folder} holds no dataset: expected Parquet files as --record-dataset writes them, or the logs of Dopamine's replay ($store$_observation_ckpt.0.gz, ...)`,
    );
  }
  const { dtype, frameShape, stackSize } = observationSpec;
  if (dtype !== 'uint8')
    throw new ShapeError(`${folder} holds bytes; the environment's observations are ${dtype} [${frameShape}]`);
  return {
    folder,
    parts: logs.map((checkpoint) => ({
      name: `${folder}, checkpoint ${checkpoint}`,
      steps: () => readDopamineLog({ folder, checkpoint, stackSize }),
      interrupts: true,
    })),
  };
}

async function parquetPart(path: string, wanted: ObservationSpec): Promise<DatasetPart> {
  const { observationSpec: found, notes } = await readTransitionFileInfo(path);
  const show = ({ dtype, stackSize, frameShape }: ObservationSpec): string =>
    `${dtype} [${[stackSize, ...frameShape]}]`;
  if (show(found) !== show(wanted)) {
    throw new ShapeError(`${path} holds observations ${show(found)}; the environment's are ${show(wanted)}`);
  }
  return { name: path, steps: () => readTransitionFile(path), interrupts: notes.startsEpisode === true };
}

/**
 * Fills an empty replay memory with a dataset, from its start, until it is full.
 * @param rewardClip rewards are cut to within plus or minus this; 0: not at all
 * @throws InvalidArgumentError for an action that the environment has not got, or a dataset of which nothing can be sampled
 */
export async function fillReplay(
  replay: ReplayBuffer,
  dataset: Dataset,
  {
    actionCount,
    rewardClip,
    breathe,
  }: { readonly actionCount: number; readonly rewardClip: number; readonly breathe: () => Promise<void> | undefined },
): Promise<{ readonly transitions: number; readonly isWhole: boolean }> {
  // An episode's first step takes a slot per stacked frame, a cut one another.
  const needed = replay.observationSpec.stackSize + 1;
  for (const { name, steps, interrupts } of dataset.parts) {
    if (interrupts) replay.interruptEpisode();
    for await (const step of steps()) {
      if (replay.size + needed > replay.capacity) {
        replay.interruptEpisode();
        return { transitions: replay.addedTransitions, isWhole: false };
      }
      if (!(step.action >= 0 && step.action < actionCount)) {
        throw new InvalidArgumentError(`${name}: action is ${step.action}; the environment has ${actionCount} actions`);
      }
      const reward = rewardClip > 0 ? Math.min(rewardClip, Math.max(-rewardClip, step.reward)) : step.reward;
      replay.add({ ...step, reward });
      await breathe();
    }
  }
  replay.interruptEpisode();
  if (replay.sampleableTransitions === 0) {
    throw new InvalidArgumentError(
      `${dataset.folder}: none of its ${replay.addedTransitions} transitions can be learned from; expected more than agent.updateHorizon in a row`,
    );
  }
  return { transitions: replay.addedTransitions, isWhole: true };
}
