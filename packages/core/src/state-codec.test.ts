// States as JSON and tensors: what goes in comes out.
import { expect, it } from 'vitest';
import { decodeState, encodeState } from './state-codec.ts';

it('arrays keep apart whose paths read alike', () => {
  const state = {
    a: { b: Float32Array.of(1), "b'": Float32Array.of(4) },
    'a/b': Float32Array.of(2),
    "a/b'": Float32Array.of(3),
    c: [{ d: Int32Array.of(5) }],
    'c/0/d': Int32Array.of(6),
    numbers: [Number.NaN, Number.NEGATIVE_INFINITY, 0.5],
  };
  const { json, tensors } = encodeState(state);
  expect(decodeState(json, tensors)).toEqual(state);
});
