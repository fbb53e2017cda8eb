// StableMoE's course of training (Dai et al., 2022): a router that learns with a balance loss while a light one is distilled from it; then the light one is
// frozen and decides, so that the assignment no longer moves.
import { requireInteger } from '@moe-rl/core';
import type { MixtureSchedule } from '@moe-rl/moe-core';
import type { ScheduledNames } from './names.ts';

/** The course of router 'stable'. */
export interface StableMoeConfig {
  /** Updates of the first stage; 0: no distilled router, and `stage` alone decides. Default 10,000. The paper's is a tenth of the training. */
  readonly distillationUpdates?: number;
}

/** Weight of the balance and the distillation loss in the first stage, as released. */
const LOSS_WEIGHT = 0.3;

/** Undefined where there is no distilled router. */
export function stableMoeSchedule(
  config: StableMoeConfig,
  { distilledNames, numTokens }: ScheduledNames,
): MixtureSchedule | undefined {
  const distillation = requireInteger('distillationUpdates', config.distillationUpdates ?? 10_000, 0);
  if (distillation === 0) return undefined;
  // Both losses are sums over tokens, and so is the paper's task loss; a task loss that is a mean wants means.
  const weight = LOSS_WEIGHT / numTokens;
  return {
    stages: ['distill', 'frozen'],
    totalUpdates: distillation,
    advance: (updates) =>
      requireInteger('updates', updates, 0) < distillation
        ? { name: 'distill', inputs: {}, frozen: [], losses: { stableBalance: weight, distillation: weight } }
        : { name: 'frozen', inputs: {}, frozen: distilledNames, losses: {} },
    enter: () => ({}),
  };
}
