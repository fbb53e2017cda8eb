// The checkpoints/ folder of a run. A checkpoint is a folder of files with a manifest of their sizes and SHA-256 sums, made under a temporary name,
// synced and then renamed, so a crash at any moment leaves the previous one whole. The newest two are kept.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  CheckpointError,
  CorruptDataError,
  decodeState,
  encodeState,
  NotFoundError,
  type StateTree,
} from '@moe-rl/core';
import {
  makeFolder,
  readBytes,
  readJson,
  removeQuietly,
  storageError,
  syncFolder,
  writeFileSynced,
} from '@moe-rl/core/node';

const FORMAT = 'moe-rl-checkpoint';
const FORMAT_VERSION = 1;
const NAME = /^checkpoint-(\d{12})$/;
/** A checkpoint that makes room for another of its step. */
const ASIDE = /^\.(checkpoint-\d{12})\.before$/;

/** What `manifest.json` holds. */
interface Manifest {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly agentSteps: number;
  readonly createdAt: string;
  readonly parts: readonly string[];
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** A checkpoint read back: each named part's state. */
export interface LoadedCheckpoint {
  readonly path: string;
  readonly agentSteps: number;
  readonly parts: Readonly<Record<string, StateTree>>;
  /** Newer checkpoints that could not be read, with the reason; the caller should tell. */
  readonly skipped: readonly string[];
}

export interface CheckpointStore {
  readonly folder: string;
  /**
   * Writes one checkpoint and deletes all but the newest `kept`, and those of later agent steps. Returns its folder.
   * @throws StorageError when it can't be written; the ones before are whole then
   */
  save(agentSteps: number, parts: Readonly<Record<string, StateTree>>): string;
  /** Folders of the checkpoints present, newest first (not verified). */
  newestFirst(): string[];
  /**
   * Reads the newest checkpoint that is whole.
   * @throws NotFoundError when there is none at all, CorruptDataError when none is whole.
   */
  loadNewest(): LoadedCheckpoint;
  /** Agent steps of the checkpoints present, oldest first (not verified). */
  list(): number[];
}

/**
 * The checkpoints of a run folder: each is whole or not there, with the SHA-256 sum of every file in it.
 * @param kept how many of the newest are kept
 */
export function checkpointStore(folder: string, kept = 2): CheckpointStore {
  const entries = (): string[] => {
    if (!existsSync(folder)) return [];
    try {
      return readdirSync(folder);
    } catch (cause) {
      throw storageError('read the checkpoints in', folder, cause);
    }
  };
  const names = (): string[] =>
    entries()
      .filter((name) => NAME.test(name))
      .sort();
  const stepsOf = (name: string): number => Number(NAME.exec(name)![1]);
  /** What stands for each checkpoint, oldest first: one that stepped aside, where a save was ended by force between its two renames. */
  const present = (): (readonly [name: string, entry: string])[] => {
    const found = new Map<string, string>();
    for (const entry of entries()) {
      const name = NAME.test(entry) ? entry : ASIDE.exec(entry)?.[1];
      if (name !== undefined && (name === entry || !found.has(name))) found.set(name, entry);
    }
    return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
  };
  return {
    folder,
    list: () => present().map(([name]) => stepsOf(name)),
    save(agentSteps, parts) {
      makeFolder(folder);
      const name = `checkpoint-${String(agentSteps).padStart(12, '0')}`;
      const target = join(folder, name);
      const temporary = join(folder, `.${name}.tmp-${process.pid}`);
      const aside = join(folder, `.${name}.before`);
      try {
        rmSync(temporary, { recursive: true, force: true });
        makeFolder(temporary);
        const files: Record<string, { bytes: number; sha256: string }> = {};
        for (const [part, state] of Object.entries(parts)) {
          const { json, tensors } = encodeState(state);
          for (const [fileName, data] of [
            [`${part}.json`, new TextEncoder().encode(json)],
            [`${part}.safetensors`, tensors],
          ] as const) {
            writeFileSynced(join(temporary, fileName), data);
            files[fileName] = { bytes: data.length, sha256: sha256(data) };
          }
        }
        const manifest: Manifest = {
          format: FORMAT,
          formatVersion: FORMAT_VERSION,
          agentSteps,
          createdAt: new Date().toISOString(),
          parts: Object.keys(parts),
          files,
        };
        writeFileSynced(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
        syncFolder(temporary);
        // One of this step stands here after a resume that saved at once. It steps aside whole: it may be the only one, and a removal ended by force would leave
        // half of it.
        if (existsSync(target)) {
          rmSync(aside, { recursive: true, force: true });
          renameSync(target, aside);
        }
        renameSync(temporary, target);
        syncFolder(folder);
      } catch (cause) {
        if (existsSync(aside) && !existsSync(target)) renameSync(aside, target);
        removeQuietly(temporary);
        throw storageError('write the checkpoint', target, cause);
      }
      removeLeftovers(folder);
      // Those of later steps could not be read, and the run has gone on from an older one: they must not count as the newest.
      const all = names();
      const abandoned = all.filter((name) => stepsOf(name) > agentSteps);
      const usable = all.filter((name) => stepsOf(name) <= agentSteps);
      for (const old of [...abandoned, ...usable.slice(0, -kept)]) removeQuietly(join(folder, old));
      return target;
    },
    newestFirst: () =>
      present()
        .reverse()
        .map(([, entry]) => join(folder, entry)),
    loadNewest() {
      const skipped: string[] = [];
      for (const path of this.newestFirst()) {
        try {
          return { ...readCheckpoint(path), skipped };
        } catch (cause) {
          skipped.push(cause instanceof Error ? cause.message : String(cause));
        }
      }
      if (skipped.length === 0) throw new NotFoundError(`there is no checkpoint in ${folder}; train first`);
      throw new CorruptDataError(`no checkpoint in ${folder} can be read: ${skipped.join('; ')}`);
    },
  };
}

/**
 * Reads one checkpoint folder and verifies every file.
 * @throws NotFoundError, CorruptDataError (damaged) or CheckpointError (not one of ours, other version).
 */
export function readCheckpoint(path: string): Omit<LoadedCheckpoint, 'skipped'> {
  const manifest = readJson(join(path, 'manifest.json')) as Partial<Manifest> | null;
  if (manifest?.format !== FORMAT || manifest.files === undefined || manifest.parts === undefined) {
    throw new CheckpointError(
      `${path} is not a moe-rl checkpoint: its manifest has format ${JSON.stringify(manifest?.format ?? null)}; expected "${FORMAT}"`,
    );
  }
  if (manifest.formatVersion !== FORMAT_VERSION) {
    throw new CheckpointError(
      `${path} has checkpoint format version ${manifest.formatVersion}; this program reads version ${FORMAT_VERSION}`,
    );
  }
  const contents: Record<string, Uint8Array> = {};
  for (const [name, { bytes, sha256: expected }] of Object.entries(manifest.files)) {
    if (name.includes('/') || name.includes('\\') || name === '..')
      throw new CorruptDataError(`${path} names a file outside itself: ${name}`);
    const data = readBytes(join(path, name));
    if (data.length !== bytes)
      throw new CorruptDataError(`${join(path, name)} has ${data.length} bytes; its manifest says ${bytes}`);
    if (sha256(data) !== expected)
      throw new CorruptDataError(`${join(path, name)} is damaged: its SHA-256 sum is not the one in its manifest`);
    contents[name] = data;
  }
  const parts: Record<string, StateTree> = {};
  for (const part of manifest.parts) {
    const json = contents[`${part}.json`];
    const tensors = contents[`${part}.safetensors`];
    if (json === undefined || tensors === undefined)
      throw new CorruptDataError(`${path}: the part "${part}" is missing`);
    parts[part] = decodeState(new TextDecoder().decode(json), tensors);
  }
  return { path, agentSteps: manifest.agentSteps ?? 0, parts };
}

/** Temporary folders of processes that were killed while saving. The run lock makes sure that no living process owns one. What can't be removed may stay. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith('.checkpoint-')) removeQuietly(join(folder, name));
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
