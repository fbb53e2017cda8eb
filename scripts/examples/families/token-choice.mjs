// Routers in which tokens choose: top-1 with capacity, Switch, GShard's top-2, noisy top-k, M6-T's prototypes; and V-MoE's losses.
import {
  bestExpertImbalance,
  importanceLoss,
  kthLargest,
  loadBalancingLoss,
  loadLoss,
  noisyTopKLoad,
  prototypeBalancingLosses,
  routerZLoss,
  routingCounts,
  squaredVariation,
  stayProbabilities,
  tokenMean,
} from '../../../packages/moe-core/src/index.ts';
import { createTfjsOps } from '../../../packages/tensor-ops/src/tfjs.ts';
import {
  gshardRouter,
  noisyLogits,
  noisyTopKRouter,
  prototypesRouter,
  switchRouter,
  tokenChoiceRouter,
} from '../../../packages/top-k-moe/src/index.ts';
import { importFrom } from '../../golden/adapters.mjs';
import { choice, combineOf, numberIn, only, ops, sample, scalar, scaled } from '../tensors.mjs';

/** Capacity as an example states it: by a factor, or itself where there is none. */
const capacityIn = (entry) =>
  entry.has('capacity_factor')
    ? { capacityFactor: entry.given('capacity_factor') }
    : { capacity: entry.maybe('capacity') };

/** As many slots as tokens: nothing is dropped. */
const roomy = (logits) => ({ capacity: logits.length });

export default {
  top1_capacity(entry) {
    entry.describes('note');
    const routing = tokenChoiceRouter(capacityIn(entry)).route(ops, sample(entry.given('logits')), {});
    entry.expect('probs', only(routing.probabilities));
    entry.expect('capacity', routing.assignment.capacity);
    entry.expect('expert', choice(routing.assignment.experts, 0));
    entry.expect('kept', choice(routing.assignment.kept, 0));
    entry.expect('weight', choice(routing.assignment.weights, 0));
  },

  async vmoe_losses(entry) {
    entry.describes('note');
    const logits = sample(entry.given('logits'));
    const [, T, E] = ops.shape(logits);
    const k = entry.given('k');
    const probabilities = ops.softmax(logits, -1);
    entry.expect('probs', only(probabilities));
    // "same as EXAMPLE.FIELD": the numbers there, where the file has them.
    if (typeof entry.value.router_probs === 'string') entry.describes('router_probs');
    else entry.expect('router_probs', only(probabilities));
    entry.expect('importance', only(ops.sum(probabilities, [1])));
    entry.expect('importance_loss_cv2', scalar(importanceLoss(ops, probabilities)));

    const noiseStd = entry.given('noise_std_scale') / E;
    entry.expect('noise_std', noiseStd);
    const noise = scaled(sample(entry.given('unit_noise')), noiseStd);
    const stay = stayProbabilities(ops, logits, noise, { k, noiseStd });
    entry.expect('threshold', ops.reshape(kthLargest(ops, ops.add(logits, noise), k), [T]));
    entry.expect('p', only(stay));
    entry.expect('load_mean', only(tokenMean(ops, stay)));
    entry.expect('load_loss_cv2', scalar(loadLoss(ops, logits, noise, { k, noiseStd })));

    const best = tokenChoiceRouter({ capacity: T }).route(ops, logits, {});
    const epsilon = entry.given('entropy_eps');
    const imbalance = bestExpertImbalance(ops, probabilities, undefined, epsilon);
    entry.expect('bins', routingCounts(ops, best).wanted);
    entry.expect('normalised_entropy', 1 - scalar(imbalance));
    entry.expect('naive_entropy_loss', entry.given('entropy_weight') * scalar(imbalance));
    if (entry.has('gradient')) await expectNoGradient(entry, entry.value.logits, epsilon);
  },

  switch(entry) {
    entry.describes('note');
    const logits = sample(entry.given('logits'));
    const E = ops.shape(logits)[2];
    const routing = switchRouter(capacityIn(entry)).route(ops, logits, {});
    const { wanted, tokens } = routingCounts(ops, routing);
    const loss = scalar(loadBalancingLoss(ops, routing.probabilities));
    entry.expect('probs', only(routing.probabilities));
    entry.expect('f', ops.divide(wanted, tokens));
    entry.expect('P', only(tokenMean(ops, routing.probabilities)));
    entry.expect('aux_unscaled', loss);
    for (const [key, [, alpha]] of entry.matching(/^aux_alpha_(\d+(?:p\d+)?)$/))
      entry.expect(key, numberIn(alpha) * loss);
    entry.expect('balanced_value', scalar(loadBalancingLoss(ops, ops.fill(ops.shape(logits), 1 / E))));
    entry.expect('capacity', routing.assignment.capacity);
    entry.expect('kept', choice(routing.assignment.kept, 0));
    entry.expect('gate', choice(routing.assignment.weights, 0));
    entry.expect('z_loss', scalar(routerZLoss(ops, logits)));
    entry.expect('log_z', only(ops.logSumExp(logits, 2)));
  },

  gshard_top2(entry) {
    entry.describes('note');
    const logits = entry.given('logits');
    const uniformNoise = sample(entry.given('uniform'));
    const E = logits[0].length;
    const routing = gshardRouter(capacityIn(entry)).route(ops, sample(logits), { uniformNoise });
    const { experts, wanted, kept, positions } = routing.assignment;
    entry.expect('capacity', routing.assignment.capacity);
    entry.expect('first', choice(experts, 0));
    entry.expect('second', choice(experts, 1));
    const all = gshardRouter({ ...roomy(logits), dropsSecondAtRandom: false }).route(ops, sample(logits), {});
    entry.expect('g1', choice(all.assignment.weights, 0));
    entry.expect('g2', choice(all.assignment.weights, 1));
    const sent = choice(wanted, 1);
    entry.expect('second_sent', sent);
    entry.expect('pos1', choice(positions, 0));
    entry.expect(
      'pos2',
      choice(positions, 1).map((position, token) => (sent[token] ? position : -1)),
    );
    entry.expect('kept1', choice(kept, 0));
    entry.expect('kept2', choice(kept, 1));
    entry.expect('combine', combineOf(routing, logits.length));
    const loss = scalar(loadBalancingLoss(ops, routing.probabilities));
    entry.expect('aux_scaled_E2', loss);
    entry.expect('aux_mean_form', loss / E ** 2);
  },

  noisy_topk(entry) {
    entry.describes('note');
    const clean = sample(entry.given('clean'));
    const [, T, E] = ops.shape(clean);
    const k = entry.given('k');
    const std = sample(entry.given('std'));
    // Examples give the standard deviations, layers learn what softplus makes them of.
    const noiseLogits = ops.log(ops.subtract(ops.exp(std), ops.fill([], 1)));
    const inputs = { normalNoise: sample(entry.given('z')), noiseLogits };
    const routing = noisyTopKRouter({ k }).route(ops, clean, inputs);
    const noisy = noisyLogits(ops, clean, inputs);
    entry.expect('noisy', only(noisy));
    entry.expect('gates', combineOf(routing, T));
    entry.expect('importance', only(ops.sum(routing.probabilities, [1])));
    entry.expect('cv2_importance', scalar(importanceLoss(ops, routing.probabilities)));
    const perToken = [clean, noisy, std].map((x) => ops.reshape(x, [T, 1, E]));
    entry.expect('P', noisyTopKLoad(ops, ...perToken, k));
    const load = noisyTopKLoad(ops, clean, noisy, std, k);
    entry.expect('load', only(load));
    entry.expect('cv2_load', scalar(squaredVariation(ops, load)));
  },

  m6t(entry) {
    entry.describes('note');
    const prototypes = entry.given('prototypes');
    const logits = entry.given('logits');
    const capacityFactor = entry.given('gamma');
    // Our prototypes lie side by side: theirs are brought there and back.
    const order = prototypes.flat();
    const numPrototypes = prototypes.length;
    if (prototypes.some((experts) => experts.length !== prototypes[0].length))
      throw new Error(
        `prototypes has groups of ${prototypes.map(({ length }) => length)} experts; ours are of one size`,
      );
    const ordered = sample(logits.map((row) => order.map((expert) => row[expert])));
    const route = (capacityBudget) =>
      prototypesRouter({ numPrototypes, capacityFactor, capacityBudget }).route(ops, ordered, {});
    const back = (x) => {
      const values = ops.read(x);
      return logits.map((row, token) => row.map((_, expert) => values[token * row.length + order.indexOf(expert)]));
    };
    const [perK, per1] = [route('k'), route('1')];
    const [T, E] = [logits.length, order.length];
    entry.expect('probs_within', ops.reshape(perK.probabilities, [T, numPrototypes, E / numPrototypes]));
    const chosen = Array.from(ops.read(perK.assignment.experts), (place) => order[place]);
    entry.expect(
      'chosen_global',
      logits.map((_, token) => chosen.slice(token * numPrototypes, (token + 1) * numPrototypes)),
    );
    entry.expect('capacity_k', perK.assignment.capacity);
    entry.expect('capacity_1', per1.assignment.capacity);
    entry.expect('combine_capacity_k', back(combineOf(perK, T)));
    entry.expect('row_sums', ops.sum(combineOf(perK, T), [1]));
    entry.expect('combine_capacity_1', back(combineOf(per1, T)));
    entry.expect('aux_per_prototype', only(prototypeBalancingLosses(ops, perK.probabilities, numPrototypes)));
  },
};

/** A field that says that the entropy loss has no gradient: what automatic differentiation gives. */
async function expectNoGradient(entry, logits, epsilon) {
  const words = entry.given('gradient');
  if (!words.startsWith('zero')) throw new Error(`gradient is ${JSON.stringify(words)}; ours is zero`);
  const tf = (await importFrom('tensor-ops', '@tensorflow/tfjs')).default;
  await tf.setBackend('cpu');
  const tfjs = createTfjsOps(tf);
  const x = tf.tensor([logits]);
  // The sum of the logits, so that there is a way for the gradient at all; its own gradient is 1 everywhere.
  const gradient = tf.grad((z) =>
    tf.add(tf.sum(bestExpertImbalance(tfjs, tfjs.softmax(z, -1), undefined, epsilon)), tf.sum(z)),
  )(x);
  if (!(await gradient.data()).every((value) => value === 1)) throw new Error('gradient: ours is not zero');
}
