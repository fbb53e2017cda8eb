// safetensors: round trips of every element type, the layout other tools read, and refusal of anything that does not add up.
import { describe, expect, it } from 'vitest';
import { CorruptDataError, InvalidArgumentError } from './errors.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

describe('decodeSafetensors', () => {
  const tensors = {
    wide: { shape: [3], data: Float64Array.of(1, 2, 3) },
    narrow: { shape: [1, 2], data: Uint8Array.of(7, 8) },
  };

  it('gives back what was encoded, with metadata', () => {
    const decoded = decodeSafetensors(encodeSafetensors(tensors, { made: 'here' }));
    expect(decoded).toEqual({ tensors, metadata: { made: 'here' } });
  });

  it('copies out of a Node Buffer that shares its memory with others', () => {
    const encoded = encodeSafetensors(tensors);
    const pool = Buffer.alloc(encoded.length + 100, 0xff);
    pool.set(encoded, 40);
    const view = pool.subarray(40, 40 + encoded.length);
    const decoded = decodeSafetensors(view);
    pool.fill(0);
    expect(decoded.tensors).toEqual(tensors);
  });

  it('refuses bytes that are cut off', () => {
    const encoded = encodeSafetensors(tensors);
    expect(() => decodeSafetensors(encoded.subarray(0, encoded.length - 1))).toThrow(/narrow/);
    expect(() => decodeSafetensors(encoded.subarray(0, 5))).toThrow(/5 bytes/);
  });

  it('keeps every element type, values and shape, also of no elements', () => {
    const all = {
      f64: { shape: [2], data: Float64Array.of(Math.PI, -0) },
      f32: { shape: [1, 3], data: Float32Array.of(1.5, Number.NaN, Number.POSITIVE_INFINITY) },
      i32: { shape: [2], data: Int32Array.of(-(2 ** 31), 7) },
      u32: { shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
      i16: { shape: [1], data: Int16Array.of(-5) },
      u16: { shape: [1], data: Uint16Array.of(65535) },
      i8: { shape: [3], data: Int8Array.of(-1, 0, 1) },
      u8: { shape: [], data: Uint8Array.of(9) },
      none: { shape: [0, 4], data: new Float32Array(0) },
    };
    expect(decodeSafetensors(encodeSafetensors(all)).tensors).toEqual(all);
    expect(decodeSafetensors(encodeSafetensors({}))).toEqual({ tensors: {}, metadata: {} });
  });

  it('writes the layout that other tools read: header length, JSON, aligned data', () => {
    const bytes = encodeSafetensors(tensors);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect((8 + length) % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      wide: { dtype: 'F64', shape: [3], data_offsets: [0, 24] },
      narrow: { dtype: 'U8', shape: [1, 2], data_offsets: [24, 26] },
    });
  });

  it('refuses headers that are not what they claim', () => {
    const file = (header: string, data = 0) => {
      const json = new TextEncoder().encode(header);
      const bytes = new Uint8Array(8 + json.length + data);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
      bytes.set(json, 8);
      return bytes;
    };
    const entry = (change: object) =>
      file(JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...change } }), 8);
    expect(decodeSafetensors(entry({})).tensors.a!.shape).toEqual([2]);
    for (const bad of [
      file('{'),
      file('null'),
      file('[1]'),
      file('{"a":null}'),
      entry({ dtype: 'BF16' }),
      entry({ dtype: 'constructor' }),
      entry({ shape: [3] }),
      entry({ shape: 'x' }),
      entry({ data_offsets: [-8, 0] }),
      entry({ data_offsets: [8, 16] }),
      entry({ data_offsets: [0] }),
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 0),
    ]) {
      expect(() => decodeSafetensors(bad)).toThrow(CorruptDataError);
    }
    const odd = { shape: [1], data: new Uint8ClampedArray(1) as unknown as Uint8Array };
    expect(() => encodeSafetensors({ odd })).toThrow(InvalidArgumentError);
  });
});
