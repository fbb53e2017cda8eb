// The folder of a run and the names in it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { lockFolder, makeFolder, readJson, replaceFile } from '@moe-rl/core/node';
import { checkRunConfig, type RunConfig } from '../config/run-config.ts';
import { type CheckpointStore, checkpointStore } from './checkpoint-store.ts';

const CONFIG_FORMAT_VERSION = 1;

export interface RunFolder {
  readonly path: string;
  readonly config: RunConfig;
  readonly checkpoints: CheckpointStore;
  readonly metricsFile: string;
  readonly eventsFile: string;
  readonly summaryFile: string;
  readonly curveSvgFile: string;
  readonly curvePngFile: string;
  readonly videosFolder: string;
  readonly replayFolder: string;
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
    curveSvgFile: join(path, 'learning-curve.svg'),
    curvePngFile: join(path, 'learning-curve.png'),
    videosFolder: join(path, 'videos'),
    replayFolder: join(path, 'checkpoints', 'replay'),
  };
}

/**
 * Makes the folder of a new run and takes its lock.
 * @throws InvalidArgumentError when there is a run (or anything else) in it already; AlreadyInUseError; StorageError.
 */
export function createRunFolder(path: string, config: RunConfig): RunFolder {
  const paths = runFolderPaths(path);
  makeFolder(path);
  const unlock = lockRunFolder(path);
  try {
    if (existsSync(paths.configFile)) {
      throw new InvalidArgumentError(
        `${path} already holds a run; continue it with --resume, or choose another --run-folder`,
      );
    }
    const others = readdirSync(path).filter((name) => name !== 'run.lock');
    if (others.length > 0) {
      throw new InvalidArgumentError(
        `${path} is not empty (it has ${others.slice(0, 3).join(', ')}); choose another --run-folder`,
      );
    }
    makeFolder(join(path, 'events'));
    makeFolder(paths.videosFolder);
    replaceFile(paths.configFile, `${JSON.stringify({ formatVersion: CONFIG_FORMAT_VERSION, ...config }, null, 2)}\n`);
  } catch (error) {
    unlock();
    throw error;
  }
  return { ...paths, config, unlock };
}

/**
 * Opens the folder of an existing run and takes its lock. `change` may alter the stored configuration (see `mergeOnResume`).
 * @throws NotFoundError, AlreadyInUseError, CheckpointError (written by another version), StorageError.
 */
export function openRunFolder(path: string, change: (stored: RunConfig) => RunConfig = (stored) => stored): RunFolder {
  const paths = runFolderPaths(path);
  const stored = readRunConfig(path);
  const unlock = lockRunFolder(path);
  try {
    const config = change(stored);
    if (JSON.stringify(config) !== JSON.stringify(stored)) {
      replaceFile(
        paths.configFile,
        `${JSON.stringify({ formatVersion: CONFIG_FORMAT_VERSION, ...config }, null, 2)}\n`,
      );
    }
    return { ...paths, config, unlock };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Reads the configuration of a run.
 * @throws NotFoundError when the folder holds no run.
 */
export function readRunConfig(path: string): RunConfig {
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
  try {
    return checkRunConfig(settings);
  } catch (error) {
    if (error instanceof Error) error.message = `${file}: ${error.message}`;
    throw error;
  }
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
