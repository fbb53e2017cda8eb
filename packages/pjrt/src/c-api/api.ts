// PJRT's C interface of one loaded plugin: its function table, checked against what the client needs; calls with typed errors.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { PjrtError, PluginError } from '../errors.ts';
import { nativeAccess } from '../native/koffi-access.ts';
import type { NativeAccess, NativeFunction } from '../native/native-access.ts';
import { errorCodes, functionOrder, headerVersion, structs } from './facts.generated.ts';
import { Struct, type StructName } from './struct.ts';

/** Structs that are a call's arguments. */
export type CallName = Exclude<StructName, 'NamedValue' | 'Program' | 'ExecuteOptions'>;

/** Offset of the function table: size, extensions, and the version struct of 24 bytes. */
const TABLE_OFFSET = 40;
const codeNames = new Map<number, string>(Object.entries(errorCodes).map(([name, code]) => [code, name]));
const notCalls: readonly string[] = ['NamedValue', 'Program', 'ExecuteOptions'];
/** Compiling for a device that is not there: a plugin may lack these. */
const optionalCalls = new Set<StructName>(['TopologyDescription_Create', 'TopologyDescription_Destroy', 'Compile']);
/** These return nothing (void in the header): what is in the register afterwards is no error. */
const statusCalls = new Set<CallName>(['Error_Destroy', 'Error_Message', 'Error_GetCode']);

/** The function table of a loaded plugin. */
export class Api {
  readonly path: string;
  /** Version of the C interface that the plugin was built with. */
  readonly version: { readonly major: number; readonly minor: number };
  readonly native: NativeAccess;
  readonly #functions = new Map<CallName, NativeFunction>();
  /** Structs that native code is reading: held here, so that they (and what they point to) outlive the call. */
  readonly #passed = new Set<Struct>();

  /**
   * Loads a plugin and initializes it.
   * @throws PluginError when the file is no shared library for this machine, or of another C interface.
   */
  constructor(path: string, native: NativeAccess = nativeAccess()) {
    this.path = path;
    this.native = native;
    checkLibrary(path);
    let table: bigint;
    try {
      table = native.loadAndCall(path, 'GetPjrtApi');
    } catch (cause) {
      throw new PluginError(`${path} can't be loaded as a PJRT plugin: ${(cause as Error).message}`, { cause });
    }
    if (table === 0n) throw new PluginError(`${path} gives no PJRT interface: its GetPjrtApi returned nothing`);
    const head = view(native.read(table, TABLE_OFFSET));
    const tableSize = Number(head.getBigUint64(0, true));
    this.version = { major: head.getInt32(32, true), minor: head.getInt32(36, true) };
    const built = `${this.version.major}.${this.version.minor}`;
    if (this.version.major !== headerVersion.major) {
      throw new PluginError(
        `${path} speaks version ${built} of PJRT's C interface; expected ${headerVersion.major}.x, as of ${headerVersion.major}.${headerVersion.minor}`,
      );
    }
    const addresses = view(native.read(table, tableSize));
    for (const name of Object.keys(structs) as StructName[]) {
      if (notCalls.includes(name)) continue;
      const offset = TABLE_OFFSET + 8 * functionOrder.indexOf(name);
      const address = offset + 8 <= tableSize ? addresses.getBigUint64(offset, true) : 0n;
      if (address === 0n) {
        if (optionalCalls.has(name)) continue;
        throw new PluginError(
          `${path} has no PJRT_${name} (its C interface is version ${built}, a table of ${tableSize} bytes); expected a newer plugin`,
        );
      }
      this.#functions.set(name as CallName, native.functionAt(address));
    }
    this.call(new Struct('Plugin_Initialize'));
  }

  /**
   * Calls a function with its struct and returns the struct.
   * @throws PjrtError with the plugin's code and message; PluginError when the plugin lacks a function that not all have.
   */
  call<Name extends CallName>(struct: Struct<Name>): Struct<Name> {
    this.#passed.add(struct as unknown as Struct);
    const error = this.#find(struct.name).call(struct.bytes);
    this.#passed.delete(struct as unknown as Struct);
    if (error !== 0n && !statusCalls.has(struct.name)) throw this.#errorOf(struct.name, error);
    return struct;
  }

  /** The same on a worker thread, for calls that wait for the device or compile. */
  async callAsync<Name extends CallName>(struct: Struct<Name>): Promise<Struct<Name>> {
    this.#passed.add(struct as unknown as Struct);
    const error = await this.#find(struct.name)
      .callAsync(struct.bytes)
      .finally(() => {
        this.#passed.delete(struct as unknown as Struct);
      });
    if (error !== 0n) throw this.#errorOf(struct.name, error);
    return struct;
  }

  #find(name: CallName): NativeFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw new PluginError(`${this.path} has no PJRT_${name}; expected a newer plugin`);
    return found;
  }

  /** Text at an address that the plugin gave. */
  text(address: bigint, byteLength: bigint): string {
    return new TextDecoder().decode(this.native.read(address, Number(byteLength)));
  }

  #errorOf(call: CallName, error: bigint): PjrtError {
    const message = this.call(new Struct('Error_Message', { error }));
    const code = this.call(new Struct('Error_GetCode', { error })).number('code');
    const text = this.text(message.word('message'), message.word('message_size'));
    this.call(new Struct('Error_Destroy', { error }));
    return new PjrtError(`PJRT_${call}`, codeNames.get(code) ?? `code ${code}`, text.trim());
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** ELF machine numbers by Node's name of the processor. */
const elfMachines: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  ia32: 3,
  arm: 40,
  ppc64: 21,
  riscv64: 243,
};

/** Bytes of an ELF header for 64 bits, and of one of the entries that say what is loaded of the file. */
const ELF_HEADER_BYTES = 64;
const ELF_PROGRAM_BYTES = 56;

/**
 * Looks at a file's headers before the loader does: its own message for a file of another processor says little, and a file that was cut short ends the process
 * by a signal, once a part that is missing is touched.
 * @throws PluginError naming what it is and what was expected.
 */
function checkLibrary(path: string): void {
  const header = new Uint8Array(ELF_HEADER_BYTES);
  let length: number;
  let size: number;
  let programs: Uint8Array;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, header, 0, header.length, 0);
      size = fstatSync(file).size;
      programs = readPrograms(file, view(header));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new PluginError(`${path} can't be read: ${(cause as Error).message}`, { cause });
  }
  if (process.platform !== 'linux') return;
  if (length < 20 || header[0] !== 0x7f || String.fromCharCode(...header.subarray(1, 4)) !== 'ELF') {
    throw new PluginError(`${path} is no shared library of Linux (its first bytes are no ELF header)`);
  }
  const machine = view(header).getUint16(18, true);
  const expected = elfMachines[process.arch];
  if (machine !== expected) {
    const name = Object.entries(elfMachines).find(([, number]) => number === machine)?.[0] ?? `ELF machine ${machine}`;
    throw new PluginError(`${path} is built for ${name}; this process runs on ${process.arch}`);
  }
  const needed = bytesOfPrograms(programs);
  if (needed > size) {
    throw new PluginError(
      `${path} is cut short: it has ${size} bytes, and its header tells of ${needed}; copy or fetch it again`,
    );
  }
}

/** The table of what is loaded of an ELF file; as much of it as there is. */
function readPrograms(file: number, header: DataView): Uint8Array {
  const isElf64 = header.getUint32(0, false) === 0x7f454c46 && header.getUint8(4) === 2;
  const count = isElf64 && header.getUint16(54, true) === ELF_PROGRAM_BYTES ? header.getUint16(56, true) : 0;
  const table = new Uint8Array(count * ELF_PROGRAM_BYTES);
  if (table.length > 0) readSync(file, table, 0, table.length, header.getBigUint64(32, true));
  return table;
}

/** How long the file must be for all that is loaded of it. */
function bytesOfPrograms(programs: Uint8Array): number {
  let needed = 0;
  for (let at = 0; at < programs.length; at += ELF_PROGRAM_BYTES) {
    const entry = view(programs.subarray(at, at + ELF_PROGRAM_BYTES));
    needed = Math.max(needed, Number(entry.getBigUint64(8, true) + entry.getBigUint64(32, true)));
  }
  return needed;
}
