// From the options that describe a run to the settings they ask for.
import { InvalidArgumentError } from '@moe-rl/core';
import { readJson } from '@moe-rl/core/node';
import { parseSetOption, type RequestedSettings } from '@moe-rl/runs';

/** Values of the run options as the command line hands them over. */
export interface RunOptions {
  readonly game?: string;
  readonly rom?: string;
  readonly preset?: string;
  readonly seed?: number;
  readonly backend?: string;
  readonly threads?: number;
  readonly agentSteps?: number;
  readonly steps?: number;
  readonly config?: string;
  readonly set: readonly string[];
}

/** What the options ask for: a configuration file, `--set`, named options. */
export function requestedSettings(options: RunOptions): RequestedSettings {
  const { game, rom, preset, seed, backend, threads, config } = options;
  const trainingAgentSteps = options.agentSteps ?? options.steps;
  return {
    file: config === undefined ? {} : readSettingsFile(config),
    set: options.set.map(parseSetOption),
    options: { game, rom, preset, seed, backend, threads, trainingAgentSteps },
  };
}

function readSettingsFile(path: string): Readonly<Record<string, unknown>> {
  const content = readJson(path);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new InvalidArgumentError(`${path}: expected a JSON object of settings`);
  }
  const { formatVersion: _, ...settings } = content as Record<string, unknown>;
  return settings;
}
