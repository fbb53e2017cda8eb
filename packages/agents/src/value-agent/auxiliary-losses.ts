// Losses on the routers of a network's mixtures. The published agents use none; one ablation adds them to top-1 routing (arXiv 2402.08609 fig. 9).
import { importanceLoss, loadBalancingLoss, routerZLoss } from '@moe-rl/top-k-moe';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AuxiliaryLossesConfig } from '../config/agent-config.ts';
import { type MoeRecord, OPS } from '../networks/moe.ts';

/** The weighted sum over all mixtures, each averaged over the batch; undefined where every weight is 0. */
export function auxiliaryLoss(
  config: AuxiliaryLossesConfig | undefined,
  mixtures: readonly MoeRecord[],
): Tensor | undefined {
  if (config === undefined) return undefined;
  const terms: Tensor[] = [];
  for (const mixture of mixtures) {
    if (config.importance > 0)
      terms.push(tf.mul(tf.mean(importanceLoss(OPS, mixture.expertShares)), config.importance));
    if (config.loadBalance > 0)
      terms.push(tf.mul(tf.mean(loadBalancingLoss(OPS, mixture.expertShares)), config.loadBalance));
    if (config.routerZ > 0) terms.push(tf.mul(tf.mean(routerZLoss(OPS, mixture.routerLogits)), config.routerZ));
  }
  return terms.length === 0 ? undefined : tf.addN(terms);
}
