// Native access by koffi, a library with prebuilt binaries for Node.
import { createRequire } from 'node:module';
import { MissingDependencyError } from '@moe-rl/core';
import type { NativeAccess, NativeFunction } from './native-access.ts';

/** The part of koffi that is used. */
interface Koffi {
  config(options: { readonly sync_stack_size: number; readonly async_stack_size: number }): void;
  load(
    path: string,
    options?: { readonly lazy?: boolean; readonly global?: boolean },
  ): {
    func(definition: string): (...args: readonly unknown[]) => unknown;
  };
  proto(definition: string): object;
  decode(
    pointer: bigint,
    type: object,
  ): CallableFunction & {
    async(...args: readonly unknown[]): void;
  };
  address(value: ArrayBufferView): bigint;
  view(pointer: bigint, byteLength: number): ArrayBuffer;
}

/** Koffi's calls run on stacks of its own, 128 KiB for those on worker threads. XLA's compiler needs what a thread has by default: on less it crashes. */
const STACK_BYTES = 8 * 2 ** 20;

let access: NativeAccess | undefined;

/**
 * The access of this process.
 * @throws MissingDependencyError where koffi has no binary for this platform.
 */
export function nativeAccess(): NativeAccess {
  access ??= createAccess(loadKoffi());
  return access;
}

function loadKoffi(): Koffi {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    configure(koffi);
    return koffi;
  } catch (cause) {
    throw new MissingDependencyError(
      `koffi, which calls native libraries, can't be loaded on ${process.platform}-${process.arch}: ${(cause as Error).message}. Run: npm install koffi`,
      { cause },
    );
  }
}

/** Koffi refuses this once it has called something: then whoever uses it in this process has chosen the stacks. */
function configure(koffi: Koffi): void {
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  } catch {
    // see above
  }
}

function createAccess(koffi: Koffi): NativeAccess {
  // Pointers as integers: koffi gives small ones as numbers.
  const prototype = koffi.proto('uint64_t MoeRlPjrtCall(void *argument)');
  const pointerPrototype = koffi.proto('uint64_t MoeRlPjrtCallWith(uint64_t address)');
  return {
    loadAndCall: (path, name) => BigInt(koffi.load(path).func(`uint64_t ${name}()`)() as number | bigint),
    preload(path) {
      koffi.load(path, { global: true });
    },
    functionAt(address): NativeFunction {
      const native = koffi.decode(address, prototype);
      return {
        call: (argument) => BigInt(native(argument) as number | bigint),
        callAsync: (argument) =>
          new Promise((resolve, reject) => {
            native.async(argument, (error: Error | null, result: number | bigint) => {
              if (error) reject(error);
              else resolve(BigInt(result));
            });
          }),
        callWith: (pointer) => BigInt(koffi.decode(address, pointerPrototype)(pointer) as number | bigint),
      };
    },
    addressOf: (bytes) => BigInt(koffi.address(bytes)),
    read: (address, byteLength) =>
      byteLength === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(address, byteLength)).slice(),
  };
}
