// What a compilation is given and what it tells, whether for the client's device or for a card that is only described.
import type { Api } from '../c-api/api.ts';
import { Struct } from '../c-api/struct.ts';
import { encodeCompileOptions, type XlaOptions } from './compile-options.ts';

/** Bytes that a compiled function needs on the device. */
export interface ExecutableMemory {
  readonly argumentBytes: number;
  readonly outputBytes: number;
  /** Of the outputs, those that take over an argument's memory. */
  readonly aliasBytes: number;
  readonly temporaryBytes: number;
}

/**
 * The arguments that `Client_Compile` and `Compile` share.
 * @param text the function as StableHLO
 * @returns their members, and the memory that they point to, which must live as long as the call
 * @throws InvalidArgumentError for options that can't be encoded
 */
export function compileArguments({ native }: Api, text: string, options: XlaOptions) {
  const code = new TextEncoder().encode(text);
  const format = new TextEncoder().encode('mlir');
  const encoded = encodeCompileOptions(options);
  const program = new Struct('Program', {
    code: native.addressOf(code),
    code_size: code.length,
    format: native.addressOf(format),
    format_size: format.length,
  });
  const members = {
    program: native.addressOf(program.bytes),
    compile_options: native.addressOf(encoded),
    compile_options_size: encoded.length,
  };
  return { members, keep: [code, format, encoded, program] };
}

/**
 * What an executable needs on the device; it is destroyed afterwards.
 * @param executable a handle of an executable that is not loaded
 * @throws PjrtError where the plugin doesn't tell
 */
export function takeMemory(api: Api, executable: bigint): ExecutableMemory {
  try {
    const stats = api.call(new Struct('Executable_GetCompiledMemoryStats', { executable }));
    return {
      argumentBytes: Number(stats.word('argument_size_in_bytes')),
      outputBytes: Number(stats.word('output_size_in_bytes')),
      aliasBytes: Number(stats.word('alias_size_in_bytes')),
      temporaryBytes: Number(stats.word('temp_size_in_bytes')),
    };
  } finally {
    api.call(new Struct('Executable_Destroy', { executable }));
  }
}
