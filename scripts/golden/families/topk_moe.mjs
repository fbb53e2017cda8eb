// The official Top-1 layer: routing, dropped tokens, values and gradients, through both dispatchers.
import { applyTopKMoe, dispatcherNames } from '../../../packages/top-k-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { expectKey } from '../honour.mjs';
import { EXPERT_PATHS, readBack, toTensors, weightedSum, withPaths } from '../layers.mjs';
import { expectAll, layerInputs } from '../vectors.mjs';

const PATHS = { router_kernel: 'params/MoE_0/router/Dense_0/kernel', ...EXPERT_PATHS };

export default {
  descriptions: ['mode', 'min_top1_margin', 'behaviour'],
  *checks({ vector, adapters }) {
    const { config: given, outputs } = vector;
    if (given.k > 1) {
      yield {
        knownDifference: `k = ${given.k} = experts = token size: the official code scatters wrongly for k > 1 and only runs in this case; here k > 1 adds up the chosen experts`,
      };
      return;
    }
    const { R, ...inputs } = layerInputs(vector);
    for (const dispatcher of dispatcherNames) {
      const config = {
        numExperts: given.num_experts,
        tokenSize: given.token_dim,
        hiddenSize: given.expert_hidden,
        router: { type: 'token-choice', k: given.k, capacityFactor: given.capacity_factor },
        dispatcher,
      };
      const apply = (ops, tensors) => applyTopKMoe(ops, withPaths(tensors, PATHS), tensors.tokens, config);
      for (const adapter of adapters) {
        yield {
          name: `${adapter.name}, ${dispatcher}`,
          async run() {
            await adapter.activate();
            const { ops } = adapter;
            const actual = ops.tidy(() => {
              const { output, routing, expertsHidden } = apply(ops, toTensors(ops, inputs));
              expectKey('capacity', given.capacity, routing.assignment.capacity);
              const flat = (x) => {
                const { shape, data } = readBack(ops, x);
                return { shape: given.batch ? shape : shape.slice(1), data };
              };
              const probabilities = flat(routing.probabilities);
              const experts = flat(routing.assignment.experts);
              return {
                values: readBack(ops, output),
                experts_hidden: readBack(ops, expertsHidden),
                router_logits: flat(routing.logits),
                router_probabilities: probabilities,
                top_experts: experts,
                // The official weights are those before dropping.
                top_expert_weights: {
                  shape: experts.shape,
                  data: Array.from(experts.data, (expert, row) => probabilities.data[row * given.num_experts + expert]),
                },
                kept: flat(routing.assignment.kept),
              };
            });
            const { kept, ...compared } = actual;
            expectAll(
              Object.entries(compared).map(([name, array]) => [
                name,
                array,
                outputs[name],
                name === 'top_experts' ? 0 : 1e-5,
              ]),
            );
            const dropped = given.dropped_tokens.map((_, sample) =>
              Array.from({ length: given.num_tokens }, (_, token) => token).filter(
                (token) => kept.data[sample * given.num_tokens + token] === 0,
              ),
            );
            if (JSON.stringify(dropped) !== JSON.stringify(given.dropped_tokens)) {
              throw new Error(
                `dropped tokens ${JSON.stringify(dropped)}; expected ${JSON.stringify(given.dropped_tokens)}`,
              );
            }
            // Dropped tokens are exactly zero.
            for (const [sample, tokens] of dropped.entries()) {
              for (const token of tokens) {
                const start = (sample * given.num_tokens + token) * given.token_dim;
                const row = actual.values.data.subarray(start, start + given.token_dim);
                if (row.some((value) => value !== 0)) throw new Error(`values of dropped token ${token} are not all 0`);
              }
            }
            if (adapter.gradients === 'none') return;
            const goldens = Object.fromEntries(Object.keys(inputs).map((name) => [name, outputs[`grad/${name}`]]));
            const loss = (ops, tensors) => weightedSum(ops, apply(ops, tensors).output, R);
            expectGradients(adapter, loss, inputs, goldens, 2e-5);
          },
        };
      }
    }
  },
};
