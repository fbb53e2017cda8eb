// Simplicial embeddings (Lavoie et al., 2022) as the official MoE code has them: softmaxes with a temperature in place of experts.
import { type Rng, requireFinite, requireInteger } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { xavierUniform } from './initializers.ts';
import { type InitialParameters, type Parameters, parameter, requireShape } from './parameters.ts';

/**
 * Version 1 on a feature map [B, H, W, C]: softmax over the width axis, as the official code does it (`axis=1` of [H, W, C]), not over channels.
 * @param temperature default 0.1
 */
export function simplicialFeatureMap<Tensor>(ops: TensorOps<Tensor>, features: Tensor, temperature = 0.1): Tensor {
  requireShape(ops, 'features', features, [-1, -1, -1, -1]);
  return ops.softmax(divideBy(ops, features, temperature), 2);
}

/**
 * Softmax within each of `numGroups` groups of the last axis: the embedding of the paper. Each group sums to 1.
 * @param x [B, numGroups * V]
 */
export function simplicialEmbedding<Tensor>(
  ops: TensorOps<Tensor>,
  x: Tensor,
  numGroups: number,
  temperature = 0.1,
): Tensor {
  const [B = 0, width = 0] = ops.shape(x);
  requireInteger('numGroups', numGroups, 1);
  requireShape(ops, 'x', x, [-1, Math.ceil(width / numGroups) * numGroups]);
  const grouped = ops.reshape(x, [B, numGroups, width / numGroups]);
  return ops.reshape(ops.softmax(divideBy(ops, grouped, temperature), 2), [B, width]);
}

/** Options of version 2: a dense layer of E * H units, then a simplicial embedding with E groups. */
export interface SimplicialConfig {
  /** Width of the input. */
  readonly inputSize: number;
  /** E: groups; the official code takes the number of experts. Default 8. */
  readonly numExperts?: number;
  /** H: size of a group. Default 512. */
  readonly hiddenSize?: number;
  /** Default 0.1. */
  readonly temperature?: number;
  /** Put before the parameter names. Default 'params/Dense_0/', the official tree's. */
  readonly scope?: string;
}

function resolve(config: SimplicialConfig): { size: number; units: number; groups: number; scope: string } {
  const groups = requireInteger('numExperts', config.numExperts ?? 8, 1);
  return {
    size: requireInteger('inputSize', config.inputSize, 1),
    units: groups * requireInteger('hiddenSize', config.hiddenSize ?? 512, 1),
    groups,
    scope: config.scope ?? 'params/Dense_0/',
  };
}

/** Draws the dense layer of version 2: Xavier uniform, bias 0. */
export function initSimplicial(rng: Rng, config: SimplicialConfig): InitialParameters {
  const { size, units, scope } = resolve(config);
  return {
    [`${scope}kernel`]: { shape: [size, units], data: xavierUniform(rng, size * units, size, units) },
    [`${scope}bias`]: { shape: [units], data: new Float32Array(units) },
  };
}

/** Version 2 on flat features [B, inputSize]: [B, E * H], every group summing to 1. */
export function applySimplicial<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  features: Tensor,
  config: SimplicialConfig,
): Tensor {
  const { size, units, groups, scope } = resolve(config);
  requireShape(ops, 'features', features, [-1, size]);
  const kernel = parameter(ops, parameters, `${scope}kernel`, [size, units]);
  const bias = parameter(ops, parameters, `${scope}bias`, [units]);
  return simplicialEmbedding(ops, ops.add(ops.matmul(features, kernel), bias), groups, config.temperature);
}

function divideBy<Tensor>(ops: TensorOps<Tensor>, x: Tensor, temperature: number): Tensor {
  return ops.multiply(x, ops.fill([], 1 / requireFinite('temperature', temperature, 1e-6)));
}
