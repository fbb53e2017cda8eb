// Options that several commands have, and how they become a run configuration.
import { InvalidArgumentError } from '@moe-rl/core';
import type { Command } from 'commander';
import { BACKENDS, parseSetOption, type RequestedSettings } from '../run/run-config.ts';
import { readJson } from '../run/storage.ts';

/** Values of the shared options as commander hands them over. */
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

/** `--seed 3`. @throws InvalidArgumentError for anything but an integer. */
export function integer(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text.replaceAll('_', ''));
    if (text.trim() === '' || !Number.isInteger(value)) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected an integer`);
    }
    return value;
  };
}

/** `--epsilon 0.05`. @throws InvalidArgumentError for anything but a number. */
export function decimal(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected a number`);
    }
    return value;
  };
}

/** Adds `--backend` and `--threads`. */
export function withBackendOptions(command: Command): Command {
  return command
    .option('--backend <name>', `tensor backend: ${BACKENDS.join(', ')}`)
    .option('--threads <count>', 'processor threads within one tensor operation', integer('--threads'));
}

/** Adds the options that describe a run. */
export function withRunOptions(command: Command): Command {
  return withBackendOptions(command)
    .option('--game <name>', 'game to learn (see `moe-rl roms`)')
    .option('--rom <file>', 'ROM file, instead of looking the game up')
    .option('--preset <name>', 'agent preset (see `moe-rl presets`)')
    .option('--seed <number>', 'seed of every random stream', integer('--seed'))
    .option('--agent-steps <count>', 'agent steps to train', integer('--agent-steps'))
    .option('--steps <count>', 'the same as --agent-steps', integer('--steps'))
    .option('--config <file>', 'JSON file with settings, as a run folder keeps it in config.json')
    .option(
      '--set <key=value>',
      'a setting, for instance agent.minReplayHistoryAgentSteps=1000 (again for more)',
      (value: string, earlier: readonly string[]) => [...earlier, value],
      [] as readonly string[],
    );
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
