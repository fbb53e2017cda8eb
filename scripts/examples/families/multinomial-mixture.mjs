// Mixtures of multinomial logistic experts: densities and responsibilities with plain and modified gates, the Voronoi loss, and the simulation.
import {
  multinomialLogDensities,
  multinomialMixture,
  multinomialVoronoiLoss,
} from '../../../packages/moe-statistics/src/index.ts';
import { byField, covariateNames, noStandardization, vector } from '../statistics.mjs';

export default {
  multinomial_moe(entry) {
    entry.describes('note');
    const samples = { x: entry.given('x'), y: entry.given('y') };
    const [slopes, intercepts] = [entry.given('gate_slope'), entry.given('gate_intercept')];
    const [a, b] = [entry.given('a'), entry.given('b')];
    const names = covariateNames(samples.x);
    const model = (transform) => ({
      classes: a[0].length,
      transform,
      names,
      standardization: noStandardization(names.length),
      gate: intercepts.map((b0, i) => [b0, ...vector(slopes[i])]),
      intercepts: a,
      slopes: b.map((classes) => classes.map(vector)),
    });
    const plain = model('identity');
    const { gates, expertProbabilities, probabilities } = multinomialMixture.predict(plain, samples.x);
    entry.expect('gates', gates);
    entry.expect('expert_probs', expertProbabilities);
    entry.expect('probs', probabilities);
    entry.expect(
      'loglik',
      multinomialLogDensities(plain, samples).reduce((sum, value) => sum + value, 0),
    );
    entry.expect('responsibilities', multinomialMixture.responsibilities(plain, samples));
    for (const [key, [, what, transform]] of entry.matching(/^(gates|probs)_modified_(\w+)$/)) {
      const modified = multinomialMixture.predict(model(transform), samples.x);
      entry.expect(key, what === 'gates' ? modified.gates : modified.probabilities);
    }
  },

  voronoi_multinomial(entry) {
    entry.describes('note');
    const fields = entry.given('atom_fields');
    const atoms = (key) =>
      entry.given(key).map((row) => {
        const { b0, b1, a, b } = byField(row, fields, key);
        return { b0, b1: vector(b1), a: vector(a), b: vector(b).map(vector) };
      });
    const { loss, cells } = multinomialVoronoiLoss(atoms('true'), atoms('fit'));
    entry.expect('cells', cells);
    for (const [key] of entry.matching(/^D_\w+$/)) entry.expect(key, loss);
  },
};
