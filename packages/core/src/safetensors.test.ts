import { describe, expect, it } from 'vitest';
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
});
