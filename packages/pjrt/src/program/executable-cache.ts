// Executables on disk, by the hash of everything that they depend on: text, options, plugin, device and processor. Two processes that need the same one wait for
// each other instead of compiling twice; a file that is cut short or damaged is named and compiled anew.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { CorruptDataError, isMoeRlError } from '@moe-rl/core';
import { readBytes, removeQuietly, replaceFile, withFolderLock } from '@moe-rl/core/node';
import type { PjrtClient } from '../client/client.ts';
import type { XlaOptions } from '../client/compile-options.ts';
import type { Executable, FunctionSpec } from '../client/executable.ts';
import { PjrtError } from '../errors.ts';

/** First bytes of a file: its form, then the SHA-256 sum of the rest. */
const MAGIC = new TextEncoder().encode('moe-rl-pjrt-executable-1\n');
const SUM_BYTES = 32;

export interface ExecutableCacheConfig {
  readonly client: PjrtClient;
  /** Where the files lie; none: nothing is kept. */
  readonly folder: string | undefined;
  /** What tells this plugin's build from others. */
  readonly pluginKey: string;
  readonly options: XlaOptions;
  /** Told what is worth showing: waiting, a damaged file, a cache that can't be written. */
  readonly report: (message: string) => void;
}

/** Compiles functions, or takes them from the disk. */
export class ExecutableCache {
  readonly #config: ExecutableCacheConfig;
  #compiled = 0;

  constructor(config: ExecutableCacheConfig) {
    this.#config = config;
  }

  /** Functions that had to be compiled. */
  get compiledCount(): number {
    return this.#compiled;
  }

  /** @throws PjrtError when the compiler refuses, or the device has no memory left. */
  async executable(spec: FunctionSpec): Promise<Executable> {
    const { folder } = this.#config;
    if (folder === undefined) return this.#compile(spec);
    const path = this.pathOf(spec, folder);
    const loaded = this.#load(path, spec);
    if (loaded !== undefined) return loaded;
    try {
      return await withFolderLock(
        folder,
        async () => {
          // Another process may have made it meanwhile.
          const made = this.#load(path, spec);
          if (made !== undefined) return made;
          const compiled = await this.#compile(spec);
          this.#store(path, compiled);
          return compiled;
        },
        {
          fileName: `${path.slice(folder.length + 1)}.lock`,
          noun: 'cache of executables',
          onWait: (holder) => this.#config.report(`Waiting for ${holder}, which is compiling the same step`),
        },
      );
    } catch (error) {
      if (!isMoeRlError(error) || error.code !== 'STORAGE') throw error;
      this.#config.report(`The cache of executables can't be used: ${error.message}`);
      return this.#compile(spec);
    }
  }

  /** The file of a function. */
  pathOf(spec: FunctionSpec, folder: string): string {
    const { client, pluginKey, options } = this.#config;
    const hash = createHash('sha256');
    const processor = client.platform === 'cpu' ? processorKey() : '';
    const parts = [client.platform, client.platformVersion, client.deviceKind, pluginKey, process.arch, processor];
    // XLA reads its options from there, too.
    const flags = process.env.XLA_FLAGS ? [process.env.XLA_FLAGS] : [];
    for (const part of [...parts, JSON.stringify(options), spec.text, ...flags]) hash.update(`${part.length}:${part}`);
    return join(folder, `${hash.digest('hex').slice(0, 40)}.pjrt`);
  }

  async #compile(spec: FunctionSpec): Promise<Executable> {
    this.#compiled++;
    return this.#config.client.compile(spec, this.#config.options);
  }

  #load(path: string, spec: FunctionSpec): Executable | undefined {
    if (!existsSync(path)) return undefined;
    try {
      return this.#config.client.load(readExecutable(path), spec);
    } catch (error) {
      // That says nothing about the file.
      if (error instanceof PjrtError && error.status === 'RESOURCE_EXHAUSTED') throw error;
      this.#config.report(`${(error as Error).message}. It is compiled anew`);
      removeQuietly(path);
      return undefined;
    }
  }

  #store(path: string, executable: Executable): void {
    let bytes: Uint8Array;
    try {
      bytes = executable.serialize();
    } catch {
      return; // Not every plugin can: it is compiled at every start.
    }
    const sum = createHash('sha256').update(bytes).digest();
    try {
      replaceFile(path, Buffer.concat([MAGIC, sum, bytes]));
    } catch (error) {
      this.#config.report(`The compiled step is not kept: ${(error as Error).message}`);
    }
  }
}

let processor: string | undefined;

/** Name and instruction sets of the processor that code is compiled for: a virtual machine may hide some of those that the name stands for. */
function processorKey(): string {
  processor ??= `${cpus()[0]?.model ?? ''} ${existsSync(CPU_INFO) ? instructionSetsIn(readFileSync(CPU_INFO, 'utf8')) : ''}`;
  return processor;
}

const CPU_INFO = '/proc/cpuinfo';

/** The instruction sets in Linux' description of the processors, of the first of them: `flags` on x86, `Features` on ARM. */
export function instructionSetsIn(description: string): string {
  return /^(?:flags|Features)\s*:\s*(.*)$/m.exec(description)?.[1] ?? '';
}

/**
 * The serialized executable in a file.
 * @throws CorruptDataError when it is cut short, damaged or something else
 */
export function readExecutable(path: string): Uint8Array {
  const file = readBytes(path);
  const start = MAGIC.length + SUM_BYTES;
  if (file.length < start || MAGIC.some((byte, index) => file[index] !== byte)) {
    throw new CorruptDataError(`${path} (${file.length} bytes) is no executable of this cache, or cut short`);
  }
  const bytes = file.slice(start);
  const sum = createHash('sha256').update(bytes).digest();
  if (!sum.equals(file.subarray(MAGIC.length, start))) {
    throw new CorruptDataError(`${path} (${file.length} bytes) is cut short or damaged: its SHA-256 sum is another`);
  }
  return bytes;
}
