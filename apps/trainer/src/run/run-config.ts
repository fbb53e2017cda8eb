// A run's configuration: what `config.json` holds. Made of the defaults, a preset's own agent steps, a JSON file, and the command line, in this order; a key that does not
// exist is refused with its nearest neighbors.
import { InvalidArgumentError, requireInteger, requireOneOf } from '@moe-rl/core';
import { didYouMean } from './names.ts';

export const BACKENDS = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendOption = (typeof BACKENDS)[number];

/** Values of nested settings: whatever JSON can say. The environment and the agent check their own. */
export type Settings = Readonly<Record<string, unknown>>;

export interface RunConfig {
  /** Name of an Atari game, of our embedded one, or of a small environment. */
  readonly game: string;
  /** A ROM file to use instead of looking the game's up; null: look it up. */
  readonly rom: string | null;
  /** Name of an agent preset. */
  readonly preset: string;
  readonly seed: number;
  readonly backend: BackendOption;
  /** Processor threads within one tensor operation; null: the backend's choice. */
  readonly threads: number | null;
  /** Length of the training. */
  readonly trainingAgentSteps: number;
  readonly logPeriodAgentSteps: number;
  readonly checkpointPeriodAgentSteps: number;
  /** Episodes of the evaluation after the training; 0: none. */
  readonly evaluationEpisodes: number;
  /** Changes to the environment's defaults. */
  readonly environment: Settings;
  /** Changes to the preset. */
  readonly agent: Settings;
}

export const DEFAULT_RUN_CONFIG: RunConfig = {
  game: 'windfall',
  rom: null,
  preset: 'dqn-soft-moe',
  seed: 1,
  backend: 'auto',
  threads: null,
  trainingAgentSteps: 100_000,
  logPeriodAgentSteps: 1000,
  checkpointPeriodAgentSteps: 10_000,
  evaluationEpisodes: 10,
  environment: {},
  agent: {},
};

/** Keys that may differ between the first start of a run and its resume: none of them changes what is learned until then. */
const CHANGEABLE_ON_RESUME: ReadonlySet<string> = new Set([
  'trainingAgentSteps',
  'checkpointPeriodAgentSteps',
  'evaluationEpisodes',
  'rom',
]);

/**
 * Lays `changes` over `base`, key by key, and `environment` and `agent` one level deeper.
 * @throws InvalidArgumentError for a key that does not exist, naming near ones, with `source` saying where it came from.
 */
export function mergeRunConfig(base: RunConfig, changes: Settings, source: string): RunConfig {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    if (!(key in DEFAULT_RUN_CONFIG)) {
      throw new InvalidArgumentError(
        `${source}: unknown setting "${key}"${didYouMean(key, Object.keys(DEFAULT_RUN_CONFIG))}`,
      );
    }
    if (key === 'environment' || key === 'agent') {
      if (!isObject(value))
        throw new InvalidArgumentError(`${source}: ${key} is ${JSON.stringify(value)}; expected an object`);
      result[key] = mergeSettings(base[key], value);
    } else result[key] = value;
  }
  return result as unknown as RunConfig;
}

/** Lays settings over settings, objects within them too. */
function mergeSettings(base: Settings, changes: Settings): Settings {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const old = result[key];
    result[key] = isObject(old) && isObject(value) ? mergeSettings(old, value) : value;
  }
  return result;
}

/**
 * Reads `--set key=value` options, for instance `agent.minReplayHistoryAgentSteps=1000`. A value is JSON where it parses, else text.
 * @throws InvalidArgumentError without a `=` or with an empty part in the key.
 */
export function parseSettings(options: readonly string[]): Settings {
  const result: Record<string, unknown> = {};
  for (const option of options) {
    const equals = option.indexOf('=');
    const path = option.slice(0, equals).split('.');
    if (equals < 1 || path.some((part) => part === '' || part === '__proto__')) {
      throw new InvalidArgumentError(
        `--set ${option}: expected key=value, for instance agent.minReplayHistoryAgentSteps=1000`,
      );
    }
    let target = result;
    for (const part of path.slice(0, -1)) {
      if (!isObject(target[part])) target[part] = {};
      target = target[part] as Record<string, unknown>;
    }
    target[path.at(-1)!] = parseValue(option.slice(equals + 1));
  }
  return result;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Checks types and ranges of everything but the environment's and the agent's settings, which they check themselves.
 * @throws InvalidArgumentError naming the setting, its value and what was expected.
 */
export function checkRunConfig(config: RunConfig): RunConfig {
  requireText('game', config.game);
  if (config.rom !== null) requireText('rom', config.rom);
  requireText('preset', config.preset);
  requireInteger('seed', config.seed, 0, 2 ** 31 - 1);
  requireOneOf('backend', config.backend, BACKENDS);
  if (config.threads !== null) requireInteger('threads', config.threads, 1, 1024);
  requireInteger('trainingAgentSteps', config.trainingAgentSteps, 1);
  requireInteger('logPeriodAgentSteps', config.logPeriodAgentSteps, 1);
  requireInteger('checkpointPeriodAgentSteps', config.checkpointPeriodAgentSteps, 1);
  requireInteger('evaluationEpisodes', config.evaluationEpisodes, 0, 1_000_000);
  return config;
}

/**
 * Lays the changes of a resume over the stored configuration.
 * @throws InvalidArgumentError when a change would make the second half of the run another experiment than the first.
 */
export function mergeOnResume(stored: RunConfig, changes: Settings): RunConfig {
  const merged = mergeRunConfig(stored, changes, 'command line');
  for (const key of Object.keys(DEFAULT_RUN_CONFIG) as (keyof RunConfig)[]) {
    if (CHANGEABLE_ON_RESUME.has(key)) continue;
    const [before, after] = [JSON.stringify(stored[key]), JSON.stringify(merged[key])];
    if (before !== after) {
      throw new InvalidArgumentError(
        `${key} can't change on resume: the run has ${before}, now asked for ${after}; start a new run for that`,
      );
    }
  }
  return checkRunConfig(merged);
}

function requireText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected a name`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
