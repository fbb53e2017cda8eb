// What a training run depends on: kept in its folder, so that the same command line goes on with it.
import { didYouMean, InvalidArgumentError, requireBoolean, requireFinite, requireInteger } from '@moe-rl/core';
import { ALL_TASKS, HELD_OUT_TASKS } from '../household/tasks.ts';
import { DEFAULT_NETWORK, MAX_BATCH_SIZE, type NetworkConfig, requireNetwork } from '../policy/network-config.ts';

export interface TrainingSettings {
  /** Seed of arrangements, first values and batches. */
  readonly seed: number;
  /** Tasks with expert plans: the named ones, and generated ones beyond. */
  readonly tasks: number;
  /** Expert plans per task, each in an arrangement of its own. */
  readonly demonstrations: number;
  /** Updates on plans alone, before the first exploration. */
  readonly planUpdates: number;
  /** Updates on planning, feedback and correction, over all rounds. */
  readonly correctionUpdates: number;
  /** Explorations, with an equal share of the updates after each. */
  readonly rounds: number;
  /** Arrangements per task that the model acts in alone, in each round. */
  readonly explorations: number;
  /** Proposals for each step of an expert plan, in each round: the likeliest one, the others drawn. */
  readonly guidedProposals: number;
  /** Corrections tried for each rejected step of the model alone, until one leads to the end of the task: the likeliest one, then drawn ones. */
  readonly correctionAttempts: number;
  /** Of the drawn ones; above 0. */
  readonly temperature: number;
  /** Examples of planning and of correction in an update. */
  readonly batchSize: number;
  /** Examples of feedback in an update. */
  readonly feedbackBatchSize: number;
  readonly learningRate: number;
  /** True: no exploration; all updates are on plans alone, with the same plans, batches and learning rates. */
  readonly plansOnly: boolean;
  readonly network: NetworkConfig;
}

export const DEFAULT_SETTINGS: TrainingSettings = {
  seed: 1,
  tasks: 600,
  demonstrations: 1,
  planUpdates: 1000,
  correctionUpdates: 3200,
  rounds: 4,
  explorations: 2,
  guidedProposals: 4,
  correctionAttempts: 4,
  temperature: 1,
  batchSize: 16,
  feedbackBatchSize: 32,
  learningRate: 0.002,
  plansOnly: false,
  network: DEFAULT_NETWORK,
};

const LEAST: Readonly<Partial<Record<keyof TrainingSettings, number>>> = {
  seed: 0,
  tasks: 1,
  demonstrations: 1,
  planUpdates: 1,
  correctionUpdates: 1,
  rounds: 1,
  explorations: 0,
  guidedProposals: 1,
  correctionAttempts: 1,
  batchSize: 1,
  feedbackBatchSize: 1,
};

/** More of anything is a slip: it would take all memory, or run for ever. */
const MOST: Readonly<Partial<Record<keyof TrainingSettings, number>>> = {
  tasks: ALL_TASKS.length - HELD_OUT_TASKS.length,
  demonstrations: 1000,
  explorations: 1000,
  guidedProposals: 1000,
  correctionAttempts: 1000,
  batchSize: MAX_BATCH_SIZE,
  feedbackBatchSize: MAX_BATCH_SIZE,
};

/**
 * Settings with defaults for what isn't given.
 * @throws InvalidArgumentError for an unknown setting or a bad value, by name
 */
export function requireSettings(given: Partial<TrainingSettings>): TrainingSettings {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(DEFAULT_SETTINGS, name)) {
      const names = Object.keys(DEFAULT_SETTINGS);
      throw new InvalidArgumentError(
        `setting ${JSON.stringify(name)} is unknown; expected one of ${names.join(', ')}${didYouMean(name, names)}`,
      );
    }
  }
  const { network = DEFAULT_NETWORK } = given;
  const settings = { ...DEFAULT_SETTINGS, ...given, network: requireNetwork(network) };
  for (const [key, least] of Object.entries(LEAST)) {
    const name = key as keyof TrainingSettings;
    requireInteger(name, settings[name], least, MOST[name]);
  }
  requireBoolean('plansOnly', settings.plansOnly);
  const { rounds, correctionUpdates } = settings;
  if (rounds > correctionUpdates) {
    throw new InvalidArgumentError(
      `rounds is ${rounds}; expected at most correctionUpdates, ${correctionUpdates}, so that something is learned after each`,
    );
  }
  if (requireFinite('learningRate', settings.learningRate, 0) === 0) {
    throw new InvalidArgumentError('learningRate is 0, with which nothing is learned; expected more');
  }
  if (requireFinite('temperature', settings.temperature, 0) === 0) {
    throw new InvalidArgumentError('temperature is 0, which would draw the likeliest step each time; expected more');
  }
  return settings;
}

/** All updates of a run. */
export const totalUpdates = ({ planUpdates, correctionUpdates }: TrainingSettings): number =>
  planUpdates + correctionUpdates;

/** The first update of a round, counted from 0. */
export const roundStart = ({ planUpdates, correctionUpdates, rounds }: TrainingSettings, round: number): number =>
  planUpdates + Math.floor((correctionUpdates * round) / rounds);

/** Rises over the first hundred updates, and falls to zero over those behind the plans. */
export function learningRateAt(settings: TrainingSettings, update: number): number {
  const left = (totalUpdates(settings) - update) / settings.correctionUpdates;
  return settings.learningRate * Math.min(1, (update + 1) / 100) * Math.min(1, left);
}
