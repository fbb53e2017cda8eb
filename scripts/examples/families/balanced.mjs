// Routers that are balanced by construction or by a table: BASE, hash layers, StableMoE.
import { dispatch, distillationLoss, routingCounts, stableBalanceLoss } from '../../../packages/moe-core/src/index.ts';
import {
  balancedAssignment,
  balancedHashTable,
  baseRouter,
  hashRouter,
  stableRouter,
} from '../../../packages/top-k-moe/src/index.ts';
import { choice, ops, sample, scalar, scaled } from '../tensors.mjs';

export default {
  base_assignment(entry) {
    entry.describes('note');
    const scores = entry.given('scores');
    const [T, E] = [scores.length, scores[0].length];
    const total = (experts) => scores.reduce((sum, row, token) => sum + row[experts[token]], 0);
    const best = balancedAssignment(scores.flat(), T, E);
    const training = baseRouter().route(ops, sample(scores), {});
    const evaluation = baseRouter().route(ops, sample(scores), { isTraining: false });
    const balanced = choice(training.assignment.experts, 0);
    const greedy = choice(evaluation.assignment.experts, 0);
    entry.expect('tokens_per_expert', training.assignment.capacity);
    entry.expect('balanced', balanced);
    entry.expect('balanced_total', total(balanced));
    entry.expect('balanced_counts', routingCounts(ops, training).kept);
    entry.expect('bruteforce_total', total(best));
    entry.expect('alpha', choice(training.assignment.weights, 0));
    entry.expect('greedy', greedy);
    entry.expect('greedy_total', total(greedy));
    entry.expect('greedy_counts', routingCounts(ops, evaluation).kept);
    if (!entry.has('residual_example')) return;
    const residual = entry.at('residual_example');
    const [x, output] = [residual.given('x'), residual.given('f_of_x')];
    // The residual is inside the weight: x + alpha (f(x) - x).
    const { capacity } = training.assignment;
    const moved = dispatch(ops, training.assignment, ops.fill([1, T, 1], x));
    const change = ops.read(moved.combine(ops.fill([E, capacity, 1], output - x)));
    for (const [key, [, token]] of residual.matching(/^out_token(\d+)$/))
      residual.expect(key, x + change[Number(token)]);
  },

  hash_balanced(entry) {
    entry.describes('note');
    const frequencies = entry.given('token_frequency');
    const experts = entry.given('experts');
    const { table, load } = balancedHashTable(frequencies, experts);
    const tokenIds = sample(frequencies.map((_, id) => id));
    const route = (config) =>
      choice(
        hashRouter(config).route(ops, ops.fill([1, table.length, experts], 0), { tokenIds }).assignment.experts,
        0,
      );
    entry.expect('assignment', route({ table }));
    entry.expect('load', load);
    const modulo = route({});
    entry.expect('modulo', modulo);
    const modularLoad = new Array(experts).fill(0);
    for (const [id, expert] of modulo.entries()) modularLoad[expert] += frequencies[id];
    entry.expect('modulo_load', modularLoad);
  },

  stablemoe(entry) {
    entry.describes('note');
    const scores = sample(entry.given('scores'));
    const distilledLogits = sample(entry.given('distilled_scores'));
    const live = stableRouter().route(ops, scores, {});
    const frozen = stableRouter({ stage: 2 }).route(ops, scores, { distilledLogits });
    const [assigned, distilled] = [live, frozen].map(({ assignment }) => choice(assignment.experts, 0));
    entry.expect('assigned', assigned);
    entry.expect('counts', routingCounts(ops, live).wanted);
    entry.expect('balance_loss', scalar(scaled(stableBalanceLoss(ops, live.assignment), entry.given('alpha'))));
    entry.expect('distill_loss_sum', scalar(distillationLoss(ops, distilledLogits, live.assignment)));
    entry.expect('distill_top1', distilled);
    const agreeing = assigned.filter((expert, token) => expert === distilled[token]);
    entry.expect('agreement', agreeing.length / assigned.length);
  },
};
