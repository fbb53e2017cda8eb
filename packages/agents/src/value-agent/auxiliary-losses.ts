// Losses on the routers of a network's mixtures. The published agents use none; one ablation adds them to top-1 routing (arXiv 2402.08609 fig. 9). A loss that does
// not fit a router is refused with the reason.
import { InvalidArgumentError } from '@moe-rl/core';
import { auxiliaryLossOf, bestExpertImbalance, loadLoss, type Mixture } from '@moe-rl/moe-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AuxiliaryLossesConfig } from '../config/agent-config.ts';
import { type MoeRecord, OPS } from '../networks/moe.ts';

type LoadNoise = (shape: readonly number[], mixture: number) => Tensor;
type LossName = keyof AuxiliaryLossesConfig;

/** Names of the mixtures' own losses by the names of their weights. */
const OF_MIXTURES: Partial<Record<LossName, string>> = {
  importance: 'importance',
  loadBalance: 'loadBalancing',
  routerZ: 'routerZ',
  sequenceBalance: 'sequenceBalance',
  stableBalance: 'stableBalance',
  distillation: 'distillation',
  denseToSparseBalance: 'denseToSparseBalance',
  dynMoleBalance: 'dynMoleBalance',
};

const NAMES: readonly LossName[] = [
  'importance',
  'loadBalance',
  'load',
  'routerZ',
  'entropy',
  'sequenceBalance',
  'stableBalance',
  'distillation',
  'denseToSparseBalance',
  'dynMoleBalance',
];

/** Weights of the losses of one stage of training, by mixture: the configuration's, the same for all, and those that belong to the stage. */
export function auxiliaryWeights(
  config: AuxiliaryLossesConfig | undefined,
  mixtures: readonly Mixture[],
  ofStage: readonly Readonly<Record<string, number>>[] = [],
): readonly AuxiliaryLossesConfig[] {
  return mixtures.map((_, index) => {
    const own = ofStage[index] ?? {};
    const weightOf = (name: LossName): number => (config?.[name] ?? 0) + (own[OF_MIXTURES[name] ?? name] ?? 0);
    return Object.fromEntries(NAMES.map((name) => [name, weightOf(name)])) as unknown as AuxiliaryLossesConfig;
  });
}

/** Names of the losses with a weight in any mixture, in a fixed order. */
export function auxiliaryLossNames(weights: readonly AuxiliaryLossesConfig[]): readonly LossName[] {
  return NAMES.filter((name) => weights.some((own) => own[name] > 0));
}

/**
 * Refuses losses that do not fit the mixtures.
 * @throws InvalidArgumentError naming the setting and the reason
 */
export function requireAuxiliaryLosses(weights: readonly AuxiliaryLossesConfig[], mixtures: readonly Mixture[]): void {
  for (const name of auxiliaryLossNames(weights)) {
    for (const [index, mixture] of mixtures.entries()) {
      const weight = weights[index]![name];
      if (weight === 0) continue;
      const own = OF_MIXTURES[name];
      try {
        if (own !== undefined) auxiliaryLossOf(mixture, own);
        else if (mixture.type !== 'token-choice' && mixture.type !== 'switch')
          throw new InvalidArgumentError(
            `it is defined for the routers token-choice and switch, not for ${mixture.type}`,
          );
      } catch (cause) {
        const reason = (cause as Error).message;
        throw new InvalidArgumentError(`auxiliaryLosses.${name} is ${weight}: ${reason}`, { cause });
      }
    }
  }
}

/** Each loss of a mixture, per sample `[B]`. Where they come from is said beside their weights in `AuxiliaryLossesConfig`. */
function lossOf(name: LossName, mixture: Mixture, record: MoeRecord, index: number, noise: LoadNoise): Tensor {
  if (name === 'entropy') return bestExpertImbalance(OPS, record.expertShares);
  if (name === 'load') {
    const { routerLogits, topExperts } = record;
    const drawn = tf.mul(noise(routerLogits.shape, index), 1 / routerLogits.shape[2]!);
    return loadLoss(OPS, routerLogits, drawn, { k: topExperts.shape[2]! });
  }
  return auxiliaryLossOf(mixture, OF_MIXTURES[name]!)(OPS, record);
}

/** The weighted losses by name, each averaged over the batch and added up over the mixtures that have it. */
export function auxiliaryLosses(
  weights: readonly AuxiliaryLossesConfig[],
  mixtures: readonly Mixture[],
  records: readonly MoeRecord[],
  noise: LoadNoise,
): readonly { readonly name: string; readonly value: Tensor }[] {
  return auxiliaryLossNames(weights).map((name) => {
    const perMixture = records.flatMap((record, index) => {
      const weight = weights[index]![name];
      return weight === 0 ? [] : [tf.mul(tf.mean(lossOf(name, mixtures[index]!, record, index, noise)), weight)];
    });
    return { name, value: tf.addN(perMixture) };
  });
}
