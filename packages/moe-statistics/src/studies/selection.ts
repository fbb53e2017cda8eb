// How many experts and of which degree BIC chooses as samples come in.
import { polynomialMixture } from '../polynomial-mixture/index.ts';
import type { StudyDefinition } from './study.ts';

const DEGREES = [0, 1, 2, 3];
const MOST_EXPERTS = 8;
const VARIANCE = 1;

export const selectionStudy: StudyDefinition = {
  name: 'selection',
  title: 'Choice of m and k by BIC',
  description:
    'y = sin(2 pi x) + N(0, 1), x uniform on [0, 1]; for each degree k the number m of experts with the lowest BIC (m grows until BIC has risen twice), and the best pair. Theory: with degree k, approximation m^(-2 (k + 1)) against estimation m ln(n) / n gives m of the order (n / ln n)^(1 / (2 k + 3)); and higher degrees pay sooner or later, since the sine is smooth.',
  notes: [
    'm is a small whole number, so that its slope is coarse; what is predicted is that it grows, and faster for lower degrees.',
    'The second table says which m the same criterion would choose without noise: n times the approximation error in equal bins, and the penalty. With degree 1 a sine, which rises, falls and rises, goes from one line to three at once, and then stays: over the n of this study the steps alone are steeper than the power that they follow in the long run, and so is what was measured.',
    'A fit with m experts starts from 3 random partitions of x: a better maximum may be missed now and then, for large m rather than for small.',
  ],
  settings: ['sine'],
  plan: [
    { size: 50, repeats: 12 },
    { size: 200, repeats: 12 },
    { size: 800, repeats: 12 },
    { size: 3200, repeats: 6 },
  ],
  series: [
    ...DEGREES.map((degree) => ({
      setting: 'sine',
      value: `experts, k=${degree}`,
      label: `m chosen with degree ${degree}`,
      axis: 'n/log(n)' as const,
      theory: 1 / (2 * degree + 3),
    })),
    { setting: 'sine', value: 'degree', label: 'k chosen with m', axis: 'n', theory: null },
    { setting: 'sine', value: 'experts', label: 'm chosen with k', axis: 'n', theory: null },
  ],
  run({ size }, rng) {
    const x = Float64Array.from({ length: size }, () => rng.nextFloat());
    const y = x.map((value) => Math.sin(2 * Math.PI * value) + Math.sqrt(VARIANCE) * rng.nextNormal());
    const seed = rng.nextUint32();
    const values: Record<string, number> = {};
    let best = Number.POSITIVE_INFINITY;
    for (const degree of DEGREES) {
      let lowest = Number.POSITIVE_INFINITY;
      for (let experts = 1, risen = 0; experts <= MOST_EXPERTS && risen < 2; experts++) {
        const { bic } = polynomialMixture.fit(
          { x, y },
          {
            experts,
            degree,
            family: { type: 'gaussian', variance: VARIANCE },
            starts: 3,
            shortIterations: 15,
            maxIterations: 150,
            seed,
          },
        );
        risen = bic < lowest ? 0 : risen + 1;
        if (bic < lowest) {
          lowest = bic;
          values[`experts, k=${degree}`] = experts;
        }
        if (bic < best) {
          best = bic;
          values['degree'] = degree;
          values['experts'] = experts;
        }
      }
    }
    return values;
  },
};
