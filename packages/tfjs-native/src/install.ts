// Puts the native TensorFlow backend together in the cache: TensorFlow's C library out of its Python wheel, tfjs-node's sources out of
// its npm archive, and the addon compiled from those. Each stage is kept when it is done, so an interrupted installation goes on where
// it was. The cache's layout is in layout.ts.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MissingDependencyError } from '@moe-rl/core';
import { findWheelTool, removePartials, withFolderLock } from '@moe-rl/core/node';
import { compileAddon, installSources } from './addon.ts';
import { addonFile, chooseVariant, type NativePaths, nativePaths, type ProgressEvent, type Report } from './layout.ts';
import { areOperationsReady, compileOperations } from './operations.ts';
import { findCompiler, findNpm } from './tools.ts';
import { findPlatformWheel, type PlatformWheel, type TensorFlowVariant } from './versions.ts';
import { installLibrary } from './wheel.ts';

/** Options of {@link installNative}. */
export interface InstallConfig {
  readonly variant?: TensorFlowVariant;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** True when nothing is left to download or build. */
export function isInstalled(paths: NativePaths): boolean {
  return existsSync(paths.library) && existsSync(join(paths.tfjsNode, 'dist')) && existsSync(addonFile(paths));
}

/** How long is waited for another process before all goes on without the operations: much longer than compiling them takes. */
const PATIENCE_MS = 60_000;

/** Compiles the operations, which all works without: what keeps them away, a cache that can't be written for instance, is no error. */
async function addOperations(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
  if (areOperationsReady(paths) || findCompiler() === undefined) return;
  const compile = async () => {
    if (!areOperationsReady(paths)) await compileOperations(paths, wheel, report);
  };
  const onWait = (holder: string) =>
    report({
      stage: 'wait',
      message: `Waiting for ${holder}, which is setting up TensorFlow; after a minute all goes on without operations for Mixtures of Experts`,
    });
  await withFolderLock(paths.root, compile, { timeoutMs: PATIENCE_MS, onWait }).catch(() => {});
}

/** Why the native backend can't be installed here, as sentences; empty when it can. */
export function missingForInstall(paths: NativePaths): string[] {
  const wheel = findPlatformWheel();
  if ('reason' in wheel) return [wheel.reason];
  const missing: string[] = [];
  if (!existsSync(paths.library) && findWheelTool() === undefined) {
    missing.push('neither pip nor uv was found: install Python 3 with pip, or uv');
  }
  if (!existsSync(paths.tfjsNode) && findNpm() === undefined) missing.push('npm was not found: install it beside Node');
  if (!existsSync(paths.addon) && findCompiler() === undefined) {
    missing.push(
      'no C++ compiler was found: install g++ or clang++ (for example the package build-essential), or set CXX',
    );
  }
  return missing;
}

/**
 * Makes sure that the native backend is in the cache and returns its paths; returns at once when it is.
 * @throws MissingDependencyError when a tool is missing or a download fails, StorageError when the cache can't be written or is full,
 *   AlreadyInUseError when another process holds the lock for half an hour.
 */
export async function installNative(config: InstallConfig = {}): Promise<NativePaths> {
  const report = config.onProgress ?? (() => {});
  const paths = nativePaths(config.variant ?? chooseVariant());
  const wheel = findPlatformWheel();
  if ('reason' in wheel) {
    if (isInstalled(paths)) return paths;
    throw new MissingDependencyError(wheel.reason);
  }
  if (isInstalled(paths)) {
    await addOperations(paths, wheel, report);
    return paths;
  }
  const missing = missingForInstall(paths);
  if (missing.length > 0) throw new MissingDependencyError(`TensorFlow can't be set up: ${missing.join('; ')}`);
  await withFolderLock(
    paths.root,
    async () => {
      for (const folder of [paths.root, join(paths.root, 'downloads')]) await removePartials(folder);
      if (!existsSync(paths.library)) await installLibrary(paths, wheel, report);
      if (!existsSync(paths.tfjsNode)) await installSources(paths, report);
      if (!existsSync(paths.addon)) await compileAddon(paths, wheel, report);
    },
    { onWait: (holder) => report({ stage: 'wait', message: `Waiting for ${holder}, which is setting up TensorFlow` }) },
  );
  await addOperations(paths, wheel, report);
  return paths;
}
