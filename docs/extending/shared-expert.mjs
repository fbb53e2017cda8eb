// A mixture, where a router is not enough: any other mixture, and beside it an expert that works on every token (DeepSeekMoE, Dai et al. 2024).
// `moe-rl train --module docs/extending/shared-expert.mjs --preset dqn-impala --set network.moe.router.type=shared-expert --set network.moe.router.routed=switch`.
import { applyExperts, createMixture, expertParameterSpecs, initExperts, lazyRecord } from '@moe-rl/moe-core';

function sharedExpert({ routed }, sizes) {
  const mixture = createMixture({ type: routed }, sizes);
  const shared = { numExperts: 1, tokenSize: sizes.tokenSize, hiddenSize: sizes.hiddenSize };
  const scope = `${sizes.scope ?? 'params/'}SharedExpert_0/`;
  return {
    // Random inputs, state, stages and auxiliary losses are those of the mixture inside.
    ...mixture,
    type: 'shared-expert',
    parameters: [...mixture.parameters, ...expertParameterSpecs(shared, scope)],
    initialize: (rng) => ({
      ...mixture.initialize(rng.fork('routed')),
      ...initExperts(rng.fork('shared'), shared, scope),
    }),
    /** @param tokens [B, T, D] */
    apply(ops, parameters, tokens, inputs = {}) {
      const record = mixture.apply(ops, parameters, tokens, inputs);
      const [B, T, D] = ops.shape(tokens);
      const output = () => {
        const { output: own } = applyExperts(ops, parameters, ops.reshape(tokens, [1, B * T, D]), shared, scope);
        const sum = ops.add(record.output, ops.reshape(own, [B, T, D]));
        return inputs.tokenMask ? ops.multiply(sum, ops.reshape(inputs.tokenMask, [B, T, 1])) : sum;
      };
      // What is computed when it is read stays so.
      const rest = Object.keys(record).map((name) => [name, () => record[name]]);
      return lazyRecord({ ...Object.fromEntries(rest), output });
    },
  };
}

export function register({ mixtures, setting }) {
  mixtures.register({
    type: 'shared-expert',
    description: 'Another mixture and an expert for every token',
    options: { routed: setting.choice('The mixture beside it', 'soft', ['soft', 'switch', 'token-choice']) },
    create: ({ routed = 'soft' }, sizes) => sharedExpert({ routed }, sizes),
  });
}
