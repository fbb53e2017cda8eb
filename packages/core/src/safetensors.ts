// The safetensors file format (https://github.com/huggingface/safetensors): u64 little-endian header length, JSON header, raw little-endian data.
// Loading never evaluates anything. Checkpoints use it, so any other tool can read our parameters.
import { CorruptDataError, InvalidArgumentError, ShapeError } from './errors.ts';
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

const METADATA = '__metadata__';

/**
 * Encodes named tensors, sorted by name, with optional string metadata.
 * @throws ShapeError when a shape does not hold as many values as are given; InvalidArgumentError for an element type that the format lacks,
 *   a tensor named `__metadata__`, or metadata that are not strings.
 */
export function encodeSafetensors(tensors: NamedTensors, metadata?: Readonly<Record<string, string>>): Uint8Array {
  if (Object.hasOwn(tensors, METADATA))
    throw new InvalidArgumentError(`safetensors: no tensor can be named ${METADATA}`);
  // Wider element types first keeps every tensor aligned to its element size.
  const sorted = Object.entries(tensors).sort(([left, { data: a }], [right, { data: b }]) => {
    const width = b.BYTES_PER_ELEMENT - a.BYTES_PER_ELEMENT;
    return width !== 0 ? width : left < right ? -1 : 1;
  });
  const header: [string, unknown][] = [];
  if (metadata !== undefined) {
    for (const [key, value] of Object.entries(metadata)) {
      if (typeof value !== 'string') {
        throw new InvalidArgumentError(`safetensors: metadata "${key}" is ${String(value)}; expected a string`);
      }
    }
    header.push([METADATA, metadata]);
  }
  let offset = 0;
  for (const [name, { shape, data }] of sorted) {
    if (!shape.every(isSize) || elementCount(shape) !== data.length) {
      throw new ShapeError(`safetensors: tensor "${name}" of shape [${shape}] is given ${data.length} values`);
    }
    header.push([name, { dtype: formatOf(data), shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  // fromEntries makes every name a property of its own, `__proto__` too.
  let json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
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
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/** One tensor's line of the header, checked by itself. */
interface Extent {
  readonly name: string;
  readonly format: Format;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/**
 * Decodes a safetensors file. The arrays are copies.
 * @throws CorruptDataError when the header is not one, or the extents do not cover the data exactly: without gaps, overlaps or bytes left over,
 *   as the format demands.
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
  const header = parseHeader(bytes.subarray(8, 8 + headerLength));
  const data = bytes.subarray(8 + headerLength);
  const extents = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => extentOf(name, entry, data.length));
  requireCovering(extents, data.length);
  const tensors = extents.map(({ name, format, shape, from, to }): [string, TensorData] => {
    // Not bytes.slice: a Node Buffer's slice is a view, not a copy.
    const copy = Uint8Array.prototype.slice.call(data, from, to);
    return [name, { shape, data: new FORMATS[format](copy.buffer, 0, elementCount(shape)) }];
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadataOf(header) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CorruptDataError('safetensors: the header is not JSON', { cause });
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new CorruptDataError('safetensors: the header is not a JSON object');
  }
  return header as Record<string, unknown>;
}

function metadataOf(header: Record<string, unknown>): Record<string, string> {
  if (!Object.hasOwn(header, METADATA)) return {};
  const metadata = header[METADATA];
  const isMap = metadata !== null && typeof metadata === 'object' && !Array.isArray(metadata);
  if (!isMap || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new CorruptDataError(`safetensors: ${METADATA} is ${JSON.stringify(metadata)}; expected strings by name`);
  }
  return metadata as Record<string, string>;
}

function extentOf(name: string, entry: unknown, dataBytes: number): Extent {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<Record<string, unknown>>;
  const isKnown = typeof dtype === 'string' && Object.hasOwn(FORMATS, dtype);
  if (!isKnown || !Array.isArray(shape) || !shape.every(isSize) || !Array.isArray(offsets) || !offsets.every(isSize)) {
    throw new CorruptDataError(
      `safetensors: tensor "${name}" has dtype ${dtype}, shape ${JSON.stringify(shape)}, extent ${JSON.stringify(offsets)}; expected one of ${Object.keys(FORMATS).join(', ')} and integers of at least 0`,
    );
  }
  const format = dtype as Format;
  const [from, to] = offsets as [number, number];
  const byteLength = elementCount(shape) * FORMATS[format].BYTES_PER_ELEMENT;
  if (offsets.length !== 2 || to - from !== byteLength || to > dataBytes) {
    throw new CorruptDataError(
      `safetensors: tensor "${name}" of shape [${shape}] needs ${byteLength} bytes but spans ${offsets.join('..')} of ${dataBytes}`,
    );
  }
  return { name, format, shape, from, to };
}

function requireCovering(extents: readonly Extent[], dataBytes: number): void {
  let at = 0;
  for (const { name, from, to } of [...extents].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== at) {
      const fault = from < at ? 'overlaps the tensor before it' : `leaves bytes ${at}..${from} to no tensor`;
      throw new CorruptDataError(`safetensors: tensor "${name}" at ${from}..${to} ${fault}`);
    }
    at = to;
  }
  if (at !== dataBytes) {
    throw new CorruptDataError(`safetensors: ${dataBytes - at} bytes after the last tensor belong to none`);
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
