// The folder of a run and the names in it.
import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { lockFolder, makeFolder, readBytes, readJson, replaceFile } from '@moe-rl/core/node';
import { checkRunConfig } from '../config/run-config.ts';
import { CONFIG_FORMAT_VERSION, type RunConfig } from '../config/run-settings.ts';
import type { RunRegistry } from '../registry/run-registry.ts';
import { type CheckpointStore, checkpointStore } from './checkpoint-store.ts';

export interface RunFolder {
  readonly path: string;
  readonly config: RunConfig;
  readonly checkpoints: CheckpointStore;
  readonly metricsFile: string;
  readonly eventsFile: string;
  readonly summaryFile: string;
  /** Which backend the run began with, where its configuration says `auto`. */
  readonly backendFile: string;
  readonly curveSvgFile: string;
  readonly curvePngFile: string;
  readonly videosFolder: string;
  readonly replayFolder: string;
  /** What the design of the reward keeps, where it keeps files. */
  readonly rewardFolder: string;
  /** True when the folder held a run that never came to its first checkpoint: this one took its place. */
  readonly replacesUnfinished: boolean;
  /**
   * After a start that failed: takes back what `createRunFolder` made, so that whatever has been trained until then is deleted, or the change of the configuration
   * by `openRunFolder`; and unlocks.
   */
  discard(): void;
  /** Lets other processes use the folder. */
  unlock(): void;
}

/** What a run folder's files are called; for reading, without taking the lock. */
export function runFolderPaths(path: string) {
  return {
    path,
    checkpoints: checkpointStore(join(path, 'checkpoints')),
    configFile: join(path, 'config.json'),
    metricsFile: join(path, 'metrics.jsonl'),
    eventsFile: join(path, 'events', 'events.out.tfevents.0000000000.moe-rl'),
    summaryFile: join(path, 'summary.json'),
    backendFile: join(path, 'backend.json'),
    curveSvgFile: join(path, 'learning-curve.svg'),
    curvePngFile: join(path, 'learning-curve.png'),
    videosFolder: join(path, 'videos'),
    replayFolder: join(path, 'checkpoints', 'replay'),
    rewardFolder: join(path, 'reward'),
  };
}

/** Everything that a run makes in its folder, beside its lock and its configuration. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  ...['metrics.jsonl', 'events', 'checkpoints', 'videos', 'dataset', 'reward'],
  ...['batch.json', 'backend.json', 'summary.json', 'learning-curve.svg', 'learning-curve.png'],
]);

/**
 * Makes the folder of a new run and takes its lock. A run that never came to its first checkpoint has nothing to go on from, so it makes room. What is called as
 * files of a run are, where no run was, is somebody's own: it stays, and the folder is refused.
 * @throws InvalidArgumentError when there is a run (or anything else) in it already; AlreadyInUseError; StorageError.
 */
export function createRunFolder(path: string, config: RunConfig): RunFolder {
  const paths = runFolderPaths(path);
  const isNew = !existsSync(path);
  makeFolder(path);
  const unlock = lockRunFolder(path);
  const clear = (): void => {
    // The configuration, which says that a run made the rest, goes last.
    for (const name of [...OWN_NAMES, 'config.json']) rmSync(join(path, name), { recursive: true, force: true });
  };
  let replacesUnfinished = false;
  try {
    const names = readdirSync(path).filter((name) => name !== 'run.lock' && name !== 'config.json');
    const isUnfinished = existsSync(paths.configFile);
    const others = names.filter((name) => !OWN_NAMES.has(name) || !(isUnfinished || isEmptyFolder(join(path, name))));
    if (paths.checkpoints.list().length > 0) {
      throw new InvalidArgumentError(
        `${path} already holds a run; continue it with --resume, or choose another --run-folder`,
      );
    }
    if (others.length > 0) {
      throw new InvalidArgumentError(
        `${path} is not empty (it has ${others.slice(0, 3).join(', ')}); choose another --run-folder`,
      );
    }
    replacesUnfinished = isUnfinished;
    clear();
    makeFolder(join(path, 'events'));
    makeFolder(paths.videosFolder);
    replaceFile(paths.configFile, configText(config));
  } catch (error) {
    unlock();
    if (isNew) removeIfEmpty(path);
    throw error;
  }
  const discard = (): void => {
    clear();
    unlock();
    if (isNew) removeIfEmpty(path);
  };
  return { ...paths, config, replacesUnfinished, discard, unlock };
}

function configText(config: RunConfig): string {
  return `${JSON.stringify({ formatVersion: CONFIG_FORMAT_VERSION, ...config }, null, 2)}\n`;
}

/**
 * Writes the configuration of a run anew where it is gone: somebody has deleted or moved the folder while the run goes on, and its checkpoints would be of no use.
 * @returns whether it was gone
 * @throws StorageError
 */
export function keepConfig({ path, config }: Pick<RunFolder, 'path' | 'config'>): boolean {
  const { configFile } = runFolderPaths(path);
  if (existsSync(configFile)) return false;
  replaceFile(configFile, configText(config));
  return true;
}

/** Made before the configuration, by a start that was killed. */
function isEmptyFolder(path: string): boolean {
  return lstatSync(path).isDirectory() && readdirSync(path).length === 0;
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // something else is in it: that stays
  }
}

/**
 * Opens the folder of an existing run and takes its lock. `change` may alter the stored configuration (see `changeOnResume`).
 * @throws NotFoundError, AlreadyInUseError, CheckpointError (written by another version), StorageError.
 */
export function openRunFolder(
  path: string,
  change: (stored: RunConfig) => RunConfig = (stored) => stored,
  registry?: RunRegistry,
): RunFolder {
  const paths = runFolderPaths(path);
  const stored = readRunConfig(path, registry);
  const unlock = lockRunFolder(path);
  try {
    const config = change(stored);
    const before = readBytes(paths.configFile);
    const isChanged = JSON.stringify(config) !== JSON.stringify(stored);
    if (isChanged) replaceFile(paths.configFile, configText(config));
    const discard = (): void => {
      try {
        if (isChanged) replaceFile(paths.configFile, before);
      } catch {
        // the failure that led here is being reported
      }
      unlock();
    };
    return { ...paths, config, replacesUnfinished: false, discard, unlock };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Reads the configuration of a run. Without a registry only the run's own settings are checked.
 * @throws NotFoundError when the folder holds no run.
 */
export function readRunConfig(path: string, registry?: RunRegistry): RunConfig {
  const { file, settings } = readStoredSettings(path);
  try {
    return checkRunConfig(settings, registry);
  } catch (error) {
    if (error instanceof Error) error.message = `${file}: ${error.message}`;
    throw error;
  }
}

/**
 * The modules that a run was made with: they have to be loaded before its configuration can be checked.
 * @throws NotFoundError when the folder holds no run; InvalidArgumentError when the list is of another form
 */
export function readRunModules(path: string): RunConfig['modules'] {
  const { file, settings } = readStoredSettings(path);
  return requireModules(file, settings.modules);
}

/**
 * The list of modules in a configuration, empty where there is none.
 * @param place the file, for the message
 * @throws InvalidArgumentError when it is no list of modules
 */
export function requireModules(place: string, modules: unknown = []): RunConfig['modules'] {
  const isModule = (one: { path?: unknown; sha256?: unknown } | null): boolean =>
    typeof one?.path === 'string' && typeof one.sha256 === 'string';
  if (Array.isArray(modules) && modules.every(isModule)) return modules as RunConfig['modules'];
  throw new InvalidArgumentError(
    `${place}: modules is ${JSON.stringify(modules)}; expected a list of { path, sha256 }`,
  );
}

function readStoredSettings(path: string): { readonly file: string; readonly settings: Record<string, unknown> } {
  const file = runFolderPaths(path).configFile;
  if (!existsSync(file)) throw new NotFoundError(`${path} holds no run (there is no ${file})`);
  const stored = readJson(file);
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) {
    throw new CheckpointError(`${file} is not the configuration of a run: expected a JSON object`);
  }
  const { formatVersion, ...settings } = stored as Record<string, unknown>;
  if (formatVersion !== CONFIG_FORMAT_VERSION) {
    throw new CheckpointError(
      `${file} has format version ${JSON.stringify(formatVersion ?? null)}; this program reads version ${CONFIG_FORMAT_VERSION}`,
    );
  }
  return { file, settings };
}

/**
 * Takes a run's folder for this process; call the returned function to let go.
 * @throws AlreadyInUseError when another living process holds it; StorageError when the lock can't be written.
 */
export function lockRunFolder(path: string): () => void {
  return lockFolder(path, {
    fileName: 'run.lock',
    noun: 'run folder',
    advice: 'wait for it to end or choose another --run-folder',
  });
}
