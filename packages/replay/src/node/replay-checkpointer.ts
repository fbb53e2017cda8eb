// Checkpoints of a replay buffer that write only what is new. Frames go to one file per chunk and pass around the ring, which only ever grows; what
// changes everywhere (priorities, counters) is a small file of its own per checkpoint; a manifest, replaced in one step, says which bytes of which
// files make up a checkpoint and what their checksums are. A crash at any moment leaves the last finished checkpoint readable.
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  AlreadyInUseError,
  CheckpointError,
  CorruptDataError,
  decodeState,
  encodeState,
  NotFoundError,
  requireInteger,
} from '@moe-rl/core';
import { appendDurably, readPrefix, replaceDurably, withStorageErrors } from '@moe-rl/core/node';
import { allocateFrames, type FrameArray } from '../frame-store.ts';
import type { ReplayBuffer } from '../replay-buffer.ts';
import {
  currentParts,
  encodeManifest,
  type FrameFile,
  frameFileName,
  type Layout,
  MANIFEST_VERSION,
  type Manifest,
  manifestName,
  OWN_FILE,
  parseManifest,
  restName,
} from './replay-manifest.ts';

export interface ReplayCheckpointerConfig {
  readonly replay: ReplayBuffer;
  /** Made if missing; holds nothing but this buffer's checkpoints. */
  readonly folder: string;
  /** Finished checkpoints to keep, the newest ones. Default 2. */
  readonly keep?: number;
}

export interface ReplaySaveOutput {
  /** Counts up from 1; give it to `restore` to get this one. */
  readonly checkpointId: number;
  readonly writtenBytes: number;
}

/**
 * Saves one replay buffer into one folder, again and again. Don't add to the buffer while `save` is under way.
 * Only one checkpointer may use a folder at a time (the trainer's run lock sees to that).
 */
export class ReplayCheckpointer {
  readonly #replay: ReplayBuffer;
  readonly #folder: string;
  readonly #keep: number;
  /** What the newest checkpoint that this object saved or restored consists of; undefined before that. */
  #newest: Manifest | undefined;
  /** Checkpoints that share files with the newest, oldest first, itself included. */
  #kept: Manifest[] = [];

  constructor(config: ReplayCheckpointerConfig) {
    this.#replay = config.replay;
    this.#folder = config.folder;
    this.#keep = requireInteger('keep', config.keep ?? 2, 1);
  }

  /**
   * Writes a checkpoint. On disk, and found by `restore`, when it returns; the one before stays readable until then.
   * @throws StorageError when writing fails (disk full, no permission); older checkpoints are untouched
   * @throws AlreadyInUseError when the folder holds checkpoints that this object neither saved nor restored
   */
  async save(): Promise<ReplaySaveOutput> {
    await withStorageErrors('create the folder', this.#folder, () => mkdir(this.#folder, { recursive: true }));
    if (this.#newest === undefined && (await checkpointIds(this.#folder)).length > 0) {
      throw new AlreadyInUseError(
        `${this.#folder} already holds replay checkpoints; restore one first, or choose another folder`,
      );
    }
    const checkpointId = (this.#newest?.checkpointId ?? 0) + 1;
    // Later checkpoints of an abandoned line (a restore of an older one) share files with what is written now.
    for (const id of await checkpointIds(this.#folder)) if (id >= checkpointId) await this.#removeCheckpoint(id);

    const state = this.#replay.liveState();
    const layout = state.layout as unknown as Layout;
    const chunks = state.frames as readonly (FrameArray | null)[];
    const { frameBytes, frames, writtenBytes } = await this.#saveFrames(chunks, layout, state.slotsWritten as number);

    const { json, tensors: rest } = encodeState({ ...state, frames: null });
    await replaceDurably(this.#path(restName(checkpointId)), rest);

    const manifest: Manifest = {
      kind: 'moe-rl/replay-checkpoint',
      version: MANIFEST_VERSION,
      checkpointId,
      frameBytes,
      frames,
      rest: { bytes: rest.byteLength, crc32: crc32(rest) },
      state: JSON.parse(json),
    };
    const text = new TextEncoder().encode(encodeManifest(manifest));
    await replaceDurably(this.#path(manifestName(checkpointId)), text);
    this.#newest = manifest;
    this.#kept = [...this.#kept, manifest].slice(-this.#keep);
    await this.#removeUnused();
    return { checkpointId, writtenBytes: writtenBytes + rest.byteLength + text.byteLength };
  }

  /** Ids of the finished checkpoints in the folder, oldest first; empty where there is no folder. */
  async list(): Promise<number[]> {
    return checkpointIds(this.#folder);
  }

  /**
   * Puts a checkpoint (default: the newest) into the buffer; saving goes on from it.
   * @throws NotFoundError when there is no such checkpoint
   * @throws CorruptDataError when a file or bytes are missing or a checksum does not match, naming the file
   * @throws CheckpointError when the checkpoint is of a buffer with another shape, capacity or sampling
   * The buffer is unchanged when it throws.
   */
  async restore(checkpointId?: number): Promise<{ readonly checkpointId: number }> {
    const ids = await checkpointIds(this.#folder);
    const id = checkpointId ?? ids.at(-1);
    if (id === undefined || !ids.includes(id)) {
      throw new NotFoundError(
        id === undefined
          ? `no replay checkpoint in ${this.#folder}`
          : `no replay checkpoint ${id} in ${this.#folder}; there are: ${ids.join(', ') || 'none'}`,
      );
    }
    const manifest = await this.#readManifest(id);
    // Said before gigabytes are read, not after.
    const [stored, ours] = [manifest.state.layout, this.#replay.liveState().layout].map((layout) =>
      JSON.stringify(layout),
    );
    if (stored !== ours) {
      throw new CheckpointError(`replay checkpoint ${id} in ${this.#folder} has layout ${stored}; expected ${ours}`);
    }
    const restPath = this.#path(restName(id));
    const rest = await readIntact(restPath, manifest.rest.bytes, manifest.rest.crc32);
    const state = decodeState(JSON.stringify(manifest.state), rest);
    const chunks = await this.#readFrames(manifest, state.layout as unknown as Layout);
    this.#replay.setState({ ...state, frames: chunks });
    this.#newest = manifest;
    this.#kept = [];
    for (const older of ids.filter((other) => other <= id).slice(-this.#keep)) {
      // An unreadable older checkpoint is no reason not to restore this one; it is not kept then.
      const kept = older === id ? manifest : await this.#readManifest(older).catch(() => undefined);
      if (kept !== undefined) this.#kept.push(kept);
    }
    return { checkpointId: id };
  }

  async #saveFrames(chunks: readonly (FrameArray | null)[], layout: Layout, slotsWritten: number) {
    const frameLength = layout.frameShape.reduce((product, dimension) => product * dimension, 1);
    const frameBytes = frameLength * (layout.dtype === 'uint8' ? 1 : 4);
    const known = new Map<string, FrameFile>();
    for (const file of this.#newest?.frames ?? []) {
      // One that somebody deleted or cut is written again: its frames are still in memory.
      if ((await sizeOf(this.#path(frameFileName(file)))) >= file.slots * frameBytes) {
        known.set(`${file.chunk}-${file.generation}`, file);
      }
    }
    const frames: FrameFile[] = [];
    let writtenBytes = 0;
    for (const part of currentParts(layout, slotsWritten)) {
      // A file that already holds this pass over the chunk up to here is extended; else a new one starts.
      const old = known.get(`${part.chunk}-${part.generation}`);
      const firstSlot = old?.firstSlot ?? part.firstSlot;
      const slots = part.firstSlot + part.slots - firstSlot;
      const stored = old !== undefined && old.slots >= part.firstSlot - firstSlot ? Math.min(old.slots, slots) : 0;
      if (old !== undefined && stored === slots) {
        frames.push(old);
        continue;
      }
      const base = old !== undefined && stored > 0 ? old : undefined;
      const from = base === undefined ? part.firstSlot : firstSlot + stored;
      const end = part.firstSlot + part.slots;
      const chunk = chunks[part.chunk] as FrameArray;
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset + from * frameBytes, (end - from) * frameBytes);
      const file: FrameFile = {
        chunk: part.chunk,
        generation: part.generation,
        firstSlot: base?.firstSlot ?? part.firstSlot,
        slots: end - (base?.firstSlot ?? part.firstSlot),
        crc32: crc32(bytes, base?.crc32 ?? 0),
      };
      await appendDurably(this.#path(frameFileName(file)), (base?.slots ?? 0) * frameBytes, [bytes]);
      writtenBytes += bytes.byteLength;
      frames.push(file);
    }
    return { frameBytes, frames, writtenBytes };
  }

  async #readFrames(manifest: Manifest, layout: Layout): Promise<(FrameArray | null)[]> {
    const { frameBytes } = manifest;
    const frameLength = layout.dtype === 'uint8' ? frameBytes : frameBytes / 4;
    const chunks: (FrameArray | null)[] = new Array(Math.ceil(layout.capacity / layout.chunkSlots)).fill(null);
    // Older passes first: where two files of a chunk overlap, the later pass has the last word.
    for (const file of [...manifest.frames].sort((a, b) => a.generation - b.generation)) {
      const path = this.#path(frameFileName(file));
      const bytes = await readIntact(path, file.slots * frameBytes, file.crc32);
      const slots = Math.min(layout.chunkSlots, layout.capacity - file.chunk * layout.chunkSlots);
      const chunk = chunks[file.chunk] ?? allocateFrames(layout.dtype, slots * frameLength);
      new Uint8Array(chunk.buffer).set(bytes, file.firstSlot * frameBytes);
      chunks[file.chunk] = chunk;
    }
    return chunks;
  }

  async #readManifest(id: number): Promise<Manifest> {
    const path = this.#path(manifestName(id));
    const text = await withStorageErrors('read', path, () => readFile(path, 'utf8'));
    return parseManifest(path, text, id);
  }

  async #removeCheckpoint(id: number): Promise<void> {
    // The manifest first: without it the rest is just unused files.
    await remove(this.#path(manifestName(id)));
    await remove(this.#path(restName(id)));
  }

  /** Removes what none of the kept checkpoints needs. */
  async #removeUnused(): Promise<void> {
    const used = new Set<string>();
    for (const manifest of this.#kept) {
      used.add(manifestName(manifest.checkpointId)).add(restName(manifest.checkpointId));
      for (const file of manifest.frames) used.add(frameFileName(file));
    }
    const names = await withStorageErrors('read', this.#folder, () => readdir(this.#folder));
    const isManifest = (name: string) => name.startsWith('checkpoint-');
    const unused = names.filter((name) => OWN_FILE.test(name) && !used.has(name));
    for (const name of [...unused.filter(isManifest), ...unused.filter((name) => !isManifest(name))]) {
      await remove(this.#path(name));
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

async function checkpointIds(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return withStorageErrors('read', folder, () => Promise.reject(error));
  }
  return names
    .map((name) => /^checkpoint-(\d+)\.json$/.exec(name)?.[1])
    .filter((id) => id !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Bytes of a file; -1 where there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return -1;
    return withStorageErrors('read', path, () => Promise.reject(error));
  }
}

function remove(path: string): Promise<void> {
  return withStorageErrors('remove', path, () => rm(path, { force: true }));
}

/** The bytes of a file that a checkpoint consists of. */
async function readIntact(path: string, expectedBytes: number, expectedCrc32: number): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readPrefix(path, expectedBytes);
  } catch (cause) {
    // A file that the manifest names and that is gone is damage like any other: an older checkpoint may be whole.
    if (!(cause instanceof NotFoundError)) throw cause;
    throw new CorruptDataError(`${path}, which the checkpoint needs, is missing`, { cause });
  }
  if (bytes.byteLength !== expectedBytes) {
    throw new CorruptDataError(`${path} holds ${bytes.byteLength} bytes; the checkpoint needs ${expectedBytes}`);
  }
  const actual = crc32(bytes);
  if (actual !== expectedCrc32) {
    throw new CorruptDataError(
      `${path} has checksum ${actual.toString(16)}; the checkpoint says ${expectedCrc32.toString(16)}`,
    );
  }
  return bytes;
}
