// Routers in which every token takes its best experts: plain top-k, Switch, GShard top-2, noisy top-k and random.
import { requireFinite } from '@moe-rl/core';

import {
  assignTokens,
  type CapacityConfig,
  capacityOf,
  logitSizes,
  normalizeScores,
  type Router,
  type RouterInputs,
  type Routing,
  requireInput,
  requireK,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';

const NORMAL_NOISE = {
  name: 'normalNoise',
  distribution: 'normal',
  axes: ['B', 'T', 'E'],
  phase: 'training',
} as const;
const JITTER_NOISE = {
  name: 'jitterNoise',
  distribution: 'uniform',
  axes: ['B', 'T', 'D'],
  phase: 'training',
} as const;

/** Options of 'token-choice'. */
export interface TokenChoiceConfig extends CapacityConfig {
  /** K. Default 1. */
  readonly k?: number;
  /** Divides each token's weights by their sum over its K choices, before any are dropped. Default false: weights are softmax probabilities. */
  readonly isRenormalized?: boolean;
  /** Whether the capacity counts choices (T*K*factor/E) as V-MoE does, or tokens (T*factor/E) as the official RL code does. Default false. */
  readonly capacityCountsChoices?: boolean;
  /** Tokens with the largest probability get their slots first (V-MoE's batch priority). Default false: in token order. */
  readonly hasBatchPriority?: boolean;
  /** Standard deviation times E of noise on the logits while training; needs `inputs.normalNoise`. Default 0. */
  readonly noiseStd?: number;
}

/**
 * Softmax over experts, top k, a buffer of C slots per expert filled first come, first served; the rest is dropped.
 * With the defaults: the Top-1 router of Obando Ceron et al. (2024), C = ceil(T * capacityFactor / E).
 */
export function tokenChoiceRouter(config: TokenChoiceConfig = {}): Router {
  return {
    type: 'token-choice',
    inputs: config.noiseStd ? [NORMAL_NOISE] : [],
    route(ops, logits, inputs) {
      const { T, E } = logitSizes(ops, logits);
      const k = requireK(config.k, E, 1);
      const noisy = config.noiseStd && inputs.isTraining !== false;
      const scores = noisy
        ? ops.add(
            logits,
            ops.multiply(
              requireInput('token-choice', 'normalNoise', inputs.normalNoise),
              ops.fill([], config.noiseStd! / E),
            ),
          )
        : logits;
      const probabilities = ops.softmax(scores, -1);
      const { indices, values } = ops.topK(probabilities, k);
      const weights = config.isRenormalized ? normalizeScores(ops, values) : values;
      const assignment = assignTokens(ops, indices, weights, {
        numExperts: E,
        capacity: capacityOf(config, { numTokens: T, numExperts: E, choices: config.capacityCountsChoices ? k : 1 }, 1),
        tokenMask: inputs.tokenMask,
        priority: config.hasBatchPriority ? ops.max(probabilities, [2]) : undefined,
      });
      const noise = noisy ? { noisyLogits: scores, noiseScale: ops.fill([], config.noiseStd! / E) } : {};
      return { assignment, logits, probabilities, ...noise };
    },
  };
}

/** Options of 'switch'. */
export interface SwitchConfig extends CapacityConfig {
  /** eps: in training the gate sees its input times numbers uniform within 1 - eps to 1 + eps; needs `inputs.jitterNoise`. The paper's is 0.01. Default 0. */
  readonly inputJitter?: number;
}

/** Switch Transformer (Fedus et al., 2021): top-1, weight = probability, C = floor(T * capacityFactor / E) with factor 1.25. */
export function switchRouter(config: SwitchConfig = {}): Router {
  const { inputJitter = 0, ...capacity } = config;
  requireFinite('inputJitter', inputJitter, 0, 1);
  const router = tokenChoiceRouter({ capacityFactor: 1.25, capacityRounding: 'floor', ...capacity });
  return { ...router, type: 'switch', inputJitter, inputs: inputJitter > 0 ? [JITTER_NOISE] : [] };
}

/** Options of 'gshard-top-2'. */
export interface GShardConfig extends CapacityConfig {
  /** Sends a token to its second expert with probability min(1, 2 * weight); needs `inputs.uniformNoise` [B, T] while training. Default true. */
  readonly dropsSecondAtRandom?: boolean;
}

/** GShard (Lepikhin et al., 2020): top-2, weights normalized over the two before anything is dropped, C = ceil(2 * T * capacityFactor / E). */
export function gshardRouter(config: GShardConfig = {}): Router {
  return {
    type: 'gshard-top-2',
    inputs:
      (config.dropsSecondAtRandom ?? true)
        ? [{ name: 'uniformNoise', distribution: 'uniform', axes: ['B', 'T'], phase: 'training' }]
        : [],
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      // With one expert there is no second choice.
      const k = Math.min(2, E);
      const probabilities = ops.softmax(logits, -1);
      const { indices, values } = ops.topK(probabilities, k);
      const weights = normalizeScores(ops, values);
      let wanted: Parameters<typeof assignTokens<typeof logits>>[3]['wanted'];
      if ((config.dropsSecondAtRandom ?? true) && inputs.isTraining !== false && k === 2) {
        const uniform = ops.reshape(requireInput('gshard-top-2', 'uniformNoise', inputs.uniformNoise), [B, T, 1]);
        // The first choice is always sent: its threshold is below every 2 * weight.
        const thresholds = ops.concat([ops.fill([B, T, 1], -1), uniform], 2);
        wanted = ops.greater(ops.multiply(weights, ops.fill([], 2)), thresholds);
      }
      const capacity = capacityOf(config, { numTokens: T, numExperts: E, choices: k }, 1);
      return {
        assignment: assignTokens(ops, indices, weights, {
          numExperts: E,
          capacity,
          wanted,
          tokenMask: inputs.tokenMask,
        }),
        logits,
        probabilities,
      };
    },
  };
}

/** Options of 'noisy-top-k'. */
export interface NoisyTopKConfig extends CapacityConfig {
  /** K. Default 2. */
  readonly k?: number;
}

/**
 * Noisy top-k gating (Shazeer et al., 2017): the K largest of `logits + noise * softplus(noiseLogits)`, softmax over those K.
 * Needs `inputs.noiseLogits` and, while training, `inputs.normalNoise`. No expert is ever full unless a capacity is given.
 * `probabilities` are the gates [B, T, E], zero for experts not chosen, as the paper's importance loss wants them.
 */
export function noisyTopKRouter(config: NoisyTopKConfig = {}): Router {
  return {
    type: 'noisy-top-k',
    inputs: [NORMAL_NOISE],
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const k = requireK(config.k, E, 2);
      const noisy = noisyLogits(ops, logits, inputs);
      const { indices, values } = ops.topK(noisy, k);
      const weights = ops.softmax(values, -1);
      const assignment = assignTokens(ops, indices, weights, {
        numExperts: E,
        capacity: capacityOf(config, { numTokens: T, numExperts: E, choices: k }),
        tokenMask: inputs.tokenMask,
      });
      const gates = ops.sum(ops.multiply(ops.oneHot(indices, E), ops.reshape(weights, [B, T, k, 1])), [2]);
      const noise = noisy === logits ? {} : { noisyLogits: noisy, noiseScale: ops.softplus(inputs.noiseLogits!) };
      return { assignment, logits, probabilities: gates, ...noise };
    },
  };
}

/** The noisy logits of Shazeer et al.; the plain ones in evaluation. */
export function noisyLogits<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, inputs: RouterInputs<Tensor>): Tensor {
  if (inputs.isTraining === false) return logits;
  const noise = requireInput('noisy-top-k', 'normalNoise', inputs.normalNoise);
  const scale = ops.softplus(requireInput('noisy-top-k', 'noiseLogits', inputs.noiseLogits));
  return ops.add(logits, ops.multiply(noise, scale));
}

/** Options of 'random'. */
export interface RandomConfig extends CapacityConfig {
  /** K. Default 1. */
  readonly k?: number;
}

/** K experts at random for each token, weight 1/K each: the control that learns nothing. Needs `inputs.uniformNoise` [B, T, E]. */
export function randomRouter(config: RandomConfig = {}): Router {
  return {
    type: 'random',
    inputs: [{ name: 'uniformNoise', distribution: 'uniform', axes: ['B', 'T', 'E'], phase: 'always' }],
    route<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, inputs: RouterInputs<Tensor>): Routing<Tensor> {
      const { B, T, E } = logitSizes(ops, logits);
      const k = requireK(config.k, E, 1);
      const { indices } = ops.topK(requireInput('random', 'uniformNoise', inputs.uniformNoise), k);
      const weights = ops.fill([B, T, k], 1 / k);
      const capacity = capacityOf(config, { numTokens: T, numExperts: E, choices: k }, 1);
      const assignment = assignTokens(ops, indices, weights, { numExperts: E, capacity, tokenMask: inputs.tokenMask });
      return { assignment, logits, probabilities: ops.fill([B, T, E], 1 / E) };
    },
  };
}
