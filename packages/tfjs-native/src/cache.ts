// The cache folder outside any repository, with a lock so that two processes don't build at once and folders that appear whole or not at all.

import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AlreadyInUseError, StorageError } from '@moe-rl/core';

/** The cache folder of moe-rl: `MOE_RL_CACHE`, else `moe-rl` in `XDG_CACHE_HOME`, else `~/.cache/moe-rl`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.MOE_RL_CACHE) return resolve(environment.MOE_RL_CACHE);
  if (environment.XDG_CACHE_HOME) return resolve(environment.XDG_CACHE_HOME, 'moe-rl');
  return join(homedir(), '.cache', 'moe-rl');
}

/**
 * Fills `target` through a temporary folder beside it that is renamed at the end, so that a killed process never leaves half a folder.
 * Does nothing when `target` exists.
 */
export async function createAtomically(target: string, fill: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(target)) return;
  const temporary = `${target}.partial-${process.pid}`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw asStorageError(error, target);
  }
}

/** Removes what killed processes left behind. Only under the lock. */
export async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.includes('.partial-')) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Checks that `folder` (or its nearest existing parent) has `bytes` free.
 * @throws StorageError saying how much is needed and free.
 */
export async function requireFreeSpace(folder: string, bytes: number): Promise<void> {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  const free = bavail * bsize;
  if (free < bytes) {
    const gigabytes = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
    throw new StorageError(
      `${folder} has ${gigabytes(free)} free; ${gigabytes(bytes)} are needed. Free some space or point MOE_RL_CACHE at another disk`,
    );
  }
}

const staleMs = 60_000;
const heartbeatMs = 10_000;

/**
 * Runs `work` while holding `path` as a lock file. A lock whose process is gone (same machine), or that was not refreshed for a minute
 * (another machine on a shared disk), is taken over.
 * @throws AlreadyInUseError when another process holds it for longer than `timeoutMs`.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  { timeoutMs = 30 * 60_000, onWait = () => {} }: { timeoutMs?: number; onWait?: (holder: string) => void } = {},
): Promise<T> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw asStorageError(error, dirname(path));
  }
  const started = Date.now();
  let told = false;
  for (;;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(`${process.pid} ${hostname()}\n`);
      await handle.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asStorageError(error, path);
    }
    const holder = await readHolder(path);
    if (holder === undefined) continue;
    if (holder.stale) {
      // Renamed first, so that of two processes that see a stale lock only one removes it.
      const aside = `${path}.stale-${process.pid}`;
      await rename(path, aside).then(
        () => rm(aside, { force: true }),
        () => {},
      );
      continue;
    }
    if (Date.now() - started > timeoutMs) {
      throw new AlreadyInUseError(
        `${path} is held by ${holder.name} for more than ${Math.round(timeoutMs / 60_000)} minutes`,
      );
    }
    if (!told) onWait(holder.name);
    told = true;
    await new Promise((next) => setTimeout(next, 300));
  }
  const heartbeat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function readHolder(path: string): Promise<{ name: string; stale: boolean } | undefined> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    const [pid = '', host = ''] = text.trim().split(' ');
    const quiet = Date.now() - mtimeMs > staleMs;
    const local = host === hostname();
    return {
      name: `process ${pid || '(unknown)'} on ${host || 'this machine'}`,
      stale: local ? !isAlive(Number(pid)) : quiet,
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asStorageError(error, path);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Turns the file system's own refusals into a StorageError with the path and what to do; passes everything else through. */
export function asStorageError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const advice =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? 'no permission to write there'
      : code === 'ENOSPC'
        ? 'the disk is full'
        : code === 'ENOTDIR' || code === 'EEXIST'
          ? 'a file is in the way'
          : undefined;
  if (advice === undefined) return error;
  return new StorageError(`cannot write ${path}: ${advice}. Point MOE_RL_CACHE at a folder that can hold about 1 GB`, {
    cause: error,
  });
}
