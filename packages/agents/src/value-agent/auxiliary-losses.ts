// Losses on the routers of a network's mixtures. The published agents use none; one ablation adds them to top-1 routing (arXiv 2402.08609 fig. 9).
import { bestExpertImbalance, importanceLoss, loadBalancingLoss, loadLoss, routerZLoss } from '@moe-rl/top-k-moe';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AuxiliaryLossesConfig } from '../config/agent-config.ts';
import { type MoeRecord, OPS } from '../networks/moe.ts';

type LoadNoise = (shape: readonly number[], mixture: number) => Tensor;

/** Each loss of a mixture, per sample `[B]`. Where they come from is said beside their weights in `AuxiliaryLossesConfig`. */
const LOSSES: {
  readonly [Name in keyof AuxiliaryLossesConfig]: (mixture: MoeRecord, index: number, noise: LoadNoise) => Tensor;
} = {
  importance: ({ expertShares }) => importanceLoss(OPS, expertShares),
  loadBalance: ({ expertShares }) => loadBalancingLoss(OPS, expertShares),
  load: ({ routerLogits, topExperts }, index, noise) => {
    const experts = routerLogits.shape[2]!;
    const k = topExperts.shape[2]!;
    const drawn = tf.mul(noise(routerLogits.shape, index), 1 / experts);
    return loadLoss(OPS, routerLogits, drawn, { k });
  },
  routerZ: ({ routerLogits }) => routerZLoss(OPS, routerLogits),
  entropy: ({ expertShares }) => bestExpertImbalance(OPS, expertShares),
};

/** Names of the losses with a weight, in a fixed order. */
export function auxiliaryLossNames(
  config: AuxiliaryLossesConfig | undefined,
): readonly (keyof AuxiliaryLossesConfig)[] {
  return (Object.keys(LOSSES) as (keyof AuxiliaryLossesConfig)[]).filter((name) => (config?.[name] ?? 0) > 0);
}

/** The weighted losses by name, each averaged over the batch and added up over the mixtures; none without mixtures. */
export function auxiliaryLosses(
  config: AuxiliaryLossesConfig | undefined,
  mixtures: readonly MoeRecord[],
  noise: LoadNoise,
): readonly { readonly name: string; readonly value: Tensor }[] {
  if (mixtures.length === 0) return [];
  return auxiliaryLossNames(config).map((name) => {
    const perMixture = mixtures.map((mixture, index) => tf.mean(LOSSES[name](mixture, index, noise)));
    return { name, value: tf.mul(tf.addN(perMixture), config![name]) };
  });
}
