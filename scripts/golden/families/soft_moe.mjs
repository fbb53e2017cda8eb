// Soft MoE layers from the official implementation: forward values, router outputs and gradients.
import { applySoftMoe } from '../../../packages/soft-moe/src/index.ts';
import { expectGradients } from '../gradients.mjs';
import { expectAll, materialize } from '../vectors.mjs';

const PARAMETERS = {
  phi: 'params/SoftMoE_0/phi_weights',
  scalar: 'params/SoftMoE_0/scalar',
  W1: 'params/ExpertModel_0/net/kernel',
  b1: 'params/ExpertModel_0/net/bias',
  W2: 'params/ExpertModel_0/Dense_0/kernel',
  b2: 'params/ExpertModel_0/Dense_0/bias',
};

/** Inputs of a layer vector, with the ReLU that some apply to the tokens first. */
export function layerInputs(vector) {
  const inputs = Object.fromEntries(Object.entries(vector.inputs).map(([name, array]) => [name, materialize(array)]));
  if (vector.config.relu_tokens_first) {
    inputs.tokens = { ...inputs.tokens, data: inputs.tokens.data.map((value) => Math.max(0, value)) };
  }
  return inputs;
}

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
    const apply = (ops, tensors) => {
      const parameters = Object.fromEntries(Object.entries(PARAMETERS).map(([name, path]) => [path, tensors[name]]));
      return applySoftMoe(ops, parameters, tensors.tokens, config);
    };
    for (const adapter of adapters) {
      yield {
        name: adapter.name,
        async run() {
          await adapter.activate();
          const { ops } = adapter;
          const actual = ops.tidy(() => {
            const tensors = Object.fromEntries(
              Object.entries(inputs).map(([name, { data, shape }]) => [name, ops.tensor(data, shape)]),
            );
            const result = apply(ops, tensors);
            const read = (x) => ({ shape: ops.shape(x), data: ops.read(x) });
            return {
              values: read(result.output),
              dispatch_weights: read(result.dispatchWeights),
              combine_weights: read(result.combineWeights),
              router_probabilities: read(result.routerProbabilities),
              router_top_experts: read(result.topExperts),
              experts_hidden: read(result.expertsHidden),
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
          const loss = (ops, tensors) => {
            const { output } = apply(ops, tensors);
            const weighted = ops.multiply(output, ops.tensor(R.data, R.shape));
            return ops.sum(
              weighted,
              R.shape.map((_, axis) => axis),
            );
          };
          expectGradients(adapter, loss, inputs, goldens, 2e-5);
        },
      };
    }
  },
};
