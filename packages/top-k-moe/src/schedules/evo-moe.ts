// EvoMoE's course of training (Nie et al., 2021): one expert for all tokens, then experts spawned from it behind a gate that narrows as its temperature falls,
// then one expert per token.

import { requireInteger } from '@moe-rl/core';
import type { MixtureSchedule } from '@moe-rl/moe-core';
import type { ScheduledNames } from './names.ts';
import { spawnFromFirst } from './spawn-experts.ts';
import { denseToSparseTemperature } from './temperature.ts';

/** The course of router 'dense-to-sparse'. */
export interface EvoMoeConfig {
  /** Updates in which the first expert works on all tokens. Default 0: experts differ from the start. */
  readonly sharedUpdates?: number;
  /** Share of the kernels' weights that each spawned expert loses. Default 0.3. The paper's is not published. */
  readonly maskedShare?: number;
  /** Temperature of the gate at first, and at last. Default 2 and 0.3. */
  readonly maximumTemperature?: number;
  readonly minimumTemperature?: number;
  /** Default 'linear'. */
  readonly temperatureDecay?: 'linear' | 'exponential';
  /** Updates, after the shared ones, until the temperature is at its minimum. Default 100,000. */
  readonly temperatureUpdates?: number;
  /** Updates, after the shared ones, from which on only the best expert works. Default: never. */
  readonly hardUpdates?: number;
}

/** Names of the stages. */
export const evoMoeStages = { shared: 'shared', sparsify: 'sparsify', hard: 'hard' } as const;

/**
 * @param isHard only the best expert works from the start
 * @throws InvalidArgumentError naming the option, its value and the bound
 */
export function evoMoeSchedule(
  config: EvoMoeConfig & { readonly isHard?: boolean },
  { expertNames, routerNames }: ScheduledNames,
): MixtureSchedule {
  const shared = requireInteger('sharedUpdates', config.sharedUpdates ?? 0, 0);
  const decayUpdates = requireInteger('temperatureUpdates', config.temperatureUpdates ?? 100_000, 1);
  const hard = config.isHard ? 0 : requireInteger('hardUpdates', config.hardUpdates ?? Number.MAX_SAFE_INTEGER, 0);
  const temperature = {
    decayUpdates,
    maximum: config.maximumTemperature ?? 2,
    minimum: config.minimumTemperature ?? 0.3,
    decay: config.temperatureDecay ?? 'linear',
  };
  denseToSparseTemperature(0, temperature);
  const isEver = (stage: keyof typeof evoMoeStages): boolean =>
    stage === 'shared' ? shared > 0 : stage === 'sparsify' ? hard > 0 : hard < Number.MAX_SAFE_INTEGER;
  const stages = (Object.keys(evoMoeStages) as (keyof typeof evoMoeStages)[]).filter(isEver);
  return {
    stages,
    totalUpdates: shared + Math.max(decayUpdates, config.isHard ? 0 : (config.hardUpdates ?? 0)),
    advance(updates) {
      requireInteger('updates', updates, 0);
      const own = updates - shared;
      const name = own < 0 ? 'shared' : own < hard ? 'sparsify' : 'hard';
      return {
        name,
        inputs: { temperature: denseToSparseTemperature(Math.max(0, own), temperature) },
        frozen: name === 'shared' ? routerNames : [],
        losses: {},
      };
    },
    enter: (stage, rng, parameters) =>
      stage === stages[stages.indexOf('shared') + 1] && shared > 0
        ? spawnFromFirst(rng, parameters, expertNames, config.maskedShare ?? 0.3)
        : {},
  };
}
