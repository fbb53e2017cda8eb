// DeepSeekMoE's gate (DeepSeek-V2 and V3): many fine-grained experts, choice restricted to a few groups, balance by a bias instead of a loss.
import { InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import {
  assignTokens,
  type CapacityConfig,
  capacityOf,
  logitSizes,
  normalizeScores,
  type Router,
  requireK,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/** Score of what is left out of the choice: below every sigmoid, softmax and bias. */
const LEFT_OUT = -1e30;

/** Options of 'deepseek'. */
export interface DeepSeekConfig extends CapacityConfig {
  /** K. Default 8, or all experts where there are fewer. */
  readonly k?: number;
  /** 'sigmoid' (V3): group score = sum of its two best. 'softmax' (V2): group score = its best. Default 'sigmoid'. */
  readonly scoring?: 'sigmoid' | 'softmax';
  /** G: groups of E/G experts. Default 1. */
  readonly numGroups?: number;
  /** M: only the M best groups are chosen from. Default all. */
  readonly numKeptGroups?: number;
  /** 'sum' divides the weights by their sum, 'none' doesn't; 'auto': only with sigmoid scores. Default 'auto'. */
  readonly normalization?: 'auto' | 'sum' | 'none';
  /** Multiplies the weights. Default 1 (V3 uses 2.5, V2 16). */
  readonly routeScale?: number;
  /** Step of the layer's balance bias after each update; 0: the layer has none. Default 0.001. */
  readonly balanceBiasRate?: number;
}

/** Whether weights are divided by their sum. */
export function isNormalizing(
  scoring: DeepSeekConfig['scoring'],
  normalization: DeepSeekConfig['normalization'],
): boolean {
  const mode = requireOneOf('normalization', normalization ?? 'auto', ['auto', 'sum', 'none']);
  return mode === 'auto' ? (scoring ?? 'sigmoid') === 'sigmoid' : mode === 'sum';
}

/** Scores plus `inputs.bias` decide; weights are the unbiased scores. `probabilities` are those scores. Without a capacity nothing is dropped. */
export function deepSeekRouter(config: DeepSeekConfig = {}): Router {
  const scoring = requireOneOf('scoring', config.scoring ?? 'sigmoid', ['sigmoid', 'softmax']);
  const scale = requireFinite('routeScale', config.routeScale ?? 1);
  return {
    type: 'deepseek',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const k = requireK(config.k, E, 8);
      const G = requireInteger('numGroups', config.numGroups ?? 1, 1, E);
      if (E % G !== 0) throw new InvalidArgumentError(`numGroups is ${G}; expected a divisor of the ${E} experts`);
      const M = requireInteger('numKeptGroups', config.numKeptGroups ?? G, 1, G);
      requireInteger('k', k, 1, (M * E) / G);
      const scores = scoring === 'sigmoid' ? ops.sigmoid(logits) : ops.softmax(logits, -1);
      let ranking = ops.stopGradient(inputs.bias === undefined ? scores : ops.add(scores, inputs.bias));
      if (M < G) {
        const groups = ops.topK(groupScores(ops, ranking, G, scoring), M).indices;
        const isKept = ops.reshape(ops.sum(ops.oneHot(groups, G), [2]), [B, T, G, 1]);
        const everywhere = ops.reshape(ops.add(isKept, ops.fill([B, T, G, E / G], 0)), [B, T, E]);
        ranking = ops.where(everywhere, ranking, ops.fill([B, T, E], LEFT_OUT));
      }
      const { indices } = ops.topK(ranking, k);
      const picked = ops.multiply(ops.oneHot(indices, E), ops.reshape(scores, [B, T, 1, E]));
      let weights = ops.sum(picked, [3]);
      if (isNormalizing(scoring, config.normalization)) weights = normalizeScores(ops, weights);
      if (scale !== 1) weights = ops.multiply(weights, ops.fill([], scale));
      const assignment = assignTokens(ops, indices, weights, {
        numExperts: E,
        capacity: capacityOf(config, { numTokens: T, numExperts: E, choices: k }),
        tokenMask: inputs.tokenMask,
      });
      return { assignment, logits, probabilities: scores };
    },
  };
}

/**
 * How good each group of experts is [B, T, G], of scores [B, T, E] with their bias: the sum of its two best (V3, 'sigmoid'), or its best (V2, 'softmax').
 * @throws InvalidArgumentError where the groups don't divide the experts
 */
export function groupScores<Tensor>(
  ops: TensorOps<Tensor>,
  scores: Tensor,
  numGroups: number,
  scoring: 'sigmoid' | 'softmax' = 'sigmoid',
): Tensor {
  const [B, T, E] = ops.shape(scores) as [number, number, number];
  const G = requireInteger('numGroups', numGroups, 1, E);
  if (E % G !== 0) throw new InvalidArgumentError(`numGroups is ${G}; expected a divisor of the ${E} experts`);
  const grouped = ops.reshape(scores, [B, T, G, E / G]);
  return ops.sum(ops.topK(grouped, scoring === 'sigmoid' ? Math.min(2, E / G) : 1).values, [3]);
}

/**
 * Bias after an update: raised by `rate` for experts with less than the mean load, lowered for those with more (auxiliary-loss-free balancing).
 * @param load choices per expert over the batch
 */
export function updateBalanceBias(bias: ArrayLike<number>, load: ArrayLike<number>, rate = 0.001): Float32Array {
  if (bias.length !== load.length) {
    throw new InvalidArgumentError(`load has ${load.length} experts; expected ${bias.length}, as many as bias`);
  }
  const mean = Array.from(load).reduce((a, b) => a + b, 0) / load.length;
  return Float32Array.from(bias, (value, expert) => value + rate * Math.sign(mean - load[expert]!));
}
