// Who runs which job. A claim has an epoch: whoever creates the file of the next epoch (which the file system lets only one do) owns the job from then on, and
// everybody before has lost it, whether they notice or not. Nobody's clock is compared with anybody else's: a claim counts as abandoned when its heartbeat has
// not changed for the length of the lease as the observer's own steady clock measures it, so clocks may jump and differ. A process that is gone is known at once
// on its own machine.
//
// Losing is safe even unnoticed: the new owner renames the run folder, so that what the old one still opens by name isn't there, and gives the files that only
// grow new inodes, so that what it has open already is nobody's file.
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder, removeQuietly, storageError } from '@moe-rl/core/node';
import type { ExperimentPaths } from '../plan/experiment-paths.ts';

/** Who made a claim. */
export interface ClaimOwner {
  readonly token: string;
  readonly host: string;
  /** Tells apart machines, boots and containers: process numbers mean something only within one. */
  readonly processSpace: string;
  readonly pid: number;
  readonly processStart: string;
  /** How long the owner may be silent: it beats several times as often. */
  readonly leaseMs: number;
}

export interface Claim {
  readonly jobId: string;
  readonly epoch: number;
  /** The run folder, whose name nobody else uses. */
  readonly runFolder: string;
  /** Shows that the owner lives. */
  beat(): void;
  /** False once somebody else took the job over. Asked before anything is written. */
  isHeld(): boolean;
  /** Lets the job go; anybody may go on with it at once. */
  release(): void;
}

export type ClaimState = 'none' | 'released' | 'abandoned' | 'held';

/** Heartbeats as this process has seen them change. */
export type Observations = Map<string, { beat: string; sinceMs: number }>;

const EPOCH_FILE = /^(\d+)\.json$/;

/** The newest epoch of a job; 0: never claimed. */
export function newestEpoch({ claimsFolder }: ExperimentPaths, jobId: string): number {
  let names: string[];
  try {
    names = readdirSync(join(claimsFolder, jobId));
  } catch {
    return 0;
  }
  return names.reduce((newest, name) => Math.max(newest, Number(EPOCH_FILE.exec(name)?.[1] ?? 0)), 0);
}

/**
 * How a claim on a job stands, as far as this process can tell.
 * @param epoch the claim that is judged, the newest by default; who wants the job gives the same one to `claimJob`
 */
export function claimState(
  paths: ExperimentPaths,
  jobId: string,
  observations: Observations,
  leaseMs: number,
  epoch: number = newestEpoch(paths, jobId),
): ClaimState {
  if (epoch === 0) return 'none';
  const file = claimFile(paths, jobId, epoch);
  if (existsSync(`${file}.released`)) return 'released';
  const owner = readOwner(`${file}.json`);
  if (owner !== undefined && isGone(owner)) return 'abandoned';
  const key = `${jobId}.${epoch}`;
  const beat = readBeat(file);
  const seen = observations.get(key);
  const nowMs = performance.now();
  if (seen === undefined || seen.beat !== beat) {
    observations.set(key, { beat, sinceMs: nowMs });
    return 'held';
  }
  return nowMs - seen.sinceMs >= Math.max(leaseMs, owner?.leaseMs ?? 0) ? 'abandoned' : 'held';
}

/** For a look from outside: is somebody at work? Compares with this machine's clock, so it is for showing, never for taking over. */
export function seemsHeld(paths: ExperimentPaths, jobId: string, leaseMs: number): boolean {
  const epoch = newestEpoch(paths, jobId);
  if (epoch === 0) return false;
  const file = claimFile(paths, jobId, epoch);
  if (existsSync(`${file}.released`)) return false;
  const owner = readOwner(`${file}.json`);
  if (owner === undefined || isGone(owner)) return false;
  if (owner.processSpace === processSpace()) return true;
  try {
    return Math.abs(Date.now() - statSync(`${file}.beat`).mtimeMs) < 2 * leaseMs;
  } catch {
    return false;
  }
}

/**
 * Tries to take the epoch after `before`, and the job's run folder with it.
 * @param leaseMs how long this process may be silent before others take over
 * @param before the epoch that was found released or abandoned: read before it is judged, so that a claim that somebody made in between is never overtaken
 * @returns undefined when another process was first
 * @throws StorageError when the folder can't be written; the job is let go then
 */
export function claimJob(
  paths: ExperimentPaths,
  jobId: string,
  leaseMs = 0,
  before: number = newestEpoch(paths, jobId),
): Claim | undefined {
  const epoch = before + 1;
  const owner = ownClaim(leaseMs);
  const folder = join(paths.claimsFolder, jobId);
  makeFolder(folder);
  const file = `${claimFile(paths, jobId, epoch)}.json`;
  const candidate = join(folder, `candidate-${owner.token}`);
  try {
    writeFileSync(candidate, JSON.stringify(owner));
    // link() fails when the name exists, on shared file systems too, and the name never shows a half-written file.
    linkSync(candidate, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw storageError('write', file, cause);
  } finally {
    removeQuietly(candidate);
  }
  const claim = claimOf(paths, jobId, epoch, owner.token);
  try {
    takeRunFolder(paths, jobId, claim);
  } catch (error) {
    // Overtaken meanwhile: the files went with the folder.
    if (!claim.isHeld()) return undefined;
    releaseQuietly(claim);
    throw error;
  }
  return claim;
}

/** Lets a job go after a failure; a second failure must not hide the first. */
export function releaseQuietly(claim: Claim): void {
  try {
    claim.release();
  } catch {
    // the first failure is being reported; the claim ends with this process
  }
}

/** A claim that was made before, for the process that runs the job on its owner's behalf. */
export function claimOf(paths: ExperimentPaths, jobId: string, epoch: number, token?: string): Claim {
  const file = claimFile(paths, jobId, epoch);
  const next = `${claimFile(paths, jobId, epoch + 1)}.json`;
  let beats = 0;
  return {
    jobId,
    epoch,
    runFolder: join(paths.workFolder, `${jobId}.${epoch}`),
    beat() {
      beats++;
      write(`${file}.beat`, `${token ?? ''} ${beats}`);
    },
    isHeld: () => !existsSync(next) && !existsSync(`${file}.released`),
    release: () => write(`${file}.released`, ''),
  };
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw storageError('write', file, cause);
  }
}

/** Gives the run that others left a name that only the new owner knows. A folder of a later epoch is somebody else's, who took the job over in between. */
function takeRunFolder({ workFolder }: ExperimentPaths, jobId: string, { epoch, runFolder }: Claim): void {
  const gone = new Set<number>();
  for (;;) {
    const left = epochsOf(workFolder, jobId).filter((other) => other < epoch && !gone.has(other));
    if (left.length === 0) return;
    const newest = Math.max(...left);
    const folder = join(workFolder, `${jobId}.${newest}`);
    try {
      renameSync(folder, runFolder);
      break;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError('move', folder, cause);
      // Its owner published it in this moment, or one who was overtaken gave it the name of an epoch in between.
      gone.add(newest);
    }
  }
  const lock = join(runFolder, 'run.lock');
  try {
    rmSync(lock, { force: true });
  } catch (cause) {
    throw storageError('remove', lock, cause);
  }
  for (const folder of [runFolder, join(runFolder, 'events')]) replaceInodes(folder);
}

/** Epochs that have a run folder of a job. */
function epochsOf(workFolder: string, jobId: string): number[] {
  let names: string[];
  try {
    names = readdirSync(workFolder);
  } catch (cause) {
    throw storageError('read', workFolder, cause);
  }
  return names
    .filter((name) => name.startsWith(`${jobId}.`) && /^\d+$/.test(name.slice(jobId.length + 1)))
    .map((name) => Number(name.slice(jobId.length + 1)));
}

/** Metrics and events are appended to; checkpoints are files of their own, renamed when whole. */
function replaceInodes(folder: string): void {
  if (!existsSync(folder)) return;
  let at = folder;
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const isCopy = ({ name }: { readonly name: string }): boolean => name.endsWith('.copy');
    // Left by a take-over that was killed, or written still by one that was overtaken.
    for (const { name } of files.filter(isCopy)) {
      at = join(folder, name);
      rmSync(at, { force: true });
    }
    for (const { name } of files.filter((entry) => !isCopy(entry))) {
      at = join(folder, name);
      replaceInode(at);
    }
  } catch (cause) {
    throw storageError('copy', at, cause);
  }
}

function replaceInode(file: string): void {
  const copy = `${file}.copy`;
  try {
    copyFileSync(file, copy);
    renameSync(copy, file);
  } catch (cause) {
    try {
      rmSync(copy, { force: true });
    } catch {
      // a folder of that name is not ours
    }
    throw cause;
  }
}

function claimFile({ claimsFolder }: ExperimentPaths, jobId: string, epoch: number): string {
  return join(claimsFolder, jobId, String(epoch));
}

function readBeat(file: string): string {
  try {
    return readFileSync(`${file}.beat`, 'utf8');
  } catch {
    return '';
  }
}

function readOwner(file: string): ClaimOwner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClaimOwner;
  } catch {
    return undefined;
  }
}

function ownClaim(leaseMs: number): ClaimOwner {
  return {
    token: randomUUID(),
    host: hostname(),
    processSpace: processSpace(),
    pid: process.pid,
    processStart: processStartOf(process.pid),
    leaseMs,
  };
}

/** True only when this machine knows that the process no longer exists. */
function isGone(owner: ClaimOwner): boolean {
  if (owner.processSpace !== processSpace()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  return owner.processStart !== '' && owner.processStart !== processStartOf(owner.pid);
}

let ownProcessSpace: string | undefined;

function processSpace(): string {
  ownProcessSpace ??= [
    hostname(),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' ');
  return ownProcessSpace;
}

/**
 * Field 22 of /proc/<pid>/stat; the name in field 2 may hold spaces, so count from the last parenthesis. A killed process that nobody has asked after yet (state
 * Z) has none.
 */
function processStartOf(pid: number): string {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? '' : (fields[18] ?? '');
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
