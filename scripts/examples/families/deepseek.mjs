// DeepSeek's gate: groups of experts, a balance by a bias, and the loss over a sequence.
import {
  assignTokens,
  normalizeScores,
  routingCounts,
  sequenceBalanceLoss,
  tokenMean,
} from '../../../packages/moe-core/src/index.ts';
import { deepSeekRouter, groupScores, updateBalanceBias } from '../../../packages/top-k-moe/src/index.ts';
import { numberIn, only, ops, sample, scalar, scaled } from '../tensors.mjs';

export default {
  deepseek_v3_gate(entry) {
    entry.describes('note');
    const logits = sample([entry.given('logits')]);
    const E = ops.shape(logits)[2];
    const bias = ops.tensor(entry.given('bias'), [E]);
    const config = {
      k: entry.given('topk'),
      numGroups: entry.given('groups'),
      numKeptGroups: entry.given('topk_groups'),
      routeScale: entry.given('route_scale'),
    };
    const routing = deepSeekRouter(config).route(ops, logits, { bias });
    const biased = ops.add(routing.probabilities, bias);
    const token = (x) => only(only(x));
    entry.expect('sigmoid', token(routing.probabilities));
    entry.expect('biased', token(biased));
    const groups = groupScores(ops, biased, config.numGroups, 'sigmoid');
    entry.expect('group_score_top2_sum', token(groups));
    const kept = Array.from(ops.read(ops.topK(groups, config.numKeptGroups).indices)).sort((a, b) => a - b);
    entry.expect('kept_groups', kept);
    const chosen = Array.from(ops.read(routing.assignment.experts));
    if (chosen.some((expert) => !kept.includes(Math.floor((expert * config.numGroups) / E))))
      throw new Error(`the router chooses ${chosen}, beyond groups ${kept}`);
    entry.expect('chosen', chosen);
    for (const [key, [, scale]] of entry.matching(/^weights_route_scale_(\d+(?:p\d+)?)$/)) {
      const rescaled = scaled(routing.assignment.weights, numberIn(scale) / config.routeScale);
      entry.expect(key, token(rescaled));
    }
    entry.expect('weights_sum', scalar(ops.sum(routing.assignment.weights, [2])));
    const plain = deepSeekRouter({ k: config.k }).route(ops, logits, {});
    entry.expect('without_bias_and_groups', token(plain.assignment.experts));
  },

  bias_update(entry) {
    entry.describes('note');
    const load = entry.given('load');
    const before = entry.given('bias_before');
    entry.expect('mean', load.reduce((sum, value) => sum + value, 0) / load.length);
    entry.expect('bias_after', updateBalanceBias(before, load, entry.given('u')));
  },

  seq_balance(entry) {
    entry.describes('note');
    const scores = sample(entry.given('scores'));
    const [, T, E] = ops.shape(scores);
    const chosen = entry.given('chosen');
    entry.require('K', chosen[0].length);
    const experts = sample(chosen);
    const assignment = assignTokens(ops, experts, ops.fill([1, T, chosen[0].length], 1), { numExperts: E });
    const { wanted } = routingCounts(ops, { assignment, probabilities: scores, logits: scores });
    entry.expect('f', scaled(wanted, E / chosen.flat().length));
    entry.expect('P', only(tokenMean(ops, normalizeScores(ops, scores))));
    const loss = scalar(sequenceBalanceLoss(ops, scores, assignment));
    entry.expect('unscaled', loss);
    for (const [key, [, alpha]] of entry.matching(/^loss_alpha_(\d+(?:p\d+|e\d+)?)$/)) {
      entry.expect(key, numberIn(alpha) * loss, { absolute: 1e-8 });
    }
  },
};
