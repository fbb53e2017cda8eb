// Values between JavaScript and the device: booleans take a word each there, bytes lie four to a word.
import type { ElementType } from '@moe-rl/tfjs-graph/tracing';
import { DeviceError } from '../errors.ts';
import { byteLengthOf, type Node } from '../graph/node.ts';
import { bufferUsage, type GpuBuffer, type GpuDevice } from './gpu.ts';

export type HostArray = Float32Array | Int32Array | Uint8Array;
type Described = Pick<Node, 'size' | 'type'>;

/** A buffer that kernels use and that is copied from and to. */
export function makeBuffer(device: GpuDevice, byteLength: number): GpuBuffer {
  const { maxStorageBufferBindingSize } = device.limits;
  if (byteLength > maxStorageBufferBindingSize) {
    throw new DeviceError(
      `a tensor takes ${byteLength} bytes; this device binds at most ${maxStorageBufferBindingSize}: take a smaller batch or network`,
    );
  }
  const { STORAGE, COPY_SRC, COPY_DST } = bufferUsage;
  return device.createBuffer({ size: byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
}

/** Copies values to a buffer, as of now: the caller may change them afterwards. */
export function upload(
  device: GpuDevice,
  buffer: GpuBuffer,
  values: ArrayLike<number>,
  { size, type }: Described,
): void {
  if (size === 0) return;
  device.queue.writeBuffer(buffer, 0, encoded(values, { size, type }));
}

function encoded(values: ArrayLike<number>, { size, type }: Described): ArrayBufferView {
  if (type === 'f32') return values instanceof Float32Array ? values : Float32Array.from(values);
  if (type === 'i32') return values instanceof Int32Array ? values : Int32Array.from(values);
  if (type !== 'ui8') return Uint32Array.from(values, (value) => (type === 'i1' ? Number(value !== 0) : value));
  if (size % 4 === 0 && values instanceof Uint8Array) return values;
  const padded = new Uint8Array(byteLengthOf({ size, type }));
  padded.set(values);
  return padded;
}

/** Values of the bytes that were read back. */
export function decoded(bytes: ArrayBuffer, offset: number, size: number, type: ElementType): HostArray {
  if (type === 'f32') return new Float32Array(bytes, offset, size);
  if (type === 'i32') return new Int32Array(bytes, offset, size);
  if (type === 'ui8') return new Uint8Array(bytes, offset, size);
  return Uint8Array.from(new Uint32Array(bytes, offset, size));
}
