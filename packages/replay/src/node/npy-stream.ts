// Reads a gzipped NumPy array (.npy) from front to back without holding it in memory.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CorruptDataError, elementCount } from '@moe-rl/core';

/** NumPy's own headers are some hundred bytes. */
const MAXIMUM_HEADER_BYTES = 65_536;

const READERS: Readonly<Record<string, { bytes: number; read: (view: DataView, offset: number) => number }>> = {
  '|u1': { bytes: 1, read: (view, offset) => view.getUint8(offset) },
  '|b1': { bytes: 1, read: (view, offset) => view.getUint8(offset) },
  '|i1': { bytes: 1, read: (view, offset) => view.getInt8(offset) },
  '<i4': { bytes: 4, read: (view, offset) => view.getInt32(offset, true) },
  '<i8': { bytes: 8, read: (view, offset) => Number(view.getBigInt64(offset, true)) },
  '<f4': { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
  '<f8': { bytes: 8, read: (view, offset) => view.getFloat64(offset, true) },
};

export interface NpyStream {
  /** Shape of the array; rows run along the first axis. */
  readonly shape: readonly number[];
  /** NumPy's name of the element type, `|u1` for bytes. */
  readonly dtype: string;
  /** The next `count` rows (or the value of a scalar) as numbers. */
  read(count: number): Promise<Float64Array>;
  /** The next `count` rows as they lie in the file. */
  readBytes(count: number): Promise<Uint8Array>;
  /** Reads on to the end, where the compressed stream's checksum is: for whoever has read all rows. @throws CorruptDataError when more follows. */
  finish(): Promise<void>;
  close(): void;
}

/** @throws CorruptDataError when it is no such file, its element type is not a plain number, or it ends early. File system errors come as they are. */
export async function openNpy(path: string): Promise<NpyStream> {
  const file = createReadStream(path);
  const gunzip = file.pipe(createGunzip());
  file.on('error', (error) => gunzip.destroy(error));
  const chunks = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;

  const nextChunk = async (): Promise<IteratorResult<Buffer>> => {
    try {
      return await chunks.next();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
      throw new CorruptDataError(`${path} is not gzip, or is cut off`, { cause });
    }
  };
  const take = async (length: number): Promise<Uint8Array> => {
    while (waitingBytes < length) {
      const next = await nextChunk();
      if (next.done) throw new CorruptDataError(`${path} ends after ${waitingBytes} of ${length} bytes`);
      waiting.push(next.value);
      waitingBytes += next.value.length;
    }
    const result = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const head = waiting[0]!;
      const used = Math.min(head.length, length - filled);
      result.set(head.subarray(0, used), filled);
      filled += used;
      if (used === head.length) waiting = waiting.slice(1);
      else waiting[0] = head.subarray(used);
    }
    waitingBytes -= length;
    return result;
  };

  const readHeader = async () => {
    const start = await take(10);
    if (String.fromCharCode(...start.subarray(0, 6)) !== '\u0093NUMPY' || start[6]! < 1 || start[6]! > 3) {
      throw new CorruptDataError(`${path} holds no NumPy array`);
    }
    // Version 1 has a header length of two bytes, later ones of four.
    const isLong = start[6]! > 1;
    const rest = isLong ? await take(2) : new Uint8Array(2);
    const headerBytes = start[8]! + 256 * start[9]! + 65536 * (rest[0]! + 256 * rest[1]!);
    if (headerBytes > MAXIMUM_HEADER_BYTES) {
      throw new CorruptDataError(
        `${path} has a header of ${headerBytes} bytes; expected ${MAXIMUM_HEADER_BYTES} at most`,
      );
    }
    return parseHeader(path, new TextDecoder().decode(await take(headerBytes)));
  };
  let header: Awaited<ReturnType<typeof readHeader>>;
  try {
    header = await readHeader();
  } catch (error) {
    gunzip.destroy();
    throw error;
  }
  const { shape, dtype, reader } = header;
  const rowElements = elementCount(shape.slice(1));
  let rowsLeft = shape[0] ?? 1;
  const readBytes = (count: number) => {
    rowsLeft -= count;
    if (rowsLeft < 0)
      throw new CorruptDataError(`${path} holds an array of [${shape}]; ${-rowsLeft} rows more were asked for`);
    return take(count * rowElements * reader.bytes);
  };
  return {
    shape,
    dtype,
    readBytes,
    async read(count) {
      const bytes = await readBytes(count);
      const view = new DataView(bytes.buffer);
      return Float64Array.from({ length: count * rowElements }, (_, index) => reader.read(view, index * reader.bytes));
    },
    async finish() {
      for (let next = await nextChunk(); !next.done; next = await nextChunk()) waitingBytes += next.value.length;
      if (waitingBytes > 0) throw new CorruptDataError(`${path}: ${waitingBytes} bytes follow the array of [${shape}]`);
    },
    close: () => gunzip.destroy(),
  };
}

function parseHeader(path: string, header: string) {
  const dtype = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const reader = Object.hasOwn(READERS, dtype) ? READERS[dtype] : undefined;
  if (reader === undefined || shapeText === undefined || !/'fortran_order':\s*False/.test(header)) {
    throw new CorruptDataError(
      `${path} holds an array that is not of plain numbers in row-major order: ${header.trim()}`,
    );
  }
  const sizes = shapeText.split(',').map((part) => part.trim());
  if (sizes.at(-1) === '') sizes.pop();
  const shape = sizes.map(Number);
  if (!sizes.every((size) => /^\d+$/.test(size)) || !Number.isSafeInteger(elementCount(shape) * reader.bytes)) {
    throw new CorruptDataError(`${path} holds an array of shape (${shapeText}); expected whole numbers`);
  }
  return { dtype, shape, reader };
}
