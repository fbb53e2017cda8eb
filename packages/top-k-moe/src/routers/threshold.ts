// Routers that keep as many experts as a token needs: EvoMoE's dense-to-sparse gate and DynMoLE's entropy-driven hybrid.
import { requireFinite, requireInteger } from '@moe-rl/core';
import {
  assignTokens,
  type CapacityConfig,
  capacityOf,
  logitSizes,
  normalizedEntropy,
  type Router,
  requireInput,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { EvoMoeConfig } from '../schedules/evo-moe.ts';

/** Every expert, by index, for every token [B, T, E]; integers. */
function allExperts<Tensor>(ops: TensorOps<Tensor>, B: number, T: number, E: number): Tensor {
  const row = Array.from({ length: E }, (_, expert) => expert);
  return ops.toInteger(ops.tensor(Array.from({ length: B * T }, () => row).flat(), [B, T, E]));
}

/** Options of 'dense-to-sparse'. */
export interface DenseToSparseConfig extends Pick<CapacityConfig, 'capacity'>, EvoMoeConfig {
  /** c: experts with a gate above this work. Default 0.001. */
  readonly threshold?: number;
  /** From now on only the best expert works. Default false. */
  readonly isHard?: boolean;
  /**
   * In evaluation each expert takes at most ceil(fraction * T) tokens; 0 means no limit. Default 0: the released code's 0.25 leaves tokens without an
   * expert, three of four when there is one expert.
   */
  readonly evaluationCapacityFraction?: number;
}

/**
 * EvoMoE's dense-to-sparse gate (Nie et al., 2021): `softmax((logits + Gumbel noise) / temperature)`, every expert above the threshold works with its
 * gate as weight, not renormalized; no capacity while training. Needs `inputs.uniformNoise` [B, T, E] and `inputs.temperature` while training.
 * In evaluation: top-1 on the plain softmax.
 */
export function denseToSparseRouter(config: DenseToSparseConfig = {}): Router {
  const threshold = requireFinite('threshold', config.threshold ?? 0.001, 0, 1);
  const fraction = requireFinite('evaluationCapacityFraction', config.evaluationCapacityFraction ?? 0, 0, 1);
  return {
    type: 'dense-to-sparse',
    inputs: [{ name: 'uniformNoise', distribution: 'uniform', axes: ['B', 'T', 'E'], phase: 'training' }],
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const { tokenMask, stage } = inputs;
      if (stage === 'shared') {
        const [experts, weights] = [ops.fill([B, T, 1], 0), ops.fill([B, T, 1], 1)];
        const assignment = assignTokens(ops, ops.toInteger(experts), weights, { numExperts: E, tokenMask });
        return { assignment, logits, probabilities: ops.reshape(ops.oneHot(assignment.experts, E), [B, T, E]) };
      }
      if (inputs.isTraining === false) {
        const probabilities = ops.softmax(logits, -1);
        const { indices, values } = ops.topK(probabilities, 1);
        const limit = fraction > 0 ? { capacity: Math.ceil(T * fraction) } : {};
        const capacity = capacityOf({ ...limit, ...config }, { numTokens: T, numExperts: E });
        const assignment = assignTokens(ops, indices, values, { numExperts: E, capacity, tokenMask });
        return { assignment, logits, probabilities };
      }
      const uniform = requireInput('dense-to-sparse', 'uniformNoise', inputs.uniformNoise);
      const temperature = requireInput('dense-to-sparse', 'temperature', inputs.temperature);
      const scale =
        typeof temperature === 'number'
          ? ops.fill([], requireFinite('inputs.temperature', temperature, 1e-6))
          : temperature;
      const gates = ops.softmax(ops.divide(ops.add(logits, gumbelNoise(ops, uniform)), scale), -1);
      if (config.isHard || stage === 'hard') {
        const { indices, values } = ops.topK(gates, 1);
        const assignment = assignTokens(ops, indices, values, { numExperts: E, tokenMask });
        return { assignment, logits, probabilities: gates };
      }
      const wanted = ops.greater(gates, ops.fill([], threshold));
      const assignment = assignTokens(ops, allExperts(ops, B, T, E), gates, { numExperts: E, wanted, tokenMask });
      return { assignment, logits, probabilities: gates };
    },
  };
}

/** Gumbel noise -log(-log u) of uniform numbers, which are kept away from 0 and 1; of any shape. */
export function gumbelNoise<Tensor>(ops: TensorOps<Tensor>, uniform: Tensor): Tensor {
  const clipped = ops.minimum(ops.maximum(uniform, ops.fill([], 1e-20)), ops.fill([], 1 - 1e-7));
  const zero = ops.fill([], 0);
  return ops.subtract(zero, ops.log(ops.subtract(zero, ops.log(clipped))));
}

/** Options of 'dynmole'. */
export interface DynMoleConfig {
  /** q of the Tsallis entropy, above 0 and at most 2; 1 is Shannon's. Default 1.1. */
  readonly entropyIndex?: number;
  /** Added to every probability before the entropy is taken. Default 1e-5. */
  readonly entropyEpsilon?: number;
  /** A token whose normalized entropy is above this uses all experts. Default 0.9. */
  readonly entropyThreshold?: number;
  /** p: experts are kept, best first, while their summed probability stays within it. Default 0.75. */
  readonly topP?: number;
  /** Experts that are kept in any case. Default 2, or 1 where there is one. */
  readonly keepTopK?: number;
}

/** DynMoLE's hybrid of soft, top-p and top-k routing (Li et al., 2025). Weights are probabilities, not renormalized; nothing is dropped. */
export function dynMoleRouter(config: DynMoleConfig = {}): Router {
  const q = requireFinite('entropyIndex', config.entropyIndex ?? 1.1, Number.MIN_VALUE, 2);
  const epsilon = requireFinite('entropyEpsilon', config.entropyEpsilon ?? 1e-5, 0);
  const threshold = requireFinite('entropyThreshold', config.entropyThreshold ?? 0.9, Number.MIN_VALUE);
  const topP = requireFinite('topP', config.topP ?? 0.75, Number.MIN_VALUE, 1);
  return {
    type: 'dynmole',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const keep = requireInteger('keepTopK', config.keepTopK ?? Math.min(2, E), 1, E);
      const probabilities = ops.softmax(logits, -1);
      const sorted = ops.topK(probabilities, E);
      const isWithin = ops.greaterEqual(ops.fill([], topP), ops.cumulativeSum(sorted.values, 2));
      const isFloor = ops.tensor(
        Array.from({ length: E }, (_, rank) => +(rank < keep)),
        [1, 1, E],
      );
      const isUncertain = ops.greater(normalizedEntropy(ops, probabilities, q, epsilon), ops.fill([], threshold));
      const wanted = ops.maximum(ops.maximum(isWithin, isFloor), ops.reshape(isUncertain, [B, T, 1]));
      const assignment = assignTokens(ops, sorted.indices, sorted.values, {
        numExperts: E,
        wanted,
        tokenMask: inputs.tokenMask,
      });
      return { assignment, logits, probabilities };
    },
  };
}
