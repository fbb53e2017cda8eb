// How well m polynomials of degree k can approximate a smooth mean: deterministic, the limit of steep gates.
import { approximationDivergence } from '../convergence-bound.ts';
import type { StudyDefinition } from './study.ts';

const DEGREES = [0, 1, 2];

export const approximationStudy: StudyDefinition = {
  name: 'approximation',
  title: 'Approximation error: more experts, higher degrees',
  description:
    'KL divergence between y = sin(2 pi x) + N(0, 1), x uniform on [0, 1], and the nearest mixture of m polynomials of degree k in equal bins, the limit of steep gates. Mendes and Jiang: it falls as m^(-2 (k + 1)).',
  notes: ['Without noise or estimation: one value per point, and no interval.'],
  settings: DEGREES.map((degree) => `k=${degree}`),
  plan: [8, 16, 32].map((size) => ({ size, repeats: 1 })),
  series: DEGREES.map((degree) => ({
    setting: `k=${degree}`,
    value: 'divergence',
    label: `degree ${degree}`,
    axis: 'm',
    theory: -2 * (degree + 1),
  })),
  run({ setting, size }) {
    const degree = Number(setting.slice(2));
    return { divergence: approximationDivergence((x) => Math.sin(2 * Math.PI * x), size, degree) };
  },
};
