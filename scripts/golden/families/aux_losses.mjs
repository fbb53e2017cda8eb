// Auxiliary losses of the official RL code (moes_aux) and of V-MoE (vmoe_aux), with gradients.
import {
  bestExpertImbalance,
  importanceLoss,
  loadBalancingLoss,
  loadLoss,
} from '../../../packages/top-k-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { expectKey } from '../honour.mjs';
import { readBack, toTensors } from '../layers.mjs';
import { expectAll, materialize } from '../vectors.mjs';

export default {
  descriptions: ['note'],
  *checks({ vector, name: vectorName, adapters }) {
    const { config: given, outputs } = vector;
    const logits = materialize(vector.inputs.logits);
    const noise = materialize(vector.inputs.noise);
    const checkConfig = () => {
      const { num_experts: experts } = given;
      // V-MoE calls samples groups.
      const axes = [given.batch ?? given.groups, given.tokens ?? given.group_size, experts];
      expectKey('batch, tokens, experts', axes, logits.shape);
      if (given.std_scale !== undefined) expectKey('noise_std', given.noise_std, given.std_scale / experts);
    };
    const settings = { k: given.num_selected_experts, noiseStd: given.noise_std };
    const perSample = (ops, tensors) => ({
      importance: importanceLoss(ops, ops.softmax(tensors.logits, -1)),
      gshard: loadBalancingLoss(ops, ops.softmax(tensors.logits, -1)),
      load: loadLoss(ops, tensors.logits, ops.tensor(noise.data, noise.shape), settings),
    });
    const average = (ops, x, weight) => ops.multiply(ops.mean(x, [0]), ops.fill([], weight));
    for (const adapter of adapters) {
      yield {
        name: adapter.name,
        async run() {
          checkConfig();
          await adapter.activate();
          const { ops } = adapter;
          const isOfficial = vectorName.startsWith('moes_aux');
          const actual = ops.tidy(() => {
            const tensors = toTensors(ops, { logits });
            const losses = perSample(ops, tensors);
            const read = (x) => readBack(ops, x);
            if (!isOfficial) {
              return {
                importance_per_group: read(losses.importance),
                gshard_per_group: read(losses.gshard),
                load_per_group: read(losses.load),
              };
            }
            const probabilities = ops.softmax(tensors.logits, -1);
            const imbalance = bestExpertImbalance(ops, probabilities);
            const top = read(ops.topK(probabilities, 1).indices);
            const bins = new Array(given.num_experts).fill(0);
            for (const expert of top.data) bins[expert]++;
            return {
              entropy_term: read(ops.subtract(ops.fill([], 1), average(ops, imbalance, 1))),
              entropy_loss_weighted: read(average(ops, imbalance, given.entropy_weight)),
              expert_bins: { shape: [given.num_experts], data: bins },
              importance_term: read(average(ops, losses.importance, 1)),
              importance_loss_weighted: read(average(ops, losses.importance, given.importance_weight)),
              load_term: read(average(ops, losses.load, 1)),
              load_loss_weighted: read(average(ops, losses.load, given.load_weight)),
              // [B, T, K]: the official list holds the K best.
              top_experts: read(
                ops.topK(probabilities, ops.shape(probabilities) && outputs.top_experts.shape[2]).indices,
              ),
            };
          });
          const exact = new Set(['expert_bins', 'top_experts']);
          expectAll(
            Object.entries(actual).map(([name, array]) => [name, array, outputs[name], exact.has(name) ? 0 : 1e-5]),
          );
          const missing = Object.keys(outputs).filter((name) => !name.startsWith('grad') && !(name in actual));
          if (missing.length > 0) throw new Error(`outputs not compared: ${missing}`);
          if (adapter.gradients === 'none') return;
          const losses = isOfficial
            ? {
                grad_importance_loss_weighted: (ops, all) => average(ops, all.importance, given.importance_weight),
                grad_load_loss_weighted: (ops, all) => average(ops, all.load, given.load_weight),
              }
            : {
                grad_sum_importance: (ops, all) => ops.sum(all.importance, [0]),
                grad_sum_gshard: (ops, all) => ops.sum(all.gshard, [0]),
                grad_sum_load: (ops, all) => ops.sum(all.load, [0]),
              };
          for (const [name, choose] of Object.entries(losses)) {
            const loss = (ops, tensors) => choose(ops, perSample(ops, tensors));
            expectGradients(adapter, loss, { logits }, { logits: outputs[name] }, 2e-5);
          }
        },
      };
    }
  },
};
