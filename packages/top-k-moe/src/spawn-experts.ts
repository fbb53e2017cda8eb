// EvoMoE's first step: many experts out of one.
import { InvalidArgumentError, type Rng, requireInteger } from '@moe-rl/core';
import type { InitialParameters } from '@moe-rl/moe-core';

/**
 * EvoMoE's expert-diversify: E experts out of one trained MLP, each with a random share of the weights set to zero.
 * @param trained one expert's parameters, with a leading axis of 1 (a layer with `numExperts: 1`)
 * @param maskedShare share of the kernels' weights that each expert loses, from 0 (all equal) to 1
 * @throws InvalidArgumentError for a share out of range or parameters of more than one expert
 */
export function spawnExperts(
  rng: Rng,
  trained: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  numExperts: number,
  maskedShare: number,
): InitialParameters {
  requireInteger('numExperts', numExperts, 1);
  if (!(maskedShare >= 0 && maskedShare <= 1)) {
    throw new InvalidArgumentError(`maskedShare is ${maskedShare}; expected a number from 0 to 1`);
  }
  return Object.fromEntries(
    Object.entries(trained).map(([name, { shape, data }]) => {
      if (shape[0] !== 1) throw new InvalidArgumentError(`${name} has shape [${shape}]; expected one expert, [1, ...]`);
      const isKernel = name.endsWith('kernel');
      const copies = Float32Array.from({ length: numExperts * data.length }, (_, index) => {
        const isMasked = isKernel && rng.nextFloat() < maskedShare;
        return isMasked ? 0 : data[index % data.length]!;
      });
      return [name, { shape: [numExperts, ...shape.slice(1)], data: copies }];
    }),
  );
}
