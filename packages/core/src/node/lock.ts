// One process per folder. The lock names the process and when it started, so a lock left by a killed process is seen to be stale, even when its
// number has been given to another process since.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AlreadyInUseError } from '../errors.ts';
import { storageError } from './durable-files.ts';

interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process in the kernel's clock ticks, where the system tells; empty elsewhere. */
  readonly processStart: string;
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
  const own: LockOwner = { pid: process.pid, host: hostname(), processStart: processStartOf(process.pid) };
  const candidate = `${path}.${process.pid}`;
  try {
    writeFileSync(candidate, JSON.stringify(own));
    for (let attempt = 0; ; attempt++) {
      try {
        // link() fails when the name exists, and the name never shows a half-written file.
        linkSync(candidate, path);
        break;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw cause;
        const owner = readOwner(path);
        if (owner !== undefined && isAlive(owner)) {
          throw new AlreadyInUseError(
            `the ${noun} ${folder} is in use by process ${owner.pid}${owner.host === own.host ? '' : ` on ${owner.host} (if that machine no longer runs it, delete ${path})`}; ${advice}`,
          );
        }
        removeStaleLock(path, `${candidate}.stale`, owner);
      }
    }
  } catch (cause) {
    throw storageError('write', path, cause);
  } finally {
    rmSync(candidate, { force: true });
  }
  return () => {
    const owner = readOwner(path);
    if (owner?.pid === own.pid && owner.host === own.host) rmSync(path, { force: true });
  };
}

/**
 * Moves the lock away before deleting it, and looks again at what was moved: when another process took over in between, its lock is put back.
 */
function removeStaleLock(path: string, aside: string, stale: LockOwner | undefined): void {
  try {
    renameSync(path, aside);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return; // its owner just let go
    throw cause;
  }
  const moved = readOwner(aside);
  if (moved !== undefined && (moved.pid !== stale?.pid || moved.processStart !== stale.processStart))
    linkSync(aside, path);
  rmSync(aside, { force: true });
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockOwner>;
    return typeof owner.pid === 'number'
      ? { pid: owner.pid, host: owner.host ?? '', processStart: owner.processStart ?? '' }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: LockOwner): boolean {
  if (owner.host !== hostname()) return true; // can't be asked from here
  try {
    process.kill(owner.pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return owner.processStart === '' || owner.processStart === processStartOf(owner.pid);
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces, so count from the last parenthesis. */
function processStartOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
