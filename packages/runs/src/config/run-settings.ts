// What concerns a run itself, beside the agent and the environment: names, seed, lengths and periods.
import { type GroupSetting, type Setting, type SettingsTree, setting } from '@moe-rl/core';
import { BACKENDS, type BackendOption } from './backends.ts';
import { DEFAULT_EVALUATION_SETTINGS, EVALUATION_FIELDS, type EvaluationSettings } from './evaluation-settings.ts';

export interface RunSettings {
  /** Name of a game: it decides on the environment. */
  readonly game: string;
  /** Name of the preset that the settings started from: it decides on the kind of agent. */
  readonly preset: string;
  readonly seed: number;
  readonly backend: BackendOption;
  /** Processor threads within one tensor operation; null: the backend's choice. */
  readonly threads: number | null;
  /** Length of the training. */
  readonly trainingAgentSteps: number;
  /** Ends the training early once it took this long, pauses between resumes not counted; null: never. */
  readonly maxTrainingSeconds: number | null;
  readonly logPeriodAgentSteps: number;
  readonly checkpointPeriodAgentSteps: number;
  /** Episodes of the evaluation after the training; 0: none. */
  readonly evaluationEpisodes: number;
  /** Evaluations while the training goes on. */
  readonly evaluation: EvaluationSettings;
  readonly dataset: DatasetSettings;
}

/** Transitions of other runs, and of this one. */
export interface DatasetSettings {
  /** Folder of a dataset to learn from instead of from the environment; null: none. */
  readonly folder: string | null;
  /** Folder to record this run's transitions in; null: none. */
  readonly recordFolder: string | null;
}

/** A file of somebody's own that registers things that the run uses. */
export interface ModuleReference {
  /** Absolute, or relative to the run folder. */
  readonly path: string;
  /** SHA-256 sum of the file when the run began. */
  readonly sha256: string;
}

/** What `config.json` holds. The agent's groups of settings (network, replay, ...) stand beside the run's own; their types are the kind of agent's affair. */
export interface RunConfig extends RunSettings {
  /** `type` names the kind of environment; the rest are its settings. */
  readonly environment: SettingsTree;
  /** `type` names the design of the reward that is learned from, `original` the environment's own; the rest are its settings. */
  readonly reward: SettingsTree;
  /** Where metric rows go beside `metrics.jsonl`, by name. */
  readonly sinks: SettingsTree;
  readonly modules: readonly ModuleReference[];
}

/** `reward.type` of the environment's own reward. */
export const ORIGINAL_REWARD = 'original';

export const DEFAULT_RUN_SETTINGS: RunSettings = {
  game: 'windfall',
  preset: 'dqn-soft-moe',
  seed: 1,
  backend: 'auto',
  threads: null,
  trainingAgentSteps: 100_000,
  maxTrainingSeconds: null,
  logPeriodAgentSteps: 1000,
  checkpointPeriodAgentSteps: 10_000,
  evaluationEpisodes: 10,
  evaluation: DEFAULT_EVALUATION_SETTINGS,
  dataset: { folder: null, recordFolder: null },
};

const standard = DEFAULT_RUN_SETTINGS;
const orNull = { isNullable: true } as const;
const limit = { maximum: 1e12 } as const;

export const RUN_FIELDS: Readonly<Record<keyof RunSettings, Setting>> = {
  game: setting.text('Game to learn', standard.game),
  preset: setting.text('Preset that the settings start from', standard.preset),
  seed: setting.integer('Seed of every random stream', standard.seed, { minimum: 0, maximum: 2 ** 31 - 1 }),
  backend: setting.choice('Tensor backend', standard.backend, BACKENDS),
  threads: setting.integer("Processor threads within one tensor operation; null: the backend's choice", null, {
    ...orNull,
    maximum: 1024,
  }),
  trainingAgentSteps: setting.integer('Length of the training', standard.trainingAgentSteps, limit),
  maxTrainingSeconds: setting.number('Ends the training early once it took this long; null: never', null, {
    ...orNull,
    minimum: 1,
  }),
  logPeriodAgentSteps: setting.integer('Agent steps between two rows of metrics', standard.logPeriodAgentSteps, limit),
  checkpointPeriodAgentSteps: setting.integer(
    'Agent steps between two checkpoints',
    standard.checkpointPeriodAgentSteps,
    limit,
  ),
  evaluationEpisodes: setting.integer(
    'Episodes of the evaluation after the training; 0: none',
    standard.evaluationEpisodes,
    { minimum: 0, maximum: 1_000_000 },
  ),
  evaluation: setting.group(EVALUATION_FIELDS),
  dataset: setting.group({
    folder: setting.text('Folder of a dataset to learn from instead of from the environment; null: none', null, orNull),
    recordFolder: setting.text("Folder to record this run's transitions in; null: none", null, orNull),
  }),
};

/** The run's own settings alone. */
export const RUN_SETTINGS: GroupSetting = setting.group(RUN_FIELDS);

/** Version of the form of config.json. */
export const CONFIG_FORMAT_VERSION = 1;

/** Settings that may differ between the first start of a run and its resume: none of them changes what is learned until then. */
export const CHANGEABLE_ON_RESUME: ReadonlySet<string> = new Set([
  'trainingAgentSteps',
  'maxTrainingSeconds',
  'checkpointPeriodAgentSteps',
  'evaluationEpisodes',
  'dataset.folder',
]);
