// Loads files of people's own that register environments, agents, sinks, metrics and whatever else the registry given has.
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidArgumentError, isMoeRlError, NotFoundError } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import type { ModuleReference } from '../config/run-settings.ts';

/** A module that was loaded. */
export interface LoadedModule {
  /** Absolute path. */
  readonly path: string;
  readonly sha256: string;
}

/** What was registered where: a module that is loaded again registers nothing again. */
const loadedInto = new WeakMap<object, Map<string, LoadedModule>>();

/** Files of all modules of this process, links followed: as they stand in stack traces. */
const loadedFiles = new Set<string>();

/** The module whose code was running when an error was thrown, for instance in an environment's `step`; undefined: none of those loaded. */
export function moduleAtFault(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return [...loadedFiles].find((file) => [file, pathToFileURL(file).href].some((name) => stack.includes(`${name}:`)));
}

/**
 * Imports a file and calls its `register` (or default export) with the registry, once.
 * @throws NotFoundError without the file; InvalidArgumentError when it can't be loaded, exports no such function, or its function throws
 */
export async function loadModule(file: string, registry: object): Promise<LoadedModule> {
  const path = resolve(file);
  if (!existsSync(path)) throw new NotFoundError(`cannot load the module ${file}: there is no such file`);
  const known = loadedInto.get(registry) ?? new Map<string, LoadedModule>();
  loadedInto.set(registry, known);
  const before = known.get(path);
  if (before !== undefined) return before;
  const sha256 = createHash('sha256').update(readBytes(path)).digest('hex');
  let exported: Readonly<Record<string, unknown>>;
  const followed = realpathSync(path);
  loadedFiles.add(followed);
  try {
    exported = (await import(pathToFileURL(followed).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw failure(`cannot load the module ${file}`, cause);
  }
  // A CommonJS module's exports come as the default export.
  const nested = exported.default as Readonly<Record<string, unknown>> | undefined;
  const register = [exported.register, exported.default, nested?.register, nested?.default].find(
    (candidate) => typeof candidate === 'function',
  ) as ((registry: object) => unknown) | undefined;
  if (register === undefined) {
    const names = Object.keys(exported);
    throw new InvalidArgumentError(
      `the module ${file} exports ${names.length === 0 ? 'nothing' : names.join(', ')}; expected a function register(registry), or one as the default export`,
    );
  }
  try {
    await register(registry);
  } catch (cause) {
    throw failure(`the module ${file} could not register`, cause);
  }
  const loaded = { path, sha256 };
  known.set(path, loaded);
  return loaded;
}

/** How a run keeps a module: relative to its folder where both lie under the working folder, so that they can be moved together, else absolute. */
export function moduleReference({ path, sha256 }: LoadedModule, runFolder: string): ModuleReference {
  const isNear = [path, resolve(runFolder)].every((one) => !relative(process.cwd(), one).startsWith('..'));
  const kept = isNear ? relative(resolve(runFolder), path) : path;
  return { path: kept.replaceAll('\\', '/'), sha256 };
}

/**
 * Loads the modules of a run: those given now, and those that the run keeps, in place of which one given now with the same file name may stand.
 * @param folder what the kept paths are relative to
 * @throws NotFoundError when one is not there any more
 */
export async function loadModules(
  given: readonly string[],
  kept: readonly ModuleReference[],
  folder: string,
  registry: object,
  say: (line: string) => void,
): Promise<readonly LoadedModule[]> {
  const loaded: LoadedModule[] = [];
  for (const file of given) loaded.push(await loadModule(file, registry));
  const fileOf = ({ path }: ModuleReference): string => (isAbsolute(path) ? path : resolve(folder, path));
  const keptFiles = kept.map(fileOf);
  // Several modules may be called index.js: one that the run keeps itself stands for no other one, and another one only for the one that is not there.
  const others = loaded.filter((one) => !keptFiles.includes(one.path));
  const standInOf = (file: string): LoadedModule | undefined => {
    const isAlike = (path: string): boolean => basename(path) === basename(file);
    const isClear = keptFiles.filter(isAlike).length === 1 || !existsSync(file);
    return isClear ? others.find(({ path }) => isAlike(path)) : undefined;
  };
  for (const reference of kept) {
    const { sha256 } = reference;
    const file = fileOf(reference);
    let module = loaded.find((one) => one.path === file) ?? standInOf(file);
    if (module === undefined) {
      if (!existsSync(file)) {
        throw new NotFoundError(
          `the module ${file}, which the run in ${folder} was made with, is not there; name it with --module where it is now`,
        );
      }
      module = await loadModule(file, registry);
      loaded.push(module);
    }
    if (module.sha256 !== sha256) {
      say(
        `the module ${module.path} has changed since the run began (SHA-256 ${module.sha256.slice(0, 12)}, then ${sha256.slice(0, 12)})`,
      );
    }
  }
  return loaded;
}

function failure(what: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (isMoeRlError(cause)) {
    cause.message = `${what}: ${reason}`;
    return cause;
  }
  return new InvalidArgumentError(`${what}: ${reason}`, { cause });
}
