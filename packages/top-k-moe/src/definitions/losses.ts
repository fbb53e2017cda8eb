// Auxiliary losses of sparse mixtures by name: the general ones, and those that belong to one router.
import {
  type AuxiliaryLoss,
  type AuxiliaryLossOffer,
  denseToSparseBalanceLoss,
  distillationLoss,
  dynMoleBalanceLoss,
  importanceLoss,
  loadBalancingLoss,
  type MoeOutput,
  normalizedEntropy,
  routerZLoss,
  sequenceBalanceLoss,
  stableBalanceLoss,
  type TokenChoice,
} from '@moe-rl/moe-core';

const choices = <Tensor>(output: MoeOutput<Tensor>): TokenChoice<Tensor> =>
  output.routing!.assignment as TokenChoice<Tensor>;

/** Losses that fit any router whose scores are a distribution over experts, or can be made one. */
export const generalLosses: Readonly<Record<string, AuxiliaryLoss>> = {
  importance: (ops, output) => importanceLoss(ops, output.expertShares),
  loadBalancing: (ops, output) => loadBalancingLoss(ops, output.expertShares),
  routerZ: (ops, output) => routerZLoss(ops, output.routerLogits),
  entropy: (ops, output) => ops.mean(normalizedEntropy(ops, output.expertShares), [1]),
};

/** Losses that belong to one router. */
export const ownLosses = {
  sequenceBalance: (ops, output) => sequenceBalanceLoss(ops, output.routerProbabilities, choices(output)),
  stableBalance: (ops, output) => stableBalanceLoss(ops, choices(output)),
  distillation: (ops, output) => distillationLoss(ops, output.routing!.distilledLogits!, choices(output)),
  denseToSparseBalance: (ops, output) => denseToSparseBalanceLoss(ops, choices(output)),
  dynMoleBalance: (ops, output) => dynMoleBalanceLoss(ops, output.routerProbabilities, choices(output)),
} satisfies Record<string, AuxiliaryLoss>;

const owners: Record<keyof typeof ownLosses, string> = {
  sequenceBalance: 'deepseek',
  stableBalance: 'stable',
  distillation: 'stable',
  denseToSparseBalance: 'dense-to-sparse',
  dynMoleBalance: 'dynmole',
};

/** All losses of a router: general and own ones where they fit, the rest refused with the reason. */
export function lossOffers(
  traits: Readonly<Record<string, AuxiliaryLossOffer>> | undefined,
): Record<string, AuxiliaryLossOffer> {
  const offers: Record<string, AuxiliaryLossOffer> = {};
  for (const [name, loss] of Object.entries(generalLosses)) offers[name] = { loss };
  for (const [name, owner] of Object.entries(owners)) offers[name] = { refused: `it belongs to router "${owner}"` };
  return { ...offers, ...traits };
}
