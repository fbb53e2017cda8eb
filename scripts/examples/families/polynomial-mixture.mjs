// Mixtures of polynomial experts (Mendes and Jiang): one EM step, the bound on the divergence, and its approximation part.
import {
  approximationDivergence,
  bestByBound,
  polynomialEmStep,
  polynomialLogDensities,
} from '../../../packages/moe-statistics/src/index.ts';
import { leastSquaresSlope } from '../../../packages/moe-statistics/src/node.ts';
import { TOLERANCE } from '../entry.mjs';
import { covariateNames, noStandardization } from '../statistics.mjs';

/** Given to seven digits, down to 1e-10. */
const DIVERGENCE = { relative: 1e-5 };

export default {
  em_gaussian_moe_one_step(entry) {
    entry.describes('note');
    const samples = { x: entry.given('x'), y: entry.given('y') };
    const [gate, beta, variances] = [entry.given('gate'), entry.given('beta'), entry.given('var')];
    const pinned = entry.given('pinned_gate');
    // Our last gate is the pinned one: theirs goes there and comes back.
    const order = [...gate.keys()].filter((j) => j !== pinned).concat(pinned);
    const names = covariateNames(samples.x);
    const model = {
      family: { type: 'gaussian' },
      degree: entry.given('degree'),
      names,
      standardization: noStandardization(names.length),
      gate: order.map((j) => gate[j]),
      coefficients: order.map((j) => beta[j]),
      variances: order.map((j) => variances[j]),
    };
    const step = polynomialEmStep(model, samples, { innerSteps: entry.given('gate_solved_to_convergence') ? 500 : 1 });
    const back = (values) => gate.map((_, j) => values[order.indexOf(j)]);
    entry.expect('loglik_before', step.logLikelihood);
    entry.expect('tau', step.responsibilities.map(back));
    entry.expect('new_beta', back(step.model.coefficients));
    entry.expect('new_var', back(step.model.variances));
    entry.expect('new_gate', back(step.model.gate), { ...TOLERANCE, absolute: 1e-6 });
    const after = polynomialLogDensities(step.model, samples);
    entry.expect(
      'loglik_after',
      after.reduce((sum, value) => sum + value, 0),
      { ...TOLERANCE, absolute: 1e-6 },
    );
  },

  mendes_jiang_bound_constants_one(entry) {
    for (const [, row] of entry.parts()) {
      const settings = { alpha: row.given('alpha'), columns: row.given('s'), samples: row.given('n') };
      const [maxExperts, maxDegree] = [row.given('max_m'), row.given('max_k')];
      const best = bestByBound(settings, maxExperts, maxDegree);
      row.expect('best_m', best.experts);
      row.expect('best_k', best.degree);
      row.expect('bound', best.bound);
      for (const [key, [, degree]] of row.matching(/^m_for_k(\d+)$/)) {
        row.expect(key, bestByBound(settings, maxExperts, Number(degree), Number(degree)).experts);
      }
    }
  },

  mendes_jiang_approximation(entry) {
    const words = entry.given('h');
    const [, wave, factor, pi] = /^(sin|cos)\(([\d.]+\*)?(pi\*)?x\) on \[0,1\]/.exec(words) ?? [];
    if (wave === undefined) throw new Error(`h is ${words}; expected sin or cos of a multiple of x, on [0,1]`);
    const frequency = Number.parseFloat(factor ?? '1') * (pi === undefined ? 1 : Math.PI);
    const h = (x) => Math[wave](frequency * x);
    const [variance, points] = [entry.given('sigma2'), entry.given('grid_points_per_bin')];
    entry.require('theory', '-2(k+1)');
    const stated = entry.at('kl');
    const slopes = {};
    for (const [key, row] of stated.parts()) {
      const degree = Number(key.replace('k=', ''));
      const measured = row.keys
        .map(Number)
        .sort((a, b) => a - b)
        .map((m) => [m, approximationDivergence(h, m, degree, variance, points)]);
      for (const [m, divergence] of measured) row.expect(String(m), divergence, DIVERGENCE);
      const last = measured.slice(-3);
      slopes[key] = leastSquaresSlope(
        last.map(([m]) => Math.log(m)),
        last.map(([, divergence]) => Math.log(divergence)),
      );
    }
    entry.expect('slopes_last3', slopes, { absolute: 1e-5 });
  },
};
