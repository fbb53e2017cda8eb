// The manifest of a replay checkpoint: which bytes of which files make it up. What is read from disk is believed only where it adds up.
import { crc32 } from 'node:zlib';
import { CheckpointError, CorruptDataError, elementCount, type StateTree } from '@moe-rl/core';

const KIND = 'moe-rl/replay-checkpoint';
export const MANIFEST_VERSION = 2;

/** Bytes of a frame file that belong to a checkpoint: frames of slots `firstSlot ..`, from the file's start. */
export interface FrameFile {
  readonly chunk: number;
  /** How many times the ring had come around when these slots were written. */
  readonly generation: number;
  /** Slot within the chunk that the file starts with; above 0 only where an interval between checkpoints was longer than a ring pass. */
  readonly firstSlot: number;
  readonly slots: number;
  readonly crc32: number;
}

export interface Manifest {
  readonly kind: 'moe-rl/replay-checkpoint';
  readonly version: typeof MANIFEST_VERSION;
  readonly checkpointId: number;
  readonly frameBytes: number;
  readonly frames: readonly FrameFile[];
  readonly rest: { readonly bytes: number; readonly crc32: number };
  /** The JSON part of the state (`encodeState`); typed arrays are in the rest file. */
  readonly state: StateTree;
}

/** The part of the buffer's layout that says where frames lie. */
export interface Layout {
  readonly frameShape: readonly number[];
  readonly dtype: 'uint8' | 'float32';
  readonly capacity: number;
  readonly chunkSlots: number;
}

/** Names of the files that a checkpointer makes, also half-written. */
export const OWN_FILE = /^(checkpoint-\d+\.json|rest-\d+\.safetensors|frames-\d+-\d+(-from-\d+)?\.bin)(\.temporary)?$/;
export const manifestName = (id: number) => `checkpoint-${id}.json`;
export const restName = (id: number) => `rest-${id}.safetensors`;
export function frameFileName(file: Pick<FrameFile, 'chunk' | 'generation' | 'firstSlot'>): string {
  return `frames-${file.chunk}-${file.generation}${file.firstSlot > 0 ? `-from-${file.firstSlot}` : ''}.bin`;
}

/** What the ring holds: per chunk the part written in the current pass and the part left from the pass before. */
export function currentParts(layout: Layout, slotsWritten: number): Omit<FrameFile, 'crc32'>[] {
  const { capacity, chunkSlots } = layout;
  const generation = Math.floor(slotsWritten / capacity);
  const cursor = slotsWritten % capacity;
  const parts: Omit<FrameFile, 'crc32'>[] = [];
  for (let chunk = 0; chunk * chunkSlots < capacity; chunk++) {
    const start = chunk * chunkSlots;
    const slots = Math.min(chunkSlots, capacity - start);
    const fresh = Math.min(Math.max(cursor - start, 0), slots);
    if (fresh > 0) parts.push({ chunk, generation, firstSlot: 0, slots: fresh });
    if (fresh < slots && generation > 0) {
      parts.push({ chunk, generation: generation - 1, firstSlot: fresh, slots: slots - fresh });
    }
  }
  return parts;
}

/** The manifest as text; its last field is the checksum of the text without it. */
export function encodeManifest(manifest: Manifest): string {
  return JSON.stringify({ ...manifest, crc32: crc32(JSON.stringify(manifest)) });
}

/**
 * Reads a manifest and checks that it describes a whole checkpoint: every slot of the ring in exactly one place, within the bounds of its file.
 * @throws CorruptDataError when it is damaged; CheckpointError when it is of another kind or version
 */
export function parseManifest(path: string, text: string, checkpointId: number): Manifest {
  let parsed: (Manifest & { readonly crc32?: number }) | null;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CorruptDataError(`${path} is not JSON`, { cause });
  }
  const { crc32: checksum, ...manifest } = (parsed ?? {}) as Manifest & { readonly crc32?: number };
  if (manifest.kind !== KIND || manifest.version !== MANIFEST_VERSION) {
    throw new CheckpointError(
      `${path} is "${String(manifest.kind)}" version ${String(manifest.version)}; expected "${KIND}" version ${MANIFEST_VERSION}`,
    );
  }
  if (checksum !== crc32(JSON.stringify(manifest))) {
    throw new CorruptDataError(`${path} is damaged: its checksum is ${String(checksum)}`);
  }
  const fault = faultOf(manifest, checkpointId);
  if (fault !== undefined) throw new CorruptDataError(`${path} is damaged: ${fault}`);
  return manifest;
}

/** What does not add up, in words. */
function faultOf(manifest: Manifest, checkpointId: number): string | undefined {
  const { state, frames, frameBytes, rest } = manifest;
  if (manifest.checkpointId !== checkpointId) return `it is of checkpoint ${manifest.checkpointId}`;
  const layout = state?.layout as Layout | undefined;
  const isLayout =
    Array.isArray(layout?.frameShape) &&
    layout.frameShape.every(isCount) &&
    (layout.dtype === 'uint8' || layout.dtype === 'float32') &&
    isPositive(layout.capacity) &&
    isPositive(layout.chunkSlots);
  if (!isLayout) return `its layout is ${JSON.stringify(layout)}`;
  const expectedBytes = elementCount(layout.frameShape) * (layout.dtype === 'uint8' ? 1 : 4);
  if (frameBytes !== expectedBytes)
    return `a frame is said to be ${frameBytes} bytes; its layout says ${expectedBytes}`;
  const { slotsWritten } = state;
  if (!isCount(slotsWritten)) return `slotsWritten is ${String(slotsWritten)}`;
  if (!isCount(rest?.bytes) || !isCount(rest.crc32)) return `its rest file is ${JSON.stringify(rest)}`;
  if (!Array.isArray(frames)) return 'it lists no frame files';
  for (const file of frames) {
    const isFile =
      [file?.chunk, file?.generation, file?.firstSlot, file?.crc32].every(isCount) && isPositive(file.slots);
    if (
      isFile &&
      file.firstSlot + file.slots <= Math.min(layout.chunkSlots, layout.capacity - file.chunk * layout.chunkSlots)
    ) {
      continue;
    }
    return `frame file ${JSON.stringify(file)} lies outside the ring of ${layout.capacity} slots`;
  }
  for (const part of currentParts(layout, slotsWritten)) {
    const has = frames.some(
      (file) =>
        file.chunk === part.chunk &&
        file.generation === part.generation &&
        file.firstSlot <= part.firstSlot &&
        file.firstSlot + file.slots >= part.firstSlot + part.slots,
    );
    if (!has)
      return `no file holds slots ${part.firstSlot} to ${part.firstSlot + part.slots - 1} of chunk ${part.chunk}`;
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPositive(value: unknown): value is number {
  return isCount(value) && value > 0;
}
