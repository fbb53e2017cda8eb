// The Mersenne Twister mt19937 (Matsumoto and Nishimura, 1998) and libstdc++'s integers from it: what `ale_py.AtariVectorEnv` draws its no-ops from.
import { boundedUint32 } from './numpy-random.ts';

const WORDS = 624;
const SHIFT = 397;

export interface Mt19937 {
  nextUint32(): number;
  getState(): { readonly words: Uint32Array; readonly position: number };
  setState(state: { readonly words: Uint32Array; readonly position: number }): void;
}

/** `std::mt19937(seed)`. */
export function mt19937(seed: number): Mt19937 {
  let words = new Uint32Array(WORDS);
  words[0] = seed;
  for (let index = 1; index < WORDS; index++) {
    const before = words[index - 1]! ^ (words[index - 1]! >>> 30);
    words[index] = Math.imul(before, 1812433253) + index;
  }
  let position = WORDS;
  const refill = (): void => {
    for (let index = 0; index < WORDS; index++) {
      const joined = (words[index]! & 0x80000000) | (words[(index + 1) % WORDS]! & 0x7fffffff);
      words[index] = words[(index + SHIFT) % WORDS]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    position = 0;
  };
  return {
    nextUint32() {
      if (position >= WORDS) refill();
      let value = words[position++]!;
      value ^= value >>> 11;
      value ^= (value << 7) & 0x9d2c5680;
      value ^= (value << 15) & 0xefc60000;
      return (value ^ (value >>> 18)) >>> 0;
    },
    getState: () => ({ words: words.slice(), position }),
    setState(state) {
      words = Uint32Array.from(state.words);
      position = state.position;
    },
  };
}

/** `std::uniform_int_distribution<int>(0, bound - 1)` of libstdc++. */
export function uniformInteger(twister: Mt19937, bound: number): number {
  return boundedUint32(twister.nextUint32, bound);
}
