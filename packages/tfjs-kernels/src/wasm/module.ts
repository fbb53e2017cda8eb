// Instantiates the kernels' WebAssembly module on the memory of TensorFlow.js' wasm backend, so that tensors are never copied.
// Used by every kernel in this folder; assembly/index.ts is the other side.

import { MissingDependencyError } from '@moe-rl/core';
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { KernelTrapError, OutOfMemoryError } from '../errors.ts';
import { KERNEL_MODULES } from '../generated/kernel-module.generated.ts';

/** What assembly/index.ts exports; pointers and strides in bytes, flags as 0 or 1. */
export interface KernelExports {
  readonly DESCRIPTOR_BYTES: WebAssembly.Global;
  readonly gemm: (...parameters: number[]) => void;
  readonly gemmScratchBytes: (depth: number, columns: number) => number;
  readonly packPanels: (...parameters: number[]) => void;
  readonly vectorTimesMatrix: (...parameters: number[]) => void;
  readonly convolve: (...parameters: number[]) => void;
  readonly filterGradient: (...parameters: number[]) => void;
  readonly padColumns: (...parameters: number[]) => void;
  readonly padImages: (...parameters: number[]) => void;
  readonly transposeMatrix: (...parameters: number[]) => void;
  readonly turnFilter: (...parameters: number[]) => void;
  readonly addBias: (...parameters: number[]) => void;
  readonly adam: (...parameters: number[]) => void;
  readonly reluGradient: (...parameters: number[]) => void;
  readonly segmentSum: (...parameters: number[]) => void;
  readonly sumMiddle: (...parameters: number[]) => void;
  readonly averagePoolGradient: (...parameters: number[]) => void;
  readonly maxPoolGradient: (...parameters: number[]) => void;
}

/** Exports that do a range of their work: called with (...parameters, first, last, scratch). */
export type RangedKernel =
  | 'adam'
  | 'addBias'
  | 'averagePoolGradient'
  | 'convolve'
  | 'filterGradient'
  | 'gemm'
  | 'maxPoolGradient'
  | 'padImages'
  | 'reluGradient';

/** Runs ranged kernels on several threads (thread-pool.ts, Node only). */
export interface KernelThreads {
  readonly threadCount: number;
  run(
    name: RangedKernel,
    parameters: readonly number[],
    total: number,
    chunkSize: number,
    scratch: number,
    scratchStride: number,
  ): void;
}

export interface WorkSize {
  /** Items of work: pixels, rows, images, elements. */
  readonly total: number;
  /** Ranges start at a multiple of this. */
  readonly multiple: number;
  /** Multiply-adds or floats moved in all: little work stays on one thread. */
  readonly operations: number;
}

/** Wasm addresses 4 GiB, of which the backend itself takes some. */
const MAXIMUM_BYTES = 2 ** 32 - 2 ** 20;
/** About 0.1 ms on one core: less is not worth waking a thread for. */
const OPERATIONS_FOR_THREADS = 500_000;
/** Chunks for each thread: a thread that is held up leaves the rest to the others. */
const CHUNKS_PER_THREAD = 4;

/** The part of tfjs-backend-wasm's backend object that kernels use. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    _malloc: (bytes: number) => number;
    readonly _free: (pointer: number) => void;
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    readonly wasmMemory?: WebAssembly.Memory;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): TensorInfo;
}

/** The kernels on one backend's memory, with one block of scratch that grows and is reused (kernels run one at a time). */
export class KernelModule {
  readonly exports: KernelExports;
  /** True when the fused multiply-add of relaxed SIMD is used (Node 21 and later, Chrome 114 and later). */
  readonly usesRelaxedSimd: boolean;
  readonly #backend: WasmBackend;
  /** What `exports` was instantiated from, and on which memory. */
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  #threads: KernelThreads | undefined;
  #scratch = 0;
  #scratchBytes = 0;

  constructor(backend: WasmBackend) {
    const memory = backend.wasm.wasmMemory ?? backend.wasm.asm?.memory;
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new MissingDependencyError(
        "The wasm backend does not show its memory (module.asm.memory or module.wasmMemory); expected @tensorflow/tfjs-backend-wasm 4.22's",
      );
    }
    this.memory = memory;
    const isShared = this.isShared;
    const relaxed = decodeBase64(isShared ? KERNEL_MODULES.sharedRelaxed : KERNEL_MODULES.plainRelaxed);
    this.usesRelaxedSimd = WebAssembly.validate(relaxed);
    const binary = this.usesRelaxedSimd
      ? relaxed
      : decodeBase64(isShared ? KERNEL_MODULES.shared : KERNEL_MODULES.plain);
    this.module = new WebAssembly.Module(binary);
    this.exports = new WebAssembly.Instance(this.module, { env: { memory } }).exports as unknown as KernelExports;
    this.#backend = backend;
    this.#checkAllocations();
  }

  /** Threads that kernels run on. */
  get threadCount(): number {
    return this.#threads?.threadCount ?? 1;
  }

  /** From now on, large kernels run on these threads. */
  useThreads(threads: KernelThreads): void {
    this.#threads = threads;
  }

  /** Whether the backend's memory can be shared with other threads. */
  get isShared(): boolean {
    return typeof SharedArrayBuffer === 'function' && this.memory.buffer instanceof SharedArrayBuffer;
  }

  /** Emscripten's malloc gives 0 when memory is used up, which the backend would take for an address and write to. */
  #checkAllocations(): void {
    const { wasm } = this.#backend;
    // The first call puts the real function in its own place.
    wasm._free(wasm._malloc(16));
    const allocate = wasm._malloc;
    wasm._malloc = (bytes) => {
      // Beyond 32 bits, and shortly before, sizes would wrap around to small or negative ones.
      const pointer = bytes < MAXIMUM_BYTES ? allocate(bytes) : 0;
      const fits = pointer !== 0 && (pointer >>> 0) + bytes <= this.memory.buffer.byteLength;
      if (fits || bytes === 0) return pointer;
      const used = `${Math.round(this.memory.buffer.byteLength / 2 ** 20)} MiB`;
      throw new OutOfMemoryError(
        `The wasm backend has no ${bytes} bytes left (its memory has grown to ${used}); use smaller batches, or dispose tensors earlier`,
      );
    };
  }

  /** A block of memory that is never freed, zeroed. */
  allocate(bytes: number): number {
    const pointer = this.#backend.wasm._malloc(bytes) >>> 0;
    this.zero(pointer, bytes);
    return pointer;
  }

  /**
   * Runs a ranged kernel over all its work. `scratch` holds `scratchStride` bytes for each thread (the stride a multiple of 16).
   * @throws KernelTrapError when it reaches outside its memory, on whatever thread.
   */
  run(name: RangedKernel, parameters: readonly number[], work: WorkSize, scratch = 0, scratchStride = 0): void {
    const { total, multiple, operations } = work;
    const threads = this.#threads;
    if (threads === undefined || operations < OPERATIONS_FOR_THREADS || total <= multiple) {
      try {
        this.exports[name](...parameters, 0, total, scratch);
      } catch (cause) {
        throw new KernelTrapError(`kernel ${name} failed: ${(cause as Error).message}`, name, { cause });
      }
      return;
    }
    const even = Math.ceil(total / (threads.threadCount * CHUNKS_PER_THREAD));
    threads.run(name, parameters, total, Math.ceil(even / multiple) * multiple, scratch, scratchStride);
  }

  /** The address of a tensor's values. */
  pointer(tensor: TensorInfo): number {
    return this.#backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** A new float32 tensor with undefined contents. */
  output(shape: readonly number[]): TensorInfo {
    return this.#backend.makeOutput([...shape], 'float32');
  }

  /** The same values under a second reference. */
  share(tensor: TensorInfo): TensorInfo {
    this.#backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  }

  /** Scratch of at least `bytes`, valid until the next call, cut into parts of the sizes given; each part is 16-byte aligned. */
  scratch<const Sizes extends readonly number[]>(...bytes: Sizes): { [Index in keyof Sizes]: number } {
    const total = bytes.reduce((sum: number, size) => sum + align(size), 0);
    if (total > this.#scratchBytes) {
      if (this.#scratch !== 0) this.#backend.wasm._free(this.#scratch);
      this.#scratch = 0;
      this.#scratchBytes = 0;
      this.#scratch = this.#backend.wasm._malloc(total) >>> 0;
      this.#scratchBytes = total;
    }
    let at = this.#scratch;
    return bytes.map((size) => {
      const part = at;
      at += align(size);
      return part;
    }) as { [Index in keyof Sizes]: number };
  }

  /** Fills memory with zeros. */
  zero(pointer: number, bytes: number): void {
    this.#backend.wasm.HEAPU8.fill(0, pointer, pointer + bytes);
  }

  /** Copies within memory. */
  copy(to: number, from: number, bytes: number): void {
    this.#backend.wasm.HEAPU8.copyWithin(to, from, from + bytes);
  }
}

const modules = new WeakMap<object, KernelModule>();

/** The kernels for a wasm backend object; made at the first call. */
export function kernelModule(backend: unknown): KernelModule {
  const wasmBackend = backend as WasmBackend;
  let module = modules.get(wasmBackend);
  if (module === undefined) {
    module = new KernelModule(wasmBackend);
    modules.set(wasmBackend, module);
  }
  return module;
}

function align(bytes: number): number {
  return Math.ceil(bytes / 16) * 16; // not with bits: sizes may need more than 31 of them
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
