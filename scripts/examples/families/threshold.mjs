// Gates that keep as many experts as a token needs: EvoMoE's dense-to-sparse gate and its temperature, DynMoLE's hybrid.
import {
  denseToSparseBalanceLoss,
  dynMoleBalanceLoss,
  entropyLoss,
  normalizedEntropy,
} from '../../../packages/moe-core/src/index.ts';
import {
  denseToSparseRouter,
  denseToSparseTemperature,
  dynMoleRouter,
  gumbelNoise,
} from '../../../packages/top-k-moe/src/index.ts';
import { combineOf, only, ops, sample, scalar } from '../tensors.mjs';

export default {
  dts_gate(entry) {
    entry.describes('note');
    const logits = sample(entry.given('logits'));
    const uniformNoise = sample(entry.given('uniform'));
    const router = denseToSparseRouter({ threshold: entry.given('threshold') });
    entry.expect('gumbel', only(gumbelNoise(ops, uniformNoise)));
    for (const [temperature, at] of entry.at('by_temperature').parts()) {
      const routing = router.route(ops, logits, { uniformNoise, temperature: Number(temperature) });
      const { assignment } = routing;
      at.expect('gates', only(routing.probabilities));
      at.expect('chosen', only(assignment.wanted));
      at.expect('kept', combineOf(routing, ops.shape(logits)[1]));
      at.expect('active', only(ops.sum(assignment.kept, [2])));
      at.expect('aux', scalar(denseToSparseBalanceLoss(ops, assignment)));
    }
  },

  dts_temperature(entry) {
    entry.describes('note');
    const config = { maximum: entry.given('max'), minimum: entry.given('min'), decayUpdates: entry.given('steps') };
    for (const decay of ['linear', 'exponential'].filter((name) => entry.has(name))) {
      const table = entry.at(decay);
      for (const updates of table.keys)
        table.expect(updates, denseToSparseTemperature(Number(updates), { ...config, decay }));
    }
  },

  dynmole(entry) {
    entry.describes('note');
    const probabilities = sample(entry.given('probs'));
    const [, T, E] = ops.shape(probabilities);
    const [q, epsilon] = [entry.given('q'), entry.given('eps')];
    const router = dynMoleRouter({
      entropyIndex: q,
      entropyEpsilon: epsilon,
      entropyThreshold: entry.given('threshold'),
      topP: entry.given('top_p'),
      keepTopK: entry.given('keep_top_k'),
    });
    const routing = router.route(ops, ops.log(probabilities), {});
    const weights = combineOf(routing, T);
    entry.expect('tsallis_norm', only(normalizedEntropy(ops, probabilities, q, epsilon)));
    // Not normalized: times the entropy of the uniform distribution.
    const largest = q === 1 ? Math.log(E) : (1 - E ** (1 - q)) / (q - 1);
    entry.expect(
      'tsallis_raw_no_eps',
      Array.from(ops.read(normalizedEntropy(ops, probabilities, q, 0)), (h) => h * largest),
    );
    entry.expect('shannon_norm', only(normalizedEntropy(ops, probabilities, 1, epsilon)));
    entry.expect('mask', ops.greater(weights, ops.fill([], 0)));
    entry.expect('weights', weights);
    entry.expect('weight_sums', ops.sum(weights, [1]));
    entry.expect('active', only(ops.sum(routing.assignment.kept, [2])));
    const entropy = scalar(entropyLoss(ops, probabilities, q, undefined, epsilon));
    const balance = scalar(dynMoleBalanceLoss(ops, routing.probabilities, routing.assignment));
    entry.expect('entropy_loss', entropy);
    entry.expect('load_balance', balance);
    entry.expect('total', entry.given('entropy_coef') * entropy + entry.given('load_balance_coef') * balance);
  },
};
