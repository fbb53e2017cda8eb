// Named, seeded random streams. One run seed and a name give one stream, so adding a consumer never shifts another's numbers, and every stream can be
// saved and restored. The generator is xoshiro128** (Blackman and Vigna, 2018), seeded through splitmix32 from the seed and the name's FNV-1a hash.
import { CheckpointError, requireInteger } from './errors.ts';

/** Four 32-bit words, and the spare normal draw if there is one. */
export interface RngState {
  readonly [key: string]: number | null | readonly number[];
  readonly words: readonly number[];
  readonly spareNormal: number | null;
}

export interface Rng {
  /** Uniform integer in `[0, 2^32)`. */
  nextUint32(): number;
  /** Uniform in `[0, 1)`, 53 bits. */
  nextFloat(): number;
  /** Uniform integer in `[0, bound)`, without modulo bias. `bound` is from 1 to 2^32. */
  nextInteger(bound: number): number;
  /** Standard normal (polar Box-Muller). */
  nextNormal(): number;
  /** An independent stream derived from this stream's seed and name (not from its position). */
  fork(name: string): Rng;
  getState(): RngState;
  /** @throws CheckpointError when the state is not one of this generator. */
  setState(state: RngState): void;
}

/**
 * Makes the stream `name` of `seed`.
 * @param seed integer from 0 to 2^53 - 1
 */
export function createRng(seed: number, name = ''): Rng {
  requireInteger('seed', seed, 0);
  let words = seedWords(seed, name);
  let spareNormal: number | null = null;

  const nextUint32 = (): number => {
    const [a, b, c, d] = words as unknown as [number, number, number, number];
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const c2 = c ^ a;
    const d2 = d ^ b;
    words[1] = b ^ c2;
    words[0] = a ^ d2;
    words[2] = c2 ^ (b << 9);
    words[3] = (d2 << 11) | (d2 >>> 21);
    return result;
  };
  const nextFloat = (): number => {
    const high = nextUint32() >>> 5;
    const low = nextUint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  };

  return {
    nextUint32,
    nextFloat,
    nextInteger(bound) {
      requireInteger('bound', bound, 1, 4294967296);
      const limit = 4294967296 - (4294967296 % bound);
      let value = nextUint32();
      while (value >= limit) value = nextUint32();
      return value % bound;
    },
    nextNormal() {
      if (spareNormal !== null) {
        const value = spareNormal;
        spareNormal = null;
        return value;
      }
      for (;;) {
        const u = 2 * nextFloat() - 1;
        const v = 2 * nextFloat() - 1;
        const square = u * u + v * v;
        if (square > 0 && square < 1) {
          const factor = Math.sqrt((-2 * Math.log(square)) / square);
          spareNormal = v * factor;
          return u * factor;
        }
      }
    },
    fork: (child) => createRng(seed, `${name}/${child}`),
    getState: () => ({ words: Array.from(words, (word) => word >>> 0), spareNormal }),
    setState(state) {
      if (!Array.isArray(state?.words) || state.words.length !== 4 || !state.words.every(isWord)) {
        throw new CheckpointError(`random stream "${name}": state has no four words; expected { words, spareNormal }`);
      }
      // From there the generator never comes to another number.
      if (state.words.every((word) => word === 0)) {
        throw new CheckpointError(`random stream "${name}": all four words are 0; expected at least one other`);
      }
      const spare = state.spareNormal ?? null;
      if (spare !== null && !Number.isFinite(spare)) {
        throw new CheckpointError(
          `random stream "${name}": spareNormal is ${JSON.stringify(spare) ?? String(spare)}; expected a finite number or null`,
        );
      }
      words = Uint32Array.from(state.words);
      spareNormal = spare;
    },
  };
}

function isWord(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}

function seedWords(seed: number, name: string): Uint32Array {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  const low = seed >>> 0;
  const high = Math.floor(seed / 4294967296) >>> 0;
  let state = (Math.imul(low ^ hash, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b) ^ hash) >>> 0;
  const words = new Uint32Array(4);
  for (let index = 0; index < 4; index++) {
    state = (state + 0x9e3779b9 + (index === 1 ? low : index === 2 ? hash : index === 3 ? high : 0)) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    words[index] = mixed ^ (mixed >>> 15);
  }
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}
