// The safetensors file format (https://github.com/huggingface/safetensors): u64 little-endian header length, JSON header, raw little-endian data.
// Loading never evaluates anything. Checkpoints use it, so any other tool can read our parameters.
import { CorruptDataError, InvalidArgumentError } from './errors.ts';
import { elementCount, type NamedTensors, type TensorData, type TypedArray } from './tensor-data.ts';

const FORMATS = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
  I8: Int8Array,
  I16: Int16Array,
  U16: Uint16Array,
} as const;
type Format = keyof typeof FORMATS;

function formatOf(data: TypedArray): Format {
  for (const [format, Elements] of Object.entries(FORMATS)) {
    if (data instanceof Elements) return format as Format;
  }
  throw new InvalidArgumentError(`safetensors: can't store a ${Object.prototype.toString.call(data)}`);
}

/** Encodes named tensors, sorted by name, with optional string metadata. */
export function encodeSafetensors(tensors: NamedTensors, metadata?: Readonly<Record<string, string>>): Uint8Array {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  // Wider element types first keeps every tensor aligned to its element size.
  const names = Object.keys(tensors).sort((left, right) => {
    const width = tensors[right]!.data.BYTES_PER_ELEMENT - tensors[left]!.data.BYTES_PER_ELEMENT;
    return width !== 0 ? width : left < right ? -1 : 1;
  });
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors[name] as TensorData;
    header[name] = { dtype: formatOf(data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let json = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (json.length % 8)) % 8;
  if (padding > 0) {
    const padded = new Uint8Array(json.length + padding).fill(0x20);
    padded.set(json);
    json = padded;
  }
  const bytes = new Uint8Array(8 + json.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let position = 8 + json.length;
  for (const name of names) {
    const { data } = tensors[name] as TensorData;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Decodes a safetensors file. The arrays are copies.
 * @throws CorruptDataError when the header or an extent does not fit the bytes.
 */
export function decodeSafetensors(bytes: Uint8Array): {
  readonly tensors: NamedTensors;
  readonly metadata: Readonly<Record<string, string>>;
} {
  if (bytes.length < 8) throw new CorruptDataError(`safetensors: ${bytes.length} bytes; expected at least 8`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (headerLength > bytes.length - 8) {
    throw new CorruptDataError(`safetensors: header of ${headerLength} bytes in a file of ${bytes.length}`);
  }
  let header: Record<string, { dtype: Format; shape: number[]; data_offsets: [number, number] }>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  } catch (cause) {
    throw new CorruptDataError('safetensors: the header is not JSON', { cause });
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new CorruptDataError('safetensors: the header is not a JSON object');
  }
  const tensors: NamedTensors = {};
  let metadata: Record<string, string> = {};
  const dataStart = 8 + headerLength;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = entry as unknown as Record<string, string>;
      continue;
    }
    const Elements = FORMATS[entry?.dtype];
    const [from, to] = entry?.data_offsets ?? [];
    if (Elements === undefined || !Array.isArray(entry.shape) || from === undefined || to === undefined) {
      throw new CorruptDataError(`safetensors: tensor "${name}" has dtype ${entry?.dtype}, shape or extent missing`);
    }
    const byteLength = elementCount(entry.shape) * Elements.BYTES_PER_ELEMENT;
    if (to - from !== byteLength || from < 0 || dataStart + to > bytes.length) {
      throw new CorruptDataError(
        `safetensors: tensor "${name}" of shape [${entry.shape}] needs ${byteLength} bytes but spans ${from}..${to} of ${bytes.length - dataStart}`,
      );
    }
    // Not bytes.slice: a Node Buffer's slice is a view, not a copy.
    const copy = Uint8Array.prototype.slice.call(bytes, dataStart + from, dataStart + to);
    tensors[name] = { shape: entry.shape, data: new Elements(copy.buffer, 0, elementCount(entry.shape)) };
  }
  return { tensors, metadata };
}
