// Routers with a balance that is built in or learned apart: BASE (Lewis et al., 2021), hash layers (Roller et al., 2021), StableMoE (Dai et al., 2022).
import { InvalidArgumentError, requireInteger, requireOneOf } from '@moe-rl/core';
import { assignTokens, type CapacityConfig, capacityOf, logitSizes, type Router, requireInput } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { bestAssignment } from '../host/best-assignment.ts';

/** Weight sigmoid(score) of the chosen expert [B, T, 1]: the only way the gradient reaches these routers. */
function sigmoidWeights<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, experts: Tensor): Tensor {
  const E = ops.shape(logits)[2]!;
  const picked = ops.reshape(ops.oneHot(experts, E), ops.shape(logits));
  return ops.sigmoid(ops.sum(ops.multiply(picked, logits), [2], true));
}

/**
 * BASE: while training the assignment that maximizes the summed scores with exactly T/E tokens per expert, solved exactly on the host (the original
 * uses an approximate auction); in evaluation the best expert of each token, without balance. Weight sigmoid(score). No gradient through the choice.
 * Non-finite scores count as the smallest finite one, as in the original.
 */
export function baseRouter(): Router {
  return {
    type: 'base',
    runsOnHost: 'training',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const probabilities = ops.softmax(logits, -1);
      if (inputs.isTraining === false) {
        const { indices } = ops.topK(logits, 1);
        const weights = sigmoidWeights(ops, logits, indices);
        return { assignment: assignTokens(ops, indices, weights, { numExperts: E }), logits, probabilities };
      }
      if (T % E !== 0) {
        throw new InvalidArgumentError(
          `logits have ${T} tokens; expected a multiple of the ${E} experts, since "base" balances them`,
        );
      }
      const scores = ops.read(logits);
      const chosen = new Float32Array(B * T);
      for (let sample = 0; sample < B; sample++) {
        chosen.set(balancedAssignment(scores.subarray(sample * T * E, (sample + 1) * T * E), T, E), sample * T);
      }
      const experts = ops.toInteger(ops.tensor(chosen, [B, T, 1]));
      const weights = sigmoidWeights(ops, logits, experts);
      return {
        assignment: assignTokens(ops, experts, weights, { numExperts: E, capacity: T / E }),
        logits,
        probabilities,
      };
    },
  };
}

/**
 * Expert of each token, T/E tokens per expert, with the largest sum of scores.
 * @param scores [T, E], row-major
 */
export function balancedAssignment(scores: ArrayLike<number>, numTokens: number, numExperts: number): Int32Array {
  const smallest = Array.from(scores)
    .filter(Number.isFinite)
    .reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const byExpert = new Float64Array(numTokens * numExperts);
  for (let token = 0; token < numTokens; token++) {
    for (let expert = 0; expert < numExperts; expert++) {
      const score = scores[token * numExperts + expert]!;
      byExpert[expert * numTokens + token] = Number.isFinite(score) ? score : Number.isFinite(smallest) ? smallest : 0;
    }
  }
  const isChosen = bestAssignment(byExpert, numExperts, numTokens, numTokens / numExperts, 1);
  const experts = new Int32Array(numTokens);
  isChosen.forEach((flag, index) => {
    if (flag) experts[index % numTokens] = Math.floor(index / numTokens);
  });
  return experts;
}

/** Options of 'hash'. */
export interface HashConfig extends CapacityConfig {
  /** Expert of each token id. Left out or empty: the id is the expert (hardcoded routing, for instance one expert per task). */
  readonly table?: readonly number[];
}

/** The expert that a table gives for the token's id, weight 1. Needs `inputs.tokenIds` [B, T]. Without a capacity nothing is dropped. */
export function hashRouter(config: HashConfig = {}): Router {
  return {
    type: 'hash',
    inputs: [{ name: 'tokenIds', distribution: 'given', axes: ['B', 'T'], phase: 'always' }],
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      config.table?.forEach((expert, id) => {
        requireInteger(`table[${id}]`, expert, 0, E - 1);
      });
      const ids = ops.reshape(requireInput('hash', 'tokenIds', inputs.tokenIds), [B, T, 1]);
      const experts = config.table?.length
        ? ops.toInteger(ops.gather(ops.tensor(config.table, [config.table.length]), ids))
        : ids;
      const isCapped = config.capacity !== undefined || config.capacityFactor !== undefined;
      const assignment = assignTokens(ops, experts, ops.fill([B, T, 1], 1), {
        numExperts: E,
        capacity: isCapped ? capacityOf(config, T / E, 1) : undefined,
      });
      return { assignment, logits, probabilities: ops.reshape(ops.oneHot(experts, E), [B, T, E]) };
    },
  };
}

/** Balanced hash table: ids by falling frequency, each to the expert with the least load so far (the lowest of equal ones). */
export function balancedHashTable(
  frequencies: readonly number[],
  numExperts: number,
): { table: number[]; load: number[] } {
  requireInteger('numExperts', numExperts, 1);
  const load = new Array<number>(numExperts).fill(0);
  const table = new Array<number>(frequencies.length).fill(0);
  const order = frequencies.map((_, id) => id).sort((a, b) => frequencies[b]! - frequencies[a]! || a - b);
  for (const id of order) {
    const expert = load.indexOf(Math.min(...load));
    table[id] = expert;
    load[expert]! += frequencies[id]!;
  }
  return { table, load };
}

/** Options of 'stable'. */
export interface StableConfig extends CapacityConfig {
  /** 1: the best of the live scores. 2: the best of the distilled, frozen scores, `inputs.distilledLogits`. Default 1. */
  readonly stage?: 1 | 2;
}

/** StableMoE: top-1 with weight sigmoid(live score) in both stages. Without a capacity nothing is dropped. */
export function stableRouter(config: StableConfig = {}): Router {
  const stage = Number(requireOneOf('stage', String(config.stage ?? 1), ['1', '2']));
  return {
    type: 'stable',
    route(ops, logits, inputs) {
      const { T, E } = logitSizes(ops, logits);
      const scores =
        stage === 1 ? logits : ops.stopGradient(requireInput('stable', 'distilledLogits', inputs.distilledLogits));
      const { indices } = ops.topK(scores, 1);
      const isCapped = config.capacity !== undefined || config.capacityFactor !== undefined;
      const assignment = assignTokens(ops, indices, sigmoidWeights(ops, logits, indices), {
        numExperts: E,
        capacity: isCapped ? capacityOf(config, T / E, 2) : undefined,
      });
      return { assignment, logits, probabilities: ops.softmax(logits, -1) };
    },
  };
}
