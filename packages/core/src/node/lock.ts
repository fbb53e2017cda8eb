// One process per folder. A lock is a file that names its owner: process, when that process started, and a number drawn for this one lock. So a lock left
// by a killed process is seen to be stale, even when its process number has been given away since, and no two locks are ever the same.
//
// Files are compared, then replaced, in two steps; what makes that safe is that a stale lock may only be replaced by whoever holds the lock *on that lock*:
// a file named after it, taken and, should its owner have been killed too, taken over in just the same way.
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AlreadyInUseError } from '../errors.ts';
import { makeFolder, storageError } from './durable-files.ts';

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process in the kernel's clock ticks, where the system tells; empty elsewhere. */
  readonly processStart: string;
}

/** A lock that is there: its owner (undefined: not written by us) and what tells it from every other. */
interface StandingLock {
  readonly owner: LockOwner | undefined;
  readonly text: string;
}

export interface LockFolderOptions {
  /** Name of the lock file in the folder. Default `folder.lock`. */
  readonly fileName?: string;
  /** What the folder is, for the message: `run folder`. Default `folder`. */
  readonly noun?: string;
  /** What somebody who meets a held lock can do, for the message. Default `wait for it to end`. */
  readonly advice?: string;
}

/**
 * Takes a folder for this process; call the returned function to let go.
 * @throws AlreadyInUseError when another living process holds it; StorageError when the lock can't be written.
 */
export function lockFolder(
  folder: string,
  { fileName = 'folder.lock', noun = 'folder', advice = 'wait for it to end' }: LockFolderOptions = {},
): () => void {
  const path = join(folder, fileName);
  const lock = takeLock(path, isGone);
  if (typeof lock === 'function') return lock;
  const { pid, host } = lock.owner!;
  const elsewhere = host === hostname() ? '' : ` on ${host} (if that machine no longer runs it, delete ${path})`;
  throw new AlreadyInUseError(`the ${noun} ${folder} is in use by process ${pid}${elsewhere}; ${advice}`);
}

export interface WithFolderLockOptions extends LockFolderOptions {
  /** How long to wait for another process. Default half an hour. */
  readonly timeoutMs?: number;
  /** Called once when there is somebody to wait for, with a name for him: `process 7 on host`. */
  readonly onWait?: (holder: string) => void;
}

const PATIENCE_MS = 60_000;
const HEARTBEAT_MS = 10_000;

/**
 * Runs `work` while holding the folder (made if missing), waiting for its turn. A holder on another machine (a shared disk) shows that it lives by
 * touching the lock; one that has not done so for a minute is taken for dead.
 * @throws AlreadyInUseError when another process holds it for longer than `timeoutMs`; StorageError when the lock can't be written.
 */
export async function withFolderLock<T>(
  folder: string,
  work: () => Promise<T>,
  options: WithFolderLockOptions = {},
): Promise<T> {
  const { fileName = 'folder.lock', noun = 'folder', timeoutMs = 30 * 60_000, onWait } = options;
  makeFolder(folder);
  const path = join(folder, fileName);
  const isQuiet = createPulseWatch(path);
  const startedAtMs = performance.now();
  let isTold = false;
  let lock = takeLock(path, isGone);
  for (; typeof lock !== 'function'; lock = takeLock(path, (standing) => isGone(standing) || isQuiet(standing))) {
    const holder = `process ${lock.owner!.pid} on ${lock.owner!.host}`;
    if (performance.now() - startedAtMs > timeoutMs) {
      throw new AlreadyInUseError(
        `the ${noun} ${folder} is held by ${holder} for more than ${Math.round(timeoutMs / 60_000)} minutes`,
      );
    }
    if (!isTold) onWait?.(holder);
    isTold = true;
    await sleep(200 + 200 * Math.random());
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    lock();
  }
}

/** Whether a lock's time stamp has stood still for a minute of ours; the clocks of two machines are never compared. */
function createPulseWatch(path: string): (standing: StandingLock) => boolean {
  let seen = { text: '', mtimeMs: Number.NaN, atMs: 0 };
  return ({ text, owner }) => {
    if (owner === undefined || owner.host === hostname()) return false; // asked directly
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN;
    if (text !== seen.text || mtimeMs !== seen.mtimeMs) seen = { text, mtimeMs, atMs: performance.now() };
    return performance.now() - seen.atMs > PATIENCE_MS;
  };
}

/** Takes the lock file `path`; gives the function that lets go, or the lock of somebody who lives. */
function takeLock(path: string, isStale: (lock: StandingLock) => boolean): (() => void) | StandingLock {
  const own: LockOwner = { pid: process.pid, host: hostname(), processStart: statOf(process.pid).start };
  const text = JSON.stringify({ ...own, lock: randomUUID() });
  const candidate = `${path}.${process.pid}-${randomUUID().slice(0, 8)}`;
  try {
    writeFileSync(candidate, text);
    for (;;) {
      // link() fails when the name exists, and the name never shows a half-written file.
      if (linkIfFree(candidate, path)) break;
      const standing = readLock(path);
      if (standing === undefined) continue; // its owner just let go
      if (!isStale(standing)) return standing;
      const nameOfStanding = createHash('sha256').update(standing.text).digest('hex').slice(0, 16);
      const rightToReplace = takeLock(`${path}.${nameOfStanding}`, isGone);
      if (typeof rightToReplace !== 'function') return rightToReplace;
      try {
        // Nobody else replaces this lock now. If it is no longer there, somebody did before, and has to be looked at anew.
        if (readLock(path)?.text === standing.text) {
          renameSync(candidate, path);
          break;
        }
      } finally {
        rightToReplace();
      }
    }
  } catch (cause) {
    throw storageError('write', path, cause);
  } finally {
    rmSync(candidate, { force: true });
  }
  removeLitter(path);
  return () => {
    if (readLock(path)?.text === text) rmSync(path, { force: true });
  };
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

/** What processes left that were killed while they took the lock `path`, which is ours now. */
function removeLitter(path: string): void {
  const prefix = `${basename(path)}.`;
  try {
    for (const name of readdirSync(dirname(path))) {
      if (!name.startsWith(prefix)) continue;
      const file = join(dirname(path), name);
      const standing = readLock(file);
      if (standing?.owner !== undefined && isGone(standing)) rmSync(file, { force: true });
    }
  } catch {
    // Tidying can wait for the next lock.
  }
}

function readLock(path: string): StandingLock | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  return { text, owner: parseOwner(text) };
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner>;
    return typeof owner.pid === 'number'
      ? { pid: owner.pid, host: owner.host ?? '', processStart: owner.processStart ?? '' }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a lock's process does not run any more. What is no lock of ours (a file cut off by a power failure) belongs to nobody. */
function isGone({ owner }: StandingLock): boolean {
  if (owner === undefined) return true;
  if (owner.host !== hostname()) return false; // can't be asked from here
  try {
    process.kill(owner.pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  // Where the system doesn't tell about a process (any more), its number alone decides.
  const { state, start } = statOf(owner.pid);
  // One that ended and whose parent has not asked how is still listed: a zombie, for as long as a parent lives that never asks (a container's first process).
  if (state === 'Z' || state === 'X') return true;
  return owner.processStart !== '' && start !== '' && owner.processStart !== start;
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // The disk may be away for a moment; the next beat tries again.
  }
}

/** State and start time of a process: fields 3 and 22 of /proc/<pid>/stat, empty where the system doesn't tell. */
function statOf(pid: number): { readonly state: string; readonly start: string } {
  let stat = '';
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // No such system, or no such process.
  }
  // The name in field 2 may hold spaces, so count from the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
}
