// Values printed by NumPy 2.4.6: SeedSequence(seed).generate_state(4) and 12 times Generator(PCG64(seed)).integers(1, 31).
import { describe, expect, it } from 'vitest';
import { pcg64, seedSequence } from './numpy-random.ts';

const NUMPY: [seed: number, state: number[], integers: number[]][] = [
  [0, [2968811710, 3677149159, 745650761, 2884920346], [26, 20, 16, 9, 10, 2, 3, 1, 6, 25, 20, 28]],
  [42, [3444837047, 2669555309, 2046530742, 3581440988], [3, 24, 20, 14, 13, 26, 3, 21, 7, 3, 16, 30]],
  [3444837047, [1594968325, 3519718973, 1668761743, 857872974], [11, 29, 18, 22, 1, 15, 11, 27, 7, 18, 14, 22]],
  [1099511627781, [3767146251, 3672381269, 2127416108, 2216012776], [1, 1, 14, 12, 28, 18, 27, 5, 1, 13, 27, 30]],
];

describe('NumPy random numbers', () => {
  it.each(NUMPY)('seed %d', (seed, state, integers) => {
    expect([...seedSequence(seed, 4)]).toEqual(state);
    const generator = pcg64(seed);
    expect(Array.from({ length: 12 }, () => generator.integers(1, 31))).toEqual(integers);
  });

  it('goes on from a saved state, the kept half of a draw included', () => {
    const generator = pcg64(7);
    generator.integers(0, 10);
    const copy = pcg64(0);
    copy.setState(JSON.parse(JSON.stringify(generator.getState())));
    for (let draw = 0; draw < 5; draw++) expect(copy.integers(0, 1000)).toBe(generator.integers(0, 1000));
  });
});
