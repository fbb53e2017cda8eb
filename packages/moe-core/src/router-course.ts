// How a router's choices for a fixed batch of tokens change over training (Nguyen et al., 2025, appendix H), for any number of experts per token: every choice
// is a bit, so that hundreds of checkpoints take little room.
import { ShapeError } from '@moe-rl/core';

/**
 * Choices [N, E], anything but 0 for "expert e is one of token i's", as bits.
 * @returns row-major, the first in the lowest bit; ceil(N E / 8) bytes
 */
export function packChoices(choices: ArrayLike<number>): Uint8Array {
  const packed = new Uint8Array(Math.ceil(choices.length / 8));
  for (let index = 0; index < choices.length; index++)
    if (choices[index] !== 0) packed[index >> 3]! |= 1 << (index & 7);
  return packed;
}

/**
 * Share of the choices in `packed` that are in `other` too, from 0 to 1; 1 where there are none. For one expert number per token this is the mean over tokens of
 * the share of experts in common. Towards the last checkpoint it is the saturation, towards the one before 1 - change rate.
 * @throws ShapeError for choices of another number of tokens
 */
export function sharedChoices(packed: Uint8Array, other: Uint8Array): number {
  if (packed.length !== other.length)
    throw new ShapeError(`choices have ${packed.length} and ${other.length} bytes; expected those of the same tokens`);
  let all = 0;
  let shared = 0;
  for (let index = 0; index < packed.length; index++) {
    all += bitCount(packed[index]!);
    shared += bitCount(packed[index]! & other[index]!);
  }
  return all === 0 ? 1 : shared / all;
}

/** Choices per expert [E], of packed choices of that many experts. */
export function choicesPerExpert(packed: Uint8Array, numExperts: number): number[] {
  const counts = new Array<number>(numExperts).fill(0);
  for (let index = 0; index < packed.length; index++) {
    for (let bit = 0; bit < 8; bit++) if ((packed[index]! >> bit) & 1) counts[(8 * index + bit) % numExperts]!++;
  }
  return counts;
}

function bitCount(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}
