// safetensors: round trips of every element type, the layout other tools read, and refusal of anything that does not add up.
import { describe, expect, it } from 'vitest';
import { CorruptDataError, InvalidArgumentError, ShapeError } from './errors.ts';
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
    const two = (a: object, b: object, data = 8) =>
      file(JSON.stringify({ a: { dtype: 'U8', shape: [4], ...a }, b: { dtype: 'U8', shape: [4], ...b } }), data);
    const apart = two({ data_offsets: [4, 8] }, { data_offsets: [0, 4] });
    expect(Object.keys(decodeSafetensors(apart).tensors)).toEqual(['a', 'b']);
    const refused: [Uint8Array, RegExp][] = [
      [entry({ shape: [-1, -2] }), /"a" .*shape \[-1,-2\].*at least 0/],
      [entry({ shape: [0.5, 4] }), /"a" .*shape \[0.5,4\]/],
      [entry({ shape: ['2'] }), /"a" .*at least 0/],
      [entry({ shape: [1e300] }), /"a"/],
      [entry({ data_offsets: [0.5, 8.5] }), /extent \[0.5,8.5\]/],
      [entry({ data_offsets: [0, 8, 9] }), /spans 0..8..9/],
      [two({ data_offsets: [0, 4] }, { data_offsets: [0, 4] }, 4), /overlaps/],
      [two({ data_offsets: [0, 4] }, { data_offsets: [2, 6] }, 6), /"b" at 2..6 overlaps/],
      [two({ data_offsets: [0, 4] }, { data_offsets: [5, 9] }, 9), /bytes 4..5 to no tensor/],
      [two({ data_offsets: [0, 4] }, { data_offsets: [4, 8] }, 10), /2 bytes after the last tensor/],
      [file('{}', 3), /3 bytes after/],
      // A name given twice: the first extent would be nobody's.
      [
        file(
          '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
          2,
        ),
        /to no tensor/,
      ],
      [file('{"__metadata__":{"a":1}}'), /__metadata__/],
      [file('{"__metadata__":null}'), /__metadata__/],
      [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 255), /not JSON/],
    ];
    for (const [bad, message] of refused) {
      expect(() => decodeSafetensors(bad)).toThrow(CorruptDataError);
      expect(() => decodeSafetensors(bad)).toThrow(message);
    }
    const odd = { shape: [1], data: new Uint8ClampedArray(1) as unknown as Uint8Array };
    expect(() => encodeSafetensors({ odd })).toThrow(InvalidArgumentError);
  });

  it('keeps names that every object has', () => {
    const tensors = Object.fromEntries(
      ['__proto__', 'constructor', 'toString'].map((name, i) => [name, { shape: [1], data: Uint8Array.of(i) }]),
    );
    const { tensors: back, metadata } = decodeSafetensors(encodeSafetensors(tensors, { made: 'here' }));
    expect(Object.entries(back)).toEqual(Object.entries(tensors));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(metadata).toEqual({ made: 'here' });
  });

  it('are refused before anything is written when they don’t add up', () => {
    const data = Uint8Array.of(1, 2);
    expect(() => encodeSafetensors({ a: { shape: [3], data } })).toThrow(ShapeError);
    expect(() => encodeSafetensors({ a: { shape: [-1, -2], data } })).toThrow(ShapeError);
    expect(() => encodeSafetensors({ __metadata__: { shape: [2], data } })).toThrow(InvalidArgumentError);
    expect(() => encodeSafetensors({}, { a: 1 as unknown as string })).toThrow(/metadata "a"/);
  });
});
