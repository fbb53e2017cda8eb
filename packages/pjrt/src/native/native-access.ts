// The seam to native code: loading a shared library, calling its functions, reading its memory. Everything above works on addresses and bytes, so that another
// way of calling (Node's own, one day) has this one interface to implement. `koffi-access.ts` is the implementation.

/** A native function of one pointer argument that returns a pointer or nothing, as every function of PJRT's C interface is. */
export interface NativeFunction {
  /** Calls it on this thread; 0n for a null pointer. */
  call(argument: Uint8Array): bigint;
  /** Calls it on a worker thread, for calls that wait or compile. The bytes must stay alive until it settles. */
  callAsync(argument: Uint8Array): Promise<bigint>;
  /** Calls it with a pointer that native code gave. */
  callWith(address: bigint): bigint;
}

/** Access to native memory and functions. */
export interface NativeAccess {
  /**
   * Loads a shared library and calls its function `name` that takes nothing and returns a pointer.
   * @throws Error with the loader's own message.
   */
  loadAndCall(path: string, name: string): bigint;
  /** Loads a shared library so that its symbols are there for the libraries loaded later. */
  preload(path: string): void;
  functionAt(address: bigint): NativeFunction;
  /** Address of an array's first byte. The array must be kept alive, and must not be transferred, for as long as native code uses it. */
  addressOf(bytes: ArrayBufferView): bigint;
  /** A copy of native memory. */
  read(address: bigint, byteLength: number): Uint8Array;
}
