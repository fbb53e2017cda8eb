// XLA's compile options as the serialized protobuf that the C interface takes: one replica, one partition, and options of XLA by name.
import { InvalidArgumentError } from '@moe-rl/core';

/** Options of XLA by name (`xla_cpu_...`, `xla_gpu_...`). Integers and booleans and strings. */
export type XlaOptions = Readonly<Record<string, string | boolean | number>>;

/**
 * CompileOptionsProto { executable_build_options = 3 { num_replicas = 4, num_partitions = 5 }, env_option_overrides = 7: map of name to
 * OptionOverrideProto { string_field = 1, bool_field = 2, int_field = 3, double_field = 4 } }.
 * @throws InvalidArgumentError for a negative or fractional number
 */
export function encodeCompileOptions(options: XlaOptions = {}): Uint8Array {
  const build = [...integer(4, 1), ...integer(5, 1)];
  const bytes = message(3, build);
  for (const [name, value] of Object.entries(options)) {
    const encoded = typeof value === 'string' ? message(1, utf8(value)) : optionValue(name, value);
    bytes.push(...message(7, [...message(1, utf8(name)), ...message(2, encoded)]));
  }
  return Uint8Array.from(bytes);
}

function optionValue(name: string, value: boolean | number): number[] {
  if (typeof value === 'boolean') return integer(2, Number(value));
  if (!Number.isInteger(value) || value < 0) {
    throw new InvalidArgumentError(`the option ${name} is ${value}; expected an integer of at least 0`);
  }
  return integer(3, value);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return bytes;
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

function utf8(text: string): number[] {
  return Array.from(new TextEncoder().encode(text));
}
