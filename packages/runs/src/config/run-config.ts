// A run's configuration: what `config.json` holds, whole, so that a run can be repeated even when a preset changes. Made of the preset, a JSON file, `--set`
// and the named options, in this order. A setting that does not exist is refused with its nearest neighbors.
import { AGENT_CONFIG_GROUPS, type AgentConfig, changeConfig, getPreset } from '@moe-rl/agents';
import { type AtariConfig, resolveAtariConfig } from '@moe-rl/ale-env';
import { didYouMean, InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import { BACKENDS, type BackendOption } from './backends.ts';
import {
  changeEvaluationSettings,
  checkEvaluationSettings,
  DEFAULT_EVALUATION_SETTINGS,
  type EvaluationSettings,
} from './evaluation-settings.ts';

/** What concerns the run itself, beside the agent and the environment. */
export interface RunSettings {
  /** Name of an Atari game, of our embedded one, or of a small environment. */
  readonly game: string;
  /** A ROM file to use instead of looking the game's up; null: look it up. */
  readonly rom: string | null;
  /** Name of the agent preset that the settings started from. */
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
}

/** The agent's groups of settings (network, agent, optimizer, replay, ...) stand beside the run's own. */
export type AgentSettings = Omit<AgentConfig, 'environment'>;

export interface RunConfig extends RunSettings, AgentSettings {
  /** Preprocessing and rules of Atari environments; small environments take none of them. */
  readonly environment: AtariConfig;
}

export const DEFAULT_RUN_SETTINGS: RunSettings = {
  game: 'windfall',
  rom: null,
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
};

/** Changes to a configuration, from a file and from the command line. */
export interface RequestedSettings {
  /** As in config.json, everything optional. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Dotted paths, as given to `--set`: `agent.batchSize`, `seed`, `environment.stackSize`. Later ones win. */
  readonly set?: readonly (readonly [path: string, text: string])[];
  /** Named options; undefined ones are left out. */
  readonly options?: { readonly [K in Exclude<keyof RunSettings, 'evaluation'>]?: RunSettings[K] | string | undefined };
}

/** Keys that may differ between the first start of a run and its resume: none of them changes what is learned until then. */
const CHANGEABLE_ON_RESUME: ReadonlySet<string> = new Set([
  'trainingAgentSteps',
  'maxTrainingSeconds',
  'checkpointPeriodAgentSteps',
  'evaluationEpisodes',
  'rom',
]);

/**
 * The configuration of a new run.
 * @throws NotFoundError for an unknown preset or setting, InvalidArgumentError for a bad value; both name it.
 */
export function newRunConfig(requested: RequestedSettings, defaults: Partial<RunSettings> = {}): RunConfig {
  const { run, evaluation, environment, agent, agentPaths } = sortSettings(requested);
  const preset = String(run.preset ?? defaults.preset ?? DEFAULT_RUN_SETTINGS.preset);
  const { environment: published, ...presetConfig } = getPreset(preset);
  const fromPreset = { trainingAgentSteps: published.trainingAgentSteps };
  const settings = checkRunSettings({
    ...DEFAULT_RUN_SETTINGS,
    ...fromPreset,
    ...defaults,
    ...run,
    evaluation: changeEvaluationSettings(defaults.evaluation ?? DEFAULT_EVALUATION_SETTINGS, evaluation),
    preset,
  } as RunSettings);
  const base = resolveAtariConfig({
    repeatActionProbability: published.repeatActionProbability,
    terminalOnLifeLoss: published.terminalOnLifeLoss,
  });
  const frames = published.maxEpisodeAgentSteps * base.frameSkip;
  return {
    ...settings,
    ...withAgentChanges({ environment: published, ...presetConfig }, agent, agentPaths),
    environment: resolveAtariConfig({ ...base, maxEpisodeFrames: frames, ...environment }),
  };
}

/**
 * Lays changes over the configuration of a run that goes on.
 * @throws InvalidArgumentError when a change would make the second half of the run another experiment than the first.
 */
export function changeOnResume(stored: RunConfig, requested: RequestedSettings): RunConfig {
  const { run, evaluation, environment, agent, agentPaths } = sortSettings(requested);
  const changed: RunConfig = {
    ...stored,
    ...checkRunSettings({
      ...runSettingsOf(stored),
      ...run,
      evaluation: changeEvaluationSettings(stored.evaluation, evaluation),
    } as RunSettings),
    ...withAgentChanges(agentConfigOf(stored), agent, agentPaths),
    environment: resolveAtariConfig({ ...stored.environment, ...environment }),
  };
  for (const key of Object.keys(changed) as (keyof RunConfig)[]) {
    if (CHANGEABLE_ON_RESUME.has(key)) continue;
    const [before, after] = [JSON.stringify(stored[key]), JSON.stringify(changed[key])];
    if (before !== after) {
      const detail = typeof stored[key] === 'object' ? '' : `: the run has ${before}, now asked for ${after}`;
      throw new InvalidArgumentError(`${key} can't change on resume${detail}; start a new run for that`);
    }
  }
  return changed;
}

/**
 * Checks a configuration read from a run folder.
 * @throws InvalidArgumentError or NotFoundError naming the setting that is missing, unknown or out of range.
 */
export function checkRunConfig(value: Readonly<Record<string, unknown>>): RunConfig {
  const { run, evaluation, environment, agent } = sortSettings({ file: value });
  run.evaluation = changeEvaluationSettings(DEFAULT_EVALUATION_SETTINGS, evaluation);
  for (const key of Object.keys(DEFAULT_RUN_SETTINGS)) {
    if (!(key in run)) throw new InvalidArgumentError(`${key} is missing`);
  }
  const settings = checkRunSettings(run as unknown as RunSettings);
  // A setting that came with a later version is what the preset says: what it was, unnamed, before.
  const groups = withAgentChanges(getPreset(settings.preset), agent, {});
  return { ...settings, ...groups, environment: resolveAtariConfig(environment) };
}

/** The configuration for evaluation: whole games, also where a lost life ends a training episode. */
export function evaluationConfig(config: RunConfig): RunConfig {
  return { ...config, environment: { ...config.environment, terminalOnLifeLoss: false } };
}

/** The agent's part, as `createAgent` takes it. */
export function agentConfigOf(config: RunConfig): AgentConfig {
  const { environment } = config;
  const groups = Object.fromEntries(Object.entries(config).filter(([key]) => !(key in DEFAULT_RUN_SETTINGS)));
  return {
    ...(groups as unknown as AgentSettings),
    environment: {
      repeatActionProbability: environment.repeatActionProbability,
      terminalOnLifeLoss: environment.terminalOnLifeLoss,
      maxEpisodeAgentSteps: Math.ceil(environment.maxEpisodeFrames / environment.frameSkip),
      trainingAgentSteps: config.trainingAgentSteps,
    },
  };
}

/**
 * Reads a `--set path=value` option.
 * @throws InvalidArgumentError without a `=` or with an empty part in the path.
 */
export function parseSetOption(option: string): readonly [path: string, text: string] {
  const equals = option.indexOf('=');
  const path = option.slice(0, Math.max(0, equals));
  if (equals < 1 || path.split('.').some((part) => part === '' || part === '__proto__')) {
    throw new InvalidArgumentError(
      `--set ${option}: expected path=value, for instance agent.minReplayHistoryAgentSteps=1000`,
    );
  }
  return [path, option.slice(equals + 1)];
}

/** Tells apart what is whose: the run's settings, the environment's, the agent's (nested from a file, by path from `--set`). */
function sortSettings({ file = {}, set = [], options = {} }: RequestedSettings) {
  const groups: readonly string[] = AGENT_CONFIG_GROUPS;
  const run: Record<string, unknown> = {};
  let environment: Record<string, unknown> = {};
  let evaluation: Record<string, unknown> = {};
  const agent: Record<string, unknown> = {};
  const agentPaths: Record<string, string> = {};
  for (const [key, value] of Object.entries(file)) {
    if (key === 'evaluation') evaluation = { ...requireObject(key, value) };
    else if (key in DEFAULT_RUN_SETTINGS) run[key] = value;
    else if (key === 'environment') environment = { ...requireObject(key, value) };
    else if (groups.includes(key)) agent[key] = requireObject(key, value);
    else throw unknownSetting(key, groups);
  }
  for (const [path, text] of set) {
    const [first = '', ...rest] = path.split('.');
    if (first === 'evaluation' && rest.length === 1) evaluation[rest[0]!] = jsonOrText(text);
    else if (rest.length === 0 && first in DEFAULT_RUN_SETTINGS && first !== 'evaluation')
      run[first] = jsonOrText(text);
    else if (first === 'environment' && rest.length === 1) environment[rest[0]!] = jsonOrText(text);
    else if (groups.includes(first)) agentPaths[path] = text;
    else throw unknownSetting(path, groups);
  }
  for (const [key, value] of Object.entries(options)) if (value !== undefined) run[key] = value;
  return { run, evaluation, environment, agent, agentPaths };
}

function withAgentChanges(
  base: AgentConfig,
  changes: Readonly<Record<string, unknown>>,
  paths: Readonly<Record<string, string>>,
): AgentSettings {
  const { environment: _, ...groups } = changeConfig(base, { nested: [changes], paths });
  return groups;
}

function runSettingsOf(config: RunConfig): RunSettings {
  const keys = Object.keys(DEFAULT_RUN_SETTINGS) as (keyof RunSettings)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as unknown as RunSettings;
}

function checkRunSettings(settings: RunSettings): RunSettings {
  requireText('game', settings.game);
  if (settings.rom !== null) requireText('rom', settings.rom);
  requireText('preset', settings.preset);
  requireInteger('seed', settings.seed, 0, 2 ** 31 - 1);
  requireOneOf('backend', settings.backend, BACKENDS);
  if (settings.threads !== null) requireInteger('threads', settings.threads, 1, 1024);
  requireInteger('trainingAgentSteps', settings.trainingAgentSteps, 1);
  if (settings.maxTrainingSeconds !== null) requireFinite('maxTrainingSeconds', settings.maxTrainingSeconds, 1);
  requireInteger('logPeriodAgentSteps', settings.logPeriodAgentSteps, 1);
  requireInteger('checkpointPeriodAgentSteps', settings.checkpointPeriodAgentSteps, 1);
  requireInteger('evaluationEpisodes', settings.evaluationEpisodes, 0, 1_000_000);
  checkEvaluationSettings(settings.evaluation);
  return settings;
}

function unknownSetting(path: string, groups: readonly string[]): InvalidArgumentError {
  const known = [...Object.keys(DEFAULT_RUN_SETTINGS), ...groups];
  return new InvalidArgumentError(
    `there is no setting "${path}"${didYouMean(path.split('.')[0]!, known) || `; settings are ${known.join(', ')}`}`,
  );
}

function requireText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected a name`);
  }
}

function requireObject(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected an object`);
  }
  return value as Record<string, unknown>;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
