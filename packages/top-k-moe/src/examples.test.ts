// The worked examples of testdata/examples.json, computed in 64-bit floats, to 1e-6.
import { readFileSync } from 'node:fs';
import { expertUtilization, kthLargest, routerChangeRate, routerSaturation } from '@moe-rl/moe-core';
import { createTypedArrayOps, type TypedArrayTensor } from '@moe-rl/tensor-ops/typed-array';
import { describe, expect, test } from 'vitest';
import {
  balancedAssignment,
  balancedHashTable,
  baseRouter,
  bestExpertImbalance,
  cappedExpertChoice,
  combineMatrix,
  createRouter,
  deepSeekRouter,
  denseToSparseBalanceLoss,
  denseToSparseRouter,
  denseToSparseTemperature,
  dispatch,
  distillationLoss,
  dynMoleBalanceLoss,
  dynMoleRouter,
  type ExpertChoice,
  entropyLoss,
  expertChoiceRouter,
  groupScores,
  gshardRouter,
  gumbelNoise,
  hashRouter,
  importanceLoss,
  loadBalancingLoss,
  loadLoss,
  noisyTopKLoad,
  noisyTopKRouter,
  normalizedEntropy,
  prototypeBalancingLosses,
  prototypesRouter,
  relaxedChoice,
  routerMetrics,
  routerZLoss,
  sequenceBalanceLoss,
  squaredVariation,
  stableBalanceLoss,
  stableRouter,
  stayProbabilities,
  switchRouter,
  type TokenChoice,
  tokenChoiceRouter,
  updateBalanceBias,
} from './index.ts';

type Rows = number[][];
const examples = JSON.parse(readFileSync(new URL('../../../testdata/examples.json', import.meta.url), 'utf8'));
const ops = createTypedArrayOps({ precision: 'float64' });
/** [T, E] rows as one sample [1, T, E]. */
const batch = (rows: Rows): TypedArrayTensor => ops.tensor(rows.flat(), [1, rows.length, rows[0]!.length]);

function expectClose(
  actual: { data: ArrayLike<number> } | number,
  expected: number | number[] | Rows | boolean[][],
  tolerance = 1e-6,
): void {
  const flat = [expected].flat(2).map(Number);
  const got = typeof actual === 'number' ? [actual] : Array.from(actual.data);
  expect(got.length).toBe(flat.length);
  flat.forEach((value, index) => {
    expect(Math.abs(got[index]! - value), `element ${index}: ${got[index]}, expected ${value}`).toBeLessThan(tolerance);
  });
}
const tokenChoice = (routing: { assignment: unknown }) => routing.assignment as TokenChoice<TypedArrayTensor>;
const combine = (routing: { assignment: TokenChoice<TypedArrayTensor> | ExpertChoice<TypedArrayTensor> }, T: number) =>
  combineMatrix(ops, routing.assignment, T);

test('top1_capacity', () => {
  const example = examples.top1_capacity;
  const routing = tokenChoiceRouter({ capacity: example.capacity }).route(ops, batch(example.logits), {});
  const assignment = tokenChoice(routing);
  expectClose(routing.probabilities, example.probs);
  expectClose(assignment.experts, example.expert);
  expectClose(assignment.kept, [example.kept]);
  expectClose(assignment.weights, example.weight);
  // the default capacity is the official one: ceil(6 / 3)
  expect(tokenChoiceRouter().route(ops, batch(example.logits), {}).assignment.capacity).toBe(2);
});

test('vmoe_losses', () => {
  const example = examples.vmoe_losses;
  const logits = batch(examples.top1_capacity.logits);
  const probabilities = ops.softmax(logits, -1);
  expectClose(ops.sum(probabilities, [1]), example.importance);
  expectClose(importanceLoss(ops, probabilities), example.importance_loss_cv2);
  expectClose(
    kthLargest(ops, probabilities, 2),
    [0.10650698, 0.18221483, 0.21194156, 0.20370733, 0.27406862, 0.39146606],
  );
  const noise = ops.multiply(batch(example.unit_noise), ops.fill([], 1 / 3));
  expectClose(stayProbabilities(ops, logits, noise, { k: 1 }), example.p);
  expectClose(loadLoss(ops, logits, noise, { k: 1 }), example.load_loss_cv2);
  const imbalance = bestExpertImbalance(ops, probabilities);
  expectClose(imbalance, 1 - example.normalised_entropy, 2e-6);
  expectClose(imbalance.data[0]! * 0.5, example.naive_entropy_loss, 1e-6);
});

test('switch', () => {
  const example = examples.switch;
  const routing = switchRouter({ capacityFactor: example.capacity_factor }).route(ops, batch(example.logits), {});
  const assignment = tokenChoice(routing);
  expect(assignment.capacity).toBe(example.capacity);
  expectClose(routing.probabilities, example.probs);
  expectClose(assignment.kept, [example.kept]);
  expectClose(assignment.weights, example.gate);
  expectClose(loadBalancingLoss(ops, routing.probabilities), example.aux_unscaled);
  expectClose(routerZLoss(ops, routing.logits), example.z_loss);
  expectClose(ops.logSumExp(routing.logits, 2), example.log_z);
  const uniform = ops.fill([1, 6, 3], 1 / 3);
  expectClose(loadBalancingLoss(ops, uniform), example.balanced_value);
});

test('gshard_top2', () => {
  const example = examples.gshard_top2;
  const uniformNoise = ops.tensor(example.uniform, [1, 6]);
  const routing = gshardRouter({ capacity: example.capacity }).route(ops, batch(example.logits), { uniformNoise });
  const { experts, weights, wanted, kept, positions } = tokenChoice(routing);
  const column = (x: TypedArrayTensor, k: number) => ({
    data: Array.from(x.data).filter((_, index) => index % 2 === k),
  });
  expectClose(column(experts, 0), example.first);
  expectClose(column(experts, 1), example.second);
  expectClose(column(wanted, 1), [example.second_sent]);
  expectClose(column(kept, 0), [example.kept1]);
  expectClose(column(kept, 1), [example.kept2]);
  expectClose(column(positions, 0), example.pos1);
  // position of a second choice that is not sent: given as -1 there, unused here
  example.pos2.forEach((position: number, token: number) => {
    if (position >= 0) expect(positions.data[2 * token + 1]).toBe(position);
  });
  const before = gshardRouter({ capacity: 6, dropsSecondAtRandom: false }).route(ops, batch(example.logits), {});
  expectClose(column(tokenChoice(before).weights, 0), example.g1);
  expectClose(column(tokenChoice(before).weights, 1), example.g2);
  expectClose(combine(routing, 6), example.combine);
  expect(weights.shape).toEqual([1, 6, 2]);
  expectClose(loadBalancingLoss(ops, routing.probabilities), example.aux_scaled_E2);
  expectClose(loadBalancingLoss(ops, routing.probabilities).data[0]! / 9, example.aux_mean_form);
});

test('noisy_topk', () => {
  const example = examples.noisy_topk;
  const scale = batch(example.std);
  // softplus is inverted, since the example gives the standard deviations themselves
  const noiseLogits = ops.log(ops.subtract(ops.exp(scale), ops.fill([], 1)));
  const inputs = { normalNoise: batch(example.z), noiseLogits };
  const routing = noisyTopKRouter({ k: example.k }).route(ops, batch(example.clean), inputs);
  expectClose(routing.probabilities, example.gates);
  expectClose(combine(routing, 3), example.gates);
  expectClose(ops.sum(routing.probabilities, [1]), example.importance);
  expectClose(importanceLoss(ops, routing.probabilities), example.cv2_importance);
  const load = noisyTopKLoad(ops, batch(example.clean), batch(example.noisy), scale, example.k);
  expectClose(load, example.load);
  expectClose(squaredVariation(ops, load), example.cv2_load);
});

test('m6t', () => {
  const example = examples.m6t;
  const logits = batch(example.logits);
  const perK = prototypesRouter({ numPrototypes: 2, capacityFactor: example.gamma }).route(ops, logits, {});
  expect(perK.assignment.capacity).toBe(example.capacity_k);
  expectClose(perK.probabilities, example.probs_within.flat());
  expectClose(tokenChoice(perK).experts, example.chosen_global);
  expectClose(combine(perK, 5), example.combine_capacity_k);
  expectClose(ops.sum(combine(perK, 5), [2]), example.row_sums);
  const per1 = prototypesRouter({ numPrototypes: 2, capacityFactor: example.gamma, capacityBudget: '1' }).route(
    ops,
    logits,
    {},
  );
  expect(per1.assignment.capacity).toBe(example.capacity_1);
  expectClose(combine(per1, 5), example.combine_capacity_1);
  expectClose(prototypeBalancingLosses(ops, perK.probabilities, 2), example.aux_per_prototype);
  // Z = 1 is Switch, Z = E makes every gate 1
  const one = prototypesRouter({ numPrototypes: 1 }).route(ops, logits, {});
  expectClose(combine(one, 5), Array.from(combine(switchRouter().route(ops, logits, {}), 5).data));
  const all = prototypesRouter({ numPrototypes: 4, capacity: 5 }).route(ops, logits, {});
  expectClose(combine(all, 5), new Array(20).fill(1));
});

test('expert_choice', () => {
  const example = examples.expert_choice;
  const routing = expertChoiceRouter({ capacityFactor: example.capacity_factor }).route(ops, batch(example.logits), {});
  const assignment = routing.assignment as ExpertChoice<TypedArrayTensor>;
  expect(assignment.capacity).toBe(example.k);
  expectClose(routing.probabilities, example.scores);
  expectClose(assignment.tokens, example.chosen_tokens);
  expectClose(assignment.weights, example.gates);
  const matrix = combine(routing, 6);
  expectClose(matrix, example.combine);
  expectClose(ops.sum(matrix, [2]), example.row_sums);
  expectClose(ops.sum(ops.greater(matrix, ops.fill([], 0)), [2]), example.experts_per_token);
});

describe.each(['expert_choice_capped', 'expert_choice_capped_slack'])('%s', (key) => {
  const example = examples[key];
  const scores = (examples.expert_choice.scores as Rows)[0]!.flatMap((_, expert) =>
    (examples.expert_choice.scores as Rows).map((row) => row[expert]!),
  );
  const best = (example.lp_solution as Rows).map((row) => row.flatMap((value, token) => (value > 0.5 ? [token] : [])));

  test.each(Object.keys(example.dykstra))('relaxation with %s', (setting) => {
    const [entropyWeight, iterations] = setting.match(/[\d.]+/g)!.map(Number) as [number, number];
    const relaxed = relaxedChoice(scores, 3, 6, example.k, example.b, { entropyWeight, iterations });
    const expected = example.dykstra[setting];
    expectClose({ data: relaxed.map(Math.exp) }, expected.A, 1e-4);
    // whatever the relaxation gave, the cap holds, and the rounded optimum is found whenever the rounding had to be replaced
    const chosen = Array.from(cappedExpertChoice(scores, 3, 6, example.k, example.b));
    const uses = new Array(6).fill(0);
    for (const token of chosen) uses[token]++;
    expect(Math.max(...uses)).toBeLessThanOrEqual(example.b);
    const rows = [0, 1, 2].map((expert) => chosen.slice(expert * example.k, (expert + 1) * example.k));
    for (const row of rows) expect(new Set(row).size).toBe(example.k);
    expect(rows).toEqual(best);
  });

  test('through the router', () => {
    const router = expertChoiceRouter({ capacity: example.k, maxExpertsPerToken: example.b });
    expect(router.runsOnHost).toBe('always');
    const { assignment } = router.route(ops, batch(examples.expert_choice.logits), {});
    expectClose((assignment as ExpertChoice<TypedArrayTensor>).tokens, best);
    const uncapped = expertChoiceRouter({ capacity: example.k }).route(ops, batch(examples.expert_choice.logits), {});
    const counts = ops.sum(ops.greater(combine(uncapped, 6), ops.fill([], 0)), [2]);
    expectClose(counts, example.uncapped_experts_per_token);
  });
});

test('router_metrics', () => {
  const example = examples.router_metrics;
  expectClose(routerSaturation(example.sets_t, example.sets_final), example.saturation_t);
  expectClose(routerSaturation(example.sets_t1, example.sets_final), example.saturation_t1);
  expectClose(routerChangeRate(example.sets_t, example.sets_t1), example.change_rate);
  expectClose(expertUtilization(example.utilisation_t1), example.jain);
  expectClose(expertUtilization([0, 5, 0, 0]), example.jain_one_expert);
  expectClose(expertUtilization([2, 2, 2, 2]), example.jain_uniform);
  // the same sets as a routing: logits that make each token choose them
  const logits = batch(
    example.sets_t1.map((set: number[]) => [0, 1, 2, 3].map((expert) => (set.includes(expert) ? 1 : 0))),
  );
  const metrics = routerMetrics(ops, tokenChoiceRouter({ k: 2, capacity: 4 }).route(ops, logits, {}));
  expectClose({ data: metrics.load }, example.utilisation_t1);
  expectClose(metrics.utilization, example.jain);
  expect(metrics.droppedFraction).toBe(0);
  const crowded = routerMetrics(ops, tokenChoiceRouter({ k: 2, capacity: 1 }).route(ops, logits, {}));
  expect(crowded.droppedFraction).toBe(5 / 8);
  expect(crowded.unroutedFraction).toBe(2 / 4);
});

test('deepseek_v3_gate', () => {
  const example = examples.deepseek_v3_gate;
  const logits = batch([example.logits]);
  const bias = ops.tensor(example.bias, [8]);
  const config = { k: example.topk, numGroups: 4, numKeptGroups: 2, routeScale: 2.5 };
  const routing = deepSeekRouter(config).route(ops, logits, { bias });
  expectClose(routing.probabilities, example.sigmoid);
  const biased = batch([example.biased]);
  expectClose(groupScores(ops, biased, 4), example.group_score_top2_sum);
  expectClose(groupScores(ops, biased, 4, 'softmax'), [0.73105858, 0.750166, 0.52497919, 0.36852478]);
  expect(() => groupScores(ops, biased, 3)).toThrow('numGroups is 3; expected a divisor of the 8 experts');
  expectClose(tokenChoice(routing).experts, example.chosen);
  expectClose(tokenChoice(routing).weights, example.weights_route_scale_2p5);
  expectClose(ops.sum(tokenChoice(routing).weights, [2]), example.weights_sum);
  const plain = deepSeekRouter({ k: 3 }).route(ops, logits, {});
  expectClose(tokenChoice(plain).experts, example.without_bias_and_groups);
});

test('bias_update', () => {
  const example = examples.bias_update;
  expectClose({ data: updateBalanceBias(example.bias_before, example.load, example.u) }, example.bias_after);
});

test('seq_balance', () => {
  const example = examples.seq_balance;
  // logits whose sigmoids are the example's scores
  const scores = batch(example.scores);
  const logits = ops.log(ops.divide(scores, ops.subtract(ops.fill([], 1), scores)));
  const routing = deepSeekRouter({ k: 2 }).route(ops, logits, {});
  const chosen = Array.from({ length: 3 }, (_, token) =>
    Array.from(tokenChoice(routing).experts.data.slice(2 * token, 2 * token + 2)).sort(),
  );
  expect(chosen).toEqual(example.chosen);
  const loss = sequenceBalanceLoss(ops, routing.probabilities, tokenChoice(routing));
  expectClose(loss, example.unscaled);
  expectClose(loss.data[0]! * 1e-4, example.loss_alpha_1e4);
});

test('dts_gate', () => {
  const example = examples.dts_gate;
  expectClose(gumbelNoise(ops, batch(example.uniform)), example.gumbel);
  for (const [temperature, expected] of Object.entries<Record<'gates' | 'chosen' | 'kept' | 'active' | 'aux', never>>(
    example.by_temperature,
  )) {
    const inputs = { uniformNoise: batch(example.uniform), temperature: Number(temperature) };
    const routing = denseToSparseRouter({ threshold: example.threshold }).route(ops, batch(example.logits), inputs);
    expectClose(routing.probabilities, expected.gates!);
    expectClose(tokenChoice(routing).wanted, expected.chosen!);
    expectClose(combine(routing, 2), expected.kept!);
    expectClose(ops.sum(tokenChoice(routing).kept, [2]), expected.active!);
    expectClose(denseToSparseBalanceLoss(ops, tokenChoice(routing)), expected.aux!);
  }
});

test('dts_temperature', () => {
  const example = examples.dts_temperature;
  const config = { maximum: example.max, minimum: example.min, decayUpdates: example.steps };
  for (const decay of ['linear', 'exponential'] as const) {
    for (const [updates, expected] of Object.entries<number>(example[decay])) {
      expectClose(denseToSparseTemperature(Number(updates), { ...config, decay }), expected);
    }
  }
});

test('base_assignment', () => {
  const example = examples.base_assignment;
  const scores = example.scores as Rows;
  const total = (experts: ArrayLike<number>) => scores.reduce((sum, row, token) => sum + row[experts[token]!]!, 0);
  const balanced = balancedAssignment(scores.flat(), 6, 3);
  expect(Array.from(balanced)).toEqual(example.balanced);
  expectClose(total(balanced), example.bruteforce_total);
  const training = baseRouter().route(ops, batch(scores), {});
  expectClose(tokenChoice(training).experts, example.balanced);
  expectClose(tokenChoice(training).weights, example.alpha);
  expect(training.assignment.capacity).toBe(example.tokens_per_expert);
  const evaluation = baseRouter().route(ops, batch(scores), { isTraining: false });
  expectClose(tokenChoice(evaluation).experts, example.greedy);
  expectClose(total(tokenChoice(evaluation).experts.data), example.greedy_total);
  expect(routerMetrics(ops, evaluation).load.map((share) => Math.round(share * 6))).toEqual(example.greedy_counts);
  const { x, f_of_x, out_token0 } = example.residual_example;
  const moved = dispatch(ops, training.assignment, ops.fill([1, 6, 1], x));
  const change = moved.combine(ops.fill([3, 2, 1], f_of_x - x));
  expectClose(x + change.data[0]!, out_token0);
});

test('hash_balanced', () => {
  const example = examples.hash_balanced;
  const { table, load } = balancedHashTable(example.token_frequency, example.experts);
  expect(table).toEqual(example.assignment);
  expect(load).toEqual(example.load);
  const tokenIds = ops.tensor([0, 1, 2, 3, 4, 5], [1, 6]);
  const byTable = hashRouter({ table }).route(ops, ops.fill([1, 6, 3], 0), { tokenIds });
  expectClose(tokenChoice(byTable).experts, example.assignment);
  expectClose(tokenChoice(byTable).weights, new Array(6).fill(1));
  const modulo = hashRouter({ table: table.map((_, id) => id % 3) }).route(ops, ops.fill([1, 6, 3], 0), { tokenIds });
  expectClose(tokenChoice(modulo).experts, example.modulo);
});

test('stablemoe', () => {
  const example = examples.stablemoe;
  const stage1 = stableRouter().route(ops, batch(example.scores), {});
  expectClose(tokenChoice(stage1).experts, example.assigned);
  expect(routerMetrics(ops, stage1).load.map((share) => Math.round(share * 6))).toEqual(example.counts);
  expectClose(stableBalanceLoss(ops, tokenChoice(stage1)).data[0]! * example.alpha, example.balance_loss);
  const distilledLogits = batch(example.distilled_scores);
  expectClose(distillationLoss(ops, distilledLogits, tokenChoice(stage1)), example.distill_loss_sum);
  const stage2 = stableRouter({ stage: 2 }).route(ops, batch(example.scores), { distilledLogits });
  expectClose(tokenChoice(stage2).experts, example.distill_top1);
  const agreement =
    example.assigned.filter((expert: number, token: number) => expert === example.distill_top1[token]).length / 6;
  expectClose(agreement, example.agreement);
  // the gate stays the live score's sigmoid
  expectClose(
    tokenChoice(stage2).weights,
    example.distill_top1.map((expert: number, token: number) => 1 / (1 + Math.exp(-example.scores[token][expert]))),
  );
});

test('dynmole', () => {
  const example = examples.dynmole;
  const probabilities = batch(example.probs);
  const logits = ops.log(probabilities);
  const config = {
    entropyIndex: example.q,
    entropyThreshold: example.threshold,
    topP: example.top_p,
    keepTopK: example.keep_top_k,
  };
  const routing = dynMoleRouter(config).route(ops, logits, {});
  expectClose(normalizedEntropy(ops, probabilities, example.q), example.tsallis_norm);
  expectClose(normalizedEntropy(ops, probabilities, 1), example.shannon_norm);
  // without an epsilon a probability of 0 counts as 0
  expectClose(normalizedEntropy(ops, batch([[0.5, 0.5, 0, 0]]), 1, 0), 0.5);
  expectClose(normalizedEntropy(ops, batch([[1, 0, 0, 0]]), 1.5, 0), 0);
  expectClose(combine(routing, 4), example.weights);
  expectClose(ops.greater(combine(routing, 4), ops.fill([], 0)), example.mask);
  expectClose(ops.sum(combine(routing, 4), [2]), example.weight_sums);
  const entropy = entropyLoss(ops, probabilities, example.q);
  expectClose(entropy, example.entropy_loss);
  const balance = dynMoleBalanceLoss(ops, routing.probabilities, tokenChoice(routing));
  expectClose(balance, example.load_balance);
  expectClose(0.01 * entropy.data[0]! + 0.001 * balance.data[0]!, example.total);
  expect(createRouter({ type: 'dynmole', ...config }).type).toBe('dynmole');
});
