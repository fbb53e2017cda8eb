// How much of each layer a sparse network keeps: Erdos-Renyi-Kernel (Evci et al. 2020, "Rigging the lottery") or the same share everywhere.
import { elementCount, InvalidArgumentError, requireFinite } from '@moe-rl/core';

/** Sparsity (share of zeros) per layer. */
export type LayerSparsities = Readonly<Record<string, number>>;

/**
 * Erdos-Renyi-Kernel: layer l keeps a share proportional to `q_l = (sum of its dimensions) / (product of its dimensions)`; a layer that would keep more
 * than all of itself stays dense, and the others make up for it. (google-research/rigl, sparse_utils.py.)
 * @param shapes kernel shapes by layer
 * @param sparsity overall share of zeros, in [0, 1)
 * @param power of q_l: 1 is Erdos-Renyi-Kernel itself, 0 the same share everywhere (`erk_power_scale` of the official code)
 */
export function erdosRenyiKernel(
  shapes: Readonly<Record<string, readonly number[]>>,
  sparsity: number,
  power = 1,
): { readonly sparsities: LayerSparsities; readonly epsilon: number } {
  requireFinite('sparsity', sparsity, 0, 1);
  requireFinite('power', power, 0);
  if (sparsity === 1) throw new InvalidArgumentError('sparsity is 1; expected less');
  const layers = Object.entries(shapes).map(([name, shape]) => {
    const size = elementCount(shape);
    return { name, size, raw: (shape.reduce((sum, dimension) => sum + dimension, 0) / size) ** power };
  });
  const dense = new Set<string>();
  for (;;) {
    let divisor = 0;
    let kept = 0;
    for (const { name, size, raw } of layers) {
      const zeros = Math.floor(size * sparsity);
      if (dense.has(name)) {
        kept -= zeros;
      } else {
        kept += size - zeros;
        divisor += raw * size;
      }
    }
    const epsilon = divisor === 0 ? 0 : kept / divisor;
    const largest = layers.filter(({ name }) => !dense.has(name)).reduce((most, { raw }) => Math.max(most, raw), 0);
    if (largest * epsilon > 1) {
      for (const { name, raw } of layers) if (raw === largest) dense.add(name);
      continue;
    }
    return {
      sparsities: Object.fromEntries(layers.map(({ name, raw }) => [name, dense.has(name) ? 0 : 1 - epsilon * raw])),
      epsilon,
    };
  }
}

/** Every layer at the overall sparsity. */
export function uniformSparsity(
  shapes: Readonly<Record<string, readonly number[]>>,
  sparsity: number,
): LayerSparsities {
  requireFinite('sparsity', sparsity, 0, 1);
  return Object.fromEntries(Object.keys(shapes).map((name) => [name, sparsity]));
}

/** Weights that a layer of `size` keeps at this sparsity: `size - floor(sparsity size)`, at least one. */
export function keptCount(size: number, sparsity: number): number {
  return Math.max(1, size - Math.floor(sparsity * size));
}
