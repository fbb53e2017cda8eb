// From the options that describe a run to the settings they ask for, and the modules that settings may need.
import { dirname, extname, resolve } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { readBytes, readJson } from '@moe-rl/core/node';
import {
  CONFIG_FORMAT_VERSION,
  type LoadedModule,
  loadModules,
  type ModuleReference,
  parseSetOption,
  type RequestedSettings,
  requireModules,
} from '@moe-rl/runs';
import { note } from './terminal.ts';

/** Values of the run options as the command line hands them over. */
export interface RunOptions {
  readonly game?: string;
  readonly rom?: string;
  readonly preset?: string;
  readonly reward?: string;
  readonly seed?: number;
  readonly backend?: string;
  readonly threads?: number;
  readonly agentSteps?: number;
  readonly steps?: number;
  readonly config?: string;
  readonly dataset?: string;
  readonly recordDataset?: string;
  readonly set: readonly string[];
  readonly module: readonly string[];
}

/** What the options ask for: a configuration file, `--set`, named options. */
export async function requestedSettings(options: RunOptions): Promise<RequestedSettings> {
  const { game, rom, preset, reward, seed, backend, threads, config, dataset, recordDataset } = options;
  const { agentSteps, steps } = options;
  if (agentSteps !== undefined && steps !== undefined && agentSteps !== steps) {
    throw new InvalidArgumentError(
      `--agent-steps is ${agentSteps} and --steps, which means the same, is ${steps}; expected one of them`,
    );
  }
  const trainingAgentSteps = agentSteps ?? steps;
  return {
    file: config === undefined ? {} : withAbsolutePaths(await readSettingsFile(config)),
    set: options.set.map(parseSetOption).map(([path, text]) => [path, absolute(path, text) as string]),
    options: Object.fromEntries(
      Object.entries({
        ...{ game, preset, seed, backend, threads, trainingAgentSteps },
        'reward.type': reward,
        'environment.rom': rom,
        'dataset.folder': dataset,
        'dataset.recordFolder': recordDataset,
      }).map(([path, value]) => [path, absolute(path, value)]),
    ),
  };
}

/** Settings that name what a run goes on to read or write: kept whole, because it may be gone on with, and evaluated, from anywhere. */
const PATHS: ReadonlySet<string> = new Set(['environment.rom', 'dataset.folder', 'dataset.recordFolder']);

/** A path from here on; anything else, and `null` for none, as it is. */
function absolute<T>(path: string, value: T): T | string {
  const isPath = PATHS.has(path) && typeof value === 'string' && value !== '' && value !== 'null';
  return isPath ? resolve(value) : value;
}

function withAbsolutePaths(file: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const groups = ['environment', 'dataset'].flatMap((group) => {
    const settings = file[group];
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return [];
    const entries = Object.entries(settings).map(([key, value]) => [key, absolute(`${group}.${key}`, value)]);
    return [[group, Object.fromEntries(entries)]];
  });
  return { ...file, ...Object.fromEntries(groups) };
}

/** Loads the modules named on the command line, and those that a run or a configuration file was made with. */
export async function useModules(
  given: readonly string[],
  kept: readonly ModuleReference[] = [],
  folder = '.',
): Promise<readonly LoadedModule[]> {
  if (given.length === 0 && kept.length === 0) return [];
  const { registry } = await import('@moe-rl/training');
  return loadModules(given, kept, folder, registry, note);
}

/** Loads modules here, for whatever command, and names them to the processes that it starts. */
export async function handOnModules(given: readonly string[]): Promise<void> {
  const loaded = await useModules(given);
  process.env.MOE_RL_MODULES = JSON.stringify(loaded.map(({ path }) => path));
}

/** The modules that a configuration file names, relative to where it lies. */
export function modulesOf(
  file: RequestedSettings['file'],
  path: string | undefined,
): [readonly ModuleReference[], string] {
  return [requireModules(String(path), file?.modules), path === undefined ? '.' : dirname(path)];
}

async function readSettingsFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const isYaml = ['.yaml', '.yml'].includes(extname(path).toLowerCase());
  const content = isYaml ? await readYaml(path) : readJson(path);
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new InvalidArgumentError(`${path}: expected settings, as a run folder keeps them in config.json`);
  }
  const { formatVersion = CONFIG_FORMAT_VERSION, $schema: _, ...settings } = content as Record<string, unknown>;
  if (formatVersion !== CONFIG_FORMAT_VERSION) {
    throw new InvalidArgumentError(
      `${path} has format version ${JSON.stringify(formatVersion)}; this program reads version ${CONFIG_FORMAT_VERSION}`,
    );
  }
  return settings;
}

async function readYaml(path: string): Promise<unknown> {
  const { parse } = await import('yaml');
  const text = new TextDecoder().decode(readBytes(path));
  try {
    return parse(text);
  } catch (cause) {
    // Not only YAMLParseError: an alias without its anchor is a ReferenceError.
    if (!(cause instanceof Error)) throw cause;
    throw new InvalidArgumentError(`${path} is not valid YAML: ${cause.message.split('\n', 1)[0]!.replace(/:$/, '')}`, {
      cause,
    });
  }
}
