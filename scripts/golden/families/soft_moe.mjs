// Soft MoE layers from the official implementation: forward values, router outputs and gradients.
import { resolveSoftMoe } from '../../../packages/soft-moe/src/config.ts';
import { applySoftMoe } from '../../../packages/soft-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { expectKey } from '../honour.mjs';
import { EXPERT_PATHS, readBack, toTensors, weightedSum, withPaths } from '../layers.mjs';
import { expectAll, layerInputs } from '../vectors.mjs';

const PATHS = { phi: 'params/SoftMoE_0/phi_weights', scalar: 'params/SoftMoE_0/scalar', ...EXPERT_PATHS };

export default {
  descriptions: ['note', 'min_top_expert_margin'],
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
    const checkConfig = () => {
      expectKey('slots_per_expert', given.slots_per_expert, inputs.phi.shape[2]);
      expectKey('slots_per_expert', given.slots_per_expert, resolveSoftMoe(config).slotsPerExpert);
      expectKey('batch', given.batch, inputs.tokens.shape.length === 3 ? inputs.tokens.shape[0] : 0);
      // What ours is built with.
      expectKey('l2_eps', given.l2_eps, 1e-6);
      expectKey('maintain_token_size', given.maintain_token_size, true);
    };
    const apply = (ops, tensors) => applySoftMoe(ops, withPaths(tensors, PATHS), tensors.tokens, config);
    for (const adapter of adapters) {
      yield {
        name: adapter.name,
        async run() {
          checkConfig();
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
          // 32-bit floats lie within 5e-6 of the exact gradient of `scalar` in 300 random layers of T = 1, D = 24, E = 8, normalized, and no differently when
          // the scale is applied to tokens or to logits instead of to phi. A layer in which that one number is a sum of terms that cancel to less than a
          // tenth of a percent can be further from a vector that was itself computed in 32 bits.
          expectGradients(adapter, loss, inputs, goldens, 2e-5);
        },
      };
    }
  },
};
