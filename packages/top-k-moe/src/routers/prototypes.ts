// M6-T expert prototyping (Yang et al., 2021): k top-1 routers side by side, each over its own group of experts.
import { InvalidArgumentError, requireInteger, requireOneOf } from '@moe-rl/core';
import { assignTokens, type CapacityConfig, capacityOf, logitSizes, type Router } from '@moe-rl/moe-core';

/** Options of 'expert-prototyping'. */
export interface PrototypesConfig extends CapacityConfig {
  /** Z: groups of E/Z experts; each token uses one expert of every group. Default 2, or 1 where that leaves no two experts to choose from. */
  readonly numPrototypes?: number;
  /** 'k': capacity as for top-Z routing, floor(factor * Z * T / E). '1': as for top-1, floor(factor * T / E). Default 'k'. */
  readonly capacityBudget?: 'k' | '1';
}

/** The default number of prototypes: with one expert in each there is nothing to choose. */
export function prototypesOf(numExperts: number): number {
  return numExperts % 2 === 0 && numExperts > 2 ? 2 : 1;
}

/** Softmax and top-1 within each prototype, weights not normalized across them: rows sum to something in [Z*Z/E, Z]. Capacity factor 1.25. */
export function prototypesRouter(config: PrototypesConfig = {}): Router {
  return {
    type: 'expert-prototyping',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const Z = requireInteger('numPrototypes', config.numPrototypes ?? prototypesOf(E), 1, E);
      if (E % Z !== 0) throw new InvalidArgumentError(`numPrototypes is ${Z}; expected a divisor of the ${E} experts`);
      const budget = requireOneOf('capacityBudget', config.capacityBudget ?? 'k', ['k', '1']);
      const within = ops.softmax(ops.reshape(logits, [B, T, Z, E / Z]), -1);
      const best = ops.topK(within, 1);
      const offsets = ops.tensor(
        Float32Array.from({ length: Z }, (_, prototype) => (prototype * E) / Z),
        [1, 1, Z],
      );
      const local = ops.reshape(ops.toFloat(best.indices), [B, T, Z]);
      const assignment = assignTokens(
        ops,
        ops.toInteger(ops.add(local, offsets)),
        ops.reshape(best.values, [B, T, Z]),
        {
          numExperts: E,
          capacity: capacityOf(
            { capacityRounding: 'floor', ...config },
            { numTokens: T, numExperts: E, choices: budget === 'k' ? Z : 1 },
            1.25,
          ),
          tokenMask: inputs.tokenMask,
        },
      );
      return { assignment, logits, probabilities: ops.reshape(within, [B, T, E]) };
    },
  };
}
