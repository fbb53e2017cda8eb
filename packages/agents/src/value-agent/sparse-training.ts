// Sparse training of an agent's network: when masks change, and to what. Masked weights are zeroed after every update (momentum moves them).
import { elementCount, InvalidArgumentError, type Rng } from '@moe-rl/core';
import type { SparsityConfig } from '../config/agent-config.ts';
import type { Network } from '../networks/network-interface.ts';
import {
  cosineDropFraction,
  dropAndGrow,
  erdosRenyiKernel,
  gradualSparsity,
  keptCount,
  type LayerSparsities,
  magnitudeMask,
  randomMask,
  uniformSparsity,
} from '../sparsity/index.ts';

export interface SparseTraining {
  /** Masks by parameter at the start: kernels of convolutions, dense layers and experts; not biases, not routers. */
  readonly initialMasks: Readonly<Record<string, Float32Array>>;
  /** RigL grows by the gradient of all weights. */
  readonly needsGradients: boolean;
  /** Whether the masks change instead of the update with this number. */
  changesMasksAt(update: number): boolean;
  /** Changes weights and mask of one parameter in place. */
  changeMask(
    name: string,
    update: number,
    weights: Float32Array,
    mask: Float32Array,
    gradients: Float32Array | undefined,
    rng: Rng,
  ): void;
  /** Overall share of zeros in masked kernels that the schedule aims at. */
  sparsityAt(update: number): number;
}

/**
 * Refuses a method whose masks would never change in a run.
 * @param updates of the whole run
 * @throws InvalidArgumentError naming the setting that keeps them
 */
export function requireMaskChanges(config: SparsityConfig, updates: number): void {
  if (config.method === 'none' || config.method === 'static') return;
  const { updatePeriodUpdates: period } = config;
  const start = config.method === 'pruning' ? config.startUpdates : 0;
  // Pruning has a sparsity of 0 at its start itself.
  const first = period * (Math.floor(start / period) + 1);
  if (first < updates) return;
  const [name, value] = start >= updates ? ['startUpdates', start] : ['updatePeriodUpdates', period];
  throw new InvalidArgumentError(
    `sparsity.${name} is ${value}, so masks first change at update ${first}, and the run has ${updates} updates: they would never change; expected less`,
  );
}

/** @throws InvalidArgumentError for noisy networks, whose weights have two parts */
export function createSparseTraining(config: SparsityConfig, network: Network, rng: Rng): SparseTraining | undefined {
  if (config.method === 'none') return undefined;
  if (network.config.noisy) {
    throw new InvalidArgumentError(
      `sparsity.method is "${config.method}" and network.noisy is true; expected one of them off`,
    );
  }
  const routers = new Set(network.routerParameters);
  const shapes = Object.fromEntries(
    Object.entries(network.parameterShapes)
      .filter(([name, { shape }]) => shape.length >= 2 && name.endsWith('kernel') && !routers.has(name))
      .map(([name, { shape }]) => [name, shape]),
  );
  const distribute = (sparsity: number): LayerSparsities =>
    config.distribution === 'erk' ? erdosRenyiKernel(shapes, sparsity).sparsities : uniformSparsity(shapes, sparsity);
  const isPruning = config.method === 'pruning';
  const isDropAndGrow = config.method === 'set' || config.method === 'rigl';
  const initial = distribute(isPruning ? 0 : config.sparsity);
  const initialMasks: Record<string, Float32Array> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const size = elementCount(shape);
    initialMasks[name] = isPruning
      ? new Float32Array(size).fill(1)
      : randomMask(rng.fork(name), size, keptCount(size, initial[name]!));
  }
  const sparsityAt = (update: number): number =>
    isPruning ? gradualSparsity(config.sparsity, update, config.startUpdates, config.endUpdates) : config.sparsity;
  return {
    initialMasks,
    needsGradients: config.method === 'rigl',
    sparsityAt,
    changesMasksAt(update) {
      if (config.method === 'static' || update === 0 || update % config.updatePeriodUpdates !== 0) return false;
      if (config.method !== 'pruning') return update <= config.endUpdates;
      // The first change at or after the end makes the sparsity final (Zhu and Gupta, arXiv 1710.01878), where the end is no multiple of the period.
      return update >= config.startUpdates && update - config.updatePeriodUpdates < config.endUpdates;
    },
    changeMask(name, update, weights, mask, gradients, stream) {
      if (isPruning) {
        // Masked weights are 0, so the largest magnitudes are among the active ones: pruning never comes back.
        mask.set(magnitudeMask(weights, distribute(sparsityAt(update))[name]!));
        for (let index = 0; index < weights.length; index++) weights[index]! *= mask[index]!;
        return;
      }
      if (!isDropAndGrow) return;
      const fraction = cosineDropFraction(config.dropFraction, update, config.endUpdates);
      dropAndGrow(
        weights,
        mask,
        fraction,
        gradients ? { method: 'gradient', gradients } : { method: 'random', rng: stream },
      );
    },
  };
}
