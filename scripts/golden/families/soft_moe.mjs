// Soft MoE layers from the official implementation: forward values, router outputs and gradients.
import { applySoftMoe } from '../../../packages/soft-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { EXPERT_PATHS, readBack, toTensors, weightedSum, withPaths } from '../layers.mjs';
import { expectAll, layerInputs } from '../vectors.mjs';

const PATHS = { phi: 'params/SoftMoE_0/phi_weights', scalar: 'params/SoftMoE_0/scalar', ...EXPERT_PATHS };

export default {
  /** One check per adapter: forward, and gradients where the adapter can be differentiated. */
  *checks({ vector, adapters }) {
    const { config: given, outputs } = vector;
    const config = {
      numExperts: given.num_experts,
      numTokens: given.num_tokens,
      tokenSize: given.token_dim,
      hiddenSize: given.expert_hidden,
      capacityFactor: given.capacity_factor,
      isNormalized: given.normalization,
    };
    const { R, ...inputs } = layerInputs(vector);
    const apply = (ops, tensors) => applySoftMoe(ops, withPaths(tensors, PATHS), tensors.tokens, config);
    for (const adapter of adapters) {
      yield {
        name: adapter.name,
        async run() {
          await adapter.activate();
          const { ops } = adapter;
          const actual = ops.tidy(() => {
            const result = apply(ops, toTensors(ops, inputs));
            return {
              values: readBack(ops, result.output),
              dispatch_weights: readBack(ops, result.dispatchWeights),
              combine_weights: readBack(ops, result.combineWeights),
              router_probabilities: readBack(ops, result.routerProbabilities),
              router_top_experts: readBack(ops, result.topExperts),
              experts_hidden: readBack(ops, result.expertsHidden),
            };
          });
          expectAll(
            Object.entries(actual).map(([name, array]) => [
              name,
              array,
              outputs[name],
              name === 'router_top_experts' ? 0 : 1e-5,
            ]),
          );
          if (adapter.gradients === 'none') return;
          const goldens = Object.fromEntries(Object.keys(inputs).map((name) => [name, outputs[`grad/${name}`]]));
          const loss = (ops, tensors) => weightedSum(ops, apply(ops, tensors).output, R);
          expectGradients(adapter, loss, inputs, goldens, 2e-5);
        },
      };
    }
  },
};
