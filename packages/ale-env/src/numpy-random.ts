// NumPy's seeding and its PCG64 generator, as far as Gymnasium's Atari environments use them: so that `reset({ seed })` starts the very episode that Python
// starts. SeedSequence: O'Neill's mixing with NumPy's constants (numpy/random/bit_generator.pyx); PCG64 XSL-RR 128/64: O'Neill (2014).

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL_WORDS = 4;

/**
 * `numpy.random.SeedSequence(seed).generate_state(words)`: 32-bit words.
 * @param seed integer from 0 to 2^53 - 1
 */
export function seedSequence(seed: number, words: number): Uint32Array {
  const entropy = [seed >>> 0];
  if (seed > 0xffffffff) entropy.push(Math.floor(seed / 4294967296));
  const pool = new Uint32Array(POOL_WORDS);
  let hash = 0x43b0d7e5;
  const hashMix = (value: number): number => {
    let mixed = (value ^ hash) >>> 0;
    hash = Math.imul(hash, 0x931e8875) >>> 0;
    mixed = Math.imul(mixed, hash) >>> 0;
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  for (let index = 0; index < POOL_WORDS; index++) pool[index] = hashMix(entropy[index] ?? 0);
  for (let source = 0; source < POOL_WORDS; source++) {
    for (let target = 0; target < POOL_WORDS; target++) {
      if (source === target) continue;
      const mixed = (Math.imul(pool[target]!, 0xca01f9dd) - Math.imul(hashMix(pool[source]!), 0x4973f715)) >>> 0;
      pool[target] = mixed ^ (mixed >>> 16);
    }
  }
  let outputHash = 0x8b51f9dd;
  return Uint32Array.from({ length: words }, (_, index) => {
    let value = (pool[index % POOL_WORDS]! ^ outputHash) >>> 0;
    outputHash = Math.imul(outputHash, 0x58f38ded) >>> 0;
    value = Math.imul(value, outputHash) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

/** State of the generator as JSON: two 128-bit numbers in hexadecimal and the half of a draw kept for the next 32-bit one. */
export interface Pcg64State {
  readonly [key: string]: string | number | null;
  readonly state: string;
  readonly increment: string;
  readonly spareWord: number | null;
}

export interface Pcg64 {
  /** `Generator.integers(low, high)` for a range below 2^32: uniform in `[low, high)`. */
  integers(low: number, high: number): number;
  getState(): Pcg64State;
  setState(state: Pcg64State): void;
}

/** `numpy.random.Generator(numpy.random.PCG64(seed))`. */
export function pcg64(seed: number): Pcg64 {
  const words = seedSequence(seed, 8);
  const word64 = (index: number): bigint => (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!);
  let increment = ((((word64(2) << 64n) | word64(3)) << 1n) | 1n) & MASK128;
  let state = 0n;
  let spareWord: number | null = null;
  const advance = (): void => {
    state = (state * PCG_MULTIPLIER + increment) & MASK128;
  };
  advance();
  state = (state + ((word64(0) << 64n) | word64(1))) & MASK128;
  advance();

  const nextUint32 = (): number => {
    if (spareWord !== null) {
      const word = spareWord;
      spareWord = null;
      return word;
    }
    advance();
    const folded = ((state >> 64n) ^ state) & MASK64;
    const rotation = state >> 122n;
    const value = ((folded >> rotation) | (folded << ((64n - rotation) & 63n))) & MASK64;
    spareWord = Number(value >> 32n);
    return Number(value & 0xffffffffn);
  };
  return {
    integers: (low, high) => low + boundedUint32(nextUint32, high - low),
    getState: () => ({ state: state.toString(16), increment: increment.toString(16), spareWord }),
    setState(saved) {
      state = BigInt(`0x${saved.state}`);
      increment = BigInt(`0x${saved.increment}`);
      spareWord = saved.spareWord;
    },
  };
}

/** Lemire's unbiased bounded draw (2019), as both NumPy and libstdc++ do it: uniform in `[0, bound)`. */
export function boundedUint32(nextUint32: () => number, bound: number): number {
  const range = BigInt(bound);
  let product = BigInt(nextUint32()) * range;
  if ((product & 0xffffffffn) < range) {
    const threshold = ((1n << 32n) - range) % range;
    while ((product & 0xffffffffn) < threshold) product = BigInt(nextUint32()) * range;
  }
  return Number(product >> 32n);
}
