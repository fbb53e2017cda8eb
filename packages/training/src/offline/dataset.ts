// The dataset that a run learns from: opened and checked before the run has a folder, then put into its replay memory.
import { type Environment, InvalidArgumentError } from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import { type Dataset, openDataset } from '@moe-rl/replay/node';

export interface FillOutput {
  readonly transitions: number;
  /** False when the memory holds the dataset's first ones only. */
  readonly isWhole: boolean;
  /** What was found: `Parquet: 3 files of uint8 [84,84] in stacks of 4`. */
  readonly description: string;
}

type Played = Pick<Environment, 'observationSpec' | 'actionCount'>;

/**
 * Opens a dataset and looks through it.
 * @throws NotFoundError when there is none; InvalidArgumentError when its frames or actions are not the environment's; CorruptDataError when it is damaged
 */
export async function openDatasetFor(folder: string, environment: Played): Promise<Dataset> {
  const dataset = await openDataset(folder, { stackSize: environment.observationSpec.stackSize });
  await dataset.requireFit(environment);
  return dataset;
}

/**
 * Fills an empty replay memory with a dataset, from its start, until it is full.
 * @param rewardClip rewards are cut to within plus or minus this; 0: not at all
 * @throws NotFoundError when there is no dataset; InvalidArgumentError when its frames or actions are not the environment's, or none of it can be sampled;
 *   CorruptDataError when it is damaged
 */
export async function fillReplay(
  replay: ReplayBuffer,
  folder: string,
  { observationSpec, actionCount }: Played,
  rewardClip: number,
): Promise<FillOutput> {
  const dataset = await openDataset(folder, { stackSize: observationSpec.stackSize });
  const clip = (reward: number): number =>
    rewardClip > 0 ? Math.min(rewardClip, Math.max(-rewardClip, reward)) : reward;
  const { steps, isComplete } = await dataset.fill(replay, {
    prepare(step) {
      if (step.action >= 0 && step.action < actionCount) return { ...step, reward: clip(step.reward) };
      throw new InvalidArgumentError(`${folder}: action is ${step.action}; the environment has ${actionCount} actions`);
    },
  });
  if (replay.sampleableTransitions === 0) {
    throw new InvalidArgumentError(
      `${folder}: none of its ${steps} transitions can be learned from; expected more than agent.updateHorizon in a row`,
    );
  }
  return { transitions: steps, isWhole: isComplete, description: dataset.description };
}
