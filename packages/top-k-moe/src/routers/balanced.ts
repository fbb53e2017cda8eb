// Routers with a balance that is built in or learned apart: BASE (Lewis et al., 2021), hash layers (Roller et al., 2021), StableMoE (Dai et al., 2022).
import { requireInteger, requireOneOf } from '@moe-rl/core';
import { assignTokens, type CapacityConfig, capacityOf, logitSizes, type Router, requireInput } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { bestPartition } from '../host/best-assignment.ts';
import type { StableMoeConfig } from '../schedules/stable-moe.ts';

/** Weight sigmoid(score) of the chosen expert [B, T, 1]: the only way the gradient reaches these routers. */
function sigmoidWeights<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, experts: Tensor): Tensor {
  const E = ops.shape(logits)[2]!;
  const picked = ops.reshape(ops.oneHot(experts, E), ops.shape(logits));
  return ops.sigmoid(ops.sum(ops.multiply(picked, logits), [2], true));
}

/**
 * BASE: while training the assignment that maximizes the summed scores with at most ceil(T/E) tokens per expert, exactly T/E where E divides T, solved
 * exactly on the host (the original uses an approximate auction, and wants E to divide T); in evaluation the best expert of each token, without balance.
 * Weight sigmoid(score). No gradient through the choice. Non-finite scores count as the smallest finite one, as in the original.
 */
export function baseRouter(): Router {
  return {
    type: 'base',
    runsOnHost: 'training',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const { tokenMask } = inputs;
      const probabilities = ops.softmax(logits, -1);
      if (inputs.isTraining === false) {
        const { indices } = ops.topK(logits, 1);
        const weights = sigmoidWeights(ops, logits, indices);
        return { assignment: assignTokens(ops, indices, weights, { numExperts: E, tokenMask }), logits, probabilities };
      }
      const scores = ops.read(logits);
      const isToken = tokenMask && ops.read(tokenMask);
      const chosen = new Float32Array(B * T);
      for (let sample = 0; sample < B; sample++) {
        const rows = Array.from({ length: T }, (_, token) => sample * T + token).filter((row) => isToken?.[row] !== 0);
        const own = Float64Array.from({ length: rows.length * E }, (_, index) => {
          return scores[rows[Math.floor(index / E)]! * E + (index % E)]!;
        });
        const experts = balancedAssignment(own, rows.length, E);
        for (const [index, row] of rows.entries()) chosen[row] = experts[index]!;
      }
      const experts = ops.toInteger(ops.tensor(chosen, [B, T, 1]));
      const weights = sigmoidWeights(ops, logits, experts);
      const options = { numExperts: E, capacity: Math.ceil(T / E), tokenMask };
      return { assignment: assignTokens(ops, experts, weights, options), logits, probabilities };
    },
  };
}

/**
 * Expert of each token, at most ceil(T/E) tokens per expert, with the largest sum of scores.
 * @param scores [T, E], row-major
 */
export function balancedAssignment(scores: ArrayLike<number>, numTokens: number, numExperts: number): Int32Array {
  let smallest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < scores.length; index++) {
    if (Number.isFinite(scores[index])) smallest = Math.min(smallest, scores[index]!);
  }
  const floor = Number.isFinite(smallest) ? smallest : 0;
  const finite = Float64Array.from(scores, (score) => (Number.isFinite(score) ? score : floor));
  return bestPartition(finite, numTokens, numExperts, Math.ceil(numTokens / numExperts));
}

/** Options of 'hash'. */
export interface HashConfig extends CapacityConfig {
  /** Expert of each token id. Left out or empty: the id is the expert (hardcoded routing, for instance one expert per task). */
  readonly table?: readonly number[];
  /** 'given': `inputs.tokenIds`. 'position': a token's place in its sample is its id. Default 'given'. */
  readonly ids?: 'given' | 'position';
}

/**
 * The expert that a table gives for the token's id, weight 1; ids beyond the table start over. Needs `inputs.tokenIds` [B, T] unless positions are ids.
 * Without a capacity nothing is dropped.
 */
export function hashRouter(config: HashConfig = {}): Router {
  const isGiven = requireOneOf('ids', config.ids ?? 'given', ['given', 'position']) === 'given';
  return {
    type: 'hash',
    inputs: isGiven ? [{ name: 'tokenIds', distribution: 'given', axes: ['B', 'T'], phase: 'always' }] : [],
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      config.table?.forEach((expert, id) => {
        requireInteger(`table[${id}]`, expert, 0, E - 1);
      });
      const ids = isGiven
        ? ops.toFloat(ops.reshape(requireInput('hash', 'tokenIds', inputs.tokenIds), [B, T, 1]))
        : positionsOf(ops, B, T);
      const table = config.table?.length ? config.table : Array.from({ length: E }, (_, expert) => expert);
      const size = ops.fill([], table.length);
      const turns = ops.toFloat(ops.toInteger(ops.divide(ops.add(ids, ops.fill([], 0.5)), size)));
      const entries = ops.toInteger(ops.subtract(ids, ops.multiply(turns, size)));
      const experts = ops.toInteger(ops.gather(ops.tensor(table, [table.length]), entries));
      const assignment = assignTokens(ops, experts, ops.fill([B, T, 1], 1), {
        numExperts: E,
        capacity: capacityOf(config, { numTokens: T, numExperts: E }),
        tokenMask: inputs.tokenMask,
      });
      return { assignment, logits, probabilities: ops.reshape(ops.oneHot(experts, E), [B, T, E]) };
    },
  };
}

/** Place of each token in its sample [B, T, 1]. */
function positionsOf<Tensor>(ops: TensorOps<Tensor>, B: number, T: number): Tensor {
  const places = Float32Array.from({ length: T }, (_, token) => token);
  return ops.add(ops.tensor(places, [1, T, 1]), ops.fill([B, T, 1], 0));
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
export interface StableConfig extends CapacityConfig, StableMoeConfig {
  /** 1: the best of the live scores. 2: the best of the distilled, frozen scores, as in stage 'frozen' of the layer's schedule. Default 1. */
  readonly stage?: 1 | 2;
}

/**
 * StableMoE: top-1 with weight sigmoid(live score) in both stages; which scores choose is said by `inputs.stage` or, without it, by `stage`. Without a
 * capacity nothing is dropped.
 */
export function stableRouter(config: StableConfig = {}): Router {
  const first = requireOneOf('stage', String(config.stage ?? 1), ['1', '2']) === '1';
  return {
    type: 'stable',
    route(ops, logits, inputs) {
      const { T, E } = logitSizes(ops, logits);
      const { distilledLogits, tokenMask } = inputs;
      const isLive = inputs.stage === undefined ? first : inputs.stage !== 'frozen';
      const scores = isLive ? logits : ops.stopGradient(requireInput('stable', 'distilledLogits', distilledLogits));
      const { indices } = ops.topK(scores, 1);
      const assignment = assignTokens(ops, indices, sigmoidWeights(ops, logits, indices), {
        numExperts: E,
        capacity: capacityOf(config, { numTokens: T, numExperts: E }),
        tokenMask,
      });
      return { assignment, logits, probabilities: ops.softmax(logits, -1), distilledLogits };
    },
  };
}
