// A small stream of random numbers (xorshift32 after a mix), so that a case of the fuzz is its seed.
export function randomFrom(seed) {
  let x = Math.imul((seed ^ 0x9e3779b9) >>> 0, 0x85ebca6b) >>> 0 || 1;
  const next = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  for (let i = 0; i < 8; i++) next();
  const below = (n) => next() % n;
  return {
    below,
    chance: (p) => next() / 2 ** 32 < p,
    pick: (list) => list[below(list.length)],
    byte: () => (next() >>> 11) & 255,
  };
}
