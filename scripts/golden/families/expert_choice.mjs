// V-MoE layers: top-k token choice (batch priority, capacity multiples) and expert choice, with assignments, metrics, auxiliary loss and gradients.
import {
  applyTopKMoe,
  dispatcherNames,
  dispatchMatrices,
  importanceLoss,
  loadBalancingLoss,
} from '../../../packages/top-k-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { expectKey } from '../honour.mjs';
import { EXPERT_PATHS, readBack, toTensors, weightedSum, withPaths } from '../layers.mjs';
import { expectAll, layerInputs } from '../vectors.mjs';

const PATHS = { gate_kernel: 'params/MoE_0/router/Dense_0/kernel', ...EXPERT_PATHS };
const EXACT = new Set([
  'dispatch_weights',
  'indices',
  'metrics/num_experts_per_item_max',
  'metrics/num_experts_per_item_min',
]);

export default {
  descriptions: ['layout', 'capacity_rule'],
  *checks({ vector, name: vectorName, adapters }) {
    const { config: given, outputs } = vector;
    const { R, ...inputs } = layerInputs(vector);
    const checkConfig = () => {
      expectKey('groups, group_size, dim', [given.groups, given.group_size, given.dim], inputs.inputs.shape);
      if (isTokenChoice) return;
      // Expert choice has no number of choices, no priority and no auxiliary losses.
      for (const key of ['K', 'batch_priority', 'gshard_loss_weight', 'importance_loss_weight'])
        expectKey(key, given[key] ?? null, null);
    };
    const isTokenChoice = vectorName.startsWith('top_experts');
    const common = { capacityFactor: given.capacity_factor, capacityMultipleOf: given.capacity_multiple_of };
    const router = isTokenChoice
      ? {
          type: 'token-choice',
          k: given.K,
          capacityCountsChoices: true,
          hasBatchPriority: given.batch_priority,
          ...common,
        }
      : { type: 'expert-choice', capacityRounding: 'ceil', ...common };
    const auxiliary = (ops, probabilities) => {
      const scaled = (x, weight) => ops.multiply(x, ops.fill([], weight));
      return {
        gshard: loadBalancingLoss(ops, probabilities),
        importance: importanceLoss(ops, probabilities),
        total: ops.add(
          scaled(loadBalancingLoss(ops, probabilities), given.gshard_loss_weight),
          scaled(importanceLoss(ops, probabilities), given.importance_loss_weight),
        ),
      };
    };
    for (const dispatcher of dispatcherNames) {
      const config = {
        numExperts: given.num_experts,
        tokenSize: given.dim,
        hiddenSize: given.expert_hidden,
        router,
        dispatcher,
      };
      const apply = (ops, tensors) => applyTopKMoe(ops, withPaths(tensors, PATHS), tensors.inputs, config);
      for (const adapter of adapters) {
        yield {
          name: `${adapter.name}, ${dispatcher}`,
          async run() {
            checkConfig();
            await adapter.activate();
            const { ops } = adapter;
            const actual = ops.tidy(() => {
              const { output, routing } = apply(ops, toTensors(ops, inputs));
              const { assignment, probabilities } = routing;
              if (assignment.capacity !== given.capacity) {
                throw new Error(`capacity is ${assignment.capacity}; expected ${given.capacity}`);
              }
              const read = (x) => readBack(ops, x);
              const found = { y: read(output), gates: read(probabilities) };
              const matrices = dispatchMatrices(ops, assignment, given.group_size);
              if (given.dispatcher === 'einsum') {
                Object.assign(found, {
                  dispatch_weights: read(matrices.dispatch),
                  combine_weights: read(matrices.combine),
                });
              } else {
                const experts = read(assignment.experts);
                // The official weights of this form are those before dropping.
                const row = (index) => Math.floor(index / given.K) * given.num_experts;
                const before = Array.from(experts.data, (expert, index) => found.gates.data[row(index) + expert]);
                found.combine_weights = { shape: experts.shape, data: before };
                const positions = read(assignment.positions);
                const pairs = Array.from(experts.data).flatMap((expert, index) => [expert, positions.data[index]]);
                found.indices = { shape: [...experts.shape, 2], data: pairs };
              }
              if (isTokenChoice) {
                const { gshard, importance, total } = auxiliary(ops, probabilities);
                found['metrics/gshard_loss'] = read(gshard);
                found['metrics/importance_loss'] = read(importance);
                found['metrics/auxiliary_loss'] = read(total);
              } else Object.assign(found, expertChoiceMetrics(ops, assignment, given));
              return found;
            });
            const names = Object.keys(outputs).filter((name) => !name.startsWith('grad') && name in actual);
            expectAll(names.map((name) => [name, actual[name], outputs[name], EXACT.has(name) ? 0 : 1e-5]));
            const missing = Object.keys(outputs).filter((name) => !name.startsWith('grad') && !(name in actual));
            if (missing.length > 0) throw new Error(`outputs not compared: ${missing}`);
            if (adapter.gradients === 'none') return;
            const goldens = Object.fromEntries(Object.keys(inputs).map((name) => [name, outputs[`grad/${name}`]]));
            const loss = (ops, tensors) => weightedSum(ops, apply(ops, tensors).output, R);
            expectGradients(adapter, loss, inputs, goldens, 2e-5);
            if (!isTokenChoice) return;
            const auxiliaryLoss = (ops, tensors) =>
              ops.sum(auxiliary(ops, apply(ops, tensors).routing.probabilities).total, [0]);
            expectGradients(adapter, auxiliaryLoss, inputs, { gate_kernel: outputs.grad_aux_gate_kernel }, 2e-5);
          },
        };
      }
    }
  },
};

/** V-MoE's metrics of expert choice, per group, from the assignment. */
function expertChoiceMetrics(ops, assignment, given) {
  const { groups: G, group_size: S, num_experts: E } = given;
  const weights = ops.read(assignment.weights);
  const tokens = ops.read(assignment.tokens);
  const perGroup = tokens.length / G;
  const each = (compute) => ({ shape: [G], data: Array.from({ length: G }, (_, group) => compute(group)) });
  const counts = (group) => {
    const count = new Array(S).fill(0);
    for (const token of tokens.subarray(group * perGroup, (group + 1) * perGroup)) count[token]++;
    return count;
  };
  const own = (group) => weights.subarray(group * perGroup, (group + 1) * perGroup);
  const metrics = {
    'metrics/auxiliary_loss': { shape: [], data: [0] },
    'metrics/max_selected_gate': each((group) => Math.max(...own(group))),
    'metrics/min_selected_gate': each((group) => Math.min(...own(group))),
    'metrics/num_experts_per_item_max': each((group) => Math.max(...counts(group))),
    'metrics/num_experts_per_item_min': each((group) => Math.min(...counts(group))),
  };
  for (let atLeast = 1; atLeast <= E; atLeast *= 2) {
    metrics[`metrics/ratio_processed_items_by_at_least_${atLeast}_experts`] = each(
      (group) => counts(group).filter((count) => count >= atLeast).length / S,
    );
  }
  return metrics;
}
