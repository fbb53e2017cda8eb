// Expert choice: every expert takes its best tokens, without and with a cap on the experts of a token.
import { cappedExpertChoice, expertChoiceRouter, relaxedChoice } from '../../../packages/top-k-moe/src/index.ts';
import { combineOf, countsOf, nestRows, only, ops, sample, tensor } from '../tensors.mjs';

/** Entries of the relaxation are far from converged in some examples: they depend on the order of rounding. */
const RELAXATION = { absolute: 1e-5, relative: 1e-5 };

export default {
  expert_choice(entry) {
    entry.describes('note');
    const logits = entry.given('logits');
    const [n, e] = [logits.length, logits[0].length];
    entry.require('n', n);
    entry.require('e', e);
    const routing = expertChoiceRouter({ capacityFactor: entry.given('capacity_factor') }).route(
      ops,
      sample(logits),
      {},
    );
    const { tokens, weights, capacity } = routing.assignment;
    entry.expect('scores', only(routing.probabilities));
    entry.expect('k', capacity);
    entry.expect('chosen_tokens', only(tokens));
    entry.expect('gates', only(weights));
    entry.expect('tokens_per_expert', new Array(e).fill(ops.shape(tokens)[2]));
    entry.expect('experts_per_token', countsOf(ops.read(tokens), n));
    entry.expect('combine', combineOf(routing, n));
    entry.expect('row_sums', ops.sum(combineOf(routing, n), [1]));
  },

  expert_choice_capped(entry) {
    entry.describes('note');
    const logits = entry.given('logits');
    const [n, e] = [logits.length, logits[0].length];
    entry.require('n', n);
    entry.require('e', e);
    const [cap, capacity] = [entry.given('b'), entry.given('k')];
    const uncapped = expertChoiceRouter({ capacity }).route(ops, sample(logits), {});
    entry.expect('scores', only(uncapped.probabilities));
    const free = sorted(nestRows(ops.read(uncapped.assignment.tokens), capacity));
    entry.expect('uncapped_experts_per_token', countsOf(free.flat(), n));
    entry.expect('uncapped_topk', free);

    const scores = ops.read(ops.transpose(only(uncapped.probabilities), [1, 0]));
    const chosen = sorted(nestRows(cappedExpertChoice(scores, e, n, capacity, cap), capacity));
    const router = expertChoiceRouter({ capacity, maxExpertsPerToken: cap });
    const routed = sorted(nestRows(ops.read(router.route(ops, sample(logits), {}).assignment.tokens), capacity));
    if (JSON.stringify(routed) !== JSON.stringify(chosen))
      throw new Error(`the router chooses ${JSON.stringify(routed)}`);
    entry.expect(
      'lp_solution',
      chosen.map((row) => countsOf(row, n)),
    );
    entry.expect(
      'lp_value',
      chosen.flatMap((row, expert) => row.map((token) => scores[expert * n + token])).reduce(add),
    );

    for (const [setting, dykstra] of entry.at('dykstra').parts()) {
      const [, lambda, iterations] = /^lambda=([\d.e-]+),iters=(\d+)$/.exec(setting) ?? [];
      if (lambda === undefined) throw new Error(`dykstra has ${setting}; expected "lambda=...,iters=..."`);
      const logA = relaxedChoice(scores, e, n, capacity, cap, {
        entropyWeight: Number(lambda),
        iterations: Number(iterations),
      });
      const A = nestRows(logA.map(Math.exp), n);
      const columns = A[0].map((_, token) => A.map((row) => row[token]).reduce(add));
      dykstra.expect('A', A, RELAXATION);
      dykstra.expect('max_entry', Math.max(...A.flat()), RELAXATION);
      dykstra.expect('max_col', Math.max(...columns), RELAXATION);
      dykstra.expect(
        'rows',
        A.map((row) => row.reduce(add)),
      );
      dykstra.expect('top_k', sorted(nestRows(ops.read(ops.topK(tensor(A), capacity).indices), capacity)));
      dykstra.expect(
        'objective',
        A.flat().reduce((sum, share, index) => sum + share * scores[index], 0),
        RELAXATION,
      );
    }
  },
};

const add = (a, b) => a + b;
const sorted = (rows) => rows.map((row) => [...row].sort((a, b) => a - b));
