// A ring of equally sized frames, each stored once, in chunks: no single array can hold the 7 GB of a million Atari frames, memory is only taken as it
// fills, and a chunk is the unit of copy-on-write snapshots and of checkpoint files.
import { ShapeError } from '@moe-rl/core';

/** What frames are made of: images are uint8, vectors float32. */
export type FrameArray = Uint8Array | Float32Array;
export type FrameDtype = 'uint8' | 'float32';

const TARGET_CHUNK_BYTES = 32 * 1024 * 1024;

/** Makes a zeroed array of `dtype`. */
export function allocateFrames(dtype: FrameDtype, length: number): FrameArray {
  return dtype === 'uint8' ? new Uint8Array(length) : new Float32Array(length);
}

export class FrameStore {
  readonly capacity: number;
  readonly frameLength: number;
  readonly dtype: FrameDtype;
  /** Frames per chunk; the last chunk is shorter where the capacity is not a multiple. */
  readonly chunkSlots: number;
  readonly #chunks: (FrameArray | undefined)[];
  /** 1 for chunks that a snapshot holds too: they are copied before the next write. */
  readonly #isShared: Uint8Array;

  constructor(config: {
    readonly capacity: number;
    /** Elements of one frame. */
    readonly frameLength: number;
    readonly dtype: FrameDtype;
    /** Frames per chunk. Default: the power of two whose bytes come nearest below 32 MiB. */
    readonly chunkSlots?: number;
  }) {
    this.capacity = config.capacity;
    this.frameLength = config.frameLength;
    this.dtype = config.dtype;
    this.chunkSlots = Math.min(config.capacity, config.chunkSlots ?? defaultChunkSlots(config));
    const chunkCount = Math.ceil(this.capacity / this.chunkSlots);
    this.#chunks = new Array(chunkCount).fill(undefined);
    this.#isShared = new Uint8Array(chunkCount);
  }

  /** Bytes of one frame. */
  get frameBytes(): number {
    return this.frameLength * (this.dtype === 'uint8' ? 1 : 4);
  }

  get chunkCount(): number {
    return this.#chunks.length;
  }

  /** Bytes taken so far. */
  get allocatedBytes(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk?.byteLength ?? 0;
    return bytes;
  }

  /** Frames that chunk `chunk` holds. */
  slotsOfChunk(chunk: number): number {
    return Math.min(this.chunkSlots, this.capacity - chunk * this.chunkSlots);
  }

  /** Writes the frame that `source` holds from element `sourceOffset` on. */
  write(slot: number, source: FrameArray, sourceOffset: number): void {
    const { frameLength } = this;
    const chunk = this.#writable(Math.floor(slot / this.chunkSlots));
    const offset = (slot % this.chunkSlots) * frameLength;
    chunk.set(
      source.length === frameLength ? source : source.subarray(sourceOffset, sourceOffset + frameLength),
      offset,
    );
  }

  /** Writes a frame of zeros. */
  writeZeros(slot: number): void {
    const offset = (slot % this.chunkSlots) * this.frameLength;
    this.#writable(Math.floor(slot / this.chunkSlots)).fill(0, offset, offset + this.frameLength);
  }

  /** Copies `count` frames, from `slot` on around the ring, to `target`. The hot path of sampling: one copy per run within a chunk. */
  read(slot: number, count: number, target: FrameArray, targetOffset: number): void {
    const { chunkSlots, frameLength, capacity } = this;
    let from = slot;
    let left = count;
    let offset = targetOffset;
    while (left > 0) {
      const chunkIndex = Math.floor(from / chunkSlots);
      const within = from - chunkIndex * chunkSlots;
      const run = Math.min(left, chunkSlots - within, capacity - from);
      const chunk = this.#chunks[chunkIndex];
      const length = run * frameLength;
      if (chunk === undefined) target.fill(0, offset, offset + length);
      else target.set(chunk.subarray(within * frameLength, within * frameLength + length), offset);
      offset += length;
      left -= run;
      from += run;
      if (from === capacity) from = 0;
    }
  }

  /** The live chunks (empty where nothing was written yet). For readers that finish before the next write. */
  liveChunks(): readonly (FrameArray | undefined)[] {
    return this.#chunks;
  }

  /** The chunks as of now. Later writes go to copies of them, so the snapshot costs nothing until then. */
  snapshot(): readonly (FrameArray | undefined)[] {
    this.#isShared.fill(1);
    return this.#chunks.slice();
  }

  /**
   * Takes over chunks (without copying them; later writes go to copies).
   * @throws ShapeError when they do not fit this store; nothing is changed then
   */
  restore(chunks: readonly (FrameArray | undefined)[]): void {
    if (chunks.length !== this.#chunks.length) {
      throw new ShapeError(`${chunks.length} frame chunks; expected ${this.#chunks.length}`);
    }
    chunks.forEach((chunk, index) => {
      if (chunk === undefined) return;
      const expected = this.slotsOfChunk(index) * this.frameLength;
      const isRightDtype = this.dtype === 'uint8' ? chunk instanceof Uint8Array : chunk instanceof Float32Array;
      if (!isRightDtype || chunk.length !== expected) {
        throw new ShapeError(
          `frame chunk ${index} has ${chunk.length} elements; expected ${expected} of ${this.dtype}`,
        );
      }
    });
    chunks.forEach((chunk, index) => {
      this.#chunks[index] = chunk;
      this.#isShared[index] = 1;
    });
  }

  #writable(index: number): FrameArray {
    let chunk = this.#chunks[index];
    if (chunk === undefined) {
      chunk = allocateFrames(this.dtype, this.slotsOfChunk(index) * this.frameLength);
    } else if (this.#isShared[index] === 1) {
      chunk = chunk.slice();
    } else {
      return chunk;
    }
    this.#isShared[index] = 0;
    this.#chunks[index] = chunk;
    return chunk;
  }
}

function defaultChunkSlots(config: { readonly frameLength: number; readonly dtype: FrameDtype }): number {
  const frameBytes = config.frameLength * (config.dtype === 'uint8' ? 1 : 4);
  return 2 ** Math.max(0, Math.floor(Math.log2(TARGET_CHUNK_BYTES / frameBytes)));
}
